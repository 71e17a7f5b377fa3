/**
 * Whether a typed answer is one of the right ones. Runs of white space, the case of letters, quotation marks
 * around words and a full stop at the end do not matter; what stands inside does.
 */
export function isTypedAnswer(answer: string, answers: readonly string[]): boolean {
  const given = normalised(answer);
  return given !== '' && answers.some((right) => normalised(right) === given);
}

function normalised(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/["'`‘’“”]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.。]$/, '');
}
