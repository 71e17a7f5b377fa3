import type { Implementations } from '../language/interpreter.ts';

/** `compareTo`, `isGreaterThan` and `isLessThan` of a type; its overloads begin with its name. */
export const ordered = <T>(name: string, compare: (a: T, b: T) => number): Implementations => ({
  [`${name}_compare_to`]: (a: T, b: T) => BigInt(compare(a, b)),
  [`${name}_is_greater_than`]: (a: T, b: T) => compare(a, b) > 0,
  [`${name}_is_less_than`]: (a: T, b: T) => compare(a, b) < 0,
});
