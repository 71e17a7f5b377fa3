import {
  type CycleState,
  type EventAction,
  type EventInterest,
  type EventResource,
  isRejected,
  type NodeStatuses,
  type Plugin,
  type PostFilterAnswer,
  type Status,
  unresolvable,
} from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { PodView } from './views.ts';

/** The plugins of one profile, by extension point and in the order they run. */
export interface PluginSet {
  /** Every plugin that takes part in some point. */
  readonly all: readonly Plugin[];
  readonly preEnqueue: readonly Plugin[];
  readonly preFilter: readonly Plugin[];
  readonly filter: readonly Plugin[];
  readonly postFilter: readonly Plugin[];
  readonly preScore: readonly Plugin[];
  readonly score: readonly { readonly plugin: Plugin; readonly weight: number }[];
  readonly reserve: readonly Plugin[];
  readonly preBind: readonly Plugin[];
}

/**
 * Runs the plugins of one scheduler name.
 * @see k8s.io/kubernetes/pkg/scheduler/framework/runtime/framework.go
 */
export class Profile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly plugins: PluginSet;
  readonly #nominatedTo: (nodeName: string) => readonly PodInfo[];
  readonly #interests = new Map<
    string,
    { readonly plugin: string; readonly interest: EventInterest }[]
  >();

  constructor(
    schedulerName: string,
    plugins: PluginSet,
    percentageOfNodesToScore: number | undefined,
    nominatedTo: (nodeName: string) => readonly PodInfo[],
  ) {
    this.schedulerName = schedulerName;
    this.plugins = plugins;
    this.percentageOfNodesToScore = percentageOfNodesToScore;
    this.#nominatedTo = nominatedTo;
    for (const plugin of plugins.all)
      for (const interest of plugin.events ?? [])
        for (const action of interest.actions) {
          const key = `${interest.resource}/${action}`;
          const known = this.#interests.get(key) ?? [];
          known.push({ plugin: plugin.name, interest });
          this.#interests.set(key, known);
        }
  }

  /** Plugins that may change their mind after an event of this kind. */
  interests(
    resource: EventResource,
    action: EventAction,
  ): readonly { readonly plugin: string; readonly interest: EventInterest }[] {
    return this.#interests.get(`${resource}/${action}`) ?? [];
  }

  /** Who keeps a pod out of the active queue. */
  preEnqueue(pod: PodView): Status | undefined {
    for (const plugin of this.plugins.preEnqueue) {
      const status = plugin.preEnqueue?.(pod);
      if (status) return { ...status, plugin: plugin.name };
    }
    return undefined;
  }

  /** @returns the nodes worth looking at (undefined: all), who narrowed them, and who refused. */
  preFilter(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
  ): {
    readonly nodeNames?: ReadonlySet<string>;
    readonly narrowedBy: readonly string[];
    readonly status?: Status;
  } {
    let names: ReadonlySet<string> | undefined;
    let refused: Status | undefined;
    const narrowedBy: string[] = [];
    for (const plugin of this.plugins.preFilter) {
      const { status, nodeNames } = plugin.preFilter?.(state, pod, nodes) ?? {};
      if (status?.code === 'skip') {
        state.skipFilter.add(plugin.name);
        continue;
      }
      if (status) {
        if (status.code === 'unresolvable')
          return { narrowedBy: [], status: { ...status, plugin: plugin.name } };
        if (status.code === 'unschedulable') {
          refused = { ...status, plugin: plugin.name };
          continue;
        }
        return {
          narrowedBy: [],
          status: {
            code: 'error',
            reasons: [`running PreFilter plugin "${plugin.name}": ${messageOf(status)}`],
            plugin: plugin.name,
          },
        };
      }
      if (!nodeNames) continue;
      narrowedBy.push(plugin.name);
      const before = names;
      names = before ? new Set([...before].filter((name) => nodeNames.has(name))) : nodeNames;
      if (names.size === 0) {
        narrowedBy.sort();
        const message =
          narrowedBy.length === 1
            ? `node(s) didn't satisfy plugin ${narrowedBy[0] ?? ''}`
            : `node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}] simultaneously`;
        return { nodeNames: names, narrowedBy, status: unresolvable(message) };
      }
    }
    return {
      ...(names ? { nodeNames: names } : {}),
      narrowedBy: narrowedBy.sort(),
      ...(refused ? { status: refused } : {}),
    };
  }

  notifyAdded(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void {
    for (const plugin of this.plugins.preFilter)
      if (!state.skipFilter.has(plugin.name)) plugin.addPod?.(state, pod, added, node);
  }

  notifyRemoved(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void {
    for (const plugin of this.plugins.preFilter)
      if (!state.skipFilter.has(plugin.name)) plugin.removePod?.(state, pod, removed, node);
  }

  /**
   * Whether a node takes a pod, both with and without the pods nominated to it that go before: they may
   * come, and they may not.
   */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    const nominated = this.#nominatedTo(node.name).filter(
      ({ uid, priority }) => priority >= pod.priority && uid !== pod.uid,
    );
    if (nominated.length > 0) {
      const stateWith = state.clone();
      const nodeWith = node.clone();
      for (const other of nominated) {
        nodeWith.addPod(other);
        this.notifyAdded(stateWith, pod, other, nodeWith);
      }
      const status = this.#runFilters(stateWith, pod, nodeWith);
      if (status) return status;
    }
    return this.#runFilters(state, pod, node);
  }

  postFilter(state: CycleState, pod: PodInfo, statuses: NodeStatuses): PostFilterAnswer {
    let nominatedNodeName: string | undefined;
    const reasons: string[] = [];
    for (const plugin of this.plugins.postFilter) {
      const answer = plugin.postFilter?.(state, pod, statuses) ?? {};
      if (!answer.status || answer.status.code === 'unresolvable') return answer;
      if (!isRejected(answer.status)) return { status: answer.status };
      if (answer.nominatedNodeName !== undefined) nominatedNodeName = answer.nominatedNodeName;
      reasons.push(...answer.status.reasons);
    }
    return {
      status: { code: 'unschedulable', reasons },
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    };
  }

  /** The sum of weighted scores for each of the nodes. */
  score(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): number[] {
    for (const plugin of this.plugins.preScore) {
      const status = plugin.preScore?.(state, pod, nodes);
      if (status?.code === 'skip') state.skipScore.add(plugin.name);
    }
    const totals = nodes.map(() => 0);
    for (const { plugin, weight } of this.plugins.score) {
      if (state.skipScore.has(plugin.name)) continue;
      const scores = nodes.map((node) => plugin.score?.(state, pod, node) ?? 0);
      plugin.normalize?.(state, scores, nodes);
      for (const [index, score] of scores.entries())
        totals[index] = (totals[index] ?? 0) + score * weight;
    }
    return totals;
  }

  /** Reserves in order; undoes all when one refuses. */
  reserve(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined {
    for (const plugin of this.plugins.reserve) {
      const status = plugin.reserve?.(state, pod, nodeName);
      if (!status) continue;
      this.unreserve(state, pod, nodeName);
      return { ...status, plugin: plugin.name };
    }
    return undefined;
  }

  unreserve(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const plugin of [...this.plugins.reserve].reverse())
      plugin.unreserve?.(state, pod, nodeName);
  }

  /** Whether the binding has to wait for a plugin's work. */
  willPreBind(state: CycleState): boolean {
    return this.plugins.preBind.some((plugin) => plugin.willPreBind?.(state));
  }

  async preBind(state: CycleState, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
    for (const plugin of this.plugins.preBind) {
      const status = await plugin.preBind?.(state, pod, nodeName);
      if (status)
        return isRejected(status)
          ? { ...status, plugin: plugin.name }
          : {
              code: 'error',
              reasons: [`running PreBind plugin "${plugin.name}": ${messageOf(status)}`],
              plugin: plugin.name,
            };
    }
    return undefined;
  }

  #runFilters(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.plugins.filter) {
      if (state.skipFilter.has(plugin.name)) continue;
      const status = plugin.filter?.(state, pod, node);
      if (!status) continue;
      if (isRejected(status)) return { ...status, plugin: plugin.name };
      return {
        code: 'error',
        reasons: [`running "${plugin.name}" filter plugin: ${messageOf(status)}`],
        plugin: plugin.name,
      };
    }
    return undefined;
  }
}

/** The reasons in one line. */
export function messageOf(status: Status): string {
  return status.reasons.join(', ');
}
