import { deferred } from '#core/base';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { type ContainerStatus, CriError } from './cri.ts';
import { runHook } from './hooks.ts';
import { gracePeriodAnnotation } from './labels.ts';
import { type RuntimePod } from './pod-cache.ts';
import {
  type ContainerView,
  findContainer,
  isSidecar,
  podKey,
  specOf,
  uidOf,
  type PodView,
} from './pods.ts';

const minimumGraceSeconds = 2;

export interface KillOptions {
  /** Of the event; default `Stopping container <name>`. */
  readonly message?: string;
  /** Seconds in place of the pod's own. */
  readonly graceSeconds?: number;
  /** Resolves when it is the container's turn to be signalled. */
  readonly turn?: Promise<void>;
}

/**
 * Stops containers: event, preStop hook, TERM, and KILL after the grace period.
 * @see pkg/kubelet/kuberuntime/kuberuntime_container.go, killContainer
 */
export class ContainerKiller {
  readonly #context: KubeletContext;

  constructor(context: KubeletContext) {
    this.#context = context;
  }

  /** Resolves when the container has ended. @throws CriError */
  async kill(pod: PodView, status: ContainerStatus, options: KillOptions = {}): Promise<void> {
    const { clock, host } = this.#context;
    const container = findContainer(pod, status.name)?.container;
    podEvent(
      this.#context,
      pod,
      'Normal',
      'Killing',
      options.message ?? `Stopping container ${status.name}`,
      status.name,
    );
    let grace = options.graceSeconds ?? graceOf(pod, status);
    const beganMs = clock.now();
    if (container?.lifecycle?.preStop && grace > 0)
      await this.#preStop(pod, container, status, grace);
    await options.turn;
    grace -= Math.floor((clock.now() - beganMs) / 1000);
    const least = options.graceSeconds === 0 ? 0 : minimumGraceSeconds;
    try {
      await host.runtime.stopContainer(status.id, Math.max(grace, least));
    } catch (error) {
      if (!(error instanceof CriError) || error.code !== 'NotFound') throw error;
    }
  }

  /** Stops all containers of a pod: sidecars after the others, last first; then the sandboxes. */
  async killPod(pod: PodView, runtime: RuntimePod, graceSeconds?: number): Promise<void> {
    const running = runtime.containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
    const inits = specOf(pod).initContainers ?? [];
    const sidecars = inits
      .filter(isSidecar)
      .flatMap(({ name }) => running.filter((status) => status.name === name));
    const others = running.filter((status) => !sidecars.includes(status));
    const grace = graceSeconds === undefined ? {} : { graceSeconds };
    const ended = deferred<void>();
    let turn: Promise<void> = ended.promise;
    const stops: Promise<void>[] = [];
    // The last sidecar goes first, each waiting for the one after it.
    for (const status of [...sidecars].reverse()) {
      const stop = this.kill(pod, status, { ...grace, turn });
      stops.push(stop);
      turn = stop;
    }
    const main = Promise.all(others.map((status) => this.kill(pod, status, grace)));
    main.then(
      () => ended.resolve(),
      () => ended.resolve(),
    );
    await main;
    await Promise.all(stops);
    for (const { id, state } of runtime.sandboxes)
      if (state === 'SANDBOX_READY') await this.#context.host.runtime.stopPodSandbox(id);
  }

  /** Resolves when the hook has ended, or at the end of the grace period. */
  async #preStop(
    pod: PodView,
    container: ContainerView,
    status: ContainerStatus,
    graceSeconds: number,
  ): Promise<void> {
    const handler = container.lifecycle?.preStop;
    if (!handler) return;
    const { clock } = this.#context;
    const podIp = (pod.status?.podIP ?? '') || this.#context.nodeIp;
    const hook = runHook(this.#context, pod, container, status.id, podIp, handler).catch(
      (error: unknown) => {
        this.#context.log('E', 'kuberuntime_container.go:730', 'PreStop hook failed', {
          err: errorText(error),
          pod: podKey(pod),
          podUID: uidOf(pod),
          containerName: container.name,
        });
        podEvent(
          this.#context,
          pod,
          'Warning',
          'FailedPreStopHook',
          'PreStopHook failed',
          container.name,
        );
      },
    );
    const late = deferred<void>();
    const timer = clock.setTimer(graceSeconds * 1000, () => late.resolve());
    await Promise.race([hook, late.promise]);
    timer.dispose();
  }
}

/** Seconds between TERM and KILL: of the deletion, or of the spec. */
export function graceOf(pod: PodView, status?: ContainerStatus): number {
  const { deletionGracePeriodSeconds } = pod.metadata;
  if (deletionGracePeriodSeconds !== undefined) return deletionGracePeriodSeconds;
  const own = specOf(pod).terminationGracePeriodSeconds;
  if (own !== undefined) return own;
  return Number(status?.annotations[gracePeriodAnnotation] ?? 30);
}
