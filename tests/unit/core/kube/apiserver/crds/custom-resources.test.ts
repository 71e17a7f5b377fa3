import { seededRandom } from '#core/base';
import { load } from 'js-yaml';
import { beforeEach, describe, expect, test } from 'vitest';
import { TestState } from '#tests/server-state';
import {
  createCrdRegistry,
  type CrdRegistry,
  customResourceDefinitionStrategy,
  reconcileCrdStatus,
} from '../../../../../../src-main/core/kube/apiserver/crds/index.ts';
import type {
  FieldError,
  KindStrategy,
  ResourceInfo,
} from '../../../../../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const group = 'apiextensions.k8s.io';
const resource = 'customresourcedefinitions';
const notChecked =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
const texts = (errors: readonly FieldError[] | undefined): string[] =>
  (errors ?? []).map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`);

/** A definition as the server stores it after its first writes. */
function established(state: TestState, crd: KubeObject): KubeObject {
  customResourceDefinitionStrategy.defaults?.(crd);
  customResourceDefinitionStrategy.prepareForCreate?.(crd, { nowMs });
  state.put(group, resource, crd);
  const next = reconcileCrdStatus(crd, state.list(group, resource), nowMs) ?? crd;
  state.put(group, resource, next);
  return next;
}

interface Served {
  readonly registry: CrdRegistry;
  readonly info: ResourceInfo;
  readonly strategy: KindStrategy;
  readonly state: TestState;
}

function serve(crd: KubeObject): Served {
  const state = new TestState();
  established(state, crd);
  const registry = createCrdRegistry({ state, random: seededRandom('crd') });
  registry.sync();
  const [info] = registry.resources();
  const strategy = info && registry.strategyFor(info);
  if (!info || !strategy) throw new Error('not served');
  return { registry, info, strategy, state };
}

const backups = (): KubeObject =>
  load(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.g.example.com}
spec:
  group: g.example.com
  scope: Namespaced
  names: {plural: backups, kind: Backup, shortNames: [bk], categories: [all]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}, scale: {specReplicasPath: .spec.copies, statusReplicasPath: .status.copies}}
      selectableFields: [{jsonPath: .spec.mode}]
      additionalPrinterColumns:
        - {name: Schedule, type: string, jsonPath: .spec.schedule}
        - {name: Copies, type: integer, jsonPath: .spec.copies}
        - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [schedule]
              x-kubernetes-validations:
                - {rule: "self.copies <= 10 || self.mode == 'bulk'", message: "more than 10 copies need mode bulk"}
              properties:
                schedule: {type: string, pattern: "^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+$"}
                copies: {type: integer, minimum: 1, default: 2, description: how many copies are kept}
                mode: {type: string, enum: [fast, bulk], default: fast}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`) as KubeObject;

const backup = (spec: object, more: object = {}): KubeObject => ({
  apiVersion: 'g.example.com/v1',
  kind: 'Backup',
  metadata: { name: 'nightly', namespace: 'ns' },
  spec,
  ...more,
});

