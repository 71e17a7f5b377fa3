import type { DeepReadonly } from '#core/base';
import type {
  Container,
  ContainerStatus,
  EphemeralContainer,
  PodSpec,
  PodStatus,
  PodView,
} from '../apis/index.ts';
import type { ObjectReference } from '../client/index.ts';

/** Objects of informers and manifests are shared: never changed. */
export type { PodView } from '../apis/index.ts';
export type PodSpecView = DeepReadonly<PodSpec>;
export type ContainerView = DeepReadonly<Container> | DeepReadonly<EphemeralContainer>;
export type ContainerStatusView = DeepReadonly<ContainerStatus>;
export type PodStatusView = DeepReadonly<PodStatus>;

const configSource = 'kubernetes.io/config.source';
export const configMirror = 'kubernetes.io/config.mirror';
export const configHash = 'kubernetes.io/config.hash';
export const configSeen = 'kubernetes.io/config.seen';

const emptySpec: PodSpecView = { containers: [] };

export function specOf(pod: PodView): PodSpecView {
  return pod.spec ?? emptySpec;
}

export function uidOf(pod: PodView): string {
  return pod.metadata.uid ?? '';
}

/** `namespace/name`. */
export function podKey(pod: PodView): string {
  return `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
}

/** `name_namespace(uid)`, as events and errors name a pod. */
export function formatPod(pod: PodView): string {
  return `${pod.metadata.name ?? ''}_${pod.metadata.namespace ?? ''}(${uidOf(pod)})`;
}

export function isStaticPod(pod: PodView): boolean {
  const source = pod.metadata.annotations?.[configSource];
  return source !== undefined && source !== 'api';
}

export function isMirrorPod(pod: PodView): boolean {
  return pod.metadata.annotations?.[configMirror] !== undefined;
}

export type ContainerKind = 'init' | 'main' | 'ephemeral';

export interface NamedContainer {
  readonly kind: ContainerKind;
  readonly container: ContainerView;
}

/** Init containers, containers, ephemeral containers: each in the order of the spec. */
export function allContainers(pod: PodView): NamedContainer[] {
  const spec = specOf(pod);
  return [
    ...(spec.initContainers ?? []).map((container) => ({ kind: 'init' as const, container })),
    ...spec.containers.map((container) => ({ kind: 'main' as const, container })),
    ...(spec.ephemeralContainers ?? []).map((container) => ({
      kind: 'ephemeral' as const,
      container,
    })),
  ];
}

export function findContainer(pod: PodView, name: string): NamedContainer | undefined {
  return allContainers(pod).find(({ container }) => container.name === name);
}

/** A native sidecar: an init container that is restarted always. */
export function isSidecar(container: ContainerView): boolean {
  return container.restartPolicy === 'Always';
}

const fieldNames = {
  init: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
} as const;

/** How events refer to a pod, or to one of its containers. */
export function podReference(pod: PodView, container?: string): ObjectReference {
  const { name = '', namespace = '', uid, resourceVersion } = pod.metadata;
  const found = container === undefined ? undefined : findContainer(pod, container);
  return {
    kind: 'Pod',
    namespace,
    name,
    ...(uid ? { uid } : {}),
    apiVersion: 'v1',
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(found ? { fieldPath: `spec.${fieldNames[found.kind]}{${found.container.name}}` } : {}),
  };
}

/** Whether a container that ended with the code runs again. @see pkg/api/v1/pod/util.go, ContainerShouldRestart */
export function restartsAfter(pod: PodView, container: ContainerView, exitCode: number): boolean {
  const own = container.restartPolicy;
  if (own !== undefined) {
    for (const rule of container.restartPolicyRules ?? []) {
      const { operator, values } = rule.exitCodes ?? { operator: '', values: [] };
      const listed = (values ?? []).includes(exitCode);
      if ((operator === 'In' && listed) || (operator === 'NotIn' && !listed))
        return rule.action === 'Restart' || rule.action === 'RestartAllContainers';
    }
  }
  const policy = own ?? specOf(pod).restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
