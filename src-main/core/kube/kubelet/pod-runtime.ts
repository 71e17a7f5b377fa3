import { prepareDynamicResources } from './dynamic-resources.ts';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { BackOff } from './back-off.ts';
import { formatDuration } from '../machinery/index.ts';
import { durationMs } from './configuration.ts';
import { containerConfig, type ContainerConfigDeps, containerHash } from './container-config.ts';
import type { ContainerKiller } from './container-killer.ts';
import { type ContainerStatus, CriError } from './cri.ts';
import { HookError, runHook } from './hooks.ts';
import { type ImageManager } from './images.ts';
import { podNameLabel, podNamespaceLabel, podUidLabel } from './labels.ts';
import {
  computePodActions,
  type KillAction,
  type PodActions,
  type ProbeVerdicts,
} from './pod-actions.ts';
import { latestOf, liveSandbox, type PodCache, restartCountOf } from './pod-cache.ts';
import { dnsOf, sandboxHostname } from './pod-network.ts';
import {
  type ContainerView,
  formatPod,
  isSidecar,
  podKey,
  specOf,
  uidOf,
  type PodView,
} from './pods.ts';
import { StartError } from './start-error.ts';

export interface PodRuntimeDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly images: ImageManager;
  readonly killer: ContainerKiller;
  readonly config: ContainerConfigDeps;
  readonly probes: ProbeVerdicts;
}

/** Something of a sync did not work; the pod is synced again later. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  /** When a back-off ends, ms since the epoch. */
  readonly retryMs: number | undefined;

  constructor(message: string, retryMs?: number) {
    super(message);
    this.retryMs = retryMs;
  }
}

/** Why containers of a pod wait, until they run. */
export type WaitingReasons = Map<string, StartError>;

const initialBackOffMs = 10_000;

/** Where a pod's logs are on the node. */
export function logDirectoryOf(pod: PodView): string {
  const { namespace = '', name = '' } = pod.metadata;
  return `/var/log/pods/${namespace}_${name}_${uidOf(pod)}`;
}

/**
 * Makes the runtime run what a pod says: sandbox, then containers in their order.
 * @see pkg/kubelet/kuberuntime/kuberuntime_manager.go, SyncPod
 */
export class PodRuntime {
  readonly #deps: PodRuntimeDeps;
  readonly #backOff: BackOff;
  readonly #reasons = new Map<string, WaitingReasons>();

  constructor(deps: PodRuntimeDeps) {
    const { clock, config } = deps.context;
    this.#deps = deps;
    const longest = durationMs(config.crashLoopBackOff.maxContainerRestartPeriod ?? '5m0s');
    this.#backOff = new BackOff(clock, Math.min(initialBackOffMs, longest), longest);
  }

  reasonsOf(uid: string): ReadonlyMap<string, StartError> | undefined {
    return this.#reasons.get(uid);
  }

  forget(uid: string): void {
    this.#reasons.delete(uid);
    this.#deps.images.forget(uid);
  }

