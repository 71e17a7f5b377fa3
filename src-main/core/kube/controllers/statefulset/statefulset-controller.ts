import { jsonEqual } from '#core/base';
import type { Pod, StatefulSet, StatefulSetStatus } from '../../apis/index.ts';
import { claimObjects, controllerOf, type Result, WorkQueue } from '../../client/index.ts';
import {
  isEmptySelector,
  isReason,
  matchesSelector,
  objectKey,
  type ObjectKey,
  splitKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import {
  ensureRevision,
  claimRevisions,
  type RevisionView,
  truncateHistory,
} from '../shared/controller-history.ts';
import { enqueueSelf, ownerKey, queueController } from '../shared/informer-queue.ts';
import { slowStartBatch } from '../shared/pod-control.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';
import {
  isCreated,
  isMemberOf,
  isRunningAndAvailable,
  isRunningAndReady,
  isTerminating,
  isUnavailable,
  newPod,
  ordinalOf,
  replicasOf,
  revisionFor,
  revisionOf,
  type SetView,
  startOrdinal,
} from './identity.ts';
import { createStatefulPodControl } from './stateful-pod-control.ts';

/**
 * Keeps pods with a name, an ordinal and storage of their own, in order.
 *
 * @see k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_control.go
 */
export function createStatefulSetController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock } = context;
  const sets = informers.for('statefulsets.apps');
  const pods = informers.for('pods');
  const revisions = informers.for('controllerrevisions.apps');
  const control = createStatefulPodControl(context);
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const set = sets.get(key);
    if (!set) return {};
    const { namespace, name } = splitKey(key);
    if (isEmptySelector(set.spec?.selector)) {
      recorder.event(
        set,
        'Warning',
        'SelectingAll',
        'This statefulset is selecting all pods. A non-empty selector is required.',
      );
      return {};
    }
    const members = await claimObjects<Pod>(
      pods.list(namespace).filter((pod) => isMemberOf(set, pod)),
      {
        controller: set,
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        client: client.resource('pods'),
        matches: (pod) => matchesSelector(set.spec?.selector ?? {}, pod.metadata.labels),
        fresh: () => client.resource('statefulsets.apps').get(namespace, name),
      },
    );
    const history = await claimRevisions(client, revisions, set, 'StatefulSet');
    const { revision: update, collisionCount } = await ensureRevision(client, set, history, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      hashLabel: 'controller.kubernetes.io/hash',
      template: set.spec?.template,
      ...(set.metadata.annotations ? { annotations: set.metadata.annotations } : {}),
      collisionCount: set.status?.collisionCount ?? 0,
    });
    const current =
      history.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const round = new Round(set, current, update, members);
    let failure: unknown;
    try {
      if (!set.metadata.deletionTimestamp) await advance(round);
    } catch (error) {
      failure = error;
    }
    const status = round.status(collisionCount, clock.now());
    await writeStatus(set, status);
    const live = new Set([
      current.metadata.name,
      update.metadata.name,
      ...members.map((pod) => revisionOf(pod)),
    ]);
    await truncateHistory(
      client,
      history,
      ({ metadata }) => live.has(metadata.name),
      set.spec?.revisionHistoryLimit ?? 10,
    );
    if (failure !== undefined) throw failure as Error;
    const minReady = set.spec?.minReadySeconds ?? 0;
    return minReady > 0 && (status.availableReplicas ?? 0) !== (status.readyReplicas ?? 0)
      ? { requeueAfterMs: minReady * 1000 }
      : {};
  }

  /** Makes one step: an ordered set stops at the first replica that is not well. */
  async function advance(round: Round): Promise<void> {
    const { set } = round;
    const isMonotonic = set.spec?.podManagementPolicy !== 'Parallel';
    if (await forAll(round.replicas, isMonotonic, (pod) => processReplica(round, pod, isMonotonic)))
      return;
    for (const pod of round.condemned) await control.retainClaims(set, pod);
    if (
      await forAll(round.condemned, isMonotonic, (pod) => processCondemned(round, pod, isMonotonic))
    )
      return;
    if (set.spec?.updateStrategy?.type === 'OnDelete') return;
    await roll(round);
  }

  /** @returns whether an ordered set must wait. */
  async function processReplica(
    round: Round,
    pod: PodView,
    isMonotonic: boolean,
  ): Promise<boolean> {
    const { set } = round;
    if (isPodTerminal(pod)) {
      if (!isTerminating(pod)) await control.delete(set, pod);
      return true;
    }
    if (!isCreated(pod)) {
      await control.create(set, mutableCopy<Pod>(pod));
      round.created.add(pod.metadata.name ?? '');
      return isMonotonic;
    }
    if (pod.status?.phase === 'Pending') await control.createClaims(set, pod);
    const minReady = set.spec?.minReadySeconds ?? 0;
    const isWell = !isTerminating(pod) && isRunningAndAvailable(pod, minReady, clock.now());
    if (!isWell && isMonotonic) return true;
    await control.update(set, pod);
    return false;
  }

  async function processCondemned(
    round: Round,
    pod: PodView,
    isMonotonic: boolean,
  ): Promise<boolean> {
    if (isTerminating(pod)) return isMonotonic;
    const { set } = round;
    const minReady = set.spec?.minReadySeconds ?? 0;
    const isWell = isRunningAndAvailable(pod, minReady, clock.now());
    if (!isWell && isMonotonic && pod !== round.firstUnavailable(clock.now())) return true;
    await control.delete(set, pod);
    return true;
  }

  /**
   * Deletes the outdated pod of the highest ordinal down to the partition, once those above it are available.
   * `maxUnavailable` is behind a gate that is off by default.
   */
  async function roll(round: Round): Promise<void> {
    const { set, replicas, update } = round;
    const lowest = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
    const minReady = set.spec?.minReadySeconds ?? 0;
    for (let i = replicas.length - 1; i >= lowest; i--) {
      const pod = replicas[i];
      if (!pod) continue;
      if (revisionOf(pod) !== update.metadata.name && !isTerminating(pod)) {
        await control.delete(set, pod);
        round.deleted.add(pod.metadata.name ?? '');
        return;
      }
      if (isUnavailable(pod, minReady, clock.now())) return;
    }
  }

  async function writeStatus(set: SetView, status: StatefulSetStatus): Promise<void> {
    const draft = mutableCopy<StatefulSet>(set);
    draft.status = { ...status };
    if (set.status?.conditions)
      draft.status.conditions = mutableCopy(set.status.conditions) as NonNullable<
        StatefulSetStatus['conditions']
      >;
    if (jsonEqual(set.status, draft.status)) return;
    const resource = client.resource('statefulsets.apps');
    try {
      await resource.updateStatus(draft);
    } catch (error) {
      if (!isReason(error, 'Conflict')) throw error;
      const fresh = mutableCopy<StatefulSet>(
        await resource.get(set.metadata.namespace, set.metadata.name ?? ''),
      );
      await resource.updateStatus({ ...fresh, status: draft.status });
    }
  }

  return queueController(context, {
    name: 'statefulset-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    handlers: (own) => {
      own(enqueueSelf(sets, queue));
      const onPod = (pod: PodView): void => {
        const key = ownerKey(pod, 'StatefulSet');
        if (key) queue.add(key);
        else if (!controllerOf(pod))
          for (const set of sets.list(pod.metadata.namespace))
            if (
              isMemberOf(set, pod) &&
              matchesSelector(set.spec?.selector ?? {}, pod.metadata.labels)
            )
              queue.add(objectKey(set.metadata));
      };
      own(
        pods.addHandler({
          onAdd: onPod,
          onUpdate: (previous, pod) => {
            const before = ownerKey(previous, 'StatefulSet');
            if (before && !jsonEqual(controllerOf(previous), controllerOf(pod))) queue.add(before);
            onPod(pod);
          },
          onDelete: onPod,
        }),
      );
    },
  });
}

