import { jsonEqual } from '#core/base';
import type { Deployment, ReplicaSet } from '../../apis/index.ts';
import { controllerOf, controllerReference } from '../../client/index.ts';
import { isReason, keyOf } from '../../machinery/index.ts';
import type { ControllerContext } from '../shared/context.ts';
import { mutableCopy, textOf } from '../shared/context.ts';
import { templateHash } from '../shared/hash.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { compareCreation } from '../shared/pods.ts';
import {
  annotateNewSet,
  calculateStatus,
  conditionOf,
  equalTemplates,
  findNewSet,
  hasProgressDeadline,
  isActiveSet,
  isComplete,
  isProgressing,
  isRollingUpdate,
  isTimedOut,
  maxSurge,
  maxUnavailable,
  needsReplicasAnnotations,
  newCondition,
  newSetReplicas,
  proportionOf,
  removeCondition,
  replicasOf,
  revisionAnnotation,
  revisionOf,
  setCondition,
  setReplicasAnnotations,
  type SetView,
  sum,
  templateHashLabel,
  desiredOf,
} from './revisions.ts';

interface Sets {
  newSet: SetView | undefined;
  /** Oldest first. */
  old: SetView[];
}

const maxNameLength = 253;

/**
 * One sync of one Deployment: what it does to the ReplicaSets, and the status it leaves.
 *
 * @see k8s.io/kubernetes/pkg/controller/deployment/{sync,rolling,recreate,progress}.go
 */
export class Rollout {
  readonly #context: ControllerContext;
  /** A copy of the cached object, changed as the sync goes on. */
  readonly #deployment: Deployment;
  readonly #sets: readonly SetView[];

  constructor(context: ControllerContext, deployment: Deployment, sets: readonly SetView[]) {
    this.#context = context;
    this.#deployment = deployment;
    this.#sets = [...sets].sort(compareCreation);
  }

  /** Notes a pause or its end in the Progressing condition. */
  async checkPaused(): Promise<void> {
    const deployment = this.#deployment;
    if (!hasProgressDeadline(deployment)) return;
    const condition = conditionOf(deployment.status, 'Progressing');
    if (condition?.reason === 'ProgressDeadlineExceeded') return;
    const noted = condition?.reason === 'DeploymentPaused';
    if (deployment.spec?.paused && !noted)
      this.#progress('Unknown', 'DeploymentPaused', 'Deployment is paused');
    else if (!deployment.spec?.paused && noted)
      this.#progress('Unknown', 'DeploymentResumed', 'Deployment is resumed');
    else return;
    await this.#writeStatus();
  }

  /** For a Deployment being deleted. */
  async statusOnly(): Promise<void> {
    const sets = await this.#revisions(false);
    await this.#syncStatus(sets);
  }

