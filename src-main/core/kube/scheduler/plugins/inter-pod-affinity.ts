import {
  type CycleState,
  type Plugin,
  skip,
  type StateData,
  unresolvable,
  unschedulable,
} from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { type AffinityTerm, podInfoOf, type PodShape, termMatches } from '../pod-info.ts';
import { selects } from '../selectors.ts';
import {
  type Labels,
  labelsOf,
  namespaceOf,
  type NodeView,
  type PodView,
  uidOf,
} from '../views.ts';

export interface InterPodAffinityArgs {
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

export interface NamespaceLabels {
  /** Labels of one namespace; empty when it is not known. */
  labels(name: string): Labels;
  all(): readonly { readonly name: string; readonly labels: Labels }[];
}

/** Counts by topology key and value: `zone` → `a` → 3. */
class PairCounts {
  readonly counts = new Map<string, Map<string, number>>();

  add(key: string, value: string, amount: number): void {
    let values = this.counts.get(key);
    if (!values) {
      values = new Map();
      this.counts.set(key, values);
    }
    const sum = (values.get(value) ?? 0) + amount;
    if (sum === 0) {
      values.delete(value);
      if (values.size === 0) this.counts.delete(key);
    } else values.set(value, sum);
  }

  get(key: string, value: string): number {
    return this.counts.get(key)?.get(value) ?? 0;
  }

  clone(): PairCounts {
    const copy = new PairCounts();
    for (const [key, values] of this.counts) copy.counts.set(key, new Map(values));
    return copy;
  }
}

class FilterState implements StateData {
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly pod: PodShape;
  readonly namespaceLabels: Labels;
  /** Where existing pods refuse this one. */
  existing = new PairCounts();
  affinityCounts = new PairCounts();
  antiAffinityCounts = new PairCounts();

  constructor(
    pod: PodShape,
    affinity: readonly AffinityTerm[],
    antiAffinity: readonly AffinityTerm[],
    namespaceLabels: Labels,
  ) {
    this.pod = pod;
    this.affinity = affinity;
    this.antiAffinity = antiAffinity;
    this.namespaceLabels = namespaceLabels;
  }

  clone(): FilterState {
    const copy = new FilterState(this.pod, this.affinity, this.antiAffinity, this.namespaceLabels);
    copy.existing = this.existing.clone();
    copy.affinityCounts = this.affinityCounts.clone();
    copy.antiAffinityCounts = this.antiAffinityCounts.clone();
    return copy;
  }

