import { type DeepReadonly, jsonEqual } from '#core/base';
import type { PodCondition, ResourceRequirements } from '../apis/index.ts';
import { formatTime } from '../machinery/index.ts';
import { podRequests } from './admission.ts';
import { runtimeResources } from './container-config.ts';
import { type KubeletContext, podEvent } from './context.ts';
import { allocatableOf } from './node-status.ts';
import { latestOf, type PodCache } from './pod-cache.ts';
import { allContainers, specOf, uidOf, type PodView } from './pods.ts';

type Resources = DeepReadonly<ResourceRequirements>;

interface Allocation {
  /** By container: what is in force. */
  readonly containers: Map<string, Resources>;
  readonly generation: number;
  pending?: PodCondition;
}

/**
 * Changes of a running pod's resources, in place: taken when the node has room for them, else the old ones stay.
 * @see pkg/kubelet/allocation/allocation_manager.go
 */
export class ResizeManager {
  readonly #context: KubeletContext;
  readonly #cache: PodCache;
  readonly #pods: () => readonly PodView[];
  readonly #allocations = new Map<string, Allocation>();
  /** Number of allocations from which on those of pods that are gone are looked for. */
  #sweepAt = 16;

  constructor(context: KubeletContext, cache: PodCache, pods: () => readonly PodView[]) {
    this.#context = context;
    this.#cache = cache;
    this.#pods = pods;
  }

  conditions(pod: PodView): readonly PodCondition[] {
    const { pending } = this.#allocations.get(uidOf(pod)) ?? {};
    return pending ? [pending] : [];
  }

  /** @returns the pod with the resources that are in force. */
  async apply(pod: PodView): Promise<PodView> {
    const uid = uidOf(pod);
    const wanted = resourcesOf(pod);
    const generation = pod.metadata.generation ?? 0;
    const present = this.#allocations.get(uid);
    if (!present) {
      this.#allocations.set(uid, { containers: wanted, generation });
      this.#forgetOthers();
      return pod;
    }
    if (same(present.containers, wanted)) {
      if (present.pending) delete present.pending;
      return pod;
    }
    if (present.generation === generation) return withResources(pod, present.containers);
    const infeasible = this.#infeasible(pod);
    if (infeasible !== undefined) {
      const before = present.pending;
      podEvent(
        this.#context,
        pod,
        'Warning',
        'ResizeInfeasible',
        `Pod resize Infeasible: ${describe(wanted, generation, infeasible)}`,
      );
      const now = formatTime(this.#context.clock.now());
      this.#allocations.set(uid, {
        containers: present.containers,
        generation,
        pending: {
          lastProbeTime: now,
          lastTransitionTime: before?.lastTransitionTime ?? now,
          message: infeasible,
          observedGeneration: generation,
          reason: 'Infeasible',
          status: 'True',
          type: 'PodResizePending',
        },
      });
      return withResources(pod, present.containers);
    }
    const text = describe(wanted, generation);
    podEvent(this.#context, pod, 'Normal', 'ResizeStarted', `Pod resize started: ${text}`);
    const runtime = this.#cache.get(uid);
    for (const { container } of allContainers(pod)) {
      const status = latestOf(runtime, container.name);
      if (status?.state === 'CONTAINER_RUNNING')
        await this.#context.host.runtime.updateContainerResources(
          status.id,
          runtimeResources(container),
        );
    }
    this.#allocations.set(uid, { containers: wanted, generation });
    podEvent(this.#context, pod, 'Normal', 'ResizeCompleted', `Pod resize completed: ${text}`);
    return pod;
  }

  #infeasible(pod: PodView): string | undefined {
    const { cpuMilli, memoryBytes } = allocatableOf(this.#context);
    const { cpu, memory } = podRequests(pod);
    const rows = [
      ['cpu', cpu, BigInt(cpuMilli)],
      ['memory', memory, BigInt(memoryBytes)],
    ] as const;
    for (const [name, requested, capacity] of rows)
      if (requested > capacity)
        return `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`;
    return undefined;
  }

  #forgetOthers(): void {
    if (this.#allocations.size < this.#sweepAt) return;
    const present = new Set(this.#pods().map(uidOf));
    for (const uid of this.#allocations.keys())
      if (!present.has(uid)) this.#allocations.delete(uid);
    this.#sweepAt = 2 * present.size + 16;
  }
}

function resourcesOf(pod: PodView): Map<string, Resources> {
  return new Map(
    allContainers(pod)
      .filter(({ kind }) => kind !== 'ephemeral')
      .map(({ container }) => [container.name, container.resources ?? {}]),
  );
}

function same(a: ReadonlyMap<string, Resources>, b: ReadonlyMap<string, Resources>): boolean {
  return [...b].every(([name, resources]) => jsonEqual(a.get(name) ?? {}, resources));
}

function withResources(pod: PodView, resources: ReadonlyMap<string, Resources>): PodView {
  const spec = specOf(pod);
  const apply = <C extends { readonly name: string; readonly resources?: Resources }>(
    container: C,
  ): C => ({
    ...container,
    resources: resources.get(container.name) ?? {},
  });
  return {
    ...pod,
    spec: {
      ...spec,
      containers: spec.containers.map(apply),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(apply) } : {}),
    },
  };
}

function describe(
  wanted: ReadonlyMap<string, Resources>,
  generation: number,
  error?: string,
): string {
  const sorted = (list: Readonly<Record<string, string>> | undefined): object =>
    Object.fromEntries(Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({
    containers: [...wanted].map(([name, { limits, requests }]) => ({
      name,
      resources: {
        ...(limits ? { limits: sorted(limits) } : {}),
        ...(requests ? { requests: sorted(requests) } : {}),
      },
    })),
    generation,
    ...(error === undefined ? {} : { error }),
  });
}
