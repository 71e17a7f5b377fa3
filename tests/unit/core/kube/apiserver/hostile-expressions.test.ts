import { describe, expect, test } from 'vitest';
import { untypedSelf } from './cel/self.ts';
import { validateSchema } from '../../../../../src-main/core/kube/apiserver/crds/validation.ts';
import { compileRuleTree } from '../../../../../src-main/core/kube/apiserver/crds/rule-programs.ts';
import { validateRules } from '../../../../../src-main/core/kube/apiserver/crds/rules.ts';

/** Generous for a machine under load; what backtracks or grows without bound takes minutes. */
const limitMs = 5000;

function inTime<T>(run: () => T): T {
  const started = performance.now();
  const result = run();
  expect(performance.now() - started).toBeLessThan(limitMs);
  return result;
}

describe('patterns that make others back-track', () => {
  const text = `${'a'.repeat(20_000)}!`;
  test.each(['^(a+)+$', '^(a|aa)+$', '^(a|a?)+$', '^(.*a){20}$', '(x+x+)+y', '^((a*)*)*$'])(
    '%s',
    (pattern) => {
      const errors = inTime(() => validateSchema({ type: 'string', pattern }, text, 'spec'));
      expect(errors).toHaveLength(1);
    },
  );
});

describe('expressions that would run for ever', () => {
  const dear = 'operation cancelled: actual cost limit exceeded';
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  test.each([
    [
      'comprehensions within comprehensions',
      'self.all(a, self.all(b, self.all(c, self.all(d, true))))',
    ],
    [
      'texts of all threes',
      'self.map(a, self.map(b, self.map(c, string(a) + string(b) + string(c)))).size() > 0',
    ],
    ['lists of lists', 'self.map(a, self.map(b, self.map(c, self)))== []'],
    [
      'sorting of what was joined',
      '(self + self + self + self + self + self + self + self + self + self + self + self).sort() == []',
    ],
    ['a range', 'lists.range(100000000).size() > 0'],
  ])('%s: the cost ends them', (_, expression) => {
    expect(inTime(() => untypedSelf(expression, numbers))).toBe(dear);
  });

  test('macros cannot double without end', () => {
    const doubled = Array.from({ length: 60 }, (_, i) => `optMap(x${i}, x${i} + x${i})`).join('.');
    const result = inTime(() => untypedSelf(`optional.of('ab').${doubled}.hasValue()`, 1));
    expect(result).toContain('expression expands to more than 100000 nodes');
  });

  test.each([
    ['parentheses', `${'('.repeat(300)}1${')'.repeat(300)}`],
    ['fields', `self${'.a'.repeat(300)}`],
    ['sums', `1${' + 1'.repeat(300)}`],
    ['macros', `${'[1].all(x, '.repeat(300)}true${')'.repeat(300)}`],
  ])('%s 300 deep are not read', (_, expression) => {
    expect(inTime(() => untypedSelf(expression, 1))).toContain(
      'expression recursion limit exceeded: 250',
    );
  });

  test('an expression of more than 100,000 characters is not read', () => {
    expect(untypedSelf(`'${'a'.repeat(100_001)}' == ''`, 1)).toContain(
      'expression code point size exceeds limit: size: 100009, limit 100000',
    );
  });

  test('the rules of one object have a budget together', () => {
    const rule = 'self.all(a, self.all(b, a + b >= 0))';
    const tree = compileRuleTree({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [
          `f${i}`,
          {
            type: 'array',
            items: { type: 'integer' },
            'x-kubernetes-validations': [{ rule }],
          },
        ]),
      ),
    });
    if (!tree) throw new Error('there are rules');
    const list = Array.from({ length: 300 }, (_, i) => i);
    const object = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, list]));
    const errors = inTime(() => validateRules(tree, object, undefined));
    expect(errors.map(({ message }) => message)).toEqual([
      'Invalid value: "array": validation failed due to running out of cost budget, no further validation rules will be run',
    ]);
  });
});
