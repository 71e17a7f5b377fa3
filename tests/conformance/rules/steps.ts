import type { Step } from '../patches/side.ts';

type Fields = Readonly<Record<string, unknown>>;

const group = 'rules.example.com';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const string = { type: 'string' };
const integer = { type: 'integer' };
const short = { type: 'string', maxLength: 10 };

const object = (properties: Fields, more: Fields = {}): Fields => ({
  type: 'object',
  properties,
  ...more,
});
const list = (items: Fields, more: Fields = {}): Fields => ({ type: 'array', items, ...more });
const mapOf = (values: Fields, more: Fields = {}): Fields => ({
  type: 'object',
  additionalProperties: values,
  ...more,
});
/** A schema with rules; a text is a rule and nothing else. */
const ruled = (schema: Fields, ...rules: readonly (string | Fields)[]): Fields => ({
  ...schema,
  'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
});
const keyed = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };

function definition(plural: string, root: Fields): object {
  const kind = (plural[0] ?? '').toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: root } }],
    },
  };
}

const withSpec = (spec: Fields): Fields => ({ type: 'object', properties: { spec } });

/** Everything that a rule may be about. */
const wide = object({
  a: integer,
  b: integer,
  d: { type: 'number' },
  t: { type: 'boolean' },
  s: string,
  short,
  e: { type: 'string', enum: ['one', 'three'] },
  l: list(string),
  ls: list(short, { maxItems: 5 }),
  lo: list(object({ k: short, v: integer }), { maxItems: 10 }),
  m: mapOf(string),
  ms: mapOf(short, { maxProperties: 3 }),
  when: { type: 'string', format: 'date-time' },
  span: { type: 'string', format: 'duration' },
  bytes: { type: 'string', format: 'byte' },
  ios: { 'x-kubernetes-int-or-string': true },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
  'with-dash': integer,
  'with.dot': string,
  namespace: string,
  __under: string,
});

/** Rules over the wide object: most are refused by their types, their costs or their words. */
const singleRules: readonly (string | Fields)[] = [
  'self.zzz > 1',
  'self.a.b',
  'self.s > 1',
  'self.s + self.a == 1',
  'self.a',
  '"x"',
  'self.l',
  'foo == 1',
  'self.a > ',
  'self.a > 1)',
  '(self.a > 1',
  'self.a = 1',
  'self.a == #',
  'self.a && self.t',
  '!self.s',
  'self.t ? self.a : self.s',
  'self.l.all(x, x > 1)',
  'self.l.all(x)',
  'self.a.all(x, true)',
  'self.l.exists(1, true)',
  'self.l.exists(x, x.y)',
  'self.nope()',
  'nope(self.a)',
  'size(self.a) > 1',
  'self.s.startsWith(1)',
  'self.s.matches("(")',
  'duration("x") == self.span',
  'timestamp("x") == self.when',
  'self.when > "2020"',
  'self.span > 1',
  'self.bytes == "x"',
  'self.ios == 5',
  'self.ios > 5',
  'self.any == 1',
  'self.with-dash == 1',
  'self.with__dash__dash == 1',
  'self.with__dot__dot == "x"',
  'self.namespace == "x"',
  'self.__namespace__ == "x"',
  'self.__underscores__under == "x"',
  '[1, "a"].size() == 2',
  '{"a": 1, "b": "c"}.size() == 2',
  'int("x") == 1',
  'has(self)',
  'has(self.a) && has(self.zzz)',
  'self.m.foo.startsWith("x")',
  'self.m[1] == "x"',
  'self.l["x"] == "x"',
  'self.lo.all(x, x.zzz == 1)',
  'self.lo.map(x, x.k) == [1]',
  'type(self.a) == int',
  'quantity(self.a).isLessThan(quantity("1"))',
  'self.?a.orValue("x") == 1',
  'self.?a.hasValue()',
  'optional.of(self.a) == 1',
  '"%d".format([self.s]) == "x"',
  '"%s %s".format([self.s]) == "x"',
  'self == null',
  'self.a == null',
  'self.metadata.name == "x"',
  'self.a == oldSelf.a',
  'self.a == oldSelf.zzz',
  'self.l.all(x, self.l.all(y, x == y))',
  'self.l.all(x, self.l.all(y, self.l.all(z, x + y == z)))',
  'self.lo.all(x, self.lo.exists_one(y, x.k == y.k))',
  'self.lo.all(x, self.lo.all(y, self.lo.all(z, x.k + y.k == z.k)))',
  'self.l.all(x, x.matches("^[a-z]+$"))',
  'self.ls.all(x, x.matches("^[a-z]+$"))',
  'self.m.all(k, self.m[k].contains(self.s))',
  'self.ms.all(k, self.ms[k].contains(self.short))',
  'self.s.contains(self.s)',
  'self.s.replace("a", "bb").size() < 10',
  'self.s.split("").all(c, c != "x")',
  'self.l.join(",").contains("x")',
  'self.s.find("a+").size() > self.s.findAll("a").size()',
  'self.l.map(x, x.lowerAscii()).all(y, y.contains(self.s))',
  'sets.contains(self.l, self.l)',
  'self.l.distinct().size() == self.l.size()',
  'self.l.sort() == self.l',
  'self.ls.isSorted()',
  'self.e in ["one", "two"] && self.e.startsWith("o")',
  'url(self.s).getHost() == "x"',
  'ip(self.short).isLoopback() || cidr(self.short).containsIP("10.0.0.1")',
  'format.dns1123Label().validate(self.s).hasValue()',
  { rule: 'self.a > 1', message: '  ' },
  { rule: 'self.a > 1', message: 'two\nlines' },
  { rule: 'self.a > 1\n&& self.b > 1' },
  { rule: 'self.a > 1\n&& self.b > 1', message: 'fine' },
  { rule: '  ' },
  { rule: 'self.a > 1', messageExpression: '  ' },
  { rule: 'self.a > 1', messageExpression: 'self.a' },
  { rule: 'self.a > 1', messageExpression: 'self.zzz' },
  { rule: 'self.a > 1', messageExpression: '"a is " + string(self.a)' },
  {
    rule: 'self.a > 1',
    messageExpression: 'self.l.map(x, self.l.map(y, x + y).join("")).join("")',
  },
  { rule: 'self.a > 1', reason: 'Nope' },
  { rule: 'self.a > 1', reason: 'FieldValueForbidden', fieldPath: '.a' },
  { rule: 'self.a > 1', fieldPath: '.zzz' },
  { rule: 'self.a > 1', fieldPath: 'a' },
  { rule: 'self.a > 1', fieldPath: ".m['x']" },
  { rule: 'self.a > 1', fieldPath: '.l[0]' },
  { rule: 'self.a > 1', fieldPath: ' ' },
  { rule: 'self.a > 1', optionalOldSelf: true },
  { rule: 'self.a > 1', optionalOldSelf: false },
  { rule: 'oldSelf.hasValue() && self.a > 1', optionalOldSelf: true },
  { rule: 'oldSelf.a == self.a', optionalOldSelf: true },
  { rule: 'oldSelf.?a.orValue(1) == self.a', optionalOldSelf: true },
];

