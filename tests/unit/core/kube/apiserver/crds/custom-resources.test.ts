import { load } from 'js-yaml';
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';
import {
  backup,
  backups,
  group,
  notChecked,
  nowMs,
  resource,
  serve,
  type Served,
  texts,
} from './served.ts';

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
