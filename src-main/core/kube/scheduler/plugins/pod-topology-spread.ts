import type { DeepReadonly } from '#core/base';
import type { TopologySpreadConstraint } from '../../apis/index.ts';
import { matchesRequiredNodeAffinity } from '../../machinery/index.ts';
import {
  type CycleState,
  type Plugin,
  skip,
  type StateData,
  unresolvable,
  unschedulable,
} from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { hasUntoleratedTaint, selects, type SelectorView } from '../selectors.ts';
import {
  type Labels,
  labelsOf,
  namespaceOf,
  type NodeView,
  type PodView,
  uidOf,
} from '../views.ts';

type ConstraintView = DeepReadonly<TopologySpreadConstraint>;

/** Selectors of the services and the owner of a pod; none when nothing selects it. */
export type DefaultSelectors = (pod: PodView) => readonly SelectorView[];

interface Constraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  /** All must match. */
  readonly selectors: readonly SelectorView[];
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

const hostnameLabel = 'kubernetes.io/hostname';
const filterKey = 'PreFilterPodTopologySpread';
const scoreKey = 'PreScorePodTopologySpread';

/** Constraints for pods that bring none. @see plugins/podtopologyspread/plugin.go */
export const systemDefaultConstraints: readonly ConstraintView[] = [
  { topologyKey: hostnameLabel, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

const matches = ({ selectors }: Constraint, labels: Labels): boolean =>
  selectors.length > 0 && selectors.every((selector) => selects(selector, labels));

function constraintOf(source: ConstraintView, pod: PodView): Constraint {
  const labels = labelsOf(pod);
  const keys = (source.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  return {
    maxSkew: source.maxSkew,
    topologyKey: source.topologyKey,
    selectors: source.labelSelector
      ? [
          source.labelSelector,
          ...(keys.length > 0
            ? [{ matchLabels: Object.fromEntries(keys.map((key) => [key, labels[key] ?? ''])) }]
            : []),
        ]
      : [],
    minDomains: source.minDomains ?? 1,
    honorAffinity: (source.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorTaints: source.nodeTaintsPolicy === 'Honor',
  };
}

function counts(constraint: Constraint, pod: PodView, node: NodeInfo): boolean {
  if (constraint.honorAffinity && !matchesRequiredNodeAffinity(pod.spec, node.node.metadata))
    return false;
  return !constraint.honorTaints || !hasUntoleratedTaint(pod, node.node.spec?.taints);
}

const hasAllKeys = (constraints: readonly Constraint[], labels: Labels): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);

/** An empty selector counts nothing, as upstream's counting has it. */
function countOn(node: NodeInfo, constraint: Constraint, namespace: string): number {
  const empty = constraint.selectors.every(
    (selector) =>
      Object.keys(selector.matchLabels ?? {}).length === 0 &&
      (selector.matchExpressions ?? []).length === 0,
  );
  if (empty) return 0;
  let sum = 0;
  for (const { shape, live } of node.shapes.values())
    if (live > 0 && shape.namespace === namespace && matches(constraint, shape.labels)) sum += live;
  return sum;
}

class SpreadState implements StateData {
  readonly constraints: readonly Constraint[];
  /** Matching pods by topology value, for each constraint. */
  readonly domains: readonly Map<string, number>[];
  readonly #minimum: (number | undefined)[] = [];

  constructor(constraints: readonly Constraint[], domains: readonly Map<string, number>[]) {
    this.constraints = constraints;
    this.domains = domains;
  }

  clone(): SpreadState {
    return new SpreadState(
      this.constraints,
      this.domains.map((domain) => new Map(domain)),
    );
  }

  add(index: number, value: string, amount: number): void {
    const domain = this.domains[index];
    if (!domain) return;
    domain.set(value, (domain.get(value) ?? 0) + amount);
    this.#minimum[index] = undefined;
  }

  minimum(index: number, minDomains: number): number {
    const domain = this.domains[index];
    if (!domain || domain.size < minDomains) return 0;
    let least = this.#minimum[index];
    if (least === undefined) {
      least = 2 ** 31 - 1;
      for (const count of domain.values()) if (count < least) least = count;
      this.#minimum[index] = least;
    }
    return least;
  }
}

interface ScoreState {
  readonly constraints: readonly Constraint[];
  readonly ignored: ReadonlySet<string>;
  readonly domains: readonly ReadonlyMap<string, number>[];
  readonly weights: readonly number[];
}

/** @see plugins/podtopologyspread */
export function podTopologySpread(
  defaults: { readonly constraints: readonly ConstraintView[]; readonly system: boolean },
  cluster: { readonly nodes: readonly NodeInfo[] },
  defaultSelectors: DefaultSelectors,
): Plugin {
  const constraintsOf = (pod: PodView, action: string): Constraint[] => {
    const own = pod.spec?.topologySpreadConstraints ?? [];
    const wanted = (own.length > 0 ? own : defaults.constraints).filter(
      ({ whenUnsatisfiable }) => whenUnsatisfiable === action,
    );
    if (wanted.length === 0) return [];
    const constraints = wanted.map((constraint) => constraintOf(constraint, pod));
    if (own.length > 0) return constraints;
    const selectors = defaultSelectors(pod);
    return selectors.length === 0
      ? []
      : constraints.map((constraint) => ({ ...constraint, selectors }));
  };
  const change = (state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: number) => {
    const data = state.read<SpreadState>(filterKey);
    if (!data || namespaceOf(other.pod) !== namespaceOf(pod.pod)) return;
    if (!hasAllKeys(data.constraints, node.labels)) return;
    for (const [index, constraint] of data.constraints.entries())
      if (matches(constraint, other.shape.labels) && counts(constraint, pod.pod, node))
        data.add(index, node.labels[constraint.topologyKey] ?? '', by);
  };

  return {
    name: 'PodTopologySpread',
    events: [
      {
        resource: 'AssignedPod',
        actions: ['add', 'label', 'delete'],
        hint: (pod, { previous, object }) => {
          const other = (object ?? previous) as PodView;
          if (namespaceOf(other) !== namespaceOf(pod)) return false;
          const constraints = constraintsOf(pod, 'DoNotSchedule');
          const now = constraints.some((constraint) => matches(constraint, labelsOf(other)));
          if (previous === undefined || object === undefined) return now;
          return constraints.some(
            (constraint) =>
              matches(constraint, labelsOf(previous as PodView)) !==
              matches(constraint, labelsOf(other)),
          );
        },
      },
      {
        resource: 'TargetPod',
        actions: ['label', 'toleration'],
        hint: (pod, { action, previous, object }) => {
          if (uidOf(object as PodView) !== uidOf(pod)) return false;
          const constraints = constraintsOf(pod, 'DoNotSchedule');
          if (action === 'toleration') return constraints.some(({ honorTaints }) => honorTaints);
          return constraints.some(
            (constraint) =>
              matches(constraint, labelsOf(previous as PodView)) !==
              matches(constraint, labelsOf(object as PodView)),
          );
        },
      },
      {
        resource: 'Node',
        actions: ['add', 'delete', 'label', 'taint'],
        hint: (pod, { previous, object }) => {
          const constraints = constraintsOf(pod, 'DoNotSchedule');
          const fits = (node: unknown): boolean =>
            node !== undefined && hasAllKeys(constraints, labelsOf(node as NodeView));
          if (previous === undefined || object === undefined) return fits(object ?? previous);
          const moved = constraints.some(
            ({ topologyKey }) =>
              labelsOf(previous as NodeView)[topologyKey] !==
              labelsOf(object as NodeView)[topologyKey],
          );
          if (moved) return fits(previous) || fits(object);
          return fits(object) && constraints.some(({ honorTaints }) => honorTaints);
        },
      },
    ],
    preFilter: (state, { pod }, nodes) => {
      const constraints = constraintsOf(pod, 'DoNotSchedule');
      if (constraints.length === 0) return { status: skip };
      const data = new SpreadState(
        constraints,
        constraints.map(() => new Map<string, number>()),
      );
      for (const node of nodes) {
        if (!hasAllKeys(constraints, node.labels)) continue;
        for (const [index, constraint] of constraints.entries())
          if (counts(constraint, pod, node))
            data.add(
              index,
              node.labels[constraint.topologyKey] ?? '',
              countOn(node, constraint, namespaceOf(pod)),
            );
      }
      state.write(filterKey, data);
      return undefined;
    },
    addPod: (state, pod, added, node) => change(state, pod, added, node, 1),
    removePod: (state, pod, removed, node) => change(state, pod, removed, node, -1),
    filter: (state, { pod }, { labels }) => {
      const data = state.read<SpreadState>(filterKey);
      if (!data) return undefined;
      for (const [index, constraint] of data.constraints.entries()) {
        const value = labels[constraint.topologyKey];
        if (value === undefined)
          return unresolvable(
            "node(s) didn't match pod topology spread constraints (missing required label)",
          );
        const self = matches(constraint, labelsOf(pod)) ? 1 : 0;
        const there = data.domains[index]?.get(value) ?? 0;
        if (there + self - data.minimum(index, constraint.minDomains) > constraint.maxSkew)
          return unschedulable("node(s) didn't match pod topology spread constraints");
      }
      return undefined;
    },
    preScore: (state, { pod }, candidates) => {
      const constraints = constraintsOf(pod, 'ScheduleAnyway');
      if (constraints.length === 0) return skip;
      const requireAll = (pod.spec?.topologySpreadConstraints ?? []).length > 0 || !defaults.system;
      const ignored = new Set<string>();
      const domains = constraints.map(() => new Map<string, number>());
      for (const node of candidates) {
        if (requireAll && !hasAllKeys(constraints, node.labels)) {
          ignored.add(node.name);
          continue;
        }
        for (const [index, { topologyKey }] of constraints.entries())
          if (topologyKey !== hostnameLabel) domains[index]?.set(node.labels[topologyKey] ?? '', 0);
      }
      const weights = constraints.map(({ topologyKey }, index) =>
        Math.log(
          (topologyKey === hostnameLabel
            ? candidates.length - ignored.size
            : (domains[index]?.size ?? 0)) + 2,
        ),
      );
      for (const node of cluster.nodes) {
        if (requireAll && !hasAllKeys(constraints, node.labels)) continue;
        for (const [index, constraint] of constraints.entries()) {
          const domain = domains[index];
          const value = node.labels[constraint.topologyKey] ?? '';
          const sum = domain?.get(value);
          if (sum === undefined || !counts(constraint, pod, node)) continue;
          domain?.set(value, sum + countOn(node, constraint, namespaceOf(pod)));
        }
      }
      const data: ScoreState = { constraints, ignored, domains, weights };
      state.write(scoreKey, data);
      return undefined;
    },
    score: (state, { pod }, node) => {
      const data = state.read<ScoreState>(scoreKey);
      if (!data || data.ignored.has(node.name)) return 0;
      let score = 0;
      for (const [index, constraint] of data.constraints.entries()) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) continue;
        const count =
          constraint.topologyKey === hostnameLabel
            ? countOn(node, constraint, namespaceOf(pod))
            : (data.domains[index]?.get(value) ?? 0);
        score += count * (data.weights[index] ?? 0) + (constraint.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize: (state, scores, nodes) => {
      const data = state.read<ScoreState>(scoreKey);
      if (!data) return;
      const counted = scores.filter((_, i) => !data.ignored.has(nodes[i]?.name ?? ''));
      const max = Math.max(0, ...counted);
      const min = Math.min(...counted);
      for (let i = 0; i < scores.length; i++) {
        if (data.ignored.has(nodes[i]?.name ?? '')) scores[i] = 0;
        else if (max === 0) scores[i] = 100;
        else scores[i] = Math.trunc((100 * (max + min - (scores[i] ?? 0))) / max);
      }
    },
  };
}
