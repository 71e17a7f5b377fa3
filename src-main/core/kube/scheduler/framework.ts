import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { PodView } from './views.ts';

/**
 * What a plugin answers when it is not content; success is `undefined`.
 *
 * - `unschedulable`: not here and now; preemption may help.
 * - `unresolvable`: not here and now; preemption cannot help.
 * - `error`: something went wrong; the pod is tried again with back-off.
 * - `skip`: the plugin has no say about this pod.
 *
 * @see k8s.io/kube-scheduler/framework/interface.go, Code
 */
export interface Status {
  readonly code: 'unschedulable' | 'unresolvable' | 'error' | 'skip';
  readonly reasons: readonly string[];
  /** Who said it; filled in by the framework. */
  readonly plugin?: string;
}

export const unschedulable = (...reasons: string[]): Status => ({ code: 'unschedulable', reasons });
export const unresolvable = (...reasons: string[]): Status => ({ code: 'unresolvable', reasons });
export const failed = (reason: string): Status => ({ code: 'error', reasons: [reason] });
export const skip: Status = { code: 'skip', reasons: [] };

export function isRejected(status: Status | undefined): boolean {
  return status?.code === 'unschedulable' || status?.code === 'unresolvable';
}

/** A plugin's data of one scheduling cycle that a dry run changes; other data is any object. */
export interface StateData {
  clone?(): object;
}

/** What plugins hand from one extension point to the next within one cycle. */
export class CycleState {
  readonly #data = new Map<string, object>();
  readonly skipFilter = new Set<string>();
  readonly skipScore = new Set<string>();

  read<T extends object>(key: string): T | undefined {
    return this.#data.get(key) as T | undefined;
  }

  write(key: string, data: object): void {
    this.#data.set(key, data);
  }

  /** A copy for a dry run: what can change is copied, the rest shared. */
  clone(): CycleState {
    const copy = new CycleState();
    for (const [key, data] of this.#data)
      copy.#data.set(key, (data as StateData).clone?.() ?? data);
    for (const name of this.skipFilter) copy.skipFilter.add(name);
    for (const name of this.skipScore) copy.skipScore.add(name);
    return copy;
  }
}

/** What happened in the cluster, as queueing hints know it. `Target` is the waiting pod itself. */
export type EventResource =
  | 'Node'
  | 'AssignedPod'
  | 'TargetPod'
  | 'PersistentVolumeClaim'
  | 'PersistentVolume'
  | 'StorageClass'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment'
  | 'ResourceClaim'
  | 'DeviceClass'
  | 'ResourceSlice';
export type EventAction =
  | 'add'
  | 'delete'
  | 'update'
  | 'allocatable'
  | 'label'
  | 'taint'
  | 'scaleDown'
  | 'toleration'
  | 'gatesEliminated';

export interface ClusterEvent {
  readonly resource: EventResource;
  readonly action: EventAction;
  /** The object before; absent when it was added. */
  readonly previous?: unknown;
  /** The object now; absent when it was deleted. */
  readonly object?: unknown;
}

/** An event that may let a pod in that this plugin refused. */
export interface EventInterest {
  readonly resource: EventResource;
  readonly actions: readonly EventAction[];
  /** Whether the event is worth a new try; absent: always. */
  hint?(pod: PodView, event: ClusterEvent): boolean;
}

export interface PreFilterAnswer {
  readonly status?: Status;
  /** The only nodes worth looking at; absent: all. */
  readonly nodeNames?: ReadonlySet<string>;
}

export interface PostFilterAnswer {
  /** Absent: success. */
  readonly status?: Status;
  /** What `status.nominatedNodeName` shall become; absent: as it is. */
  readonly nominatedNodeName?: string;
}

/** Nodes that were refused, and why; nodes not listed have `absent`. */
export interface NodeStatuses {
  readonly byNode: ReadonlyMap<string, Status>;
  readonly absent: Status;
}

/**
 * One plugin with the extension points it takes part in.
 * @see k8s.io/kube-scheduler/framework/interface.go
 */
export interface Plugin {
  readonly name: string;
  readonly events?: readonly EventInterest[];
  /** Refuses a pod the way into the active queue. */
  preEnqueue?(pod: PodView): Status | undefined;
  /** Present in a queue sort plugin: whether `a` goes before `b` is decided by priority, then age. */
  readonly queueSort?: true;
  preFilter?(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
  ): PreFilterAnswer | undefined;
  /** Keep the state of `preFilter` in step with a dry run. */
  addPod?(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  removePod?(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  postFilter?(state: CycleState, pod: PodInfo, statuses: NodeStatuses): PostFilterAnswer;
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Status | undefined;
  /** 0 … 100 unless `normalize` brings it there. */
  score?(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  normalize?(state: CycleState, scores: number[], nodes: readonly NodeInfo[]): void;
  reserve?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  unreserve?(state: CycleState, pod: PodInfo, nodeName: string): void;
  /** Whether `preBind` has anything to do. */
  willPreBind?(state: CycleState): boolean;
  /** Work before the binding; undefined at once when there is none. */
  preBind?(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
  ): Promise<Status | undefined> | undefined;
  /** Present in the plugin that binds. */
  readonly binds?: true;
}

/** Scores so that the highest becomes 100. @see plugins/helper/normalize_score.go */
export function normalizeScores(scores: number[], reverse: boolean): void {
  const max = Math.max(0, ...scores);
  for (let i = 0; i < scores.length; i++) {
    if (max === 0) {
      if (reverse) scores[i] = 100;
      continue;
    }
    const score = Math.trunc((100 * (scores[i] ?? 0)) / max);
    scores[i] = reverse ? 100 - score : score;
  }
}
