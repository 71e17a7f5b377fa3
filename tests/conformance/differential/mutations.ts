import { jsonClone, type Random } from '#core/base';
import type { Resolved, Schema, Schemas } from './schema.ts';

/** Keys and indices from the root of an object. */
export type Path = readonly (string | number)[];

/** One change; without a value the field is removed. */
export interface Change {
  readonly path: Path;
  readonly what: string;
  readonly value?: unknown;
}

interface Site {
  readonly path: Path;
  readonly schema: Schema;
  readonly value: unknown;
}

type Fields = Record<string, unknown>;

/** Fields the server keeps for itself: changing them teaches nothing about validation. */
const unchanged = new Set(['managedFields', 'resourceVersion', 'apiVersion', 'kind', 'selfLink']);

/** Seeded changes of an object along its schema. */
export class Mutator {
  readonly #schemas: Schemas;
  readonly #random: Random;

  constructor(schemas: Schemas, random: Random) {
    this.#schemas = schemas;
    this.#random = random;
  }

  /**
   * @param start the part of the object that is changed; `[]` is all of it.
   * @returns one to three changes, in the order in which to apply them.
   */
  changes(object: unknown, root: Schema, start: Path = []): Change[] {
    const draft = jsonClone(object);
    const wanted = this.#pick([1, 1, 1, 1, 2, 2, 3]);
    const changes: Change[] = [];
    for (let tries = 0; changes.length < wanted && tries < 20; tries++) {
      const change = this.#change(this.#sites(draft, root, start));
      if (!change) continue;
      applyChange(draft, change);
      changes.push(change);
    }
    return changes;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.integer(items.length)] as T;
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #sites(object: unknown, root: Schema, start: Path): Site[] {
    const sites: Site[] = [];
    const visit = (value: unknown, schema: Schema, path: Path): void => {
      const inside = start.every((part, index) => path.length <= index || path[index] === part);
      if (!inside) return;
      if (path.length >= start.length) sites.push({ path, schema, value });
      const node = this.#schemas.resolve(schema);
      if (Array.isArray(value))
        value.forEach((item, index) => visit(item, node.items ?? {}, [...path, index]));
      else if (typeof value === 'object' && value !== null)
        for (const [key, entry] of Object.entries(value))
          if (!unchanged.has(key))
            visit(entry, node.properties?.[key] ?? node.additionalProperties ?? {}, [...path, key]);
    };
    visit(object, root, []);
    return sites;
  }

  #change(sites: readonly Site[]): Change | undefined {
    // Metadata has the same rules everywhere: a few changes of it are enough.
    const metadata = sites.filter((site) => site.path[0] === 'metadata');
    const others = sites.filter((site) => site.path[0] !== 'metadata');
    const site = this.#pick(
      others.length === 0 || (metadata.length > 0 && this.#chance(0.1)) ? metadata : others,
    );
    if (!site) return undefined;
    const { path, value } = site;
    const node = this.#schemas.resolve(site.schema);
    if (path.length > 0 && this.#chance(0.12)) return { path, what: 'remove' };
    if (path.length > 0 && this.#chance(0.03)) return { path, what: 'null', value: null };
    if (path.length > 0 && this.#chance(0.05)) {
      const other = this.#pick([7, 'text', true, ['a'], { a: 'b' }, 1.5]);
      return { path, what: 'type', value: other };
    }
    if (Array.isArray(value)) return this.#listChange(site, value, node);
    if (typeof value === 'object' && value !== null)
      return this.#objectChange(site, value as Fields, node);
    const key = String(path.findLast((part) => typeof part === 'string') ?? '');
    return { path, what: 'value', value: this.#scalar(node, key, value) };
  }

  #listChange(site: Site, value: readonly unknown[], node: Resolved): Change {
    const { path } = site;
    const at = this.#random.integer(value.length + 1);
    switch (this.#random.integer(5)) {
      case 0:
        return { path, what: 'empty', value: [] };
      case 1:
        return value.length === 0
          ? { path, what: 'remove' }
          : { path, what: 'duplicate', value: [...value, this.#pick(value)] };
      case 2:
        return { path, what: 'reverse', value: value.toReversed() };
      default: {
        const added = this.#value(node.items ?? {}, String(path.at(-1)), 0);
        return { path, what: 'insert', value: value.toSpliced(at, 0, added) };
      }
    }
  }

  #objectChange(site: Site, value: Fields, node: Resolved): Change | undefined {
    const { path } = site;
    if (this.#chance(0.08))
      return { path: [...path, 'unknownField'], what: 'unknown', value: this.#pick([1, 'a', {}]) };
    if (path.length > 0 && this.#chance(0.1)) return { path, what: 'empty', value: {} };
    if (node.properties) {
      const absent = Object.keys(node.properties).filter(
        (key) => !(key in value) && !unchanged.has(key),
      );
      if (absent.length === 0) return undefined;
      const key = this.#pick(absent);
      const added = this.#value(node.properties[key] ?? {}, key, 0);
      return { path: [...path, key], what: 'add', value: added };
    }
    const key = this.#pick(mapKeys);
    const added = this.#value(node.additionalProperties ?? { type: 'string' }, key, 0);
    return { path: [...path, key], what: 'add key', value: added };
  }

  /** A value of a schema's shape: often valid, sometimes not. */
  #value(schema: Schema, key: string, depth: number): unknown {
    const node = this.#schemas.resolve(schema);
    if (node.properties) {
      const out: Fields = {};
      const names = Object.keys(node.properties);
      // A union has many alternatives of which one is right; other structs are filled by chance.
      const union = /Source$|^Volume$|Handler$/.test(node.typeName);
      const chosen = union ? new Set([this.#pick(names)]) : new Set<string>();
      for (const name of names) {
        const required = node.required?.includes(name) && this.#chance(0.9);
        const optional = depth < 4 && !union && this.#chance(depth === 0 ? 0.3 : 0.2);
        if (required || optional || chosen.has(name))
          out[name] = this.#value(node.properties[name] ?? {}, name, depth + 1);
      }
      return out;
    }
    if (node.type === 'array') {
      const length = this.#pick([0, 1, 1, 1, 2]);
      return Array.from({ length }, () => this.#value(node.items ?? {}, key, depth + 1));
    }
    if (node.type === 'object') {
      const out: Fields = {};
      for (let left = this.#pick([0, 1, 1, 2]); left > 0; left--) {
        const name = this.#pick(mapKeys);
        out[name] = this.#value(node.additionalProperties ?? { type: 'string' }, name, depth + 1);
      }
      return out;
    }
    return this.#scalar(node, key, undefined);
  }

  #scalar(node: Resolved, key: string, before: unknown): unknown {
    if (node.typeName === 'Quantity')
      return this.#pick(['1', '100m', '1Gi', '0', '-1', '1.5', '0.5m', 'abc', '', 2, '1e3', '4Ki']);
    if (node.format === 'int-or-string')
      return this.#pick([1, 0, -1, 80, 70000, '50%', '0%', '150%', '-5%', 'http', 'BAD_name', '']);
    if (node.format === 'date-time')
      return this.#pick(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.000000Z', 'yesterday', '']);
    switch (node.type) {
      case 'boolean':
        return typeof before === 'boolean' ? !before : this.#chance(0.6);
      case 'integer':
      case 'number':
        return this.#pick(integers);
      default:
        break;
    }
    if (node.enum && this.#chance(0.75)) return this.#pick(node.enum);
    if (node.format === 'byte') return this.#pick(['YQ==', '', '!!', 'YQ']);
    const hints = Object.entries(texts).filter(([hint]) => key.toLowerCase().includes(hint));
    const hinted = hints.flatMap(([, values]) => values);
    if (hinted.length > 0 && this.#chance(0.6)) return this.#pick(hinted);
    if (typeof before === 'string' && this.#chance(0.15)) return `${before}x`;
    return this.#pick(strings);
  }
}

const integers = [
  0,
  1,
  1,
  2,
  5,
  10,
  80,
  -1,
  -5,
  600,
  1001,
  65535,
  65536,
  100000,
  2147483647,
  2 ** 31,
];
const strings = [
  'a',
  'b',
  'app',
  'web',
  '',
  '',
  'Upper',
  'under_score',
  'a.b',
  '-dash',
  'end-',
  'has space',
  'a/b',
  'example.com/name',
  '10',
  '*',
  '/abs/path',
  '../up',
  'x'.repeat(64),
  'y'.repeat(254),
  '키잡이',
];
const mapKeys = [
  'a',
  'app',
  'cpu',
  'memory',
  'example.com/name',
  'pods',
  'requests.storage',
  'kubernetes.io/x',
  'Bad Key',
  '',
  '-a',
  'storage',
  'hugepages-2Mi',
  'ephemeral-storage',
  'key.json',
  'x'.repeat(64),
];
/** Values worth trying where the name of a field holds the word. */
const texts: Readonly<Record<string, readonly string[]>> = {
  name: ['web', 'main', 'differential', 'data', 'Bad_Name', 'a..b', ''],
  namespace: ['default', 'other', 'Bad'],
  ip: ['10.0.0.1', '::1', '999.1.1.1', '127.0.0.1', '010.0.0.1', 'localhost', '169.254.1.1'],
  cidr: ['10.0.0.0/24', '10.0.0.1/24', '10.0.0.0', 'fd00::/64', '10.0.0.0/33'],
  path: ['/data', '/data/', 'relative', '/a/../b', '/a:b', ''],
  schedule: ['* * * * *', '@hourly', '0 25 * * *', 'TZ=UTC * * * * *', 'bad', '*/5 * * *'],
  timezone: ['Asia/Seoul', 'Etc/UTC', 'Mars/Base', 'Local'],
  operator: ['In', 'Exists', 'Equal', 'DoesNotExist', 'Gt', 'NotIn', 'Lt', 'Same'],
  effect: ['NoSchedule', 'NoExecute', 'PreferNoSchedule', 'Never'],
  apigroup: ['apps', 'rbac.authorization.k8s.io', 'snapshot.storage.k8s.io', ''],
  apiversion: ['v1', 'apps/v1', 'a/b/c'],
  kind: ['Pod', 'User', 'Group', 'ServiceAccount', 'Deployment', 'PersistentVolumeClaim'],
  finalizer: ['kubernetes', 'example.com/hold', 'bare', 'foregroundDeletion'],
  image: ['nginx:1.27', ' nginx', '', 'a b'],
  topologykey: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'bad key'],
  host: ['a.example.com', '*.example.com', '*', '10.0.0.1', 'Upper.example.com'],
  url: ['https://example.com/x', 'http://example.com', 'example.com', ':bad'],
  expression: ['true', 'object.spec.x == 1', '1 +', ''],
  type: ['Opaque', 'kubernetes.io/tls', 'ClusterIP', 'NodePort', 'RollingUpdate', 'Localhost'],
};

/** Makes a change in place; a path that is not there any more stays as it is. */
export function applyChange(object: unknown, change: Change): void {
  let at = object as Fields;
  for (const part of change.path.slice(0, -1)) {
    const next = at[part];
    if (typeof next !== 'object' || next === null) return;
    at = next as Fields;
  }
  const last = change.path.at(-1);
  if (last === undefined) return;
  if ('value' in change) at[last] = jsonClone(change.value);
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
}
