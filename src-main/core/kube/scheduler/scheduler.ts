import {
  type Clock,
  defer,
  type Disposable,
  DisposableStore,
  type Logger,
  type Random,
} from '#core/base';
import type { Informers, KubeClient } from '../client/index.ts';
import { formatTime, isReason, objectKey } from '../machinery/index.ts';
import { SchedulerCache } from './cache.ts';
import { watchCluster } from './event-handlers.ts';
import { createEventWriter, type SchedulerEvents } from './event-writer.ts';
import {
  CycleState,
  isRejected,
  type NodeStatuses,
  type Status,
  unresolvable,
} from './framework.ts';
import { type Diagnosis, fitErrorMessage } from './fit-error.ts';
import type { CompileSelector } from './devices/types.ts';
import type { NodeInfo } from './node-info.ts';
import { type PodInfo, podInfoOf } from './pod-info.ts';
import type { Handle } from './plugins/handle.ts';
import { buildPlugins } from './plugins/registry.ts';
import { messageOf, Profile } from './profile.ts';
import { type QueuedPod, SchedulingQueue } from './scheduling-queue.ts';
import type { SchedulerConfiguration } from './types.ts';
import { namespaceOf, type PodView, uidOf } from './views.ts';
import { VolumeCaches } from './volumes/volume-caches.ts';

export interface SchedulerOptions {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  /** Breaks ties between equal nodes. */
  readonly random: Random;
  readonly logger: Logger;
  readonly config: SchedulerConfiguration;
  /** How selectors of devices are read. */
  readonly compileDeviceSelector: CompileSelector;
  /** Of the machine it runs on, as `reportingInstance` of events tells it. */
  readonly hostname?: string;
}

export interface Scheduler extends Disposable {
  /** Begins to list, watch and place pods. */
  start(): void;
}

/** Why a try ended without a place. */
interface Failure {
  readonly rejected: boolean;
  readonly message: string;
  readonly rejectors: ReadonlySet<string>;
  /** Absent: `status.nominatedNodeName` stays as it is. */
  readonly nominatedNodeName?: string;
}

const minFeasibleNodes = 100;
const minFeasiblePercentage = 5;

