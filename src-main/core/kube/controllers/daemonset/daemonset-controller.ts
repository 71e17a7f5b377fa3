import { type DeepReadonly, jsonEqual } from '#core/base';
import type { DaemonSet, DaemonSetStatus, Pod } from '../../apis/index.ts';
import {
  claimObjects,
  controllerOf,
  controllerReference,
  Expectations,
  type Result,
  WorkQueue,
} from '../../client/index.ts';
import {
  isEmptySelector,
  isReason,
  keyOf,
  matchesSelector,
  objectKey,
  type ObjectKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { claimRevisions, ensureRevision, truncateHistory } from '../shared/controller-history.ts';
import { enqueueSelf, ownerKey, queueController } from '../shared/informer-queue.ts';
import { scaledValue } from '../shared/int-or-percent.ts';
import type { NodeView } from '../shared/nodes.ts';
import {
  createPodControl,
  isNamespaceTerminating,
  podFromTemplate,
  slowStartBatch,
} from '../shared/pod-control.ts';
import {
  compareCreation,
  isPodAvailable,
  isPodReady,
  podNodeIndex,
  podNodeKeys,
  type PodView,
} from '../shared/pods.ts';
import {
  boundToNode,
  eligibility,
  intendedNode,
  withDaemonTolerations,
} from './node-eligibility.ts';

type SetView = DeepReadonly<DaemonSet>;
type PodsByNode = ReadonlyMap<string, readonly PodView[]>;

const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';
const burstReplicas = 250;
/** Between two attempts on a node whose pod failed. */
const failedPodBackoff = { baseMs: 1000, maxMs: 15 * 60_000 };
const mostFailures = 512;

/**
 * Keeps one pod on each node that is meant to have one.
 *
 * @see k8s.io/kubernetes/pkg/controller/daemon
 */
export function createDaemonSetController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock } = context;
  const sets = informers.for('daemonsets.apps');
  const pods = informers.for('pods');
  const nodes = informers.for('nodes');
  pods.addIndex(podNodeIndex, podNodeKeys);
  const revisions = informers.for('controllerrevisions.apps');
  const podControl = createPodControl(client, recorder);
  const expectations = new Expectations(clock);
  const queue = new WorkQueue<ObjectKey>(clock);
  const failures = new Map<string, { delayMs: number; untilMs: number }>();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const set = sets.get(key);
    if (!set) {
      expectations.forget(key);
      return {};
    }
    if (isEmptySelector(set.spec?.selector)) {
      recorder.event(
        set,
        'Warning',
        'SelectingAll',
        'This daemon set is selecting all pods. A non-empty selector is required.',
      );
      return {};
    }
    if (set.metadata.deletionTimestamp) return {};
    const history = await claimRevisions(client, revisions, set, 'DaemonSet');
    const { revision } = await ensureRevision(client, set, history, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      hashLabel,
      template: set.spec?.template,
      collisionCount: set.status?.collisionCount ?? 0,
      ...(set.metadata.annotations ? { annotations: set.metadata.annotations } : {}),
    });
    const hash = revision.metadata.labels?.[hashLabel] ?? '';
    let failure: unknown;
    if (expectations.satisfied(key)) {
      try {
        await manage(key, set, hash);
        if (expectations.satisfied(key) && set.spec?.updateStrategy?.type !== 'OnDelete')
          await rollingUpdate(key, set, hash);
        const byNode = await podsByNode(set);
        const live = new Set(
          [...byNode.values()].flat().map((pod) => pod.metadata.labels?.[hashLabel]),
        );
        await truncateHistory(
          client,
          history,
          ({ metadata }) =>
            metadata.name === revision.metadata.name || live.has(metadata.labels?.[hashLabel]),
          set.spec?.revisionHistoryLimit ?? 10,
        );
      } catch (error) {
        failure = error;
      }
    }
    const result = await updateStatus(set, hash);
    if (failure !== undefined) throw failure as Error;
    return result;
  }

  async function podsByNode(set: SetView): Promise<Map<string, PodView[]>> {
    const { namespace, name = '' } = set.metadata;
    const claimed = await claimObjects<Pod>(pods.list(namespace), {
      controller: set,
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      client: client.resource('pods'),
      matches: (pod) => matchesSelector(set.spec?.selector ?? {}, pod.metadata.labels),
      fresh: () => client.resource('daemonsets.apps').get(namespace, name),
    });
    const byNode = new Map<string, PodView[]>();
    for (const pod of claimed) {
      const node = intendedNode(pod.spec);
      byNode.set(node, [...(byNode.get(node) ?? []), pod]);
    }
    return byNode;
  }

  async function manage(key: ObjectKey, set: SetView, hash: string): Promise<void> {
    const byNode = await podsByNode(set);
    const create: string[] = [];
    const remove: string[] = [];
    for (const node of nodes.list()) decide(set, node, byNode, hash, create, remove);
    // A pending pod of a node that is gone will never be scheduled.
    for (const [name, list] of byNode)
      if (!nodes.get(keyOf(undefined, name)))
        for (const pod of list) if (!pod.spec?.nodeName) remove.push(pod.metadata.name ?? '');
    await syncNodes(key, set, remove, create, hash);
  }

  function decide(
    set: SetView,
    node: NodeView,
    byNode: PodsByNode,
    hash: string,
    create: string[],
    remove: string[],
  ): void {
    const name = node.metadata.name ?? '';
    const { shouldRun, mayStay } = eligibility(set.spec?.template.spec, node);
    const present = byNode.get(name) ?? [];
    if (shouldRun && present.length === 0) {
      create.push(name);
      return;
    }
    if (!mayStay) {
      for (const pod of present)
        if (!pod.metadata.deletionTimestamp) remove.push(pod.metadata.name ?? '');
      return;
    }
    const running: PodView[] = [];
    for (const pod of present) {
      if (pod.metadata.deletionTimestamp) continue;
      if (pod.status?.phase === 'Failed') {
        if (isBackingOff(set, name)) continue;
        recorder.event(
          set,
          'Warning',
          'FailedDaemonPod',
          `Found failed daemon pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} on node ${name}, will try to kill it`,
        );
        remove.push(pod.metadata.name ?? '');
      } else if (pod.status?.phase === 'Succeeded') {
        recorder.event(
          set,
          'Normal',
          'SucceededDaemonPod',
          `Found succeeded daemon pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} on node ${name}, will try to delete it`,
        );
        remove.push(pod.metadata.name ?? '');
      } else running.push(pod);
    }
    if (running.length <= 1) return;
    const sorted = [...running].sort(byPreference);
    if (maxSurgeOf(set, 1) === 0) {
      for (const pod of sorted.slice(1)) remove.push(pod.metadata.name ?? '');
      return;
    }
    const newest = sorted.find((pod) => isUpdated(set, pod, hash));
    const oldest = sorted.find((pod) => !isUpdated(set, pod, hash));
    for (const pod of sorted)
      if (pod !== newest && pod !== oldest) remove.push(pod.metadata.name ?? '');
    if (!newest || !oldest) return;
    const minReady = set.spec?.minReadySeconds ?? 0;
    if (!isPodReady(oldest) || isPodAvailable(newest, minReady, clock.now()))
      remove.push(oldest.metadata.name ?? '');
  }

  function isBackingOff(set: SetView, node: string): boolean {
    const key = `${set.metadata.uid ?? ''}/${set.status?.observedGeneration ?? 0}/${node}`;
    const nowMs = clock.now();
    const present = failures.get(key);
    if (present && nowMs < present.untilMs) {
      queue.addAfter(objectKey(set.metadata), present.untilMs - nowMs);
      return true;
    }
    const delayMs = present
      ? Math.min(present.delayMs * 2, failedPodBackoff.maxMs)
      : failedPodBackoff.baseMs;
    failures.set(key, { delayMs, untilMs: nowMs + delayMs });
    // Of sets and generations that are gone nothing more will be heard.
    if (failures.size > mostFailures)
      for (const [other, { untilMs }] of failures)
        if (nowMs - untilMs > 2 * failedPodBackoff.maxMs) failures.delete(other);
    return false;
  }

  function maxSurgeOf(set: SetView, desired: number): number {
    if (set.spec?.updateStrategy?.type === 'OnDelete') return 0;
    return scaledValue(set.spec?.updateStrategy?.rollingUpdate?.maxSurge, desired, true);
  }

  function isUpdated(set: SetView, pod: PodView, hash: string): boolean {
    const labels = pod.metadata.labels ?? {};
    const generation = set.metadata.annotations?.[generationAnnotation];
    return (
      (generation !== undefined && labels[generationLabel] === generation) ||
      (hash !== '' && labels[hashLabel] === hash)
    );
  }

  /** Creates on nodes and deletes by name. */
  async function syncNodes(
    key: ObjectKey,
    set: SetView,
    doomed: readonly string[],
    nodeNames: readonly string[],
    hash: string,
  ): Promise<void> {
    const create = nodeNames.slice(0, burstReplicas);
    const remove = [...new Set(doomed)].slice(0, burstReplicas);
    if (create.length + remove.length === 0) return;
    const { namespace } = set.metadata;
    expectations.expect(
      key,
      create.length,
      remove.map((name) => keyOf(namespace, name)),
    );
    const reference = controllerReference(set, 'apps/v1', 'DaemonSet');
    const { successes, error } = await slowStartBatch(create.length, async (index) => {
      try {
        await podControl.create(podFor(set, create[index] ?? '', hash, reference), set);
      } catch (createError) {
        if (!isNamespaceTerminating(createError)) throw createError;
      }
    });
    for (let skipped = create.length - successes; skipped > 0; skipped--)
      expectations.creationObserved(key);
    let failure = error;
    await Promise.all(
      remove.map(async (name) => {
        try {
          await podControl.delete(namespace, name, set);
        } catch (deleteError) {
          expectations.deletionObserved(key, keyOf(namespace, name));
          if (!isReason(deleteError, 'NotFound')) failure ??= deleteError;
        }
      }),
    );
    if (failure !== undefined) throw failure as Error;
  }

  function podFor(
    set: SetView,
    node: string,
    hash: string,
    reference: ReturnType<typeof controllerReference>,
  ): Pod {
    const draft = podFromTemplate(set.spec?.template ?? {}, set, reference);
    const generation = set.metadata.annotations?.[generationAnnotation];
    draft.metadata.labels = {
      ...draft.metadata.labels,
      [hashLabel]: hash,
      ...(generation === undefined ? {} : { [generationLabel]: generation }),
    };
    if (draft.spec) {
      draft.spec.tolerations = withDaemonTolerations(draft.spec);
      draft.spec.affinity = boundToNode(draft.spec.affinity, node);
    }
    return draft;
  }

  async function rollingUpdate(key: ObjectKey, set: SetView, hash: string): Promise<void> {
    const byNode = await podsByNode(set);
    const nowMs = clock.now();
    const minReady = set.spec?.minReadySeconds ?? 0;
    const shouldRun = (name: string): boolean => {
      const node = nodes.get(keyOf(undefined, name));
      return node !== undefined && eligibility(set.spec?.template.spec, node).shouldRun;
    };
    const desired = nodes
      .list()
      .filter((node) => eligibility(set.spec?.template.spec, node).shouldRun).length;
    const maxSurge = maxSurgeOf(set, desired);
    const rolling = set.spec?.updateStrategy?.rollingUpdate;
    const unavailableValue = scaledValue(rolling?.maxUnavailable, desired, true, 1);
    const maxUnavailable = maxSurge === 0 && unavailableValue === 0 ? 1 : unavailableValue;
    const isAvailable = (pod: PodView): boolean => isPodAvailable(pod, minReady, nowMs);

    const doomed: string[] = [];
    const candidates: string[] = [];
    const newNodes: string[] = [];
    const newCandidates: string[] = [];
    const sunset: string[] = [];
    let unavailable = 0;
    let available = 0;
    let surge = 0;
    for (const [name, list] of byNode) {
      const alive = list.filter((pod) => !pod.metadata.deletionTimestamp);
      const updated = alive.filter((pod) => isUpdated(set, pod, hash));
      const outdated = alive.filter((pod) => !isUpdated(set, pod, hash));
      if (updated.length > 1 || outdated.length > 1) {
        // Let the next round of placement put this node in order first.
        unavailable += 1;
        surge += 1;
        continue;
      }
      const [fresh, old] = [updated[0], outdated[0]];
      if (maxSurge === 0) {
        if (Boolean(fresh) === Boolean(old)) unavailable += 1;
        else if (fresh) unavailable += isAvailable(fresh) ? 0 : 1;
        else if (old && !isAvailable(old)) {
          doomed.push(old.metadata.name ?? '');
          unavailable += 1;
        } else if (old) candidates.push(old.metadata.name ?? '');
        continue;
      }
      const first = old ?? fresh;
      if (first && isAvailable(first)) available += 1;
      if (!old) continue;
      const oldName = old.metadata.name ?? '';
      if (fresh) {
        if (isAvailable(fresh)) doomed.push(oldName);
        else surge += 1;
      } else if (!isAvailable(old)) {
        if (shouldRun(name)) newNodes.push(name);
        else doomed.push(oldName);
      } else if (shouldRun(name)) newCandidates.push(name);
      else sunset.push(oldName);
    }
    // Where the set is not to run any more it runs on until enough others are available.
    doomed.push(...sunset.slice(0, Math.max(0, available - desired)));
    doomed.push(...candidates.slice(0, Math.max(0, maxUnavailable - unavailable)));
    newNodes.push(...newCandidates.slice(0, Math.max(0, maxSurge - surge)));
    await syncNodes(key, set, doomed, newNodes, hash);
  }

  async function updateStatus(set: SetView, hash: string): Promise<Result> {
    const byNode = await podsByNode(set);
    const nowMs = clock.now();
    const minReady = set.spec?.minReadySeconds ?? 0;
    const status: DaemonSetStatus = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
    let [updated, available] = [0, 0];
    for (const node of nodes.list()) {
      const [pod] = [...(byNode.get(node.metadata.name ?? '') ?? [])].sort(byPreference);
      if (!eligibility(set.spec?.template.spec, node).shouldRun) {
        if (pod) status.numberMisscheduled += 1;
        continue;
      }
      status.desiredNumberScheduled += 1;
      if (!pod) continue;
      status.currentNumberScheduled += 1;
      if (isPodReady(pod)) status.numberReady += 1;
      if (isPodAvailable(pod, minReady, nowMs)) available += 1;
      if (isUpdated(set, pod, hash)) updated += 1;
    }
    const unavailable = status.desiredNumberScheduled - available;
    Object.assign(
      status,
      set.metadata.generation ? { observedGeneration: set.metadata.generation } : {},
      updated ? { updatedNumberScheduled: updated } : {},
      available ? { numberAvailable: available } : {},
      unavailable ? { numberUnavailable: unavailable } : {},
      set.status?.collisionCount === undefined ? {} : { collisionCount: set.status.collisionCount },
      set.status?.conditions ? { conditions: set.status.conditions } : {},
    );
    if (!jsonEqual(set.status, status)) {
      const resource = client.resource('daemonsets.apps');
      const draft = mutableCopy<DaemonSet>(set);
      draft.status = status;
      try {
        await resource.updateStatus(draft);
      } catch (error) {
        if (!isReason(error, 'Conflict')) throw error;
        const fresh = mutableCopy<DaemonSet>(
          await resource.get(set.metadata.namespace, set.metadata.name ?? ''),
        );
        await resource.updateStatus({ ...fresh, status });
      }
    }
    return minReady > 0 && status.numberReady !== available
      ? { requeueAfterMs: minReady * 1000 }
      : {};
  }

  function ownerOf(pod: PodView): SetView | undefined {
    const key = ownerKey(pod, 'DaemonSet');
    const set = key && sets.get(key);
    return set && set.metadata.uid === controllerOf(pod)?.uid ? set : undefined;
  }

  function onDeleted(pod: PodView): void {
    const set = ownerOf(pod);
    if (!set) return;
    const key = objectKey(set.metadata);
    expectations.deletionObserved(key, objectKey(pod.metadata));
    queue.add(key);
  }

  function enqueueSelecting(pod: PodView): void {
    for (const set of sets.list(pod.metadata.namespace))
      if (matchesSelector(set.spec?.selector ?? {}, pod.metadata.labels))
        queue.add(objectKey(set.metadata));
  }

  return queueController(context, {
    name: 'daemonset-controller',
    queue,
    reconcile,
    workers: options.workers ?? 2,
    handlers: (own) => {
      own(enqueueSelf(sets, queue));
      own(
        pods.addHandler({
          onAdd: (pod) => {
            if (pod.metadata.deletionTimestamp) {
              onDeleted(pod);
              return;
            }
            const set = ownerOf(pod);
            if (set) {
              expectations.creationObserved(objectKey(set.metadata));
              queue.add(objectKey(set.metadata));
            } else if (!controllerOf(pod)) enqueueSelecting(pod);
          },
          onUpdate: (previous, pod) => {
            if (pod.metadata.deletionTimestamp) {
              onDeleted(pod);
              return;
            }
            for (const set of [ownerOf(previous), ownerOf(pod)])
              if (set) queue.add(objectKey(set.metadata));
            if (!controllerOf(pod) && !jsonEqual(previous.metadata, pod.metadata))
              enqueueSelecting(pod);
          },
          onDelete: onDeleted,
        }),
      );
      // The sets for which a node now differs from what its pods show; a node that goes takes its pods with it.
      const onNode = (node: NodeView): void => {
        const bound = pods.byIndex(podNodeIndex, node.metadata.name ?? '');
        for (const set of sets.list()) {
          const { shouldRun, mayStay } = eligibility(set.spec?.template.spec, node);
          const isThere = bound.some((pod) => controllerOf(pod)?.uid === set.metadata.uid);
          const differs = isThere
            ? !mayStay || (set.status?.numberMisscheduled ?? 0) > 0
            : shouldRun;
          if (differs) queue.add(objectKey(set.metadata));
        }
      };
      own(
        nodes.addHandler({
          onAdd: onNode,
          onUpdate: (previous, node) => {
            const changed =
              !jsonEqual(previous.metadata.labels, node.metadata.labels) ||
              !jsonEqual(previous.spec?.taints, node.spec?.taints);
            if (changed) onNode(node);
          },
        }),
      );
    },
  });
}

/** Bound pods before pending ones, then the oldest. */
function byPreference(a: PodView, b: PodView): number {
  return (
    Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName)) || compareCreation(a, b)
  );
}
