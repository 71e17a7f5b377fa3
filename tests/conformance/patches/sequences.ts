import { type Random, seededRandom } from '#core/base';
import { chance, type Fields, pick, someMetadata, type Subject } from './subjects.ts';
import type { Step } from './side.ts';

/** Seeded writes on one object. Each step may look at what the last one left. */
export interface Sequence {
  readonly name: string;
  readonly url: string;
  first(): Step;
  next(current: Fields): Step;
}

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const junk = (random: Random): unknown =>
  pick<unknown>(random, [null, 0, 'junk', true, [], {}, ['x'], { name: 'x' }, { unknown: 1 }, -1]);

/** Laid over one another, as a client edits what it has. */
function over(base: unknown, more: unknown): unknown {
  if (!isMap(base) || !isMap(more)) return more;
  const out: Fields = { ...base };
  for (const [key, value] of Object.entries(more))
    out[key] = key in out ? over(out[key], value) : value;
  return out;
}

function pointers(value: unknown, path = ''): string[] {
  const own = path === '' ? [] : [path];
  if (Array.isArray(value))
    return [
      ...own,
      `${path}/-`,
      ...value.flatMap((each, index) => pointers(each, `${path}/${index}`)),
    ];
  if (!isMap(value)) return own;
  return [
    ...own,
    ...Object.entries(value)
      .filter(([key]) => key !== 'managedFields')
      .flatMap(([key, each]) =>
        pointers(each, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
      ),
  ];
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (from, key) =>
        (from as Fields | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')],
      value,
    );
}

/** Replaces something somewhere by a value nobody meant. */
function spoiled(random: Random, value: Fields): Fields {
  const out = structuredClone(value);
  const places = pointers(out).filter(
    (each) => !each.endsWith('/-') && !/^\/(metadata\/name|kind|apiVersion)/.test(each),
  );
  const place = places[random.integer(Math.max(1, places.length))];
  if (place === undefined) return out;
  const parent = at(out, place.slice(0, place.lastIndexOf('/')));
  const key = place.slice(place.lastIndexOf('/') + 1).replaceAll('~1', '/');
  if (Array.isArray(parent) && chance(random, 0.5))
    parent.push(structuredClone(parent[Number(key)]));
  else if (isMap(parent) && chance(random, 0.3)) parent['unknown'] = 1;
  else (parent as Fields)[key] = junk(random);
  return out;
}

/** Puts the directives of strategic merge patches here and there. */
function directed(random: Random, value: unknown, depth = 0): unknown {
  if (Array.isArray(value)) {
    const list = value.map((each) => directed(random, each, depth + 1));
    if (list.every(isMap) && chance(random, 0.15)) list.push({ $patch: 'replace' });
    if (list.length > 0 && isMap(list[0]) && chance(random, 0.2))
      list[0] = { ...keysOf(list[0]), $patch: 'delete' };
    return list;
  }
  if (!isMap(value)) return chance(random, 0.07) ? null : value;
  const out: Fields = {};
  for (const [key, each] of Object.entries(value)) {
    out[key] = directed(random, each, depth + 1);
    if (!Array.isArray(each)) continue;
    const order = each.map((item) => (isMap(item) ? keysOf(item) : (item as unknown)));
    if (chance(random, 0.3))
      out[`$setElementOrder/${key}`] = chance(random, 0.5) ? order : [...order].reverse();
    if (chance(random, 0.15) && order.every((item) => typeof item === 'string'))
      // Not what the list beside it has: which of the two a real server obeys last hangs on the order of a Go map.
      out[`$deleteFromPrimitiveList/${key}`] = [
        ['example.com/a', 'example.com/b', 'example.com/c', 'x'].find(
          (text) => !each.includes(text),
        ),
      ];
  }
  if (depth > 0 && chance(random, 0.06))
    out['$patch'] = pick(random, ['replace', 'delete', 'merge', 'junk']);
  if (depth > 0 && chance(random, 0.08))
    out['$retainKeys'] = chance(random, 0.8) ? Object.keys(value) : Object.keys(value).slice(1);
  return out;
}

function keysOf(item: Fields): Fields {
  for (const key of [
    'name',
    'mountPath',
    'containerPort',
    'port',
    'type',
    'ip',
    'uid',
    'topologyKey',
    'key',
  ])
    if (item[key] !== undefined) return { [key]: item[key] };
  return item;
}

const ownOfServer = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'lastTransitionTime',
]);

/** An object without what each server has chosen by itself. */
function common(value: unknown, inMetadata = false): unknown {
  if (Array.isArray(value)) return value.map((each) => common(each, inMetadata));
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !ownOfServer.has(key) || (key === 'uid' && inMetadata))
      .map(([key, each]) => [key, common(each, key === 'ownerReferences')]),
  );
}

const wholeFields: readonly Fields[][] = [
  [{}],
  [],
  [
    {
      manager: 'x',
      operation: 'Update',
      apiVersion: 'apps/v0',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a': {} } } },
    },
  ],
  [
    {
      manager: 'x',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } },
    },
  ],
  [{ manager: 'x', operation: 'Sit', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }],
  [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV2', fieldsV1: {} }],
  [
    {
      manager: 'x',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'q:bad': {} },
    },
  ],
  [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:metadata': {} } }],
];

