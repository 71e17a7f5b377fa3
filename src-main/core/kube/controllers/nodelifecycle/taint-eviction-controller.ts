import { type Disposable, DisposableStore } from '#core/base';
import type { Pod } from '../../apis/index.ts';
import {
  formatTime,
  isReason,
  keyOf,
  objectKey,
  type ObjectKey,
  usedTolerations,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import type { NodeView, TaintView } from '../shared/nodes.ts';
import { podNodeIndex, podNodeKeys, podReference, type PodView } from '../shared/pods.ts';

interface Scheduled extends Disposable {
  readonly createdMs: number;
  readonly dueMs: number;
}

/**
 * Deletes pods from nodes with a NoExecute taint they do not tolerate, or no longer.
 *
 * @see k8s.io/kubernetes/pkg/controller/tainteviction/taint_eviction.go
 */
export function createTaintEvictionController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock, logger } = context;
  const nodes = informers.for('nodes');
  const pods = informers.for('pods');
  pods.addIndex(podNodeIndex, podNodeKeys);
  const scheduled = new Map<ObjectKey, Scheduled>();
  const owned = new DisposableStore();
  let disposed = false;

  function onPod(pod: PodView): void {
    const name = pod.spec?.nodeName;
    const node = name ? nodes.get(keyOf(undefined, name)) : undefined;
    if (node) consider(pod, noExecuteTaints(node));
  }

  function onNode(node: NodeView): void {
    const taints = noExecuteTaints(node);
    for (const pod of pods.byIndex(podNodeIndex, node.metadata.name ?? '')) consider(pod, taints);
  }

  function consider(pod: PodView, taints: readonly TaintView[]): void {
    const key = objectKey(pod.metadata);
    if (taints.length === 0) {
      cancel(key, pod);
      return;
    }
    const used = usedTolerations(taints, pod.spec?.tolerations ?? []);
    if (!used) {
      cancel(key);
      schedule(pod, 0);
      return;
    }
    const limits = used.flatMap(({ tolerationSeconds }) =>
      tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)],
    );
    if (limits.length === 0) {
      cancel(key, pod);
      return;
    }
    const delayMs = Math.min(...limits) * 1000;
    const present = scheduled.get(key);
    // Another taint does not begin the time again.
    const startMs = present?.createdMs ?? clock.now();
    if (present && present.dueMs <= startMs + delayMs && present.dueMs > clock.now()) return;
    if (present) cancel(key);
    schedule(pod, startMs + delayMs - clock.now(), startMs);
  }

  function schedule(pod: PodView, delayMs: number, createdMs = clock.now()): void {
    const key = objectKey(pod.metadata);
    if (scheduled.has(key)) return;
    const timer = clock.setTimer(
      Math.max(0, delayMs),
      () => {
        void evict(pod).finally(() => scheduled.delete(key));
      },
      { background: delayMs > 60_000 },
    );
    scheduled.set(key, { createdMs, dueMs: clock.now() + delayMs, dispose: () => timer.dispose() });
  }

  function cancel(key: ObjectKey, announce?: PodView): void {
    const present = scheduled.get(key);
    if (!present) return;
    present.dispose();
    scheduled.delete(key);
    if (announce && present.dueMs > clock.now())
      recorder.event(
        podReference(announce),
        'Normal',
        'TaintManagerEviction',
        `Cancelling deletion of Pod ${key}`,
      );
  }

  async function evict(pod: PodView): Promise<void> {
    const key = objectKey(pod.metadata);
    if (disposed) return;
    recorder.event(
      podReference(pod),
      'Normal',
      'TaintManagerEviction',
      `Marking for deletion Pod ${key}`,
    );
    for (let tries = 1; tries <= 5; tries++) {
      try {
        await addDisruptionTarget(pod);
        await client.resource('pods').delete(pod.metadata.namespace, pod.metadata.name ?? '');
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (tries === 5) logger.log('warn', 'pod not evicted', { pod: key, error: textOf(error) });
      }
    }
  }

  async function addDisruptionTarget(pod: PodView): Promise<void> {
    const resource = client.resource('pods');
    const draft = mutableCopy<Pod>(
      await resource.get(pod.metadata.namespace, pod.metadata.name ?? ''),
    );
    if (draft.metadata.uid !== pod.metadata.uid) return;
    const conditions = (draft.status ??= {}).conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True'))
      return;
    draft.status.conditions = [
      ...conditions.filter(({ type }) => type !== 'DisruptionTarget'),
      {
        type: 'DisruptionTarget',
        status: 'True',
        ...(draft.metadata.generation ? { observedGeneration: draft.metadata.generation } : {}),
        lastTransitionTime: formatTime(clock.now()),
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
      },
    ];
    await resource.updateStatus(draft);
  }

  return {
    start: () => {
      void informers.waitForSync().then(() => {
        if (disposed) return;
        owned.add(
          pods.addHandler({
            onAdd: onPod,
            onUpdate: (_, pod) => onPod(pod),
            onDelete: (pod) => cancel(objectKey(pod.metadata)),
          }),
        );
        owned.add(nodes.addHandler({ onAdd: onNode, onUpdate: (_, node) => onNode(node) }));
      });
    },
    dispose: () => {
      disposed = true;
      for (const timer of scheduled.values()) timer.dispose();
      scheduled.clear();
      owned.dispose();
    },
  };
}

function noExecuteTaints(node: NodeView): readonly TaintView[] {
  return (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}
