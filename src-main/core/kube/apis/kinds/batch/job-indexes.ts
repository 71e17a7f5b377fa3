/** First and last index of an interval such as `3-5`, or what is wrong with it, in upstream's words. */
function interval(text: string, completions: number): readonly [number, number] | string {
  const parts = text.split('-');
  if (parts.length > 2) {
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  const limits: number[] = [];
  for (const part of parts) {
    if (!/^\+?\d+$/.test(part)) {
      return `cannot convert string to integer for index: ${JSON.stringify(part)}`;
    }
    if (Number(part) >= completions) return `too large index: ${JSON.stringify(part)}`;
    limits.push(Number(part));
  }
  const [first = 0, last = first] = limits;
  return parts.length > 1 && first >= last ? notIncreasing(first, last) : [first, last];
}

const notIncreasing = (previous: number, current: number): string =>
  `non-increasing order, previous: ${previous}, current: ${current}`;

/**
 * How many indexes a text such as `1,3-5` names.
 *
 * @returns the fault as text when it is none.
 * @see validateIndexesFormat
 */
export function totalIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let total = 0;
  let last: number | undefined;
  for (const part of text.split(',')) {
    const read = interval(part, completions);
    if (typeof read === 'string') return read;
    if (last !== undefined && last >= read[0]) return notIncreasing(last, read[0]);
    total += read[1] - read[0] + 1;
    last = read[1];
  }
  return total;
}

/** The first index both texts name; intervals that cannot be read are passed over. */
export function firstOverlap(a: string, b: string, completions: number): number | undefined {
  const read = (text: string): (readonly [number, number])[] =>
    text === ''
      ? []
      : text
          .split(',')
          .map((part) => interval(part, completions))
          .filter((limits) => typeof limits !== 'string');
  const [left, right] = [read(a), read(b)];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    const [x, y] = [left[i] as readonly [number, number], right[j] as readonly [number, number]];
    if (x[0] <= y[1] && y[0] <= x[1]) return Math.max(x[0], y[0]);
    if (x[0] <= y[0]) i += 1;
    else j += 1;
  }
  return undefined;
}