  /** @throws SyncError */
  async sync(pod: PodView, signal: AbortSignal): Promise<void> {
    const { cache, killer, probes } = this.#deps;
    const uid = uidOf(pod);
    const runtime = cache.get(uid);
    const actions = computePodActions(pod, runtime, probes);
    if (actions.killPod) {
      if (runtime.sandboxes.length > 0) await killer.killPod(pod, await cache.refresh(uid));
      await cache.refresh(uid);
      if (actions.createSandbox) await this.#purgeInitContainers(pod);
    } else {
      await Promise.all(actions.containersToKill.map((kill) => this.#kill(pod, kill)));
      if (actions.containersToKill.length > 0) await cache.refresh(uid);
    }
    signal.throwIfAborted();
    const isKillOnly =
      actions.initContainersToStart.length +
        actions.containersToStart.length +
        actions.ephemeralContainersToStart.length ===
      0;
    if (isKillOnly && !actions.createSandbox) return;
    const sandboxId = actions.createSandbox
      ? await this.#createSandbox(pod, actions.attempt)
      : liveSandbox(cache.get(uid))?.id;
    if (sandboxId === undefined) return;
    signal.throwIfAborted();
    await this.#startAll(pod, sandboxId, actions, signal);
  }

  async #kill(pod: PodView, { container, status, message, reason }: KillAction): Promise<void> {
    const own =
      reason === 'liveness'
        ? container.livenessProbe?.terminationGracePeriodSeconds
        : reason === 'startup'
          ? container.startupProbe?.terminationGracePeriodSeconds
          : undefined;
    await this.#deps.killer.kill(pod, status, {
      message,
      ...(own === undefined ? {} : { graceSeconds: own }),
    });
  }

  /** Init containers of an earlier sandbox count for nothing. */
  async #purgeInitContainers(pod: PodView): Promise<void> {
    const { cache, context } = this.#deps;
    const names = new Set((specOf(pod).initContainers ?? []).map(({ name }) => name));
    if (names.size === 0) return;
    for (const { id, name } of cache.get(uidOf(pod)).containers)
      if (names.has(name)) await context.host.runtime.removeContainer(id);
    await cache.refresh(uidOf(pod));
  }

  /** @returns nothing while the devices of the pod are not to be had: it is tried again with the next sync. */
  async #createSandbox(pod: PodView, attempt: number): Promise<string | undefined> {
    const { context, cache } = this.#deps;
    const { name = '', namespace = '', labels = {}, annotations = {} } = pod.metadata;
    const spec = specOf(pod);
    const uid = uidOf(pod);
    const directory = logDirectoryOf(pod);
    if (!context.host.files.exists(directory)) context.host.files.mkdir(directory, 0o755);
    try {
      await prepareDynamicResources(context, pod);
    } catch (error) {
      const text = `Failed to prepare dynamic resources: ${errorText(error)}`;
      podEvent(context, pod, 'Warning', 'FailedPrepareDynamicResources', text);
      return undefined;
    }
    try {
      const id = await context.host.runtime.runPodSandbox({
        name,
        namespace,
        uid,
        attempt,
        hostname: sandboxHostname(context, pod),
        labels: {
          ...labels,
          [podNameLabel]: name,
          [podNamespaceLabel]: namespace,
          [podUidLabel]: uid,
        },
        annotations,
        logDirectory: directory,
        hostNetwork: spec.hostNetwork ?? false,
        hostPid: spec.hostPID ?? false,
        shareProcessNamespace: spec.shareProcessNamespace ?? false,
        dns: dnsOf(context, pod),
        portMappings: [
          ...(spec.initContainers ?? []).filter(isSidecar),
          ...spec.containers,
        ].flatMap(({ ports = [] }) =>
          ports.map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
            protocol,
            containerPort,
            hostPort: spec.hostNetwork ? 0 : hostPort,
            hostIp: hostIP,
          })),
        ),
        sysctls: Object.fromEntries(
          (spec.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value]),
        ),
      });
      await cache.add('sandbox', id);
      return id;
    } catch (error) {
      const text = `rpc error: code = ${error instanceof CriError ? error.code : 'Unknown'} desc = ${errorText(error)}`;
      podEvent(
        context,
        pod,
        'Warning',
        'FailedCreatePodSandBox',
        `Failed to create pod sandbox: ${text}`,
      );
      throw new SyncError(
        `failed to "CreatePodSandbox" for ${JSON.stringify(formatPod(pod))} with CreatePodSandboxError: ${JSON.stringify(`Failed to create sandbox for pod ${JSON.stringify(formatPod(pod))}: ${text}`)}`,
      );
    }
  }

  async #startAll(
    pod: PodView,
    sandboxId: string,
    actions: PodActions,
    signal: AbortSignal,
  ): Promise<void> {
    const errors: { container: ContainerView; error: StartError }[] = [];
    const missing = await this.#deps.images.ensureVolumes(pod);
    const start = async (container: ContainerView): Promise<boolean> => {
      signal.throwIfAborted();
      const error = await this.#start(pod, container, sandboxId, missing, signal);
      if (error) errors.push({ container, error });
      return error === undefined;
    };
    for (const container of actions.ephemeralContainersToStart) await start(container);
    for (const container of actions.initContainersToStart)
      if (!(await start(container)) && !isSidecar(container)) break;
    const blocked = errors.some(({ container }) =>
      actions.initContainersToStart.some((init) => init === container && !isSidecar(init)),
    );
    if (!blocked) for (const container of actions.containersToStart) await start(container);
    if (errors.length === 0) return;
    const texts = errors.map(
      ({ container, error }) =>
        `failed to "StartContainer" for ${JSON.stringify(container.name)} with ${error.reason}: ${JSON.stringify(error.message)}`,
    );
    const retries = errors.flatMap(({ error }) => error.retryMs ?? []);
    throw new SyncError(
      texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`,
      retries.length === 0 ? undefined : Math.min(...retries),
    );
  }

  /** Undefined when it runs; the reason why it waits is kept for the status. */
  async #start(
    pod: PodView,
    container: ContainerView,
    sandboxId: string,
    missingVolumes: ReadonlyMap<string, StartError>,
    signal: AbortSignal,
  ): Promise<StartError | undefined> {
    const uid = uidOf(pod);
    const reasons = this.#reasons.get(uid) ?? new Map<string, StartError>();
    this.#reasons.set(uid, reasons);
    try {
      this.#checkBackOff(pod, container);
      this.#checkImageVolumes(pod, container, missingVolumes);
      await this.#startOne(pod, container, sandboxId, signal);
      reasons.delete(container.name);
      return undefined;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      reasons.set(container.name, error);
      return error;
    }
  }

  /** @throws StartError the last of those that the container mounts and whose image is not there. */
  #checkImageVolumes(
    pod: PodView,
    container: ContainerView,
    missing: ReadonlyMap<string, StartError>,
  ): void {
    const failures = (container.volumeMounts ?? []).flatMap(({ name }) => missing.get(name) ?? []);
    for (const { reason } of failures)
      podEvent(this.#deps.context, pod, 'Warning', 'Failed', `Error: ${reason}`, container.name);
    const last = failures.at(-1);
    if (last) throw last;
  }

  /** @throws StartError CrashLoopBackOff */
  #checkBackOff(pod: PodView, container: ContainerView): void {
    const { cache, context } = this.#deps;
    const status = latestOf(cache.get(uidOf(pod)), container.name);
    if (status?.state !== 'CONTAINER_EXITED') return;
    const key = `${formatPod(pod)}_${container.name}_${containerHash(container)}`;
    if (!this.#backOff.isWaitingSince(key, status.finishedMs)) {
      this.#backOff.next(key, status.finishedMs);
      return;
    }
    podEvent(
      context,
      pod,
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${container.name} in pod ${formatPod(pod)}`,
      container.name,
    );
    const delayMs = this.#backOff.delayOf(key);
    throw new StartError(
      'CrashLoopBackOff',
      `back-off ${formatDuration(delayMs)} restarting failed container=${container.name} pod=${formatPod(pod)}`,
      status.finishedMs + delayMs,
    );
  }

  /** @throws StartError */
  async #startOne(
    pod: PodView,
    container: ContainerView,
    sandboxId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { context, cache, images, killer, config } = this.#deps;
    const { runtime } = context.host;
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      podEvent(context, pod, type, reason, message, container.name);
    const fail = (reason: StartError['reason'], message: string): never => {
      event('Warning', 'Failed', `Error: ${message}`);
      throw new StartError(reason, message);
    };
    try {
      await images.ensure(pod, container);
    } catch (error) {
      if (error instanceof StartError) event('Warning', 'Failed', `Error: ${error.reason}`);
      throw error;
    }
    signal.throwIfAborted();
    const present = latestOf(cache.get(uidOf(pod)), container.name);
    const attempt = present ? restartCountOf(present) + 1 : this.#attemptFromLogs(pod, container);
    const target =
      'targetContainerName' in container && container.targetContainerName
        ? latestOf(cache.get(uidOf(pod)), container.targetContainerName)
        : undefined;
    if (
      'targetContainerName' in container &&
      container.targetContainerName &&
      target?.state !== 'CONTAINER_RUNNING'
    )
      fail(
        'CreateContainerConfigError',
        `unable to find target container ${container.targetContainerName}`,
      );
    let id = '';
    try {
      const made = await containerConfig(config, pod, container, attempt, target?.id);
      id = await runtime.createContainer(sandboxId, made).catch((error: unknown) => {
        if (error instanceof CriError) return fail('CreateContainerError', error.message);
        throw error;
      });
    } catch (error) {
      if (error instanceof StartError) throw error;
      fail('CreateContainerConfigError', errorText(error));
    }
    event('Normal', 'Created', 'Container created');
    try {
      await runtime.startContainer(id);
    } catch (error) {
      await cache.add('container', id);
      fail('RunContainerError', error instanceof CriError ? error.message : errorText(error));
    }
    event('Normal', 'Started', 'Container started');
    await cache.add('container', id);
    this.#linkLog(pod, container, id);
    const hook = container.lifecycle?.postStart;
    if (!hook) return;
    try {
      const podIp = liveSandbox(cache.get(uidOf(pod)))?.ips[0] ?? context.nodeIp;
      await runHook(context, pod, container, id, podIp, hook);
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      context.log('E', 'kuberuntime_container.go:360', 'Failed to execute PostStartHook', {
        err: error.message,
        pod: podKey(pod),
        podUID: uidOf(pod),
        containerName: container.name,
        containerID: `containerd://${id}`,
      });
      event('Warning', 'FailedPostStartHook', 'PostStartHook failed');
      const status: ContainerStatus | undefined = cache.container(id);
      if (status) await killer.kill(pod, status, { message: 'FailedPostStartHook' });
      await cache.refresh(uidOf(pod));
      throw new StartError('PostStartHookError', error.message);
    }
  }

  /** The log files of a forgotten container tell how often it ran. */
  #attemptFromLogs(pod: PodView, container: ContainerView): number {
    const { files } = this.#deps.context.host;
    const directory = `${logDirectoryOf(pod)}/${container.name}`;
    if (!files.exists(directory)) return 0;
    const counts = files
      .readdir(directory)
      .flatMap((name) => /^(\d+)\.log/.exec(name)?.[1] ?? [])
      .map((count) => Number(count) + 1);
    return Math.max(0, ...counts);
  }

  /** `/var/log/containers` holds a link for each container's log. */
  #linkLog(pod: PodView, container: ContainerView, id: string): void {
    const { files } = this.#deps.context.host;
    const logPath = this.#deps.cache.container(id)?.logPath;
    if (!logPath || !files.exists(logPath)) return;
    const { name = '', namespace = '' } = pod.metadata;
    if (!files.exists('/var/log/containers')) files.mkdir('/var/log/containers', 0o755);
    const link = `/var/log/containers/${name}_${namespace}_${container.name}-${id}.log`;
    if (!files.exists(link)) files.symlink(logPath, link);
  }

  /** Removes dead containers: all, or all but the newest of each name. */
  async removeDead(pod: PodView, keepNewest: boolean): Promise<void> {
    const { cache, context } = this.#deps;
    const { files, runtime } = context.host;
    const kept = new Set<string>();
    for (const status of cache.get(uidOf(pod)).containers) {
      if (status.state === 'CONTAINER_RUNNING') continue;
      if (keepNewest && !kept.has(status.name)) {
        kept.add(status.name);
        continue;
      }
      await runtime.removeContainer(status.id);
      if (status.logPath && files.exists(status.logPath)) files.remove(status.logPath);
      const { name = '', namespace = '' } = pod.metadata;
      const link = `/var/log/containers/${name}_${namespace}_${status.name}-${status.id}.log`;
      files.remove(link);
    }
  }
}
