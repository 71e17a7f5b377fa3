const longest = 200;

/**
 * A regular expression that cannot run away: no look-around, no back-reference, and no repetition of a group
 * that itself repeats. Packs of strangers may carry patterns, and the core must never hang on one.
 *
 * @throws Error naming what is not allowed.
 */
export function safePattern(pattern: string): RegExp {
  const problem = problemOf(pattern);
  if (problem) throw new Error(`pattern ${JSON.stringify(pattern)}: ${problem}`);
  return new RegExp(pattern, 'm');
}

function problemOf(pattern: string): string | undefined {
  if (pattern.length > longest) return `longer than ${longest} characters`;
  if (/\(\?(?!:)/.test(pattern)) return 'look-around and named groups are not allowed';
  const plain = pattern.replace(/\\[^\dk]/g, '_').replace(/\[[^\]]*\]/g, '_');
  if (/\\[\dk]/.test(plain)) return 'back-references are not allowed';
  // Groups are taken away from the inside out; one that repeats and holds a repetition is refused.
  let rest = plain;
  for (;;) {
    const match = /\((?:\?:)?([^()]*)\)([*+?]|\{\d+,?\d*\})?/.exec(rest);
    if (!match) break;
    const [whole, inside = '', repeat] = match;
    const holdsRepetition = /[*+]|\{\d+,/.test(inside) || inside.includes('\u0001');
    if (repeat && repeat !== '?' && (holdsRepetition || inside.includes('|')))
      return 'a repeated group must not hold a repetition or alternatives';
    rest = rest.replace(whole, holdsRepetition || (repeat && repeat !== '?') ? '\u0001' : '_');
  }
  try {
    new RegExp(pattern, 'm');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
