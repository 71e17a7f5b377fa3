import { jsonClone } from '#core/base';
import type { ContainerState, ContainerStatus as ApiContainerStatus } from '../apis/index.ts';
import { formatTime } from '../machinery/index.ts';
import type { ContainerStatus } from './cri.ts';
import { hasMainContainer, shouldRun } from './pod-actions.ts';
import { latestOf, restartCountOf, type RuntimePod } from './pod-cache.ts';
import {
  type ContainerKind,
  type ContainerStatusView,
  type ContainerView,
  isSidecar,
  specOf,
  type PodView,
} from './pods.ts';
import type { StartError } from './start-error.ts';

export interface ContainerStatusesInput {
  readonly pod: PodView;
  readonly runtime: RuntimePod;
  readonly reasons: ReadonlyMap<string, StartError> | undefined;
  /** As last reported. */
  readonly previous: readonly ContainerStatusView[];
  readonly kind: ContainerKind;
  /** The pod is not to be started again: what is missing has ended. */
  readonly terminal: boolean;
  readonly messageOf: (status: ContainerStatus) => string | undefined;
}

/** @see pkg/kubelet/kubelet_pods.go, convertToAPIContainerStatuses */
export function containerStatuses(input: ContainerStatusesInput): ApiContainerStatus[] {
  const spec = specOf(input.pod);
  const containers: readonly ContainerView[] =
    input.kind === 'init'
      ? (spec.initContainers ?? [])
      : input.kind === 'main'
        ? spec.containers
        : (spec.ephemeralContainers ?? []);
  const statuses = containers.map((container) => statusOf(input, container));
  // Those of init containers keep the order of the spec.
  return input.kind === 'init'
    ? statuses
    : statuses.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function statusOf(input: ContainerStatusesInput, container: ContainerView): ApiContainerStatus {
  const { pod, runtime, reasons, kind } = input;
  const old = input.previous.find(({ name }) => name === container.name);
  const attempts = runtime.containers.filter(({ name }) => name === container.name);
  const [newest, before] = attempts;
  const status = newest
    ? fromRuntime(input, container, newest, before, old)
    : withoutRuntime(input, container, old);
  if (kind === 'init') {
    if (newest?.state === 'CONTAINER_EXITED' && newest.exitCode === 0) return status;
    if (!newest && hasMainContainer(pod, runtime) && !isSidecar(container) && status.state?.waiting)
      status.state = {
        terminated: {
          exitCode: 0,
          finishedAt: null,
          message:
            'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
          reason: 'Completed',
          startedAt: null,
        },
      } as unknown as ContainerState;
  }
  const reason = reasons?.get(container.name);
  const waits =
    kind === 'ephemeral'
      ? latestOf(runtime, container.name) === undefined
      : shouldRun(pod, container, runtime);
  if (reason && waits) {
    if (status.state?.terminated) status.lastState = status.state;
    status.state = { waiting: { message: reason.message, reason: reason.reason } };
  }
  return status;
}

function withoutRuntime(
  { pod, kind, terminal }: ContainerStatusesInput,
  container: ContainerView,
  old: ContainerStatusView | undefined,
): ApiContainerStatus {
  if (old?.state?.terminated) return jsonClone(old) as ApiContainerStatus;
  const initializes = kind !== 'ephemeral' && (specOf(pod).initContainers ?? []).length > 0;
  const status: ApiContainerStatus = {
    image: container.image ?? '',
    imageID: '',
    lastState: old?.lastState ? jsonClone(old.lastState) : {},
    name: container.name,
    ready: false,
    restartCount: old?.restartCount ?? 0,
    state: { waiting: { reason: initializes ? 'PodInitializing' : 'ContainerCreating' } },
    ...volumeMounts(container),
  };
  const wasRunning = old?.state?.running !== undefined;
  if (terminal && (wasRunning || old?.state?.waiting) && old?.containerID) {
    status.state = lost('The container could not be located when the pod was terminated');
  } else if (wasRunning && !status.lastState?.terminated) {
    status.lastState = lost(
      'The container could not be located when the pod was deleted.  The container used to be Running',
    );
    if (pod.metadata.deletionTimestamp === undefined) status.restartCount += 1;
  }
  return status;
}

function lost(message: string): ContainerState {
  return {
    terminated: {
      exitCode: 137,
      finishedAt: null,
      message,
      reason: 'ContainerStatusUnknown',
      startedAt: null,
    },
  } as unknown as ContainerState;
}

function fromRuntime(
  input: ContainerStatusesInput,
  container: ContainerView,
  newest: ContainerStatus,
  before: ContainerStatus | undefined,
  old: ContainerStatusView | undefined,
): ApiContainerStatus {
  const { resources = {} } = container;
  const id = `containerd://${newest.id}`;
  const lastState: ContainerState = before
    ? stateOf(before, input.messageOf)
    : old && old.containerID !== id && old.state?.terminated
      ? { terminated: jsonClone(old.state.terminated) }
      : old?.lastState
        ? jsonClone(old.lastState)
        : {};
  const { uid, gid, groups } = newest.user;
  return {
    ...(resources.requests ? { allocatedResources: { ...resources.requests } } : {}),
    containerID: id,
    image: newest.image,
    imageID: newest.imageRef,
    lastState,
    name: container.name,
    ready: false,
    resources: jsonClone(resources) as NonNullable<ApiContainerStatus['resources']>,
    restartCount: Math.max(restartCountOf(newest), old?.restartCount ?? 0),
    state: stateOf(newest, input.messageOf),
    user: { linux: { gid, supplementalGroups: [...groups], uid } },
    ...volumeMounts(container),
  };
}

function stateOf(
  status: ContainerStatus,
  messageOf: ContainerStatusesInput['messageOf'],
): ContainerState {
  const time = (ms: number): string => formatTime(ms);
  if (status.state === 'CONTAINER_RUNNING')
    return { running: { startedAt: time(status.startedMs) } };
  if (status.state !== 'CONTAINER_EXITED') return { waiting: {} };
  const message = messageOf(status);
  return {
    terminated: {
      containerID: `containerd://${status.id}`,
      exitCode: status.exitCode,
      finishedAt: time(status.finishedMs),
      ...(message ? { message } : {}),
      reason: status.reason,
      startedAt: time(status.startedMs),
    },
  };
}

function volumeMounts(container: ContainerView): Pick<ApiContainerStatus, 'volumeMounts'> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      mountPath,
      name,
      ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  };
}