  /** Whether the wanted number of replicas has changed since the sets were last scaled. */
  async isScalingEvent(): Promise<boolean> {
    const sets = await this.#revisions(false);
    return this.#all(sets)
      .filter(isActiveSet)
      .some((set) => {
        const desired = desiredOf(set);
        return desired !== undefined && desired !== replicasOf(this.#deployment);
      });
  }

  /** Scales without rolling: paused, or the number of replicas changed. */
  async scaleOnly(): Promise<void> {
    const sets = await this.#revisions(false);
    await this.#scale(sets);
    if (this.#deployment.spec?.paused) await this.#cleanUp(sets.old);
    // Written from what was read: the sets' own status follows in the next sync.
    await this.#syncStatus(sets);
  }

  /** @returns ms after which a stuck rollout must be looked at again. */
  async rollingUpdate(): Promise<number | undefined> {
    const sets = await this.#revisions(true);
    if (!(await this.#reconcileNew(sets)) && !(await this.#reconcileOld(sets))) {
      if (isComplete(this.#deployment, this.#deployment.status ?? {}))
        await this.#cleanUp(sets.old);
    }
    return this.#syncRolloutStatus(sets);
  }

  /** @param runsOldPods whether pods of sets other than the new one still run. */
  async recreate(
    runsOldPods: (newSet: SetView | undefined) => boolean,
  ): Promise<number | undefined> {
    let sets = await this.#revisions(false);
    let scaledDown = false;
    for (const [index, set] of sets.old.entries()) {
      if (!isActiveSet(set)) continue;
      sets.old[index] = await this.#scaleSet(set, 0);
      scaledDown = true;
    }
    if (scaledDown) return this.#syncRolloutStatus(sets);
    if (sum(sets.old, (set) => set.status?.replicas) > 0 || runsOldPods(sets.newSet))
      return this.#syncRolloutStatus(sets);
    if (!sets.newSet) sets = await this.#revisions(true);
    if (sets.newSet) sets.newSet = await this.#scaleSet(sets.newSet, replicasOf(this.#deployment));
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUp(sets.old);
    return this.#syncRolloutStatus(sets);
  }

  #all({ newSet, old }: Sets): SetView[] {
    return newSet ? [...old, newSet] : [...old];
  }

  #progress(status: string, reason: string, message: string): void {
    const deployment = this.#deployment;
    deployment.status ??= {};
    setCondition(
      deployment.status,
      newCondition('Progressing', status, reason, message, this.#context.clock.now()),
    );
  }

  /** Finds new and old sets, numbers the new one and copies annotations; creates it when asked to. */
  async #revisions(create: boolean): Promise<Sets> {
    const deployment = this.#deployment;
    const existing = findNewSet(deployment, this.#sets);
    const old = this.#sets.filter((set) => set.metadata.uid !== existing?.metadata.uid);
    const revision = old.map(revisionOf).reduce((most, one) => (one > most ? one : most), 0n) + 1n;
    if (!existing)
      return { newSet: create ? await this.#createSet(old, revision) : undefined, old };

    const draft = mutableCopy<ReplicaSet>(existing);
    const changed = annotateNewSet(draft, deployment, revision, true);
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    if (changed || (existing.spec?.minReadySeconds ?? 0) !== minReadySeconds) {
      if (draft.spec) draft.spec.minReadySeconds = minReadySeconds;
      const client = this.#context.client.resource('replicasets.apps');
      return { newSet: await client.update(draft), old };
    }
    let needsUpdate = this.#setRevision(draft.metadata.annotations?.[revisionAnnotation] ?? '');
    if (hasProgressDeadline(deployment) && !conditionOf(deployment.status, 'Progressing')) {
      this.#progress(
        'True',
        'FoundNewReplicaSet',
        `Found new replica set "${draft.metadata.name ?? ''}"`,
      );
      needsUpdate = true;
    }
    if (needsUpdate) await this.#writeStatus();
    return { newSet: existing, old };
  }

  #setRevision(revision: string): boolean {
    const { metadata } = this.#deployment;
    if (metadata.annotations?.[revisionAnnotation] === revision) return false;
    metadata.annotations = { ...metadata.annotations, [revisionAnnotation]: revision };
    return true;
  }

  async #createSet(old: readonly SetView[], revision: bigint): Promise<SetView> {
    const { client, recorder, informers } = this.#context;
    const deployment = this.#deployment;
    const { name = '', namespace } = deployment.metadata;
    const template = mutableCopy(deployment.spec?.template ?? {});
    const hash = templateHash(template, deployment.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
    const selector = mutableCopy(deployment.spec?.selector ?? {});
    const draft: ReplicaSet = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name.slice(0, maxNameLength - 1 - hash.length)}-${hash}`,
        ...(namespace ? { namespace } : {}),
        ownerReferences: [controllerReference(deployment, 'apps/v1', 'Deployment')],
        labels,
      },
      spec: {
        replicas: 0,
        ...(deployment.spec?.minReadySeconds
          ? { minReadySeconds: deployment.spec.minReadySeconds }
          : {}),
        selector: {
          ...selector,
          matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash },
        },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    const replicas = newSetReplicas(deployment, old, 0);
    if (draft.spec) draft.spec.replicas = replicas;
    annotateNewSet(draft, deployment, revision, false);

    let created: SetView;
    let existed = false;
    try {
      created = await client.resource('replicasets.apps').create(draft);
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) {
        const present = informers
          .for('replicasets.apps')
          .get(keyOf(namespace, draft.metadata.name ?? ''));
        if (!present) throw error;
        if (
          controllerOf(present)?.uid !== deployment.metadata.uid ||
          !equalTemplates(present.spec?.template, deployment.spec?.template)
        ) {
          // The name is taken by another template: count up, so that the next hash differs.
          deployment.status = {
            ...deployment.status,
            collisionCount: (deployment.status?.collisionCount ?? 0) + 1,
          };
          await this.#writeStatus();
          throw error;
        }
        created = present;
        existed = true;
      } else {
        if (isNamespaceTerminating(error)) throw error;
        const message = `Failed to create new replica set "${draft.metadata.name ?? ''}": ${textOf(error)}`;
        if (hasProgressDeadline(deployment)) {
          this.#progress('False', 'ReplicaSetCreateError', message);
          await this.#writeStatus().catch(() => undefined);
        }
        recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
        throw error;
      }
    }
    const createdName = created.metadata.name ?? '';
    if (!existed && replicas > 0)
      recorder.event(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${createdName} from 0 to ${replicas}`,
      );
    let needsUpdate = this.#setRevision(String(revision));
    if (!existed && hasProgressDeadline(deployment)) {
      this.#progress('True', 'NewReplicaSetCreated', `Created new replica set "${createdName}"`);
      needsUpdate = true;
    }
    if (needsUpdate) await this.#writeStatus();
    return created;
  }

  async #reconcileNew(sets: Sets): Promise<boolean> {
    const { newSet } = sets;
    const deployment = this.#deployment;
    if (!newSet || replicasOf(newSet) === replicasOf(deployment)) return false;
    const target =
      replicasOf(newSet) > replicasOf(deployment)
        ? replicasOf(deployment)
        : newSetReplicas(deployment, this.#all(sets), replicasOf(newSet));
    sets.newSet = await this.#scaleSet(newSet, target);
    return sets.newSet !== newSet;
  }

  async #reconcileOld(sets: Sets): Promise<boolean> {
    const deployment = this.#deployment;
    const { newSet } = sets;
    const active = sets.old.filter(isActiveSet);
    if (active.length === 0 || !newSet) return false;
    const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
    const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
    const room = sum(this.#all(sets), replicasOf) - minAvailable - newUnavailable;
    if (room <= 0) return false;

    const replace = (set: SetView, updated: SetView): void => {
      sets.old = sets.old.map((other) => (other === set ? updated : other));
    };
    // Replicas that do not work are given up first, so that they do not hold up the rollout.
    let cleaned = 0;
    for (const set of active) {
      if (cleaned >= room) break;
      const unhealthy = replicasOf(set) - (set.status?.availableReplicas ?? 0);
      if (unhealthy === 0) continue;
      // Its status is behind its spec: what it says of availability must not be built upon.
      if (unhealthy < 0) return false;
      const count = Math.min(room - cleaned, unhealthy);
      replace(set, await this.#scaleSet(set, replicasOf(set) - count));
      cleaned += count;
    }
    const surplus =
      sum(
        [
          ...sets.old.filter((set) =>
            active.some((other) => other.metadata.uid === set.metadata.uid),
          ),
          newSet,
        ],
        (set) => set.status?.availableReplicas,
      ) - minAvailable;
    let scaled = 0;
    for (const set of sets.old) {
      if (scaled >= surplus) break;
      if (!isActiveSet(set)) continue;
      const count = Math.min(replicasOf(set), surplus - scaled);
      replace(set, await this.#scaleSet(set, replicasOf(set) - count));
      scaled += count;
    }
    return cleaned + scaled > 0;
  }

  /** @see sync.go, scale */
  async #scale(sets: Sets): Promise<void> {
    const deployment = this.#deployment;
    const { newSet, old } = sets;
    if (!newSet && old.length === 0) return;
    const active = this.#all(sets).filter(isActiveSet);
    if (active.length <= 1) {
      const only = active[0] ?? newSet ?? old.at(-1);
      if (only && replicasOf(only) !== replicasOf(deployment))
        await this.#scaleSet(only, replicasOf(deployment));
      return;
    }
    if (newSet && this.#isSaturated(newSet)) {
      for (const set of old.filter(isActiveSet)) await this.#scaleSet(set, 0);
      return;
    }
    if (!isRollingUpdate(deployment)) return;
    const allowed = replicasOf(deployment) > 0 ? replicasOf(deployment) + maxSurge(deployment) : 0;
    const toAdd = allowed - sum(active, replicasOf);
    // Larger sets first; of equal ones the newer grows and the older shrinks.
    const bySize = [...active].sort(
      (a, b) =>
        replicasOf(b) - replicasOf(a) ||
        (toAdd > 0 ? compareCreation(b, a) : compareCreation(a, b)),
    );
    let added = 0;
    const sizes = bySize.map((set) => {
      const share = proportionOf(set, deployment, toAdd, added);
      added += share;
      return replicasOf(set) + share;
    });
    for (const [index, set] of bySize.entries()) {
      const size = sizes[index] ?? 0;
      const leftover = index === 0 && toAdd !== 0 ? toAdd - added : 0;
      await this.#scaleSet(set, Math.max(0, size + leftover), true);
    }
  }

  #isSaturated(set: SetView): boolean {
    const replicas = replicasOf(this.#deployment);
    return (
      replicasOf(set) === replicas &&
      desiredOf(set) === replicas &&
      (set.status?.availableReplicas ?? 0) === replicas
    );
  }

  /** @returns the set as it is now: the same object when nothing had to be written. */
  async #scaleSet(set: SetView, replicas: number, force = false): Promise<SetView> {
    const before = replicasOf(set);
    if (!force && before === replicas) return set;
    if (before === replicas && !needsReplicasAnnotations(set, this.#deployment)) return set;
    const draft = mutableCopy<ReplicaSet>(set);
    if (draft.spec) draft.spec.replicas = replicas;
    setReplicasAnnotations(draft, this.#deployment);
    const updated = await this.#context.client.resource('replicasets.apps').update(draft);
    if (before !== replicas)
      this.#context.recorder.event(
        this.#deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled ${before < replicas ? 'up' : 'down'} replica set ${set.metadata.name ?? ''} from ${before} to ${replicas}`,
      );
    return updated;
  }

  /** Deletes old sets beyond `revisionHistoryLimit`, oldest revision first. */
  async #cleanUp(old: readonly SetView[]): Promise<void> {
    const limit = this.#deployment.spec?.revisionHistoryLimit;
    if (limit === undefined || limit === 2_147_483_647) return;
    const cleanable = old.filter((set) => !set.metadata.deletionTimestamp);
    const surplus = cleanable.length - limit;
    if (surplus <= 0) return;
    const byRevision = [...cleanable].sort(
      (a, b) => Number(revisionOf(a) - revisionOf(b)) || compareCreation(a, b),
    );
    for (const set of byRevision.slice(0, surplus)) {
      const isBusy =
        (set.status?.replicas ?? 0) !== 0 ||
        replicasOf(set) !== 0 ||
        (set.metadata.generation ?? 0) > (set.status?.observedGeneration ?? 0);
      if (isBusy) continue;
      try {
        await this.#context.client
          .resource('replicasets.apps')
          .delete(set.metadata.namespace, set.metadata.name ?? '');
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
  }

  async #syncStatus(sets: Sets): Promise<void> {
    const status = calculateStatus(
      this.#deployment,
      this.#all(sets),
      sets.newSet,
      this.#context.clock.now(),
    );
    if (jsonEqual(this.#deployment.status, status)) return;
    this.#deployment.status = status;
    await this.#writeStatus();
  }

  async #syncRolloutStatus(sets: Sets): Promise<number | undefined> {
    const deployment = this.#deployment;
    const nowMs = this.#context.clock.now();
    const { newSet } = sets;
    const all = this.#all(sets);
    const status = calculateStatus(deployment, all, newSet, nowMs);
    const deadline = hasProgressDeadline(deployment);
    if (!deadline) removeCondition(status, 'Progressing');
    const current = conditionOf(deployment.status, 'Progressing');
    const wasComplete =
      (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
      current?.reason === 'NewReplicaSetAvailable';
    if (deadline && !wasComplete) {
      const subject = newSet
        ? `ReplicaSet "${newSet.metadata.name ?? ''}"`
        : `Deployment "${deployment.metadata.name ?? ''}"`;
      const progress = (state: string, reason: string, text: string) =>
        newCondition('Progressing', state, reason, `${subject} ${text}`, nowMs);
      if (isComplete(deployment, status)) {
        setCondition(
          status,
          progress('True', 'NewReplicaSetAvailable', 'has successfully progressed.'),
        );
      } else if (isProgressing(deployment, status)) {
        const condition = progress('True', 'ReplicaSetUpdated', 'is progressing.');
        // The update time is what the deadline counts from, so it moves with each step.
        if (current?.status === 'True' && current.lastTransitionTime)
          condition.lastTransitionTime = current.lastTransitionTime;
        removeCondition(status, 'Progressing');
        setCondition(status, condition);
      } else if (isTimedOut(deployment, status, nowMs)) {
        setCondition(
          status,
          progress('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'),
        );
      }
    }
    const failure = [newSet, ...all]
      .flatMap((set) => set?.status?.conditions ?? [])
      .find(({ type }) => type === 'ReplicaFailure');
    if (failure) {
      const time = failure.lastTransitionTime;
      setCondition(status, {
        type: 'ReplicaFailure',
        status: failure.status,
        ...(time ? { lastTransitionTime: time, lastUpdateTime: time } : {}),
        ...(failure.reason ? { reason: failure.reason } : {}),
        ...(failure.message ? { message: failure.message } : {}),
      });
    } else removeCondition(status, 'ReplicaFailure');

    if (!jsonEqual(deployment.status, status)) {
      deployment.status = status;
      await this.#writeStatus();
      return undefined;
    }
    return this.#stuckCheckMs(nowMs);
  }

  /** When to look again at a rollout that does not move. */
  #stuckCheckMs(nowMs: number): number | undefined {
    const deployment = this.#deployment;
    const current = conditionOf(deployment.status, 'Progressing');
    if (!hasProgressDeadline(deployment) || !current) return undefined;
    if (
      isComplete(deployment, deployment.status ?? {}) ||
      current.reason === 'ProgressDeadlineExceeded'
    )
      return undefined;
    const deadlineMs =
      Date.parse(current.lastUpdateTime ?? '') +
      (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
    return Math.max(deadlineMs - nowMs, 0) + 1000;
  }

  async #writeStatus(): Promise<void> {
    const updated = await this.#context.client
      .resource('deployments.apps')
      .updateStatus(mutableCopy<Deployment>(this.#deployment));
    const { resourceVersion } = updated.metadata;
    if (resourceVersion) this.#deployment.metadata.resourceVersion = resourceVersion;
  }
}