/** The pods of one sync by ordinal; missing ones stand in as drafts without uid. */
class Round {
  readonly set: SetView;
  readonly current: RevisionView;
  readonly update: RevisionView;
  readonly replicas: PodView[];
  /** Beyond the wanted ordinals, highest first. */
  readonly condemned: PodView[];
  readonly created = new Set<string>();
  readonly deleted = new Set<string>();

  constructor(
    set: SetView,
    current: RevisionView,
    update: RevisionView,
    members: readonly PodView[],
  ) {
    this.set = set;
    this.current = current;
    this.update = update;
    const start = startOrdinal(set);
    const end = start + replicasOf(set);
    const byOrdinal = new Map(members.map((pod) => [ordinalOf(pod), pod]));
    this.replicas = [];
    for (let ordinal = start; ordinal < end; ordinal++)
      this.replicas.push(
        byOrdinal.get(ordinal) ?? newPod(set, revisionFor(set, current, update, ordinal), ordinal),
      );
    this.condemned = members
      .filter((pod) => ordinalOf(pod) < start || ordinalOf(pod) >= end)
      .sort((a, b) => ordinalOf(b) - ordinalOf(a));
  }

  firstUnavailable(nowMs: number): PodView | undefined {
    const minReady = this.set.spec?.minReadySeconds ?? 0;
    return [...this.replicas, ...[...this.condemned].reverse()].find((pod) =>
      isUnavailable(pod, minReady, nowMs),
    );
  }

