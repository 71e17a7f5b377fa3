import type { DeepReadonly } from '#core/base';
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../apis/index.ts';
import { formatTime } from '../../machinery/index.ts';
import { semanticEqual } from '../shared/hash.ts';
import { scaledValue } from '../shared/int-or-percent.ts';
import { mutableCopy } from '../shared/context.ts';
import { compareCreation, timeMs } from '../shared/pods.ts';

export type SetView = DeepReadonly<ReplicaSet>;
export type DeploymentView = DeepReadonly<Deployment>;

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
export const templateHashLabel = 'pod-template-hash';
const maxHistoryChars = 2000;
const maxInt32 = 2_147_483_647;

/** Annotations that do not go from a Deployment to its ReplicaSets. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

export function replicasOf(object: { readonly spec?: { readonly replicas?: number } }): number {
  return object.spec?.replicas ?? 1;
}

/** As Go's int64: users write numbers that a double cannot hold. */
export function revisionOf(set: SetView): bigint {
  return revisionNumber(set.metadata.annotations?.[revisionAnnotation]);
}

const revisionNumber = (text = ''): bigint =>
  /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : 0n;

export function sum(sets: readonly SetView[], of: (set: SetView) => number | undefined): number {
  return sets.reduce((total, set) => total + (of(set) ?? 0), 0);
}

export function isActiveSet(set: SetView): boolean {
  return replicasOf(set) > 0;
}

/** The oldest ReplicaSet with the Deployment's template, its hash label aside. */
export function findNewSet(
  deployment: DeploymentView,
  sets: readonly SetView[],
): SetView | undefined {
  const wanted = withoutHash(deployment.spec?.template);
  return [...sets]
    .sort(compareCreation)
    .find((set) => semanticEqual(withoutHash(set.spec?.template), wanted));
}

/** Whether two pod templates are the same but for the hash label. */
export function equalTemplates(a: unknown, b: unknown): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: unknown): unknown {
  const { metadata, ...rest } = (template ?? {}) as {
    metadata?: { labels?: Record<string, string> };
  };
  const labels = { ...metadata?.labels };
  delete labels[templateHashLabel];
  return { ...rest, metadata: { ...metadata, labels } };
}

export function isRollingUpdate(deployment: DeploymentView): boolean {
  return deployment.spec?.strategy?.type === 'RollingUpdate';
}

function fenceposts(deployment: DeploymentView): { surge: number; unavailable: number } {
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicasOf(deployment), true);
  const unavailable = scaledValue(maxUnavailable, replicasOf(deployment), false);
  // Both may round to zero; a rollout must be able to move.
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(deployment: DeploymentView): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

export function maxUnavailable(deployment: DeploymentView): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, replicas);
}

/** How many replicas the new ReplicaSet may have now. @see deployment_util.go, NewRSNewReplicas */
export function newSetReplicas(
  deployment: DeploymentView,
  all: readonly SetView[],
  newSetCurrent: number,
): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return replicas;
  const surge = scaledValue(deployment.spec?.strategy?.rollingUpdate?.maxSurge, replicas, true);
  const room = replicas + surge - sum(all, replicasOf);
  if (room <= 0) return newSetCurrent;
  return newSetCurrent + Math.min(room, replicas - newSetCurrent);
}

