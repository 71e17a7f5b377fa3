import type { Disposable } from '#core/base';
import { formatTime, isReason, keyOf } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, textOf } from '../shared/context.ts';
import { nodeCondition } from '../shared/nodes.ts';
import { compareCreation, isPodTerminal, type PodView } from '../shared/pods.ts';

const periodMs = 20_000;
const quarantineMs = 40_000;

/**
 * Removes pods nobody else will: of nodes that are gone or out of service, terminating ones that were never
 * bound, and finished ones above a threshold.
 *
 * @see k8s.io/kubernetes/pkg/controller/podgc/gc_controller.go
 */
export function createPodGarbageCollector(
  context: ControllerContext,
  options: { readonly terminatedPodThreshold?: number } = {},
): Controller {
  const { client, informers, clock, logger } = context;
  const threshold = options.terminatedPodThreshold ?? 12_500;
  const pods = informers.for('pods');
  const nodes = informers.for('nodes');
  /** Nodes that pods name but nobody has → when that was first seen. */
  const missing = new Map<string, number>();
  let timer: Disposable | undefined;
  let disposed = false;

  async function collect(): Promise<void> {
    const all = pods.list();
    const nowMs = clock.now();
    if (threshold > 0) {
      const finished = all.filter(isPodTerminal).sort(compareCreation);
      for (const pod of finished.slice(0, Math.max(0, finished.length - threshold)))
        await remove(pod);
    }
    const absent = new Set(
      all
        .map((pod) => pod.spec?.nodeName ?? '')
        .filter((name) => name !== '' && !nodes.get(keyOf(undefined, name))),
    );
    for (const name of missing.keys()) if (!absent.has(name)) missing.delete(name);
    for (const name of absent) if (!missing.has(name)) missing.set(name, nowMs);
    for (const pod of all) {
      const name = pod.spec?.nodeName ?? '';
      const sinceMs = missing.get(name);
      if (sinceMs !== undefined && nowMs - sinceMs >= quarantineMs) {
        if (await isAbsent(name))
          await remove(pod, {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByPodGC',
            message: 'PodGC: node no longer exists',
          });
        else missing.delete(name);
      } else if (pod.metadata.deletionTimestamp && name === '') await remove(pod);
      else if (pod.metadata.deletionTimestamp && isOutOfService(name)) await remove(pod);
    }
  }

  function isOutOfService(name: string): boolean {
    const node = nodes.get(keyOf(undefined, name));
    return (
      node !== undefined &&
      nodeCondition(node, 'Ready')?.status !== 'True' &&
      (node.spec?.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/out-of-service')
    );
  }

  async function isAbsent(name: string): Promise<boolean> {
    try {
      await client.resource('nodes').get(undefined, name);
      return false;
    } catch (error) {
      return isReason(error, 'NotFound');
    }
  }

  async function remove(
    pod: PodView,
    condition?: { type: string; status: string; reason: string; message: string },
  ): Promise<void> {
    const resource = client.resource('pods');
    const { namespace, name = '', uid } = pod.metadata;
    try {
      if (!isPodTerminal(pod)) {
        const { generation } = pod.metadata;
        const conditions = condition && [
          {
            ...condition,
            lastTransitionTime: formatTime(clock.now()),
            ...(generation ? { observedGeneration: generation } : {}),
          },
        ];
        // Its rights are to patch, not to update.
        await resource.patch(
          namespace,
          name,
          'strategic',
          { metadata: { uid }, status: { phase: 'Failed', ...(conditions ? { conditions } : {}) } },
          { subresource: 'status' },
        );
      }
      await resource.delete(namespace, name, {
        gracePeriodSeconds: 0,
        ...(uid ? { preconditions: { uid } } : {}),
      });
    } catch (error) {
      if (!isReason(error, 'NotFound'))
        logger.log('debug', 'pod not collected', { pod: name, error: textOf(error) });
    }
  }

  function loop(): void {
    if (disposed) return;
    timer = clock.setTimer(
      periodMs,
      () => {
        collect()
          .catch((error: unknown) => logger.log('warn', 'pod GC failed', { error: textOf(error) }))
          .finally(loop);
      },
      { background: true },
    );
  }

  return {
    start: () => void informers.waitForSync().then(loop),
    dispose: () => {
      disposed = true;
      timer?.dispose();
    },
  };
}
