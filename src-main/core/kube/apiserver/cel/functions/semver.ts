import type { Implementations } from '../language/interpreter.ts';
import { Failure, LibraryValue } from '../language/values.ts';
import { ordered } from './ordered.ts';

class CelSemver extends LibraryValue {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly string[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelSemver && compareSemver(this, other) === 0;
  }
}

const semverPattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Takes `v`, missing numbers and leading zeros away. */
function normalized(text: string): string {
  const [, numbers = '', rest = ''] = /^v?([\d.]*)(.*)$/.exec(text) ?? [];
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return parts.join('.') + rest;
}

function parseSemver(text: string, normalize = false): CelSemver | undefined {
  const match = semverPattern.exec(normalize ? normalized(text) : text);
  if (!match) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre] = match;
  const parts = pre?.split('.') ?? [];
  if (parts.some((part) => /^0\d+$/.test(part))) return undefined;
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], parts);
}

const sign = (a: bigint | string, b: bigint | string): number => (a < b ? -1 : a > b ? 1 : 0);

function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  for (const [i, own] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const [x, y] = [/^\d+$/.test(own), /^\d+$/.test(other)];
    const order = x && y ? sign(BigInt(own), BigInt(other)) : x ? -1 : y ? 1 : sign(own, other);
    if (order !== 0) return order;
  }
  return a.length < b.length ? -1 : 0;
}

function compareSemver(a: CelSemver, b: CelSemver): number {
  for (const i of [0, 1, 2] as const) {
    const order = sign(a.numbers[i], b.numbers[i]);
    if (order !== 0) return order;
  }
  return comparePre(a.pre, b.pre);
}

const semverOf = (text: string, normalize = false): CelSemver | Failure =>
  parseSemver(text, normalize) ?? new Failure('No Major.Minor.Patch elements found');

/** `semver('1.2.3')`. @see k8s.io/apiserver/pkg/cel/library/semverlib.go */
export const semver: Implementations = {
  string_to_semver: (text: string) => semverOf(text),
  string_bool_to_semver: semverOf,
  is_semver_string: (text: string) => parseSemver(text) !== undefined,
  is_semver_string_bool: (text: string, normalize: boolean) =>
    parseSemver(text, normalize) !== undefined,
  semver_major: ({ numbers }: CelSemver) => numbers[0],
  semver_minor: ({ numbers }: CelSemver) => numbers[1],
  semver_patch: ({ numbers }: CelSemver) => numbers[2],
  ...ordered('semver', compareSemver),
};
