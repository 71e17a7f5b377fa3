import type { Fields } from '../patches/subjects.ts';
import { integer, keyed, list, mapOf, object, ruled, short, string } from './schemas.ts';

/** A part of the object of experiments: its schema, and what is written to it, one after the other. */
export type Experiment = readonly [name: string, schema: Fields, ...values: unknown[]];

export const absent = Symbol('absent');
export const pair = object({ k: short, v: integer }, { required: ['k'] });

export const experiments: readonly Experiment[] = [
  ['plain', ruled(integer, 'self > 1'), 2, 1, 1, 0],
  ['message', ruled(integer, { rule: 'self > 1', message: ' must be more ' }), 2, 1],
  ['two', ruled(integer, 'self > 1', 'self > 2', 'self > 0'), 3, 2, 1, 0],
  ['text', ruled(string, "self.startsWith('a')"), 'abc', 'b', '', 'ä"<>'],
  [
    'object',
    ruled(object({ a: integer, b: integer }), 'self.a < self.b'),
    { a: 1, b: 2 },
    { a: 2, b: 1 },
    { a: 1 },
    {},
  ],
  [
    'has',
    ruled(object({ a: integer, b: integer }), 'has(self.a) == has(self.b)'),
    {},
    { a: 1 },
    { a: 1, b: 1 },
  ],
  [
    'list',
    ruled(list(integer, { maxItems: 10 }), 'self.all(x, x > 0)', 'self.size() < 3'),
    [1],
    [0],
    [1, 2, 3],
    [],
  ],
  ['items', list(ruled(integer, 'self != 3'), { maxItems: 10 }), [1, 2], [3], [1, 3, 3]],
  [
    'map',
    ruled(mapOf(integer, { maxProperties: 5 }), 'self.all(k, self[k] > 0)'),
    { a: 1 },
    { a: 0 },
    {},
  ],
  [
    'values',
    mapOf(ruled(integer, 'self != 3'), { maxProperties: 5 }),
    { a: 1 },
    { a: 3, 'b.c/d': 3 },
  ],
  [
    'fixed',
    ruled(string, { rule: 'self == oldSelf', message: 'is fixed' }),
    'a',
    'a',
    'b',
    absent,
    'b',
  ],
  ['grows', ruled(integer, 'self >= oldSelf'), 1, 2, 1],
  [
    'keep',
    ruled(object({ a: integer }), {
      rule: '!has(oldSelf.a) || has(self.a)',
      message: 'a may not go',
    }),
    { a: 1 },
    {},
  ],
  [
    'optional',
    ruled(integer, {
      rule: 'oldSelf.hasValue() || self == 1',
      optionalOldSelf: true,
      message: 'begins at 1',
    }),
    2,
    1,
    2,
  ],
  [
    'keyed',
    list(ruled(pair, { rule: '!has(oldSelf.v) || self.v >= oldSelf.v', message: 'v only grows' }), {
      ...keyed,
      maxItems: 5,
    }),
    [
      { k: 'a', v: 1 },
      { k: 'b', v: 5 },
    ],
    [
      { k: 'b', v: 5 },
      { k: 'a', v: 2 },
    ],
    [
      { k: 'a', v: 0 },
      { k: 'c', v: 0 },
    ],
    [{ k: 'b', v: 1 }],
  ],
  ['ratchet', ruled(object({ a: integer, b: integer }), 'self.a != 9'), { a: 9 }, { a: 1 }],
  [
    'path',
    ruled(
      object({ a: integer, m: mapOf(integer) }),
      { rule: 'self.a > 1', fieldPath: '.a', message: 'at a' },
      { rule: 'self.a > 1', fieldPath: ".m['x.y']", reason: 'FieldValueRequired' },
    ),
    { a: 2 },
    { a: 1 },
  ],
  [
    'forbidden',
    ruled(integer, { rule: 'self > 1', reason: 'FieldValueForbidden', message: 'no' }),
    1,
  ],
  [
    'required',
    ruled(integer, { rule: 'self > 1', reason: 'FieldValueRequired', message: 'yes' }),
    1,
  ],
  [
    'duplicate',
    ruled(integer, { rule: 'self > 1', reason: 'FieldValueDuplicate', message: 'twice' }),
    1,
  ],
  [
    'duplicates',
    ruled(object({ a: integer }), {
      rule: 'self.a > 1',
      reason: 'FieldValueDuplicate',
      message: 'twice',
    }),
    { a: 1 },
  ],
  [
    'told',
    ruled(integer, { rule: 'self > 1', messageExpression: 'self == 1 ? "is one" : "is less"' }),
    1,
    0,
  ],
  [
    'toldNothing',
    ruled(integer, { rule: 'self > 1', messageExpression: '""', message: 'fallback' }),
    1,
  ],
  ['toldLines', ruled(integer, { rule: 'self > 1', messageExpression: '"a\\nb"' }), 1],
  [
    'toldFault',
    ruled(integer, {
      rule: 'self > 1',
      messageExpression: '1 / self == 1 ? "one" : "more"',
      message: 'fallback',
    }),
    0,
  ],
  [
    'toldOld',
    ruled(integer, {
      rule: 'self > oldSelf',
      messageExpression: 'oldSelf == 1 ? "was one" : "was another"',
    }),
    1,
    1,
  ],
  ['divide', ruled(integer, '1 / self == 1'), 1, 0],
  ['index', ruled(list(integer, { maxItems: 5 }), 'self[1] == 2'), [1, 2], [1]],
  ['key', ruled(mapOf(integer, { maxProperties: 5 }), "self['a'] == 1"), { a: 1 }, { b: 1 }],
  ['overflow', ruled(integer, 'self * 2 > 0'), 1, 9223372036854775000],
  ['convert', ruled(short, 'int(self) > 0'), '1', 'x'],
  [
    'either',
    ruled(
      { 'x-kubernetes-int-or-string': true, maxLength: 10 },
      "type(self) == int ? self > 1 : self == 'x'",
    ),
    2,
    'x',
    1,
    'y',
  ],
  ['loose', ruled({ 'x-kubernetes-int-or-string': true, maxLength: 10 }, 'self > 5'), 6, 5, 'x'],
  [
    'set',
    ruled(list(short, { 'x-kubernetes-list-type': 'set', maxItems: 5 }), "self == ['b', 'a']"),
    ['a', 'b'],
    ['a'],
    ['b', 'a', 'c'],
  ],
  [
    'joined',
    ruled(list(pair, { ...keyed, maxItems: 5 }), '(self + self).size() == 2'),
    [{ k: 'b' }, { k: 'a' }],
  ],
  [
    'nullable',
    ruled(object({ n: { type: 'string', nullable: true } }), '!has(self.n)'),
    { n: null },
    { n: 'x' },
  ],
  [
    'when',
    ruled({ type: 'string', format: 'date-time' }, "self > timestamp('2020-01-01T00:00:00Z')"),
    '2021-01-01T00:00:00Z',
    '2019-01-01T00:00:00+01:00',
  ],
  [
    'date',
    ruled({ type: 'string', format: 'date' }, 'self.getFullYear() == 2024'),
    '2024-02-29',
    '2023-01-01',
  ],
  [
    'span',
    ruled({ type: 'string', format: 'duration' }, "self <= duration('1h')"),
    '59m',
    '2h',
    '1d',
  ],
  [
    'bytes',
    ruled({ type: 'string', format: 'byte', maxLength: 20 }, "self == b'hi'"),
    'aGk=',
    'aGo=',
  ],
  ['number', ruled({ type: 'number' }, 'self > 1.5 && self != 3.0'), 2, 1.5, 3],
  [
    'dash',
    ruled(
      object({ 'a-b': integer, 'c.d': integer, namespace: integer }),
      'self.a__dash__b == self.c__dot__d',
      'self.namespace == 1',
    ),
    { 'a-b': 1, 'c.d': 1, namespace: 1 },
    { 'a-b': 1, 'c.d': 2, namespace: 2 },
  ],
  ['quantity', ruled(short, "quantity(self).isLessThan(quantity('1Gi'))"), '1Mi', '2Gi', 'x'],
  ['address', ruled(short, 'isIP(self) && ip(self).family() == 4'), '10.0.0.1', '::1', 'x'],
  ['semver', ruled(short, "semver(self).isGreaterThan(semver('1.2.3'))"), '1.2.4', '1.2.3-a', 'x'],
  [
    'label',
    ruled(
      { type: 'string', maxLength: 63 },
      {
        rule: '!format.dns1123Label().validate(self).hasValue()',
        messageExpression: "'no label: ' + self",
      },
    ),
    'a-b',
    'A_b',
  ],
  ['pattern', ruled(short, "self.matches('^[a-z]+$')"), 'abc', 'ABC'],
  [
    'nested',
    object({ x: ruled(object({ y: ruled(integer, 'self > 2') }), 'self.y > 1') }),
    { x: { y: 3 } },
    { x: { y: 2 } },
    { x: { y: 1 } },
  ],
  [
    'allOf',
    { ...object({ a: integer }), allOf: [{ properties: { a: { maximum: 5 } } }] },
    { a: 1 },
    { a: 6 },
  ],
  [
    'embedded',
    ruled(
      object({ spec: object({ a: integer }) }, { 'x-kubernetes-embedded-resource': true }),
      "self.kind == 'Pod' && self.metadata.name == 'x'",
    ),
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y' } },
  ],
  [
    'wrong',
    ruled(object({ a: integer }, { required: ['a'] }), 'self.a > 1'),
    { a: 'x' },
    {},
    { a: 2 },
  ],
  [
    'unique',
    ruled(list(short, { maxItems: 20 }), 'self.all(x, self.exists_one(y, x == y))'),
    ['a', 'b'],
    ['a', 'a'],
  ],
  [
    'dear',
    ruled(list(integer, { maxItems: 60 }), 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))'),
    [1, 2],
    Array.from({ length: 60 }, (_, i) => i),
  ],
  [
    'pairs',
    ruled(
      mapOf(integer, { maxProperties: 5 }),
      'self.all(k, v, v > 0)',
      'self.transformMap(k, v, v + 1).all(k, v, v > 1)',
    ),
    { a: 1 },
    { a: 0 },
  ],
  [
    'maybe',
    ruled(object({ a: object({ b: integer }) }), 'self.?a.?b.orValue(5) > 3'),
    {},
    { a: { b: 1 } },
  ],
  [
    'sorted',
    ruled(list(integer, { maxItems: 5 }), 'self.isSorted()', 'self.sum() < 10', 'self.max() < 8'),
    [1, 2],
    [2, 1],
    [9, 9],
  ],
  ['status', ruled(object({ a: integer }), 'self == oldSelf'), { a: 1 }, { a: 1 }, { a: 2 }],
];