  status(collisionCount: number, nowMs: number): StatefulSetStatus {
    const { set, current, update } = this;
    const minReady = set.spec?.minReadySeconds ?? 0;
    const all = [...this.replicas, ...this.condemned];
    const exists = (pod: PodView): boolean =>
      isCreated(pod) || this.created.has(pod.metadata.name ?? '');
    const count = (test: (pod: PodView) => boolean): number => all.filter(test).length;
    const ofRevision = (revision: RevisionView): number =>
      count(
        (pod) =>
          exists(pod) &&
          !isTerminating(pod) &&
          !this.deleted.has(pod.metadata.name ?? '') &&
          revisionOf(pod) === revision.metadata.name,
      );
    const replicas = count(exists);
    const readyReplicas = count(isRunningAndReady);
    const updatedReplicas = ofRevision(update);
    // A finished rollout makes the new revision the current one.
    const isRolled =
      (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate' &&
      updatedReplicas === replicas &&
      readyReplicas === replicas &&
      replicas === replicasOf(set);
    const currentReplicas = isRolled ? updatedReplicas : ofRevision(current);
    return {
      replicas,
      availableReplicas: count((pod) => isRunningAndAvailable(pod, minReady, nowMs)),
      ...(readyReplicas > 0 ? { readyReplicas } : {}),
      ...(currentReplicas > 0 ? { currentReplicas } : {}),
      ...(updatedReplicas > 0 ? { updatedReplicas } : {}),
      ...(set.metadata.generation ? { observedGeneration: set.metadata.generation } : {}),
      currentRevision: (isRolled ? update : current).metadata.name ?? '',
      updateRevision: update.metadata.name ?? '',
      collisionCount,
    };
  }
}

/** In order until one says stop, or all at once in growing batches. @returns whether it was stopped. */
async function forAll(
  pods: readonly PodView[],
  isMonotonic: boolean,
  action: (pod: PodView) => Promise<boolean>,
): Promise<boolean> {
  if (isMonotonic) {
    for (const pod of pods) if (await action(pod)) return true;
    return false;
  }
  const { error } = await slowStartBatch(pods.length, async (index) => {
    const pod = pods[index];
    if (pod) await action(pod);
  });
  if (error !== undefined) throw error as Error;
  return false;
}
