import { defer, type Clock, type Disposable, type Logger } from '#core/base';
import { isReason, type KubeObject } from '../machinery/index.ts';
import { prefixEnd, type Store } from '../storage/index.ts';
import {
  crdCleanupFinalizer,
  type CrdRegistry,
  markCrdDeleting,
  reconcileCrdStatus,
} from './crds/index.ts';
import type { Loopback } from './loopback.ts';
import type { ApiServer } from './options.ts';
import type { StoredObject } from './stored-object.ts';
import type { ServerState } from './types.ts';

const prefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/';
const group = 'apiextensions.k8s.io';
const resource = 'customresourcedefinitions';
/** How often the objects of a definition that goes are looked for. */
const instanceCheckMs = 5000;

export interface CrdLifecycleDeps {
  readonly store: Store<StoredObject>;
  readonly state: ServerState;
  readonly registry: CrdRegistry;
  readonly loopback: Loopback;
  readonly remove: ApiServer['remove'];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What upstream's apiextensions server does beside serving: names are accepted, definitions become Established, and
 * the objects of a deleted definition go before it does.
 * @see k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer}
 */
export function runCrdLifecycle(deps: CrdLifecycleDeps): Disposable {
  const { store, state, registry, loopback, remove, clock, logger } = deps;
  let disposed = false;
  let pending = false;
  let again: Disposable | undefined;

  const write = async (method: 'PUT', path: string, object: KubeObject): Promise<void> => {
    try {
      await loopback.request(method, path, object);
    } catch (error) {
      // Someone wrote in between; that write has put us in the queue again.
      if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) throw error;
    }
  };

  const reconcile = async (): Promise<void> => {
    registry.sync();
    const all = state.list(group, resource);
    for (const crd of all) {
      const name = crd.metadata.name ?? '';
      const path = `/apis/${group}/v1/${resource}/${name}`;
      if (
        crd.metadata.deletionTimestamp &&
        crd.metadata.finalizers?.includes(crdCleanupFinalizer)
      ) {
        const marked = markCrdDeleting(crd, clock.now());
        if (marked) {
          // The write brings the definition back here.
          await write('PUT', `${path}/status`, marked);
          continue;
        }
        if (!(await removeInstances(crd as KubeObject))) {
          // Finalizers hold some back.
          again ??= clock.setTimer(instanceCheckMs, changed);
          continue;
        }
        const rest = crd.metadata.finalizers.filter(
          (finalizer) => finalizer !== crdCleanupFinalizer,
        );
        // As upstream does: the status alone is checked, so that no fault in the definition keeps it for ever.
        await write('PUT', `${path}/status`, {
          ...(crd as KubeObject),
          metadata: { ...(crd.metadata as KubeObject['metadata']), finalizers: rest },
        });
        continue;
      }
      const settled = reconcileCrdStatus(crd, all, clock.now());
      if (settled) await write('PUT', `${path}/status`, settled);
    }
  };

  /** Whether none is left. */
  const removeInstances = async (crd: KubeObject): Promise<boolean> => {
    const spec = crd['spec'] as { group: string; names: { plural: string } };
    const rows = registry
      .resources()
      .filter((row) => row.group === spec.group && row.resource === spec.names.plural);
    const [row] = rows;
    if (!row) return true;
    const instances = state.list(row.group, row.resource);
    for (const { metadata } of instances) {
      if (metadata.deletionTimestamp) continue;
      await remove(row, metadata).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    }
    return state.list(row.group, row.resource).length === 0;
  };

  const run = (): void => {
    pending = false;
    if (disposed) return;
    reconcile().catch((error: unknown) => {
      logger.log('error', 'custom resource definitions', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  };
  const changed = (): void => {
    again?.dispose();
    again = undefined;
    if (pending || disposed) return;
    pending = true;
    defer(clock, run);
  };
  registry.sync();
  const watch = store.watch(prefix, prefixEnd(prefix), { onEvents: changed });
  changed();
  return {
    dispose: () => {
      disposed = true;
      again?.dispose();
      watch.dispose();
    },
  };
}