/** The share of a scaling a ReplicaSet takes in proportion to its size. @see GetReplicaSetProportion */
export function proportionOf(
  set: SetView,
  deployment: DeploymentView,
  toAdd: number,
  added: number,
): number {
  const current = replicasOf(set);
  if (current === 0 || toAdd === 0 || toAdd === added) return 0;
  const allowed = toAdd - added;
  const fraction = fractionOf(set, deployment);
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(set: SetView, deployment: DeploymentView): number {
  const current = replicasOf(set);
  if (replicasOf(deployment) === 0) return -current;
  const max = replicasOf(deployment) + maxSurge(deployment);
  const before = countAnnotation(set, maxReplicasAnnotation) ?? deployment.status?.replicas ?? 0;
  const base = before === 0 ? (deployment.status?.replicas ?? 0) : before;
  if (base === 0) return 0;
  const size = (current * max) / base;
  return Math.floor(size + 0.5) - current;
}

function countAnnotation(set: SetView, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= maxInt32
    ? Number(text)
    : undefined;
}

/** The `desired-replicas` noted when the set was last scaled; another number means a scaling event. */
export function desiredOf(set: SetView): number | undefined {
  return countAnnotation(set, desiredReplicasAnnotation);
}

export function needsReplicasAnnotations(set: SetView, deployment: DeploymentView): boolean {
  const annotations = set.metadata.annotations ?? {};
  return (
    annotations[desiredReplicasAnnotation] !== String(replicasOf(deployment)) ||
    annotations[maxReplicasAnnotation] !== String(replicasOf(deployment) + maxSurge(deployment))
  );
}

export function setReplicasAnnotations(draft: ReplicaSet, deployment: DeploymentView): void {
  draft.metadata.annotations = {
    ...draft.metadata.annotations,
    [desiredReplicasAnnotation]: String(replicasOf(deployment)),
    [maxReplicasAnnotation]: String(replicasOf(deployment) + maxSurge(deployment)),
  };
}

/** Brings a new ReplicaSet's annotations up to date. @returns whether anything changed. */
export function annotateNewSet(
  draft: ReplicaSet,
  deployment: DeploymentView,
  revision: bigint,
  exists: boolean,
): boolean {
  const annotations = { ...draft.metadata.annotations };
  let changed = false;
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (ownAnnotations.has(key) || annotations[key] === value) continue;
    annotations[key] = value;
    changed = true;
  }
  const old = annotations[revisionAnnotation];
  if (revisionNumber(old) < revision) {
    annotations[revisionAnnotation] = String(revision);
    changed = true;
    if (old !== undefined) {
      const history = annotations[revisionHistoryAnnotation];
      const entries = history ? history.split(',') : [];
      entries.push(old);
      while (entries.length > 1 && entries.join(',').length > maxHistoryChars) entries.shift();
      annotations[revisionHistoryAnnotation] = entries.join(',');
    }
  }
  draft.metadata.annotations = annotations;
  if (!exists) {
    setReplicasAnnotations(draft, deployment);
    changed = true;
  }
  return changed;
}

export function hasProgressDeadline(deployment: DeploymentView): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== maxInt32;
}

export function conditionOf(
  status: DeepReadonly<DeploymentStatus> | undefined,
  type: string,
): DeepReadonly<DeploymentCondition> | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function newCondition(
  type: string,
  status: string,
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const time = formatTime(nowMs);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** Puts a condition in unless one of the same status and reason is there. */
export function setCondition(status: DeploymentStatus, condition: DeploymentCondition): void {
  const current = conditionOf(status, condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return;
  if (current?.status === condition.status && current.lastTransitionTime)
    condition.lastTransitionTime = current.lastTransitionTime;
  removeCondition(status, condition.type);
  status.conditions = [...(status.conditions ?? []), condition];
}

export function removeCondition(status: DeploymentStatus, type: string): void {
  if (status.conditions)
    status.conditions = status.conditions.filter((condition) => condition.type !== type);
}

export function isComplete(
  deployment: DeploymentView,
  status: DeepReadonly<DeploymentStatus>,
): boolean {
  const replicas = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

export function isProgressing(
  deployment: DeploymentView,
  status: DeepReadonly<DeploymentStatus>,
): boolean {
  const old = deployment.status ?? {};
  const oldReplicas = (of: DeepReadonly<DeploymentStatus>): number =>
    (of.replicas ?? 0) - (of.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldReplicas(status) < oldReplicas(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

export function isTimedOut(
  deployment: DeploymentView,
  status: DeepReadonly<DeploymentStatus>,
  nowMs: number,
): boolean {
  const condition = conditionOf(status, 'Progressing');
  if (!hasProgressDeadline(deployment) || !condition) return false;
  if (condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  const fromMs = timeMs(condition.lastUpdateTime) ?? 0;
  return fromMs + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000 < nowMs;
}

/** The status the ReplicaSets add up to, with the Available condition. @see sync.go, calculateStatus */
export function calculateStatus(
  deployment: DeploymentView,
  all: readonly SetView[],
  newSet: SetView | undefined,
  nowMs: number,
): DeploymentStatus {
  const available = sum(all, (set) => set.status?.availableReplicas);
  const counts: Record<string, number> = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(all, (set) => set.status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available),
  };
  const status: DeploymentStatus = Object.fromEntries(
    Object.entries(counts).filter(([, count]) => count !== 0),
  );
  const uncounted = all.some(
    (set) =>
      (set.status?.observedGeneration ?? 0) !== 0 && set.status?.terminatingReplicas === undefined,
  );
  if (!uncounted) status.terminatingReplicas = sum(all, (set) => set.status?.terminatingReplicas);
  if (deployment.status?.collisionCount !== undefined)
    status.collisionCount = deployment.status.collisionCount;
  status.conditions = mutableCopy<DeploymentCondition[]>(deployment.status?.conditions ?? []);
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  setCondition(
    status,
    enough
      ? newCondition(
          'Available',
          'True',
          'MinimumReplicasAvailable',
          'Deployment has minimum availability.',
          nowMs,
        )
      : newCondition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          nowMs,
        ),
  );
  return status;
}