describe('a served definition', () => {
  let served: Served;
  beforeEach(() => {
    served = serve(backups());
  });

  test('is listed with its names and subresources', () => {
    expect(served.info).toMatchObject({
      group: 'g.example.com',
      version: 'v1',
      resource: 'backups',
      singular: 'backup',
      kind: 'Backup',
      namespaced: true,
      shortNames: ['bk'],
      categories: ['all'],
      schema: 'com.example.g.v1.Backup',
    });
    expect(served.info.subresources.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'status Backup',
      'scale Scale',
    ]);
    expect(
      served.registry.schemaFor(served.info)?.root.properties?.['spec']?.properties?.['copies'],
    ).toEqual({
      type: 'integer',
      default: 2,
    });
  });

  test('fills in defaults and prunes unknown fields', () => {
    const draft = backup({ schedule: '0 2 * * *', extra: 1 }, { other: true });
    expect(served.registry.prune(served.info, draft)).toEqual(['other', 'spec.extra']);
    served.strategy.defaults?.(draft);
    expect(draft['spec']).toEqual({ schedule: '0 2 * * *', copies: 2, mode: 'fast' });
  });

  test('checks schema before rules', () => {
    const bad = backup({ schedule: 'daily', copies: 0, mode: 'slow' });
    expect(texts(served.strategy.validate?.(bad, { nowMs }))).toEqual([
      'spec.copies: Invalid value: 0: spec.copies in body should be greater than or equal to 1',
      'spec.mode: Unsupported value: "slow": supported values: "fast", "bulk"',
      `spec.schedule: Invalid value: "daily": spec.schedule in body should match '^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+$'`,
      notChecked,
    ]);
    const many = backup({ schedule: '0 2 * * *', copies: 20, mode: 'fast' });
    expect(texts(served.strategy.validate?.(many, { nowMs }))).toEqual([
      'spec: Invalid value: more than 10 copies need mode bulk',
    ]);
  });

  test('keeps status apart and counts generations', () => {
    const old = backup({ schedule: '0 2 * * *' }, { status: { copies: 1 } });
    old.metadata.generation = 3;
    const same = backup({ schedule: '0 2 * * *' }, { status: { copies: 9 } });
    served.strategy.prepareForUpdate?.(same, old, { nowMs });
    expect([same['status'], same.metadata.generation]).toEqual([{ copies: 1 }, 3]);
    const moved = backup({ schedule: '1 2 * * *' });
    served.strategy.prepareForUpdate?.(moved, old, { nowMs });
    expect(moved.metadata.generation).toBe(4);
    const status = backup({ schedule: 'x' }, { status: { copies: 5 } });
    served.strategy.prepareForStatusUpdate?.(status, old, { nowMs });
    expect([status['spec'], status['status']]).toEqual([{ schedule: '0 2 * * *' }, { copies: 5 }]);
  });

  test('prints its columns', () => {
    const object = backup(
      { schedule: '0 2 * * *', copies: 2 },
      {
        status: {
          conditions: [
            { type: 'Other', status: 'x' },
            { type: 'Ready', status: 'True' },
          ],
        },
      },
    );
    object.metadata.creationTimestamp = '2026-01-01T09:57:30Z';
    const { table } = served.strategy;
    expect(table?.columns.map(({ name }) => name)).toEqual([
      'Name',
      'Schedule',
      'Copies',
      'Ready',
      'Age',
    ]);
    expect(table?.cells(object, { nowMs })).toEqual(['nightly', '0 2 * * *', 2, 'True', '2m30s']);
  });

  test('scales', () => {
    const object = backup({ copies: 3 }, { status: { copies: 2 } });
    expect(served.registry.scaleOf(served.info, object, 'read')).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 3 },
      status: { replicas: 2 },
    });
    served.registry.applyScale(served.info, object, { ...object, spec: { replicas: 7 } });
    expect(object['spec']).toEqual({ copies: 7 });
  });

  test('offers its selectable fields', () => {
    expect(served.strategy.selectableFields?.(backup({ mode: 'bulk' }))).toEqual({
      'spec.mode': 'bulk',
    });
  });

  test('another version without a webhook is a change of name', async () => {
    const converted = await served.registry.convert(served.info, backup({ a: 1 }), 'v2');
    expect(converted).toMatchObject({ apiVersion: 'g.example.com/v2', spec: { a: 1 } });
  });

  test('tells of changes, and goes when it is deleted', () => {
    let changes = 0;
    served.registry.onChange(() => (changes += 1));
    served.registry.sync();
    expect(changes).toBe(0);
    served.state.put(group, resource, { ...backups(), status: {} });
    served.registry.sync();
    expect([changes, served.registry.resources()]).toEqual([1, []]);
  });
});

