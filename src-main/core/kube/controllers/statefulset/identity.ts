import type { DeepReadonly } from '#core/base';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../apis/index.ts';
import { controllerReference } from '../../client/index.ts';
import { mutableCopy } from '../shared/context.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import { revisionTemplate, type RevisionView } from '../shared/controller-history.ts';
import { isPodAvailable, isPodReady, isPodTerminal, type PodView } from '../shared/pods.ts';

export type SetView = DeepReadonly<StatefulSet>;

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export function replicasOf(set: SetView): number {
  return set.spec?.replicas ?? 1;
}

export function startOrdinal(set: SetView): number {
  return set.spec?.ordinals?.start ?? 0;
}

/** The ordinal of a pod's name; -1 for a pod that is none of the set's. */
export function ordinalOf(pod: PodView): number {
  const match = /^.+-(\d+)$/.exec(pod.metadata.name ?? '');
  return match?.[1] === undefined ? -1 : Number(match[1]);
}

export function isMemberOf(set: SetView, pod: PodView): boolean {
  const name = pod.metadata.name ?? '';
  return name.slice(0, name.lastIndexOf('-')) === set.metadata.name && ordinalOf(pod) >= 0;
}

export function revisionOf(pod: PodView): string {
  return pod.metadata.labels?.[revisionLabel] ?? '';
}

export function isCreated(pod: PodView): boolean {
  return (pod.status?.phase ?? '') !== '' || pod.metadata.uid !== undefined;
}

export function isRunningAndReady(pod: PodView): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

export function isRunningAndAvailable(pod: PodView, minReady: number, nowMs: number): boolean {
  return isRunningAndReady(pod) && isPodAvailable(pod, minReady, nowMs);
}

export function isTerminating(pod: PodView): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function isUnavailable(pod: PodView, minReady: number, nowMs: number): boolean {
  return !isCreated(pod) || isTerminating(pod) || isPodTerminal(pod)
    ? true
    : !isRunningAndAvailable(pod, minReady, nowMs);
}

export function claimName(template: string, set: SetView, ordinal: number): string {
  return `${template}-${set.metadata.name ?? ''}-${ordinal}`;
}

/** The claims of one replica, as `volumeClaimTemplates` describe them. */
export function claimsOf(set: SetView, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => {
    const draft = mutableCopy<PersistentVolumeClaim>(template);
    const { namespace } = set.metadata;
    return {
      ...draft,
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...draft.metadata,
        name: claimName(template.metadata.name ?? '', set, ordinal),
        ...(namespace ? { namespace } : {}),
        labels: { ...draft.metadata.labels, ...set.spec?.selector.matchLabels },
      },
    };
  });
}

/** Gives a pod the names, labels and claims of its ordinal. */
export function applyIdentity(set: SetView, draft: Pod, ordinal: number): void {
  const name = `${set.metadata.name ?? ''}-${ordinal}`;
  const { metadata } = draft;
  delete metadata.generateName;
  metadata.name = name;
  metadata.labels = {
    ...metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
  };
  const { spec } = draft;
  if (!spec) return;
  spec.hostname = name;
  if (set.spec?.serviceName) spec.subdomain = set.spec.serviceName;
  const templates = set.spec?.volumeClaimTemplates ?? [];
  if (templates.length === 0) return;
  const names = templates.map((template) => template.metadata.name ?? '');
  spec.volumes = [
    ...names.map((volume) => ({
      name: volume,
      persistentVolumeClaim: { claimName: claimName(volume, set, ordinal) },
    })),
    ...(spec.volumes ?? []).filter((volume) => !names.includes(volume.name)),
  ];
}

export function identityMatches(set: SetView, pod: PodView): boolean {
  const ordinal = ordinalOf(pod);
  return (
    isMemberOf(set, pod) &&
    pod.metadata.namespace === set.metadata.namespace &&
    pod.metadata.labels?.[podNameLabel] === pod.metadata.name &&
    pod.metadata.labels?.[podIndexLabel] === String(ordinal)
  );
}

/** A pod of an ordinal not created yet; it has no uid. */
export function newPod(set: SetView, revision: RevisionView, ordinal: number): Pod {
  const draft = podFromTemplate(
    revisionTemplate(revision),
    set,
    controllerReference(set, 'apps/v1', 'StatefulSet'),
  );
  applyIdentity(set, draft, ordinal);
  draft.metadata.labels = {
    ...draft.metadata.labels,
    [revisionLabel]: revision.metadata.name ?? '',
  };
  return draft;
}

/** Which revision an ordinal to be created gets: below the partition the current one. */
export function revisionFor(
  set: SetView,
  current: RevisionView,
  update: RevisionView,
  ordinal: number,
): RevisionView {
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const isRolling = (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  if (!isRolling) return update;
  const start = startOrdinal(set);
  const usesCurrent =
    rolling?.partition === undefined
      ? ordinal < start + (set.status?.currentReplicas ?? 0)
      : ordinal < start + rolling.partition;
  return usesCurrent ? current : update;
}
