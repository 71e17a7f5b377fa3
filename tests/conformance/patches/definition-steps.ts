import { customDefinition, definitionsUrl } from './definition.ts';
import { type Fields, namespace } from './subjects.ts';
import type { Step } from './side.ts';

const group = 'definitions.example.com';
const merge = 'application/merge-patch+json';
const string = { type: 'string' };
const integer = { type: 'integer' };

/** A definition with one version, `v1`, of the properties of `spec`. */
const definition = (
  plural: string,
  properties: Fields,
  more: Fields = {},
  spec: Fields = {},
): Fields =>
  customDefinition(
    group,
    'Namespaced',
    plural,
    [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
        },
        ...more,
      },
    ],
    spec,
  );
const create = (body: Fields): Step => ({ method: 'POST', url: definitionsUrl, body });
/** A definition that is refused, by what its schema holds. */
const refused = (properties: Fields, more: Fields = {}, spec: Fields = {}): Step => ({
  ...create(definition('bads', properties, more, spec)),
  url: `${definitionsUrl}?dryRun=All`,
});
const collection = (plural: string, version = 'v1'): string =>
  `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
const served = (plural: string): Step => ({
  method: 'GET',
  url: collection(plural),
  until: 'List"',
});
const object = (plural: string, name: string, spec: unknown, more: Fields = {}): Fields => ({
  apiVersion: `${group}/v1`,
  kind: (plural[0]?.toUpperCase() ?? '') + plural.slice(1, -1),
  metadata: { name },
  spec,
  ...more,
});
const make = (plural: string, name: string, spec: unknown, more: Fields = {}): Step => ({
  method: 'POST',
  url: collection(plural),
  body: object(plural, name, spec, more),
});
const patch = (plural: string, name: string, body: unknown, query = ''): Step => ({
  method: 'PATCH',
  url: `${collection(plural)}/${name}${query}`,
  type: merge,
  body,
});
const remove = (url: string, body?: Fields): Step => ({
  method: 'DELETE',
  url,
  ...(body ? { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body } } : {}),
});
const rule = (text: string, more: Fields = {}): Fields => ({
  'x-kubernetes-validations': [{ rule: text, ...more }],
});

/** Definitions that a server refuses, and in which words. */
const refusals: readonly Step[] = [
  refused({ a: {} }),
  refused({ a: { type: 'text' } }),
  refused({ a: { type: 'array' } }),
  refused({ a: { type: 'array', items: {} } }),
  refused({ a: { type: 'object', properties: { b: string }, additionalProperties: string } }),
  refused({ a: { ...string, nullable: true, default: 3 } }),
  refused({ a: { ...integer, minimum: 3, default: 1 } }),
  refused({ a: { type: 'object', required: ['b'], properties: { b: string }, default: {} } }),
  refused({ a: { ...string, pattern: '(' } }),
  refused({ a: { type: 'array', items: string, uniqueItems: true } }),
  refused({ a: { $ref: '#/definitions/x' } }),
  refused({ a: { type: 'array', items: string, 'x-kubernetes-list-type': 'map' } }),
  refused({ a: { type: 'array', items: string, 'x-kubernetes-list-type': 'bag' } }),
  refused({
    a: {
      type: 'array',
      items: { type: 'object', properties: { n: string } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
    },
  }),
  refused({
    a: {
      type: 'array',
      items: { type: 'object', required: ['m'], properties: { m: string } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
    },
  }),
  refused({ a: { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' } }),
  refused({ a: { ...string, 'x-kubernetes-list-type': 'set' } }),
  refused({ a: { type: 'object', 'x-kubernetes-map-type': 'loose' } }),
  refused({ a: { ...string, 'x-kubernetes-int-or-string': true } }),
  refused({ a: { 'x-kubernetes-preserve-unknown-fields': false, type: 'object' } }),
  refused({ a: { ...string, 'x-kubernetes-embedded-resource': true } }),
  refused({ a: { type: 'object', 'x-kubernetes-embedded-resource': true } }),
  refused({ a: { ...integer, anyOf: [{ type: 'integer' }] } }),
  refused({ a: { ...integer, not: { default: 1 } } }),
  refused({ a: { ...string, ...rule('self.size() >') } }),
  refused({ a: { ...string, ...rule('self > 3') } }),
  refused({ a: { ...string, ...rule('self') } }),
  refused({ a: { ...string, ...rule('') } }),
  refused({ a: { ...string, ...rule('true', { reason: 'Because' }) } }),
  refused({ a: { ...string, ...rule('true', { message: '', messageExpression: '3' }) } }),
  refused({
    a: { type: 'object', properties: { b: string }, ...rule('true', { fieldPath: '.c' }) },
  }),
  refused({ a: { ...string, ...rule('true', { optionalOldSelf: true }) } }),
  refused({
    a: {
      type: 'array',
      items: { type: 'array', items: { ...string, ...rule('self.contains("a")') } },
    },
  }),
  refused({ a: { type: 'array', items: { ...string, ...rule('self == oldSelf') } } }),
  refused(
    { a: string },
    { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.spec.a' }] },
  ),
  refused(
    { a: string },
    { additionalPrinterColumns: [{ name: '', type: 'string', jsonPath: 'spec.a' }] },
  ),
  refused({ a: string }, { selectableFields: [{ jsonPath: '.spec.b' }] }),
  refused({ a: { type: 'array', items: string } }, { selectableFields: [{ jsonPath: '.spec.a' }] }),
  refused(
    { a: string },
    { subresources: { scale: { specReplicasPath: 'spec.a', statusReplicasPath: '.status.a' } } },
  ),
  refused(
    { a: string },
    { subresources: { scale: { specReplicasPath: '.status.a', statusReplicasPath: '.spec.a' } } },
  ),
  refused({ a: string }, { name: 'V1' }),
  refused({ a: string }, { served: false, storage: false }),
  refused({ a: string }, { schema: {} }),
  refused({ a: string }, {}, { scope: 'World' }),
  refused({ a: string }, {}, { names: { plural: 'goods', kind: 'Good' } }),
  refused({ a: string }, {}, { names: { plural: 'bads', kind: 'bad kind', shortNames: ['B D'] } }),
  refused({ a: string }, {}, { preserveUnknownFields: true }),
  refused({ a: string }, {}, { conversion: { strategy: 'Webhook' } }),
  refused({ a: string }, {}, { conversion: { strategy: 'Magic' } }),
  { ...refused({}), body: { ...definition('bads', { a: string }), metadata: { name: 'bads' } } },
  { ...refused({}), body: { ...definition('bads', { a: string }), spec: {} } },
];

const properties = {
  size: { ...integer, minimum: 1, maximum: 10, default: 3 },
  name: { ...string, minLength: 2, maxLength: 5, pattern: '^[a-z]+$' },
  color: { ...string, enum: ['red', 'blue'] },
  nil: { ...string, nullable: true },
  when: { ...string, format: 'date-time' },
  either: { 'x-kubernetes-int-or-string': true },
  set: { type: 'array', items: string, maxItems: 3, 'x-kubernetes-list-type': 'set' },
  parts: {
    type: 'array',
    maxItems: 5,
    items: { type: 'object', required: ['key'], properties: { key: string, value: string } },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['key'],
  },
  labels: { type: 'object', maxProperties: 2, additionalProperties: string },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  embedded: {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  },
  grown: { ...integer, ...rule('self >= oldSelf', { message: 'may only grow' }) },
  small: {
    ...integer,
    ...rule('self < 5', {
      messageExpression: '"is large"',
      reason: 'FieldValueForbidden',
    }),
  },
  fixed: {
    ...string,
    ...rule('!oldSelf.hasValue() || self == oldSelf.value()', {
      optionalOldSelf: true,
      message: 'is fixed',
    }),
  },
  pair: {
    type: 'object',
    properties: { a: integer, b: integer },
    ...rule('!has(self.a) || !has(self.b) || self.a < self.b', {
      fieldPath: '.b',
      reason: 'FieldValueInvalid',
    }),
  },
};
const scaled = {
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
};
const things = `${definitionsUrl}/things.${group}`;
const gauges = collection('gauges');

/** Objects of a definition with nearly everything, their changes, scale, and what becomes of the definition. */
const lives: readonly Step[] = [
  create(
    definition('things', properties, {
      additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
      selectableFields: [{ jsonPath: '.spec.color' }],
    }),
  ),
  served('things'),
  make('things', 'a', { name: 'ab', color: 'red', grown: 1, fixed: 'x', nil: null }),
  make('things', 'b', { size: 11, name: 'A', color: 'green' }),
  make('things', 'b', { size: 'x', set: ['a', 'a'], when: 'today' }),
  make('things', 'b', {
    set: ['a', 'b', 'c', 'd'],
    parts: [{ key: 'a' }, { key: 'a' }],
    labels: { a: '1', b: '2', c: '3' },
  }),
  make('things', 'b', { parts: [{ value: 'x' }] }),
  make('things', 'b', { either: true, name: null }),
  make('things', 'b', { embedded: { a: 1 } }),
  make('things', 'b', { embedded: { apiVersion: 'v1', kind: 'Pod', metadata: { name: '-' } } }),
  make('things', 'b', { small: 7 }),
  make('things', 'b', { pair: { a: 3, b: 2 } }),
  make('things', 'b', 3),
  make('things', 'b', { unknown: 1, free: { any: [1, null] } }),
  { ...make('things', 'c', { unknown: 1 }), url: `${collection('things')}?fieldValidation=Strict` },
  make('things', 'Bad_Name', {}),
  make('things', 'd', {}, { kind: 'Other' }),
  make('things', 'd', {}, { apiVersion: `${group}/v9` }),
  patch('things', 'a', { spec: { grown: 0 } }),
  patch('things', 'a', { spec: { grown: 2, fixed: 'y' } }),
  patch('things', 'a', { spec: { size: null, nil: 'x' } }),
  patch('things', 'a', { spec: { fixed: null } }),
  { method: 'GET', url: `${collection('things')}?fieldSelector=spec.color%3Dred` },
  { method: 'GET', url: `${collection('things')}?fieldSelector=spec.size%3D3` },
  { method: 'PATCH', url: things, type: merge, body: { spec: { scope: 'Cluster' } } },
  { method: 'PATCH', url: things, type: merge, body: { spec: { names: { kind: 'Other' } } } },
  {
    method: 'PATCH',
    url: `${things}/status`,
    type: merge,
    body: { status: { storedVersions: [] } },
  },
  // What is stored stays valid until it is touched.
  {
    method: 'PATCH',
    url: things,
    type: 'application/json-patch+json',
    body: [
      {
        op: 'replace',
        path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/name/maxLength',
        value: 1,
      },
    ],
  },
  { ...patch('things', 'a', { spec: { size: 4 } }) },
  { ...patch('things', 'a', { spec: { name: 'abc' } }), until: 'Too long' },
  create(
    definition(
      'twos',
      { a: string },
      {},
      { names: { plural: 'twos', kind: 'Thing', listKind: 'ThingList', singular: 'two' } },
    ),
  ),
  { method: 'GET', url: `${definitionsUrl}/twos.${group}`, until: 'ListKindConflict' },
  remove(`${definitionsUrl}/twos.${group}`),
  create(
    definition(
      'gauges',
      {
        replicas: { type: 'integer', 'x-kubernetes-preserve-unknown-fields': undefined },
        text: string,
      },
      scaled,
    ),
  ),
  served('gauges'),
  make('gauges', 'g', { text: 'x' }, { status: { replicas: 5 } }),
  { method: 'GET', url: `${gauges}/g/scale` },
  {
    method: 'PATCH',
    url: `${gauges}/g/scale`,
    type: merge,
    body: { metadata: { labels: { a: '1' } } },
  },
  { method: 'PATCH', url: `${gauges}/g/scale`, type: merge, body: { spec: { replicas: 2 } } },
  { method: 'PATCH', url: `${gauges}/g/scale`, type: merge, body: { spec: { replicas: -2 } } },
  { method: 'GET', url: `${gauges}/g/scale` },
  {
    method: 'PATCH',
    url: `${gauges}/g/status`,
    type: merge,
    body: { spec: { text: 'y' }, status: { replicas: 2 }, metadata: { labels: { a: '1' } } },
  },
  patch('gauges', 'g', { status: { replicas: 9 }, spec: { text: 'z' } }),
  create({
    ...definition('olds', { a: string }),
    spec: {
      ...(definition('olds', { a: string })['spec'] as Fields),
      versions: ['v1', 'v2'].map((name) => ({
        name,
        served: true,
        storage: name === 'v1',
        ...(name === 'v1' ? { deprecated: true } : {}),
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      })),
    },
  }),
  served('olds'),
  make('olds', 'o', { a: '1' }),
  { method: 'GET', url: `${collection('olds', 'v2')}/o` },
  {
    method: 'PATCH',
    url: `${definitionsUrl}/olds.${group}`,
    type: 'application/json-patch+json',
    body: [
      { op: 'replace', path: '/spec/versions/0/storage', value: false },
      { op: 'replace', path: '/spec/versions/1/storage', value: true },
    ],
  },
  { method: 'GET', url: `${definitionsUrl}/olds.${group}`, until: '"storedVersions":["v1","v2"]' },
  {
    method: 'PATCH',
    url: `${definitionsUrl}/olds.${group}`,
    type: 'application/json-patch+json',
    body: [{ op: 'remove', path: '/spec/versions/0' }],
  },
  {
    method: 'PATCH',
    url: `${definitionsUrl}/olds.${group}/status`,
    type: merge,
    body: { status: { storedVersions: ['v2'] } },
  },
  {
    method: 'PATCH',
    url: `${definitionsUrl}/olds.${group}`,
    type: 'application/json-patch+json',
    body: [{ op: 'remove', path: '/spec/versions/0' }],
  },
  patch('things', 'a', { metadata: { finalizers: ['example.com/hold'] } }),
  remove(`${collection('things')}/a`),
  patch('things', 'a', { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }),
  patch('things', 'a', { spec: { size: 5 } }),
  patch('things', 'a', { metadata: { finalizers: null } }),
  { method: 'GET', url: `${collection('things')}/a` },
];

const maps = `/api/v1/namespaces/${namespace}/configmaps`;
const map = (name: string, more: Fields = {}): Step => ({
  method: 'POST',
  url: maps,
  body: { metadata: { name, ...more }, data: { a: '1' } },
});
const held = { finalizers: ['example.com/hold'] };
const pods = `/api/v1/namespaces/${namespace}/pods`;
const pod = (name: string): Step => ({
  method: 'POST',
  url: pods,
  body: {
    metadata: { name },
    spec: {
      automountServiceAccountToken: false,
      nodeName: 'n',
      containers: [{ name: 'a', image: 'x' }],
    },
  },
});
const ungated = (name: string): Step => ({
  method: 'PATCH',
  url: `${pods}/${name}`,
  type: merge,
  body: { metadata: { finalizers: null } },
});

/** Deletions: preconditions, policies, grace, finalizers, and of collections. */
const deletions: readonly Step[] = [
  map('d1'),
  remove(`${maps}/d1`, { preconditions: { uid: 'x' } }),
  remove(`${maps}/d1`, { preconditions: { resourceVersion: '1' } }),
  remove(`${maps}/d1`, { propagationPolicy: 'Sideways' }),
  remove(`${maps}/d1`, { propagationPolicy: 'Orphan', orphanDependents: true }),
  remove(`${maps}/d1?dryRun=Some`),
  remove(`${maps}/d1?dryRun=All`),
  remove(`${maps}/d1?gracePeriodSeconds=x`),
  remove(`${maps}/d1?propagationPolicy=Background`),
  remove(`${maps}/d1`),
  map('d2', held),
  remove(`${maps}/d2`, { propagationPolicy: 'Foreground' }),
  remove(`${maps}/d2`, { propagationPolicy: 'Orphan' }),
  remove(`${maps}/d2`, { propagationPolicy: 'Background' }),
  {
    method: 'PATCH',
    url: `${maps}/d2`,
    type: merge,
    body: { metadata: { finalizers: ['example.com/other'] } },
  },
  { method: 'PUT', url: `${maps}/d2`, body: { metadata: { name: 'd2' }, data: { b: '2' } } },
  { method: 'GET', url: `${maps}/d2` },
  map('d3', { ...held, labels: { pick: 'me' } }),
  map('d4', { labels: { pick: 'me' } }),
  map('d5', { labels: { pick: 'not' } }),
  remove(`${maps}?labelSelector=pick%3Dme&dryRun=All`),
  remove(`${maps}?labelSelector=pick%3Dme`),
  { method: 'GET', url: `${maps}?labelSelector=pick` },
  remove(`${maps}?labelSelector=pick%3D%3D%3D`),
  remove(`${maps}?fieldSelector=metadata.name%3Dd5`),
  { method: 'PATCH', url: `${maps}/d3`, type: merge, body: { metadata: { finalizers: [] } } },
  pod('p1'),
  remove(`${pods}/p1`),
  remove(`${pods}/p1`),
  remove(`${pods}/p1?gracePeriodSeconds=10`),
  remove(`${pods}/p1?gracePeriodSeconds=60`),
  remove(`${pods}/p1?gracePeriodSeconds=-1`),
  remove(`${pods}/p1?gracePeriodSeconds=0`),
  pod('p2'),
  { method: 'PATCH', url: `${pods}/p2`, type: merge, body: { metadata: held } },
  remove(`${pods}/p2`, { gracePeriodSeconds: 0 }),
  ungated('p2'),
  { method: 'GET', url: `${pods}/p2` },
];

/** What the sequences leave behind, taken away before and after. */
export const leftOver: readonly string[] = [
  ...['things', 'twos', 'gauges', 'olds', 'bads'].map(
    (plural) => `${definitionsUrl}/${plural}.${group}`,
  ),
];

export const stepLists: Readonly<Record<string, readonly Step[]>> = {
  'definitions that are refused': refusals,
  'objects of definitions': lives,
  deletions,
};
