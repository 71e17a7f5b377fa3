import { describe, expect, test } from 'vitest';
import { compileRegexp } from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';
import { untypedSelf } from './self.ts';

test.each<[string, unknown, unknown]>([
  ["self.copies <= 10 || self.mode == 'bulk'", { copies: 20, mode: 'fast' }, false],
  ['has(self.a) ? self.a == 1 : true', {}, true],
  ['self.all(x, x > 1)', [2, 3], true],
  ["self.matches('^a+$')", 'aaa', true],
  ["self == 'x.matches(y)'", 'x.matches(y)', true],
  ["quantity(self).isGreaterThan(quantity('1Gi'))", '2Gi', true],
  ['isQuantity(self)', 'x', false],
  ['self.sum() == 5', [2, 3], true],
  ['self.isSorted()', [2, 1], false],
  ["url(self).getHost() == 'a.b'", 'https://a.b/c', true],
  ["self.find('b+')", 'abbc', 'bb'],
  ["self.replace('a', 'b')", 'aa', 'bb'],
  ['self.x', {}, 'no such key: x'],
  ['self[3]', [1], 'index out of bounds: 3'],
  [
    'self.all(a, self.all(b, self.all(c, self.all(d, true))))',
    Array.from({ length: 100 }, () => 1),
    'operation cancelled: actual cost limit exceeded',
  ],
])('%s', (expression, self, expected) => {
  expect(untypedSelf(expression, self)).toEqual(expected);
});

describe('regular expressions', () => {
  test.each<[string, string, boolean]>([
    ['^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+$', '0 2 * * *', true],
    ['^\\d{1,3}(\\.\\d+)?$', '12.5', true],
    ['^\\d{1,3}(\\.\\d+)?$', '1234', false],
    ['(?i)hello', 'say HELLO', true],
    ['\\bfoo\\b', 'afoo', false],
    ['^(a|bc)*$', 'abca', true],
    ['^[[:alpha:]_-]+$', 'a_b-C', true],
    ['^\\p{Lu}', 'É', true],
    ['^a{2,}$', 'a', false],
    ['^$', '', true],
    ['(?P<n>x)y', 'axy', true],
  ])('%s on %s is %s', (pattern, text, expected) => {
    expect(compileRegexp(pattern).test(text)).toBe(expected);
  });

  test('agree with JavaScript where the syntax is shared', () => {
    const patterns = [
      'a*b',
      '(ab|a)c?',
      '[^a-c]+',
      'x?y+?z',
      '^(?:a|b)+$',
      'a.c',
      '(a*)*b',
      'b{1,2}c',
    ];
    const inputs = ['', 'aab', 'abc', 'xyz', 'ac', 'bbc', 'ddd', 'a\nc', 'xyyz'];
    for (const pattern of patterns)
      for (const input of inputs)
        expect(compileRegexp(pattern).find(input)?.start, `${pattern} on ${input}`).toBe(
          new RegExp(pattern).exec(input)?.index,
        );
  });

  test('never back-track', () => {
    // A backtracking matcher would not come back before the test's time limit.
    expect(compileRegexp('^(a+)+$').test(`${'a'.repeat(20_000)}b`)).toBe(false);
  });

  test.each([
    ['a(b', 'error parsing regexp: missing closing ): `a(b`'],
    ['*a', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
  ])('%s is refused', (pattern, message) => {
    expect(() => compileRegexp(pattern)).toThrow(message);
  });
});