/**
 * The kube-scheduler: takes pods by priority, filters and scores nodes by the plugins of the pod's profile,
 * binds. Each pod is one step of the clock, and bindings run beside it.
 *
 * Not modelled: extenders, pod groups.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/schedule_one.go
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new DefaultScheduler(options);
}

class DefaultScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #owned = new DisposableStore();
  readonly #cache = new SchedulerCache();
  readonly #queue: SchedulingQueue;
  readonly #profiles = new Map<string, { profile: Profile; events: SchedulerEvents }>();
  #nextStartNode = 0;
  #step: Disposable | undefined;
  #ready = false;
  #disposed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { config, clock, random, logger, client, informers } = options;
    this.#queue = this.#owned.add(
      new SchedulingQueue({
        clock,
        initialBackoffMs: config.podInitialBackoffSeconds * 1000,
        maxBackoffMs: config.podMaxBackoffSeconds * 1000,
        profileOf: (pod) => this.#profileOf(pod)?.profile,
        onReady: () => this.#wake(),
      }),
    );
    const volumes = new VolumeCaches(informers);
    for (const settings of config.profiles) {
      const { schedulerName } = settings;
      const events = createEventWriter(client, {
        controller: schedulerName,
        instance: `${schedulerName}-${options.hostname ?? ''}`,
        clock,
        random,
        logger,
      });
      const handle: Handle = {
        client,
        informers,
        clock,
        random,
        logger,
        cache: this.#cache,
        volumes,
        events,
        schedulerName,
        compileDeviceSelector: options.compileDeviceSelector,
        // The profile exists by the time a plugin asks for it.
        runFilters: (state, pod, node) => profile.filter(state, pod, node),
        notifyAdded: (state, pod, added, node) => profile.notifyAdded(state, pod, added, node),
        notifyRemoved: (state, pod, removed, node) =>
          profile.notifyRemoved(state, pod, removed, node),
        nominatedTo: (nodeName) => this.#queue.nominator.on(nodeName),
        clearNomination: (pod) => this.#clearNomination(pod),
        activate: (pod) => this.#queue.activate(uidOf(pod)),
      };
      const profile = new Profile(
        schedulerName,
        buildPlugins(settings, handle),
        settings.percentageOfNodesToScore,
        (nodeName) => this.#queue.nominator.on(nodeName),
      );
      this.#profiles.set(schedulerName, { profile, events });
    }
  }

  start(): void {
    const { informers, clock } = this.#options;
    this.#owned.add(
      watchCluster(informers, {
        cache: this.#cache,
        queue: this.#queue,
        isResponsible: (pod) => this.#profileOf(pod) !== undefined,
      }),
    );
    informers.start();
    void informers.waitForSync().then(() => {
      if (this.#disposed) return;
      this.#ready = true;
      this.#queue.start();
      defer(clock, () => this.#wake());
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#step?.dispose();
    this.#owned.dispose();
  }

  #profileOf(pod: PodView): { profile: Profile; events: SchedulerEvents } | undefined {
    return this.#profiles.get(pod.spec?.schedulerName ?? 'default-scheduler');
  }

  #wake(): void {
    if (!this.#ready || this.#disposed || this.#step) return;
    this.#step = defer(this.#options.clock, () => {
      this.#step = undefined;
      const item = this.#queue.pop();
      if (!item) return;
      this.#scheduleOne(item);
      this.#wake();
    });
  }

  #scheduleOne(item: QueuedPod): void {
    const { pod } = item;
    const found = this.#profileOf(pod);
    if (!found) return;
    const { profile, events } = found;
    if (pod.metadata.deletionTimestamp) {
      const text = `skip schedule deleting pod: ${namespaceOf(pod)}/${pod.metadata.name ?? ''}`;
      events.record(pod, undefined, 'Warning', 'FailedScheduling', 'Scheduling', text);
      return;
    }
    if (this.#cache.isPlaced(uidOf(pod))) return;
    const state = new CycleState();
    let info: PodInfo;
    let placed: string | Failure;
    try {
      info = podInfoOf(pod);
      placed = this.#place(profile, state, info);
    } catch (error) {
      this.#fail(item, found, errorFailure(error instanceof Error ? error.message : String(error)));
      return;
    }
    if (typeof placed !== 'string') {
      this.#fail(item, found, placed);
      return;
    }
    const nodeName = placed;
    this.#cache.assume(info, nodeName);
    this.#queue.nominator.delete(info.uid);
    const status = profile.reserve(state, info, nodeName);
    if (status) {
      this.#cache.removePod(info.uid);
      this.#fail(item, found, failureOf(status, nodeName));
      return;
    }
    void this.#bind(item, found, state, info, nodeName);
  }

  /** The node for a pod, or why there is none. */
  #place(profile: Profile, state: CycleState, pod: PodInfo): string | Failure {
    const { nodes } = this.#cache;
    if (nodes.length === 0)
      return {
        rejected: true,
        message: 'no nodes available to schedule pods',
        rejectors: new Set(),
        nominatedNodeName: '',
      };
    const statuses = new Map<string, Status>();
    const prefiltered = profile.preFilter(state, pod, nodes);
    const rejectors = new Set(prefiltered.narrowedBy);
    if (prefiltered.status) {
      const { status } = prefiltered;
      if (!isRejected(status)) return errorFailure(messageOf(status));
      if (status.plugin) rejectors.add(status.plugin);
      return this.#noFit(profile, state, pod, rejectors, {
        statuses: { byNode: statuses, absent: status },
        preFilterMessage: messageOf(status),
      });
    }
    const feasible = this.#feasible(profile, state, pod, prefiltered.nodeNames, statuses);
    if (!Array.isArray(feasible)) return feasible;
    if (feasible.length === 0) {
      for (const { plugin } of statuses.values()) if (plugin) rejectors.add(plugin);
      const absent = prefiltered.nodeNames
        ? unresolvable(`node(s) didn't satisfy plugin(s) [${prefiltered.narrowedBy.join(' ')}]`)
        : unresolvable();
      return this.#noFit(profile, state, pod, rejectors, {
        statuses: { byNode: statuses, absent },
      });
    }
    if (feasible.length === 1) return feasible[0]?.name ?? '';
    return this.#best(profile, state, pod, feasible).name;
  }

  #feasible(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    names: ReadonlySet<string> | undefined,
    statuses: Map<string, Status>,
  ): NodeInfo[] | Failure {
    const nominated = pod.pod.status?.nominatedNodeName;
    const promised = nominated ? this.#cache.node(nominated) : undefined;
    // A node that was cleared for this pod is most likely the only one that takes it.
    if (promised) {
      const status = profile.filter(state, pod, promised);
      if (!status) return [promised];
      if (isRejected(status)) statuses.set(promised.name, status);
    }
    const all = this.#cache.nodes;
    const candidates = names ? all.filter(({ name }) => names.has(name)) : all;
    const enough = this.#enough(profile, candidates.length);
    const feasible: NodeInfo[] = [];
    for (let i = 0; i < candidates.length && feasible.length < enough; i++) {
      const node = candidates[(this.#nextStartNode + i) % candidates.length];
      if (!node) continue;
      const status = profile.filter(state, pod, node);
      if (!status) feasible.push(node);
      else if (isRejected(status)) statuses.set(node.name, status);
      else return errorFailure(messageOf(status));
    }
    this.#nextStartNode = (this.#nextStartNode + feasible.length + statuses.size) % all.length;
    return feasible;
  }

  /** How many nodes are enough to choose from. @see schedule_one.go, numFeasibleNodesToFind */
  #enough(profile: Profile, nodeCount: number): number {
    if (profile.plugins.score.length === 0) return 1;
    if (nodeCount < minFeasibleNodes) return nodeCount;
    const { percentageOfNodesToScore } = this.#options.config;
    let percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore;
    if (percentage === 0)
      percentage = Math.max(minFeasiblePercentage, 50 - Math.trunc(nodeCount / 125));
    return Math.max(minFeasibleNodes, Math.trunc((nodeCount * percentage) / 100));
  }

  #best(profile: Profile, state: CycleState, pod: PodInfo, feasible: NodeInfo[]): NodeInfo {
    const scores = profile.score(state, pod, feasible);
    const highest = Math.max(...scores);
    const best = feasible.filter((_, index) => scores[index] === highest);
    const index = best.length === 1 ? 0 : this.#options.random.integer(best.length);
    return best[index] as NodeInfo;
  }

  #noFit(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    rejectors: ReadonlySet<string>,
    diagnosis: Diagnosis,
  ): Failure {
    const count = this.#cache.nodes.length;
    if (profile.plugins.postFilter.length === 0)
      return { rejected: true, message: fitErrorMessage(count, diagnosis), rejectors };
    const statuses: NodeStatuses = diagnosis.statuses;
    const { status, nominatedNodeName } = profile.postFilter(state, pod, statuses);
    const message = fitErrorMessage(count, {
      ...diagnosis,
      ...(status ? { postFilterMessage: messageOf(status) } : {}),
    });
    return {
      rejected: true,
      message,
      rejectors,
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    };
  }

  async #bind(
    item: QueuedPod,
    found: { profile: Profile; events: SchedulerEvents },
    state: CycleState,
    info: PodInfo,
    nodeName: string,
  ): Promise<void> {
    const { pod, uid } = info;
    const { namespace, name = '' } = pod.metadata;
    // What takes its time is told others: the pod is about to be bound there.
    if (found.profile.willPreBind(state)) await this.#writeStatus(pod, undefined, nodeName);
    let status = await found.profile.preBind(state, info, nodeName);
    if (!status && !this.#disposed)
      try {
        await this.#options.client.resource('pods').createSubresource(namespace, name, 'binding', {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name, ...(namespace ? { namespace } : {}), uid },
          target: { kind: 'Node', name: nodeName },
        });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        status = {
          code: 'error',
          reasons: [`running Bind plugin "DefaultBinder": ${message}`],
        };
      }
    if (this.#disposed) return;
    if (!status) {
      const text = `Successfully assigned ${namespace ?? ''}/${name} to ${nodeName}`;
      found.events.record(pod, undefined, 'Normal', 'Scheduled', 'Binding', text);
      return;
    }
    found.profile.unreserve(state, info, nodeName);
    if (this.#cache.isAssumed(uid)) this.#cache.removePod(uid);
    this.#queue.move({ resource: 'AssignedPod', action: 'delete', previous: pod });
    this.#fail(item, found, failureOf(status, nodeName));
  }

  /** Puts a pod back and tells why: an event and the PodScheduled condition. */
  #fail(
    item: QueuedPod,
    { events }: { events: SchedulerEvents },
    { rejected, message, rejectors, nominatedNodeName }: Failure,
  ): void {
    const current = this.#options.informers.for('pods').get(objectKey(item.pod.metadata));
    // Gone, made anew, or bound by another: nothing to wait for.
    const waiting =
      current !== undefined && uidOf(current) === uidOf(item.pod) && !current.spec?.nodeName;
    const pod = waiting ? current : item.pod;
    if (waiting) {
      item.pod = current;
      this.#queue.requeue(item, rejectors);
      if (nominatedNodeName !== undefined) this.#queue.nominator.set(pod, nominatedNodeName);
      else if (!this.#queue.nominator.has(uidOf(pod))) this.#queue.nominator.set(pod);
    } else if (current && uidOf(current) !== uidOf(item.pod)) return;
    if (!rejected)
      this.#options.logger.log('warn', 'pod not scheduled', {
        pod: objectKey(pod.metadata),
        error: message,
      });
    events.record(pod, undefined, 'Warning', 'FailedScheduling', 'Scheduling', message);
    void this.#writeStatus(
      pod,
      { reason: rejected ? 'Unschedulable' : 'SchedulerError', message },
      nominatedNodeName,
    );
  }

  async #writeStatus(
    pod: PodView,
    condition: { readonly reason: string; readonly message: string } | undefined,
    nominatedNodeName: string | undefined,
  ): Promise<void> {
    const { namespace, name = '', uid, generation } = pod.metadata;
    const status: Record<string, unknown> = {};
    const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    const changed =
      condition !== undefined &&
      (old?.status !== 'False' ||
        old.reason !== condition.reason ||
        old.message !== condition.message ||
        old.observedGeneration !== generation);
    if (changed)
      status['conditions'] = [
        {
          type: 'PodScheduled',
          status: 'False',
          ...condition,
          lastProbeTime: null,
          lastTransitionTime:
            old?.status === 'False' && old.lastTransitionTime
              ? old.lastTransitionTime
              : formatTime(this.#options.clock.now()),
          ...(generation ? { observedGeneration: generation } : {}),
        },
      ];
    if (
      nominatedNodeName !== undefined &&
      nominatedNodeName !== (pod.status?.nominatedNodeName ?? '')
    )
      status['nominatedNodeName'] = nominatedNodeName === '' ? null : nominatedNodeName;
    if (Object.keys(status).length === 0) return;
    try {
      await this.#options.client
        .resource('pods')
        .patch(
          namespace,
          name,
          'strategic',
          { metadata: { uid }, status },
          { subresource: 'status' },
        );
    } catch (error) {
      if (isReason(error, 'NotFound') || this.#disposed) return;
      this.#options.logger.log('warn', 'pod status not written', {
        pod: name,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #clearNomination(pod: PodView): Promise<void> {
    this.#queue.nominator.delete(uidOf(pod));
    await this.#writeStatus(pod, undefined, '');
  }
}

function errorFailure(message: string): Failure {
  return { rejected: false, message, rejectors: new Set(), nominatedNodeName: '' };
}

function failureOf(status: Status, nodeName: string): Failure {
  if (!isRejected(status)) return errorFailure(messageOf(status));
  const statuses = { byNode: new Map([[nodeName, status]]), absent: unresolvable() };
  return {
    rejected: true,
    message: fitErrorMessage(1, { statuses }),
    rejectors: new Set(status.plugin ? [status.plugin] : []),
    nominatedNodeName: '',
  };
}
