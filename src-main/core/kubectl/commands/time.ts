import { CommandError } from '../errors.ts';

/** The elements of RFC 3339 by Go's names for them. */
const timeLayout: readonly (readonly [string, RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^(?:0[1-9]|1[0-2])/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d(?:\.\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)$/],
];

/** @throws CommandError no time of RFC 3339, in Go's words. */
export function checkTime(value: string): void {
  let rest = value;
  for (const [element, form] of timeLayout) {
    if (!form.test(rest))
      throw new CommandError(
        `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`,
      );
    rest = rest.replace(form, '');
  }
}
