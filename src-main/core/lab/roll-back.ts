import { type KubeObject, prefixEnd, type Store, StoredObject } from '#core/kube';

/** Makes every key what it was at `revision`, as one new revision. */
export function rollBack(store: Store<StoredObject>, revision: number): void {
  const [start, end] = ['/registry/', prefixEnd('/registry/')];
  const then = new Map(store.rangePast(start, end, revision).kvs.map((kv) => [kv.key, kv]));
  const now = store.range(start, end).kvs;
  store.transaction((transaction) => {
    for (const { key, modRevision } of now) {
      const before = then.get(key);
      if (!before) transaction.delete(key);
      else if (before.modRevision === modRevision) then.delete(key);
    }
    for (const [key, { value }] of then)
      transaction.put(key, (next) => {
        const object = value.object as KubeObject;
        return new StoredObject({
          ...object,
          metadata: { ...object.metadata, resourceVersion: String(next) },
        });
      });
  });
}
