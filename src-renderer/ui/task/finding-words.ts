/** Words for the signs in which the grader writes what it expected and what it found. */
export interface FindingWords {
  readonly present: string;
  readonly nothing: string;
  readonly or: string;
  readonly not: string;
  readonly contains: string;
  readonly oneOf: string;
}

/** A finding of the grader with its signs of logic as words; `=`, `≥` and paths of fields stay. */
export function findingInWords(finding: string, words: FindingWords): string {
  return finding
    .replaceAll('≠ ∅', words.present)
    .replaceAll('∅', words.nothing)
    .replaceAll('∨', words.or)
    .replaceAll('¬', words.not)
    .replaceAll('∋', words.contains)
    .replaceAll('∈', words.oneOf);
}