describe('values', () => {
  const kinds = (): KubeObject =>
    load(`
metadata: {name: kjs.kj.example.com}
spec:
  group: kj.example.com
  scope: Namespaced
  names: {plural: kjs, singular: kj, kind: Kj}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [r]
              properties:
                r: {type: string}
                i: {type: integer, maximum: 10, minimum: 2}
                exi: {type: integer, maximum: 10, exclusiveMaximum: true}
                num: {type: number, multipleOf: 2}
                s: {type: string, maxLength: 3, pattern: "^a+$"}
                smin: {type: string, minLength: 3}
                e: {type: string, enum: [a, b]}
                b: {type: boolean}
                l: {type: array, items: {type: string}, maxItems: 2}
                lmin: {type: array, items: {type: integer}, minItems: 2}
                set: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                lmap: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}}}}
                m: {type: object, additionalProperties: {type: integer}}
                o: {type: object, nullable: true, properties: {x: {type: string}}}
                ios: {x-kubernetes-int-or-string: true}
                dt: {type: string, format: date-time}
                ip: {type: string, format: ipv4}
                one: {type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}
                any: {type: object, properties: {a: {type: string}, b: {type: string}}, anyOf: [{required: [a]}, {required: [b]}]}
                nt: {type: object, properties: {a: {type: string}}, not: {required: [a]}}
                ce: {type: integer, x-kubernetes-validations: [{rule: "self < 5"}]}
                cm: {type: string, maxLength: 20, x-kubernetes-validations: [{rule: "self.startsWith('x')", messageExpression: "'bad ' + self", reason: FieldValueForbidden}]}
                imm: {type: string, x-kubernetes-validations: [{rule: "self == oldSelf", message: "imm is immutable"}]}
                cerr: {type: array, maxItems: 5, items: {type: integer}, x-kubernetes-validations: [{rule: "self[3] == 1"}]}
                fp: {type: object, properties: {q: {type: integer}}, x-kubernetes-validations: [{rule: "self.q > 1", fieldPath: ".q", message: "q too small"}]}
`) as KubeObject;
  const { strategy } = serve(kinds());
  const object = (spec: unknown): KubeObject => ({
    apiVersion: 'kj.example.com/v1',
    kind: 'Kj',
    metadata: { name: 'x' },
    spec,
  });

  test.each<[string, unknown, string[]]>([
    [
      'maximum',
      { r: 'x', i: 11 },
      ['spec.i: Invalid value: 11: spec.i in body should be less than or equal to 10'],
    ],
    [
      'minimum',
      { r: 'x', i: 1 },
      ['spec.i: Invalid value: 1: spec.i in body should be greater than or equal to 2'],
    ],
    [
      'exclusive maximum',
      { r: 'x', exi: 10 },
      ['spec.exi: Invalid value: 10: spec.exi in body should be less than 10'],
    ],
    [
      'multiple',
      { r: 'x', num: 3 },
      ['spec.num: Invalid value: 3: spec.num in body should be a multiple of 2'],
    ],
    [
      'too long',
      { r: 'x', s: 'aaaa' },
      ['spec.s: Too long: may not be more than 3 bytes', notChecked],
    ],
    [
      'pattern',
      { r: 'x', s: 'b' },
      [`spec.s: Invalid value: "b": spec.s in body should match '^a+$'`],
    ],
    [
      'too short',
      { r: 'x', smin: 'b' },
      ['spec.smin: Invalid value: "b": spec.smin in body should be at least 3 chars long'],
    ],
    [
      'enum',
      { r: 'x', e: 'c' },
      ['spec.e: Unsupported value: "c": supported values: "a", "b"', notChecked],
    ],
    [
      'type',
      { r: 'x', b: 'c' },
      [
        'spec.b: Invalid value: "string": spec.b in body must be of type boolean: "string"',
        notChecked,
      ],
    ],
    [
      'too many items',
      { r: 'x', l: ['a', 'b', 'c'] },
      ['spec.l: Too many: 3: must have at most 2 items', notChecked],
    ],
    [
      'too few items',
      { r: 'x', lmin: [1] },
      ['spec.lmin: Invalid value: 1: spec.lmin in body should have at least 2 items'],
    ],
    ['set', { r: 'x', set: ['a', 'a'] }, ['spec.set[1]: Duplicate value: "a"']],
    [
      'map list',
      { r: 'x', lmap: [{ name: 'a' }, { name: 'a' }] },
      ['spec.lmap[1]: Duplicate value: {"name":"a"}'],
    ],
    [
      'map values',
      { r: 'x', m: { a: 'b' } },
      [
        'spec.m.a: Invalid value: "string": spec.m.a in body must be of type integer: "string"',
        notChecked,
      ],
    ],
    [
      'int or string',
      { r: 'x', ios: true },
      [
        'spec.ios: Invalid value: "boolean": spec.ios in body must be of type integer,string: "boolean"',
        notChecked,
      ],
    ],
    [
      'date-time',
      { r: 'x', dt: 'yesterday' },
      [
        'spec.dt: Invalid value: "yesterday": spec.dt in body must be of type date-time: "yesterday"',
        notChecked,
      ],
    ],
    [
      'address',
      { r: 'x', ip: 'yesterday' },
      [
        'spec.ip: Invalid value: "yesterday": spec.ip in body must be of type ipv4: "yesterday"',
        notChecked,
      ],
    ],
    [
      'none of one',
      { r: 'x', one: {} },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
        'spec.one.a: Required value',
        notChecked,
      ],
    ],
    [
      'two of one',
      { r: 'x', one: { a: '1', b: '2' } },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      'none of any',
      { r: 'x', any: {} },
      [
        '<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
        'spec.any.a: Required value',
        notChecked,
      ],
    ],
    [
      'not',
      { r: 'x', nt: { a: '1' } },
      ['<nil>: Invalid value: "": "spec.nt" must not validate the schema (not)'],
    ],
    ['rule', { r: 'x', ce: 9 }, ['spec.ce: Invalid value: 9: failed rule: self < 5']],
    ['message expression and reason', { r: 'x', cm: '9' }, ['spec.cm: Forbidden: bad 9']],
    [
      'rule that fails to run',
      { r: 'x', cerr: [9] },
      ['spec.cerr: Invalid value: "array": index out of bounds: 3 evaluating rule: self[3] == 1'],
    ],
    ['field path', { r: 'x', fp: { q: 0 } }, ['spec.fp.q: Invalid value: q too small']],
    [
      'missing key in a rule',
      { r: 'x', fp: {} },
      ['spec.fp: Invalid value: "object": no such key: q evaluating rule: q too small'],
    ],
    [
      'fraction',
      { r: 'x', i: 1.5 },
      [
        'spec.i: Invalid value: "number": spec.i in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.i',
        'spec.i: Invalid value: 1.5: spec.i in body should be greater than or equal to 2',
        notChecked,
      ],
    ],
    [
      'item type',
      { r: 'x', l: [1] },
      [
        'spec.l[0]: Invalid value: "integer": spec.l[0] in body must be of type string: "integer"',
        notChecked,
      ],
    ],
    ['missing', {}, ['spec.r: Required value', notChecked]],
    [
      'not an object',
      'x',
      ['spec: Invalid value: "string": spec in body must be of type object: "string"', notChecked],
    ],
    ['null where it may be', { r: 'x', o: null }, []],
  ])('%s', (_why, spec, errors) => {
    expect(texts(strategy.validate?.(object(spec), { nowMs }))).toEqual(errors);
  });

  test('transition rules compare with the old value', () => {
    const errors = strategy.validateUpdate?.(
      object({ r: 'x', imm: 'b' }),
      object({ r: 'x', imm: 'a' }),
      { nowMs },
    );
    expect(texts(errors)).toEqual(['spec.imm: Invalid value: "b": imm is immutable']);
  });

  test('old faults in fields that stay are forgiven', () => {
    const errors = strategy.validateUpdate?.(object({ r: 'y', i: 11 }), object({ r: 'x', i: 11 }), {
      nowMs,
    });
    expect(texts(errors)).toEqual([]);
  });
});