/** The writes that one seed stands for. */
export function sequenceOf(subject: Subject, seed: string): Sequence {
  const random = seededRandom(`${subject.kind}/${seed}`);
  const name = `patches-${seed}`;
  const url = `${subject.url}/${name}`;
  const identity = { apiVersion: subject.apiVersion, kind: subject.kind };
  const whole = (): Fields => ({
    ...identity,
    metadata: { name, ...someMetadata(random) },
    ...(over(subject.base(name), subject.some(random)) as Fields),
  });
  const part = (subresource: string): Fields => {
    const form = {
      metadata: chance(random, 0.4) ? someMetadata(random) : {},
      ...(subresource === 'status' || chance(random, 0.1)
        ? { status: subject.someStatus(random) }
        : {}),
      ...(subresource === 'status' && chance(random, 0.8) ? {} : subject.some(random)),
    };
    if (subresource === 'scale')
      return {
        spec: { replicas: pick<unknown>(random, [0, 1, 2, -1, null, 'x']) },
        ...(chance(random, 0.2) ? { metadata: form.metadata } : {}),
      };
    return chance(random, 0.08) ? spoiled(random, form) : form;
  };
  const query = (apply: boolean): string => {
    const words: string[] = [];
    if (apply || chance(random, 0.6))
      words.push(
        `fieldManager=${pick(random, apply ? ['one', 'two', 'kubectl'] : ['one', 'three', 'kubectl-client-side-apply'])}`,
      );
    if (apply && chance(random, 0.5)) words.push('force=true');
    if (chance(random, 0.15)) words.push('dryRun=All');
    if (chance(random, 0.5))
      words.push(`fieldValidation=${pick(random, ['Strict', 'Warn', 'Ignore'])}`);
    return words.length === 0 ? '' : `?${words.join('&')}`;
  };
  const apply = (subresource: string): Step => {
    const form =
      subresource === 'scale'
        ? {
            apiVersion: 'autoscaling/v1',
            kind: 'Scale',
            metadata: { name },
            spec: { replicas: pick(random, [0, 1, 3]) },
          }
        : (() => {
            const { metadata, ...rest } = chance(random, 0.5)
              ? part(subresource)
              : (over(subject.base(name), subject.some(random)) as Fields);
            return {
              ...identity,
              ...rest,
              metadata: {
                name,
                ...(metadata as Fields | undefined),
                ...(chance(random, 0.04) ? { resourceVersion: '1' } : {}),
                ...(chance(random, 0.03) ? { managedFields: [] } : {}),
              },
            };
          })();
    const body = chance(random, 0.08) ? spoiled(random, form) : form;
    return {
      method: 'PATCH',
      url: `${url}${subresource === '' ? '' : `/${subresource}`}${query(true)}`,
      type: types.apply,
      body,
    };
  };
  const jsonPatch = (current: Fields, subresource: string): Step => {
    const target = over(current, part(subresource)) as Fields;
    const places = pointers(target).filter(
      (each) =>
        !/^\/(kind|apiVersion|metadata\/(uid|creationTimestamp|resourceVersion))/.test(each) ||
        chance(random, 0.03),
    );
    const body = Array.from({ length: 1 + random.integer(3) }, () => {
      const path = chance(random, 0.05) ? '/spec/nothing/here' : pick(random, places);
      const op = chance(random, 0.03)
        ? 'sit'
        : pick(random, ['add', 'add', 'replace', 'replace', 'remove', 'test', 'move', 'copy']);
      const value = chance(random, 0.15) ? junk(random) : (at(target, path) ?? junk(random));
      return {
        op,
        path,
        ...(op === 'move' || op === 'copy' ? { from: pick(random, places) } : {}),
        ...(['add', 'replace', 'test'].includes(op) ? { value } : {}),
      };
    });
    return {
      method: 'PATCH',
      url: `${url}${subresource === '' ? '' : `/${subresource}`}${query(false)}`,
      type: types.json,
      body,
    };
  };
  return {
    name: `${subject.kind} ${seed}`,
    url,
    first: () =>
      chance(random, 0.5)
        ? {
            method: 'POST',
            url: `${subject.url}${query(false).replace('dryRun=All', '')}`,
            body: whole(),
          }
        : {
            method: 'PATCH',
            url: `${url}${query(true).replace('dryRun=All', '')}`,
            type: types.apply,
            body: whole(),
          },
    next: (live) => {
      const current = common(live) as Fields;
      const subresource =
        subject.subresources.length > 0 && chance(random, 0.25)
          ? pick(random, subject.subresources)
          : '';
      const end = subresource === '' ? '' : `/${subresource}`;
      const die = random.next();
      if (die < 0.36) return apply(subresource);
      if (die < 0.5) return jsonPatch(current, subresource);
      if (die < 0.65)
        return {
          method: 'PATCH',
          url: `${url}${end}${query(false)}`,
          type: types.merge,
          body: chance(random, 0.3) ? directed(random, part(subresource)) : part(subresource),
        };
      if (die < 0.87)
        return {
          method: 'PATCH',
          url: `${url}${end}${query(false)}`,
          type: types.strategic,
          body: directed(random, part(subresource)),
        };
      if (die < 0.92)
        return {
          method: 'PATCH',
          url: `${url}${query(false)}`,
          type: types.merge,
          body: { metadata: { managedFields: pick(random, wholeFields) } },
        };
      const put =
        subresource === 'scale'
          ? {
              apiVersion: 'autoscaling/v1',
              kind: 'Scale',
              metadata: { name },
              spec: { replicas: pick(random, [0, 1]) },
            }
          : (over(current, part(subresource)) as Fields);
      return { method: 'PUT', url: `${url}${end}${query(false)}`, body: put };
    },
  };
}
