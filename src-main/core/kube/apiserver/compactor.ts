import type { Clock, Disposable, Logger } from '#core/base';
import type { Revision, Store } from '../storage/index.ts';
import { plainValue, type StoredObject } from './stored-object.ts';

const compactRevKey = 'compact_rev_key';

interface CompactorOptions {
  readonly store: Store<StoredObject>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `--etcd-compaction-interval`; 0 switches it off. */
  readonly intervalMs: number;
}

/**
 * Compacts the store every interval to where it stood an interval before. Several servers agree by the version of
 * one key: who finds it as it left it may compact, the others take over its time.
 *
 * @see k8s.io/apiserver/pkg/storage/etcd3/compact.go
 */
export function runCompactor({ store, clock, logger, intervalMs }: CompactorOptions): Disposable {
  if (intervalMs <= 0) return { dispose: () => undefined };
  let knownVersion = 0;
  let compactTo: Revision = 0;
  const compact = (): void => {
    const version = store.get(compactRevKey)?.version ?? 0;
    if (version === knownVersion) {
      store.put(compactRevKey, plainValue(String(compactTo)));
      knownVersion += 1;
      if (compactTo > store.compactedRevision) store.compact(compactTo);
    } else knownVersion = version;
    compactTo = store.revision;
  };
  let timer: Disposable;
  const arm = (): void => {
    timer = clock.setTimer(intervalMs, run, { background: true });
  };
  const run = (): void => {
    try {
      compact();
    } catch (error) {
      logger.log('warn', 'etcd: compact failed', { error: String(error) });
    }
    arm();
  };
  arm();
  return { dispose: () => timer.dispose() };
}