describe('definitions', () => {
  const broken = (
    change: (crd: KubeObject & { spec: Record<string, unknown> }) => void,
  ): string[] => {
    const crd = backups() as KubeObject & { spec: Record<string, unknown> };
    change(crd);
    customResourceDefinitionStrategy.defaults?.(crd);
    customResourceDefinitionStrategy.prepareForCreate?.(crd, { nowMs });
    const { nameRule } = customResourceDefinitionStrategy;
    const name = crd.metadata.name ?? '';
    const faults = typeof nameRule === 'function' ? nameRule(name, crd) : [];
    return [
      ...faults.map((why) => `metadata.name: Invalid value: ${JSON.stringify(name)}: ${why}`),
      ...texts(customResourceDefinitionStrategy.validate?.(crd, { nowMs })),
    ];
  };

  test.each<[string, (crd: KubeObject & { spec: Record<string, unknown> }) => void, string[]]>([
    ['good', () => undefined, []],
    [
      'name',
      (crd) => void (crd.metadata.name = 'x'),
      ['metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'scope',
      (crd) => void (crd.spec['scope'] = 'World'),
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'a field without type',
      (crd) =>
        void (crd.spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } },
          },
        ]),
      [
        'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
      ],
    ],
    [
      'no schema',
      (crd) => void (crd.spec['versions'] = [{ name: 'v1', served: true, storage: true }]),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
  ])('%s', (_why, change, errors) => {
    expect(broken(change)).toEqual(errors);
  });

  test('become established when their names are free', () => {
    const state = new TestState();
    expect(established(state, backups())['status']).toEqual({
      acceptedNames: {
        plural: 'backups',
        singular: 'backup',
        shortNames: ['bk'],
        kind: 'Backup',
        listKind: 'BackupList',
        categories: ['all'],
      },
      conditions: [
        {
          lastTransitionTime: '2026-01-01T10:00:00Z',
          type: 'NamesAccepted',
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
        },
        {
          lastTransitionTime: '2026-01-01T10:00:00Z',
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
      ],
      storedVersions: ['v1'],
    });
    const second = backups();
    second.metadata.name = 'saves.g.example.com';
    second['spec'] = {
      ...(second['spec'] as object),
      names: { plural: 'saves', kind: 'Save', shortNames: ['bk'] },
    };
    expect(established(state, second)['status']).toMatchObject({
      conditions: [
        {
          type: 'NamesAccepted',
          status: 'False',
          reason: 'ShortNamesConflict',
          message: '"bk" is already in use',
        },
        {
          type: 'Established',
          status: 'False',
          reason: 'NotAccepted',
          message: 'not all names are accepted',
        },
      ],
    });
  });

  test('remember where objects were stored', () => {
    const old = established(new TestState(), backups());
    const draft = backups() as KubeObject & { spec: { versions: Record<string, unknown>[] } };
    const [v1] = draft.spec.versions;
    draft.spec.versions = [{ ...v1, name: 'v2' }];
    customResourceDefinitionStrategy.prepareForUpdate?.(draft, old, { nowMs });
    expect(draft['status']).toMatchObject({ storedVersions: ['v1', 'v2'] });
    expect(
      texts(customResourceDefinitionStrategy.validateUpdate?.(draft, old, { nowMs })),
    ).toContain(
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    );
  });

  test('are marked before they go', () => {
    const crd = established(new TestState(), backups());
    customResourceDefinitionStrategy.beginDelete?.(crd, { nowMs });
    expect(crd.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    expect(crd['status']).toMatchObject({
      conditions: [
        {},
        {},
        { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending' },
      ],
    });
  });
});

test('a deprecated version says so, in its own words or with the newest that is not', () => {
  const crd = backups();
  const [v1] = (crd as unknown as { spec: { versions: object[] } }).spec.versions;
  const old = { ...v1, storage: false, deprecated: true };
  (crd as unknown as { spec: { versions: object[] } }).spec.versions = [
    { ...v1, name: 'v1' },
    { ...old, name: 'v1beta1' },
    { ...old, name: 'v1alpha1', deprecationWarning: 'g.example.com/v1alpha1 goes in v2' },
    { ...old, name: 'v2alpha1', deprecated: false },
    { ...old, name: 'v2' },
  ];
  const { registry } = serve(crd);
  expect(registry.resources().map((info) => [info.version, registry.deprecationOf(info)])).toEqual([
    ['v1', undefined],
    ['v1alpha1', 'g.example.com/v1alpha1 goes in v2'],
    ['v1beta1', 'g.example.com/v1beta1 Backup is deprecated; use g.example.com/v1 Backup'],
    ['v2', 'g.example.com/v2 Backup is deprecated'],
    ['v2alpha1', undefined],
  ]);
});
