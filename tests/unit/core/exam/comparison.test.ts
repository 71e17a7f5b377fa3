import { describe, expect, test } from 'vitest';
import type { Matcher } from '../../../../src-main/core/exam/assertion.ts';
import { describeMatcher, matches } from '../../../../src-main/core/exam/comparison.ts';
import { readPath, withoutPath } from '../../../../src-main/core/exam/field-path.ts';
import { safePattern } from '../../../../src-main/core/exam/safe-pattern.ts';

const holds: { why: string; value: unknown; matcher: Matcher }[] = [
  { why: 'number', value: 3, matcher: { equals: 3 } },
  { why: 'a number written as text', value: '8080', matcher: { equals: 8080 } },
  {
    why: 'objects in any order of keys',
    value: { a: 1, b: 2 },
    matcher: { equals: { b: 2, a: 1 } },
  },
  { why: 'null stands for absence', value: undefined, matcher: { equals: null } },
  { why: 'half a core', value: '0.5', matcher: { equals: '500m', compare: 'quantity' } },
  { why: 'gibibytes', value: '1024Mi', matcher: { equals: '1Gi', compare: 'quantity' } },
  { why: 'at least a quantity', value: '2Gi', matcher: { atLeast: '1500Mi', compare: 'quantity' } },
  { why: 'set', value: ['list', 'get'], matcher: { equals: ['get', 'list'], compare: 'set' } },
  { why: 'octal mode', value: 256, matcher: { equals: '0400', compare: 'mode' } },
  { why: 'mode in a list', value: [256], matcher: { contains: '0400', compare: 'mode' } },
  { why: 'semver', value: 'v1.36.3', matcher: { atLeast: 'v1.36', compare: 'semver' } },
  { why: 'duration', value: '90s', matcher: { equals: '1m30s', compare: 'duration' } },
  { why: 'duration of bare seconds', value: 300, matcher: { equals: '5m', compare: 'duration' } },
  {
    why: 'subset, also inside lists',
    value: { tolerations: [{ key: 'a', effect: 'NoSchedule' }, { key: 'b' }], x: 1 },
    matcher: { equals: { tolerations: [{ key: 'a' }] }, compare: 'subset' },
  },
  { why: 'one of', value: 'http', matcher: { oneOf: [80, 'http'] } },
  { why: 'pattern', value: 'nginx:1.27-alpine', matcher: { matches: '^nginx:1\\.2\\d' } },
  { why: 'part of a text', value: 'a: request 3', matcher: { contains: 'request' } },
  { why: 'existence', value: 0, matcher: { exists: true } },
];

describe('matches', () => {
  test.each(holds)('$why holds', ({ value, matcher }) => {
    expect(matches(value, matcher)).toBe(true);
  });

  test.each<{ why: string; value: unknown; matcher: Matcher }>([
    { why: 'absence', value: undefined, matcher: { equals: 3 } },
    { why: 'order of a list', value: [1, 2], matcher: { equals: [2, 1], compare: 'list' } },
    {
      why: 'a larger set',
      value: ['get', 'list', '*'],
      matcher: { equals: ['get', 'list'], compare: 'set' },
    },
    { why: 'another quantity', value: '501m', matcher: { equals: '0.5', compare: 'quantity' } },
    { why: 'no quantity at all', value: 'much', matcher: { atLeast: '1', compare: 'quantity' } },
    { why: '0644 is not 0400', value: 420, matcher: { equals: '0400', compare: 'mode' } },
    { why: 'an older version', value: '1.35.9', matcher: { atLeast: '1.36', compare: 'semver' } },
    { why: 'two demands, one kept', value: 5, matcher: { atLeast: 1, atMost: 4 } },
  ])('$why does not hold', ({ value, matcher }) => {
    expect(matches(value, matcher)).toBe(false);
  });

  test('a demand is told in signs', () => {
    expect(describeMatcher({ atLeast: 1, atMost: 3 })).toBe('≥ 1, ≤ 3');
    expect(describeMatcher({ oneOf: ['a', 2] })).toBe('∈ {a, 2}');
  });
});

const pod = {
  metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
  spec: { containers: [{ name: 'web', ports: [{ port: 80 }] }, { name: 'log' }] },
};

test.each([
  { path: 'spec.containers[name=web].ports[0].port', value: 80 },
  { path: 'spec.containers[*].name', value: ['web', 'log'] },
  { path: "metadata.labels['app.kubernetes.io/name']", value: 'web' },
  { path: 'spec.containers[name=web].ports[port=80].port', value: 80 },
  { path: 'spec.containers[7].name', value: undefined },
  { path: 'spec.toString', value: undefined },
])('$path reads $value', ({ path, value }) => {
  expect(readPath(pod, path)).toEqual(value);
});

test('a path that cannot be read is named', () => {
  expect(() => readPath(pod, 'spec..a')).toThrow('path "spec..a": cannot read ..a');
});

test('a path is taken out of a copy', () => {
  expect(withoutPath({ a: { b: 1, c: 2 } }, 'a.b')).toEqual({ a: { c: 2 } });
  expect(withoutPath({ a: [{ n: 1 }, { n: 2 }] }, 'a[n=1]')).toEqual({ a: [{ n: 2 }] });
});

test.each(['(a+)+b', '(a|aa)*', '(?=x)', '(x)\\1', '(?<n>x)', '((a*)b)*', 'x'.repeat(201), '('])(
  'pattern %s is refused',
  (pattern) => {
    expect(() => safePattern(pattern)).toThrow('pattern ');
  },
);

test.each(['^ERROR \\d{3}$', 'nginx:(1\\.27|latest)', '(?:abc)+', '[a-z]+-[0-9]*'])(
  'pattern %s is allowed',
  (pattern) => {
    expect(safePattern(pattern)).toBeInstanceOf(RegExp);
  },
);
