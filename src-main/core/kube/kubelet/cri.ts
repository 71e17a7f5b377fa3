import type { ByteSink, ByteSource, Disposable } from '#core/base';
import type { Connection } from '../machinery/index.ts';

/**
 * The kubelet's door to a container runtime: the Container Runtime Interface in TypeScript. `machines` implements
 * it; a test may implement it with a few maps. Names follow the gRPC service.
 *
 * @see k8s.io/cri-api/pkg/apis/runtime/v1/api.proto
 */
export interface RuntimeService {
  /** @throws CriError the runtime is down, or refuses. */
  version(): Promise<{ runtimeName: string; runtimeVersion: string }>;
  /** Whether the runtime and its network plugin are ready; absent: whenever it answers. */
  status?(): Promise<RuntimeConditions>;
  /** Tells the node's block of pod addresses, once the node object has one. */
  updateRuntimeConfig?(config: { readonly podCidr: string }): Promise<void>;
  /** Makes the pod's sandbox: its network namespace and address. @returns its id, 64 hex digits. */
  runPodSandbox(config: PodSandboxConfig): Promise<string>;
  stopPodSandbox(sandboxId: string): Promise<void>;
  removePodSandbox(sandboxId: string): Promise<void>;
  podSandboxStatus(sandboxId: string): Promise<PodSandboxStatus>;
  listPodSandboxes(): Promise<readonly PodSandboxStatus[]>;
  /** @returns the container's id. @throws CriError e.g. the image is absent. */
  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  /** @throws CriError the command cannot be run (text as runc's). */
  startContainer(containerId: string): Promise<void>;
  /** SIGTERM (or the image's stop signal), then SIGKILL after `timeoutSeconds`. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  listContainers(): Promise<readonly ContainerStatus[]>;
  containerStatus(containerId: string): Promise<ContainerStatus>;
  updateContainerResources(containerId: string, resources: ContainerResources): Promise<void>;
  /** Runs a command to its end, for probes and hooks. A time-out kills it and throws CriError. */
  execSync(
    containerId: string,
    command: readonly string[],
    timeoutSeconds: number,
  ): Promise<{ stdout: Uint8Array; stderr: Uint8Array; exitCode: number }>;
  exec(containerId: string, request: ExecRequest): Promise<AttachedProcess>;
  attach(containerId: string, request: AttachRequest): Promise<AttachedProcess>;
  /** One connection to a port inside the sandbox. @throws CriError nothing listens there. */
  portForward(sandboxId: string, port: number): Promise<Connection>;
  /** CPU (nanocores, averaged) and memory (bytes) as the programs declare them. */
  containerStats(containerId: string): Promise<ContainerStats>;
  /** Told of each state change, as CRI's GetContainerEvents. */
  onEvent(listener: (event: ContainerEvent) => void): Disposable;
}

/** @see k8s.io/cri-api RuntimeStatus */
export interface RuntimeConditions {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  /** `Network plugin returns error: cni plugin not initialized` while there is no network configuration. */
  readonly networkMessage: string;
}

export interface ImageService {
  /** @returns the image reference with its digest. @throws CriError with the registry's text. */
  pullImage(image: string, credentials?: RegistryCredentials): Promise<string>;
  /** Undefined when the image is not on the node. */
  imageStatus(image: string): Promise<ImageStatus | undefined>;
  listImages(): Promise<readonly ImageStatus[]>;
  removeImage(image: string): Promise<void>;
}

/** A failed call: `rpc error: code = <code> desc = <message>`. */
export class CriError extends Error {
  override readonly name = 'CriError';
  readonly code: 'Unknown' | 'NotFound' | 'Unavailable' | 'DeadlineExceeded' | 'AlreadyExists';

  constructor(code: CriError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface PodSandboxConfig {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `/var/log/pods/<namespace>_<name>_<uid>`. */
  readonly logDirectory: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly shareProcessNamespace: boolean;
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  readonly portMappings: readonly {
    readonly protocol: string;
    readonly containerPort: number;
    readonly hostPort: number;
    readonly hostIp: string;
  }[];
  readonly sysctls: Readonly<Record<string, string>>;
}

export interface PodSandboxStatus {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
  readonly createdMs: number;
  /** Pod addresses; empty for host network. */
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerConfig {
  readonly name: string;
  readonly attempt: number;
  /** As the pod names it; the runtime resolves it to an image on the node. */
  readonly image: string;
  /** Replaces the image's entrypoint when not empty. */
  readonly command: readonly string[];
  /** Replaces the image's arguments when not empty. */
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Below the sandbox's log directory: `<container>/<attempt>.log`. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: ContainerResources;
  readonly security: {
    readonly privileged: boolean;
    readonly readOnlyRootFilesystem: boolean;
    /** No program in it may gain rights that its caller does not have. */
    readonly noNewPrivileges?: boolean;
    readonly runAsUser?: number;
    readonly runAsGroup?: number;
    readonly runAsNonRoot?: boolean;
    readonly addedCapabilities: readonly string[];
    readonly droppedCapabilities: readonly string[];
    readonly supplementalGroups: readonly number[];
  };
  /** Container whose process namespace is joined (ephemeral containers with a target). */
  readonly targetContainerId?: string;
}

export interface Mount {
  readonly containerPath: string;
  /** A path on the node's filesystem; empty when an image is mounted. */
  readonly hostPath: string;
  readonly readOnly: boolean;
  /** An image of the node whose files are mounted, and what of them. */
  readonly image?: { readonly reference: string; readonly subPath: string };
}

export interface ContainerResources {
  readonly cpuShares?: number;
  /** Millicores; absent: no limit. */
  readonly cpuLimitMilli?: number;
  readonly memoryLimitBytes?: number;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state:
    'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';
  readonly createdMs: number;
  /** 0 until started. */
  readonly startedMs: number;
  /** 0 until finished. */
  readonly finishedMs: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError` … */
  readonly reason: string;
  readonly message: string;
  /** As given in the config. */
  readonly image: string;
  /** With digest: what pod status shows as imageID. */
  readonly imageRef: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** On the node. */
  readonly logPath: string;
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  /** As given in the config. */
  readonly mounts?: readonly Mount[];
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export type AttachRequest = Omit<ExecRequest, 'command'>;

export interface AttachedProcess {
  readonly stdin?: ByteSink;
  readonly stdout?: ByteSource;
  readonly stderr?: ByteSource;
  resize(columns: number, rows: number): void;
  /** The exit code; rejects with CriError when the process cannot be started. */
  readonly exit: Promise<number>;
  /** The client went away: a tty gets SIGHUP. */
  close(): void;
}

export interface ContainerStats {
  readonly cpuNanocores: number;
  /** CPU time used since the container started. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  /** What the container has written beside its mounts. */
  readonly writableLayerBytes?: number;
}

export interface ContainerEvent {
  readonly type: 'created' | 'started' | 'stopped' | 'deleted' | 'oom';
  readonly sandboxId: string;
  /** Absent for sandbox events. */
  readonly containerId?: string;
}

export interface ImageStatus {
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Numeric user of the image, when it names one. */
  readonly uid?: number;
  /** User name of the image, when not numeric. */
  readonly username?: string;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}