/** Rules in other places of a schema. */
const placedRules: readonly Fields[] = [
  withSpec(object({ l: list(ruled(string, 'self == oldSelf')) })),
  withSpec(
    object({
      l: list(ruled(object({ k: string }, { required: ['k'] }), 'self.k == oldSelf.k'), keyed),
    }),
  ),
  withSpec(
    object({ l: list(ruled(string, 'self == oldSelf'), { 'x-kubernetes-list-type': 'set' }) }),
  ),
  withSpec(object({ a: ruled(integer, 'self == oldSelf') }, { 'x-kubernetes-map-type': 'atomic' })),
  withSpec(object({ l: list(ruled(string, 'self.matches("^a+$")')) })),
  withSpec(object({ l: list(ruled(string, 'self.matches("^a+$")'), { maxItems: 10 }) })),
  withSpec(object({ m: mapOf(ruled(string, 'self.size() < 5')) })),
  withSpec(object({ m: mapOf(list(ruled(short, 'self.contains("x")'))) })),
  withSpec(object({ m: mapOf(mapOf(mapOf(ruled(integer, 'self > 1')))) })),
  ruled({ type: 'object', properties: { spec: integer } }, 'self.metadata.name == "x"'),
  ruled({ type: 'object', properties: { spec: integer } }, 'self.metadata.labels.size() > 1'),
  ruled({ type: 'object', properties: { spec: integer } }, 'self.kind == self.apiVersion'),
  withSpec(
    object({
      e: ruled(
        object(
          {},
          { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        ),
        'self.kind == "Pod" && self.metadata.name != ""',
      ),
    }),
  ),
  withSpec(object({ p: ruled({ 'x-kubernetes-preserve-unknown-fields': true }, 'true') })),
  withSpec(
    object({ i: ruled({ 'x-kubernetes-int-or-string': true }, 'self == 1 || self == "x"') }),
  ),
  withSpec(object({ a: { ...ruled(integer, 'self > 5'), default: 3 } })),
  withSpec(object({ a: { ...ruled(integer, 'self > 5'), default: 7 } })),
  withSpec({
    ...ruled(object({ a: integer, b: integer }), 'self.a < self.b'),
    default: { a: 2, b: 1 },
  }),
  withSpec(object({ a: { ...ruled(string, 'self == oldSelf'), default: 'x' } })),
  withSpec(object({ a: ruled(string, 'self.size() < 5', 'self.zzz', 'self > 1') })),
  withSpec(
    object({
      a: ruled(list(string), 'self.all(x, self.all(y, x == y))'),
      b: ruled(list(string), 'self.all(x, self.all(y, x == y))'),
      c: ruled(list(string), 'self.all(x, self.all(y, x == y))'),
    }),
  ),
];

const refusals: readonly Step[] = [
  ...singleRules.map((rule) => withSpec(ruled(wide, rule))),
  ...placedRules,
].map((root) => ({
  method: 'POST',
  url: `${definitions}?dryRun=All`,
  body: definition('bads', root),
}));

/** A part of the object of experiments: its schema, and what is written to it, one after the other. */
type Experiment = readonly [name: string, schema: Fields, ...values: unknown[]];

const absent = Symbol('absent');
const pair = object({ k: short, v: integer }, { required: ['k'] });

const experiments: readonly Experiment[] = [
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

const labUrl = `/apis/${group}/v1/labs`;
const lab = (spec: unknown, more: Fields = {}): object => ({
  apiVersion: `${group}/v1`,
  kind: 'Lab',
  metadata: { name: 'x', ...more },
  spec,
});

/** Each value is made, and written over each one that was taken before it. */
function stepsOf([name, , ...values]: Experiment): Step[] {
  const steps: Step[] = [];
  const spec = (value: unknown): Fields => (value === absent ? {} : { [name]: value });
  const url = `${labUrl}/${name.toLowerCase()}`;
  const own = { name: name.toLowerCase() };
  for (const value of values)
    steps.push({ method: 'POST', url: `${labUrl}?dryRun=All`, body: lab(spec(value), own) });
  steps.push({ method: 'POST', url: labUrl, body: lab(spec(values[0]), own) });
  for (const value of values)
    steps.push({
      method: 'PATCH',
      url,
      type: 'application/json-patch+json',
      body: [{ op: 'replace', path: '/spec', value: spec(value) }],
    });
  steps.push({ method: 'DELETE', url });
  return steps;
}

const experiment = definition(
  'labs',
  ruled(withSpec(object(Object.fromEntries(experiments.map(([name, schema]) => [name, schema])))), {
    rule: "self.metadata.name != 'forbidden'",
    message: 'has a bad name',
  }),
);

const oldUrl = `/apis/${group}/v1/olds`;
const oldParts = (a: Fields, l: Fields, c: Fields): Fields =>
  object({ a, b: integer, l: list(l, { ...keyed, maxItems: 5 }), c: object({ d: c, e: integer }) });
const looseParts = oldParts(integer, pair, integer);
const strictParts = {
  ...oldParts(ruled(integer, 'self > 5'), ruled(pair, 'self.v > 5'), { ...integer, minimum: 5 }),
  'x-kubernetes-validations': [{ rule: 'self.a > 7', message: 'a is small' }],
};
const oldObject = (name: string): object => ({
  apiVersion: `${group}/v1`,
  kind: 'Old',
  metadata: { name },
  spec: { a: 1, b: 1, l: [{ k: 'x', v: 1 }], c: { d: 1, e: 1 } },
});
const change = (...operations: readonly (readonly [path: string, value: unknown])[]): Step => ({
  method: 'PATCH',
  url: `${oldUrl}/kept`,
  type: 'application/json-patch+json',
  body: operations.map(([path, value]) => ({ op: 'add', path: `/spec/${path}`, value })),
});

/** Rules that come to a definition when there are objects already that do not keep them. */
const ratchetSteps: readonly Step[] = [
  { method: 'POST', url: definitions, body: definition('olds', withSpec(looseParts)) },
  { method: 'GET', url: oldUrl, until: 'List"' },
  { method: 'POST', url: oldUrl, body: oldObject('kept') },
  {
    method: 'PATCH',
    url: `${definitions}/olds.${group}`,
    type: 'application/json-patch+json',
    body: [
      {
        op: 'replace',
        path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec',
        value: strictParts,
      },
    ],
  },
  { method: 'POST', url: `${oldUrl}?dryRun=All`, body: oldObject('new'), until: 'is invalid' },
  change(['b', 2]),
  change(['a', 2]),
  change(['a', 9]),
  change([
    'l',
    [
      { k: 'x', v: 1 },
      { k: 'y', v: 9 },
    ],
  ]),
  change(['l', [{ k: 'x', v: 2 }]]),
  change(['l', [{ k: 'z', v: 1 }]]),
  change(['c', { d: 1, e: 2 }]),
  change(['c', { d: 2, e: 2 }]),
  change(['c', { d: 9, e: 2 }]),
  { method: 'DELETE', url: `${oldUrl}/kept` },
  { method: 'DELETE', url: `${definitions}/olds.${group}` },
];

/** Definitions, which only two of are stored, and the objects of those. */
export const ruleSteps: readonly Step[] = [
  ...refusals,
  { method: 'POST', url: definitions, body: experiment },
  { method: 'GET', url: labUrl, until: 'List"' },
  { method: 'POST', url: `${labUrl}?dryRun=All`, body: lab({}, { name: 'forbidden' }) },
  ...experiments.flatMap(stepsOf),
  { method: 'DELETE', url: `${definitions}/labs.${group}` },
  ...ratchetSteps,
];