  /** Counts `amount` pods of a shape on a node in or out. */
  count(shape: PodShape, labels: Labels, amount: number): void {
    for (const term of shape.requiredAntiAffinity) {
      const value = labels[term.topologyKey];
      if (value !== undefined && termMatches(term, this.pod, this.namespaceLabels))
        this.existing.add(term.topologyKey, value, amount);
    }
    // A pod counts for affinity only when it satisfies all terms at once.
    if (this.affinity.length > 0 && this.affinity.every((term) => termMatches(term, shape)))
      for (const { topologyKey } of this.affinity) {
        const value = labels[topologyKey];
        if (value !== undefined) this.affinityCounts.add(topologyKey, value, amount);
      }
    for (const term of this.antiAffinity) {
      const value = labels[term.topologyKey];
      if (value !== undefined && termMatches(term, shape))
        this.antiAffinityCounts.add(term.topologyKey, value, amount);
    }
  }
}

function satisfiesAffinity(state: FilterState, labels: Labels): boolean {
  let found = true;
  for (const { topologyKey } of state.affinity) {
    const value = labels[topologyKey];
    if (value === undefined) return false;
    if (state.affinityCounts.get(topologyKey, value) <= 0) found = false;
  }
  // The first of a series with affinity to itself must be let in somewhere.
  return (
    found ||
    (state.affinityCounts.counts.size === 0 &&
      state.affinity.every((term) => termMatches(term, state.pod)))
  );
}

const filterKey = 'PreFilterInterPodAffinity';
const scoreKey = 'PreScoreInterPodAffinity';

/** @see plugins/interpodaffinity */
export function interPodAffinity(
  args: InterPodAffinityArgs,
  cluster: { readonly nodes: readonly NodeInfo[] },
  namespaces: NamespaceLabels,
): Plugin {
  /** The term with the namespaces its selector selects written out. */
  const resolved = (term: AffinityTerm): AffinityTerm => {
    if (term.namespaceSelector === undefined) return term;
    const names = new Set(term.namespaces);
    for (const { name, labels } of namespaces.all())
      if (selects(term.namespaceSelector, labels)) names.add(name);
    return { ...term, namespaces: names, namespaceSelector: undefined };
  };
  const filterState = (state: CycleState): FilterState | undefined => state.read(filterKey);

  return {
    name: 'InterPodAffinity',
    events: [
      // Those that object to its old labels may not object to its new ones.
      {
        resource: 'TargetPod',
        actions: ['label'],
        hint: (pod, { object }) => uidOf(pod) === uidOf(object as PodView),
      },
      {
        resource: 'AssignedPod',
        actions: ['add', 'label', 'delete'],
        hint: (pod, { previous, object }) => {
          const info = podInfoOf(pod).shape;
          const other = (object ?? previous) as PodView;
          const shape = podInfoOf(other).shape;
          const affine = info.requiredAffinity.map(resolved);
          const anti = info.requiredAntiAffinity.map(resolved);
          const matchesAll = (target: PodShape): boolean =>
            affine.length > 0 && affine.every((term) => termMatches(term, target));
          if (object !== undefined) {
            const before =
              previous === undefined ? undefined : podInfoOf(previous as PodView).shape;
            if (before && !matchesAll(before) && matchesAll(shape)) return true;
            if (!before) return matchesAll(shape);
            return anti.some((term) => termMatches(term, before) && !termMatches(term, shape));
          }
          return (
            matchesAll(shape) ||
            anti.some((term) => termMatches(term, shape)) ||
            shape.requiredAntiAffinity.some((term) =>
              termMatches(term, info, namespaces.labels(namespaceOf(pod))),
            )
          );
        },
      },
      {
        resource: 'Node',
        actions: ['add', 'label'],
        hint: (pod, { previous, object }) => {
          const keys = [
            ...podInfoOf(pod).shape.requiredAffinity,
            ...podInfoOf(pod).shape.requiredAntiAffinity,
          ].map(({ topologyKey }) => topologyKey);
          const now = labelsOf(object as NodeView);
          if (previous === undefined) return true;
          const before = labelsOf(previous as NodeView);
          return keys.some((key) => now[key] !== before[key]);
        },
      },
    ],
    preFilter: (state, { shape }, nodes) => {
      const data = new FilterState(
        shape,
        shape.requiredAffinity.map(resolved),
        shape.requiredAntiAffinity.map(resolved),
        namespaces.labels(shape.namespace),
      );
      const all = data.affinity.length > 0 || data.antiAffinity.length > 0;
      for (const node of nodes)
        for (const { shape: other, total } of node.shapes.values())
          if (all || other.requiredAntiAffinity.length > 0) data.count(other, node.labels, total);
      if (!all && data.existing.counts.size === 0) return { status: skip };
      state.write(filterKey, data);
      return undefined;
    },
    addPod: (state, _pod, added, node) => filterState(state)?.count(added.shape, node.labels, 1),
    removePod: (state, _pod, removed, node) =>
      filterState(state)?.count(removed.shape, node.labels, -1),
    filter: (state, _pod, { labels }) => {
      const data = filterState(state);
      if (!data) return undefined;
      if (!satisfiesAffinity(data, labels))
        return unresolvable("node(s) didn't match pod affinity rules");
      for (const { topologyKey } of data.antiAffinity) {
        const value = labels[topologyKey];
        if (value !== undefined && data.antiAffinityCounts.get(topologyKey, value) > 0)
          return unschedulable("node(s) didn't match pod anti-affinity rules");
      }
      for (const [key, values] of data.existing.counts)
        if ((values.get(labels[key] ?? '') ?? 0) > 0 && labels[key] !== undefined)
          return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
      return undefined;
    },
    preScore: (state, { shape }) => {
      const preferred =
        shape.preferredAffinity.length > 0 || shape.preferredAntiAffinity.length > 0;
      if (args.ignorePreferredTermsOfExistingPods && !preferred) return skip;
      const near = shape.preferredAffinity.map(resolved);
      const far = shape.preferredAntiAffinity.map(resolved);
      const own = namespaces.labels(shape.namespace);
      const scores = new Map<string, Map<string, number>>();
      const add = (term: AffinityTerm, weight: number, labels: Labels): void => {
        const value = labels[term.topologyKey];
        if (value === undefined) return;
        let values = scores.get(term.topologyKey);
        if (!values) {
          values = new Map();
          scores.set(term.topologyKey, values);
        }
        values.set(value, (values.get(value) ?? 0) + weight);
      };
      for (const node of cluster.nodes) {
        const { labels } = node;
        for (const { shape: other, total } of node.shapes.values()) {
          for (const term of near)
            if (termMatches(term, other)) add(term, term.weight * total, labels);
          for (const term of far)
            if (termMatches(term, other)) add(term, -term.weight * total, labels);
          if (args.hardPodAffinityWeight > 0)
            for (const term of other.requiredAffinity)
              if (termMatches(term, shape, own))
                add(term, args.hardPodAffinityWeight * total, labels);
          for (const term of other.preferredAffinity)
            if (termMatches(term, shape, own)) add(term, term.weight * total, labels);
          for (const term of other.preferredAntiAffinity)
            if (termMatches(term, shape, own)) add(term, -term.weight * total, labels);
        }
      }
      if (scores.size === 0) return skip;
      state.write(scoreKey, { scores });
      return undefined;
    },
    score: (state, _pod, { labels }) => {
      const data = state.read<{ scores?: Map<string, Map<string, number>> }>(scoreKey);
      let sum = 0;
      for (const [key, values] of data?.scores ?? []) sum += values.get(labels[key] ?? '') ?? 0;
      return sum;
    },
    normalize: (_state, scores) => {
      const min = Math.min(...scores);
      const max = Math.max(...scores);
      for (let i = 0; i < scores.length; i++)
        scores[i] = max > min ? Math.trunc(100 * (((scores[i] ?? 0) - min) / (max - min))) : 0;
    },
  };
}
