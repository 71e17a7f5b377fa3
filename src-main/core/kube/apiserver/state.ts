import type { DeepReadonly } from '#core/base';
import type { ResourceTable } from '../apis/index.ts';
import type { KubeObject } from '../machinery/index.ts';
import { prefixEnd, type Store } from '../storage/index.ts';
import { keyPrefix, objectKeyOf } from './keys.ts';
import type { StoredObject } from './stored-object.ts';
import type { ServerState } from './types.ts';

interface Tracked {
  version: number;
  listed: { version: number; items: readonly DeepReadonly<KubeObject>[] } | undefined;
}

const registry = '/registry/';

/**
 * The server's own view of its store: made before authorizers and admission, which read it, and given to the
 * server afterwards. Objects come in the version they are stored in.
 */
export function createServerState(store: Store<StoredObject>, builtin: ResourceTable): ServerState {
  const builtinNames = new Set(builtin.rows.map((row) => `${row.group}/${row.resource}`));
  const prefixes = new Map<string, Map<string, string>>();
  const tracked = new Map<string, Tracked>();

  const prefixOf = (group: string, resource: string): string => {
    let ofGroup = prefixes.get(group);
    if (!ofGroup) prefixes.set(group, (ofGroup = new Map<string, string>()));
    let prefix = ofGroup.get(resource);
    if (prefix === undefined) {
      prefix = keyPrefix(group, resource, builtinNames.has(`${group}/${resource}`));
      ofGroup.set(resource, prefix);
    }
    return prefix;
  };
  const entryOf = (prefix: string): Tracked => {
    let entry = tracked.get(prefix);
    if (!entry) tracked.set(prefix, (entry = { version: 1, listed: undefined }));
    return entry;
  };
  store.watch(registry, prefixEnd(registry), {
    onEvents(events) {
      for (const { key } of events) {
        let slash = key.indexOf('/', registry.length);
        for (let depth = 0; depth < 2 && slash > 0; depth++) {
          const entry = tracked.get(key.slice(0, slash + 1));
          if (entry) entry.version += 1;
          slash = key.indexOf('/', slash + 1);
        }
      }
    },
  });

  const all = (prefix: string): readonly DeepReadonly<KubeObject>[] => {
    const entry = entryOf(prefix);
    if (entry.listed?.version !== entry.version)
      entry.listed = {
        version: entry.version,
        items: store.range(prefix, prefixEnd(prefix)).kvs.map(({ value }) => value.object),
      };
    return entry.listed.items;
  };
  return {
    get: (group, resource, namespace, name) =>
      store.get(objectKeyOf(prefixOf(group, resource), namespace, name))?.value.object,
    list(group, resource, namespace) {
      const prefix = prefixOf(group, resource);
      if (namespace === undefined || namespace === '') return all(prefix);
      const start = `${prefix}${namespace}/`;
      return store.range(start, prefixEnd(start)).kvs.map(({ value }) => value.object);
    },
    version: (group, resource) => entryOf(prefixOf(group, resource)).version,
  };
}
