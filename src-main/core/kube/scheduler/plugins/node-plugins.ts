import type { DeepReadonly } from '#core/base';
import type { NodeAffinity } from '../../apis/index.ts';
import {
  matchesNodeSelector,
  matchesNodeTerm,
  matchesRequiredNodeAffinity,
  tolerates,
} from '../../machinery/index.ts';
import {
  type ClusterEvent,
  normalizeScores,
  type Plugin,
  skip,
  unresolvable,
  unschedulable,
} from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { hasUntoleratedTaint } from '../selectors.ts';
import { type NodeView, type PodView, type TolerationView, uidOf } from '../views.ts';

const unschedulableTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function toleratesCordon(pod: PodView): boolean {
  return (
    pod.spec?.tolerations?.some((toleration) => tolerates(toleration, unschedulableTaint)) ?? false
  );
}

const isTarget = (pod: PodView, event: ClusterEvent): boolean =>
  uidOf(event.object as PodView) === uidOf(pod);

/** Cordoned nodes. @see plugins/nodeunschedulable/node_unschedulable.go */
export function nodeUnschedulable(): Plugin {
  return {
    name: 'NodeUnschedulable',
    events: [
      {
        resource: 'Node',
        actions: ['add', 'taint'],
        hint: (_pod, { previous, object }) =>
          !(object as NodeView).spec?.unschedulable &&
          (previous === undefined || (previous as NodeView).spec?.unschedulable === true),
      },
      {
        resource: 'TargetPod',
        actions: ['toleration'],
        hint: (pod, event) => isTarget(pod, event) && toleratesCordon(event.object as PodView),
      },
    ],
    filter: (_state, { pod }, { node }) =>
      node.spec?.unschedulable && !toleratesCordon(pod)
        ? unresolvable('node(s) were unschedulable')
        : undefined,
  };
}

/** @see plugins/nodename/node_name.go */
export function nodeName(): Plugin {
  return {
    name: 'NodeName',
    events: [{ resource: 'Node', actions: ['add'] }],
    filter: (_state, { pod }, { name }) =>
      pod.spec?.nodeName && pod.spec.nodeName !== name
        ? unresolvable("node(s) didn't match the requested node name")
        : undefined,
  };
}

/** Taints: hard ones filter, PreferNoSchedule ones score. @see plugins/tainttoleration */
export function taintToleration(): Plugin {
  const key = 'TaintToleration';
  return {
    name: key,
    events: [
      {
        resource: 'Node',
        actions: ['add', 'taint'],
        hint: (pod, { previous, object }) =>
          (previous === undefined ||
            hasUntoleratedTaint(pod, (previous as NodeView).spec?.taints)) &&
          !hasUntoleratedTaint(pod, (object as NodeView).spec?.taints),
      },
      { resource: 'TargetPod', actions: ['toleration'], hint: isTarget },
    ],
    filter: (_state, { pod }, { node }) =>
      hasUntoleratedTaint(pod, node.spec?.taints)
        ? unresolvable('node(s) had untolerated taint(s)')
        : undefined,
    preScore: (state, { pod }) => {
      const soft = (pod.spec?.tolerations ?? []).filter(
        ({ effect }) => !effect || effect === 'PreferNoSchedule',
      );
      state.write(key, { soft });
      return undefined;
    },
    score: (state, _pod, { node }) => {
      const { soft = [] } = state.read<{ soft?: readonly TolerationView[] }>(key) ?? {};
      return (node.spec?.taints ?? []).filter(
        (taint) =>
          taint.effect === 'PreferNoSchedule' &&
          !soft.some((toleration) => tolerates(toleration, taint)),
      ).length;
    },
    normalize: (_state, scores) => normalizeScores(scores, true),
  };
}

/** @see plugins/nodeaffinity/node_affinity.go */
export function nodeAffinity(added: DeepReadonly<NodeAffinity> | undefined): Plugin {
  const enforced = added?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = added?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const matches = (pod: PodView, node: NodeView): boolean =>
    (!enforced || matchesNodeSelector(enforced, node.metadata)) &&
    matchesRequiredNodeAffinity(pod.spec, node.metadata);
  const preferredOf = (pod: PodView): typeof addedPreferred => [
    ...addedPreferred,
    ...(pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  return {
    name: 'NodeAffinity',
    events: [
      {
        resource: 'Node',
        actions: ['add', 'label'],
        hint: (pod, { previous, object }) =>
          matches(pod, object as NodeView) &&
          (previous === undefined || !matches(pod, previous as NodeView)),
      },
    ],
    preFilter: (_state, { pod }) => {
      const required =
        pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (!required) return pod.spec?.nodeSelector || enforced ? undefined : { status: skip };
      if (required.nodeSelectorTerms.length === 0) return undefined;
      const names = new Set<string>();
      for (const { matchFields = [] } of required.nodeSelectorTerms) {
        let ofTerm: readonly string[] | undefined;
        for (const { key, operator, values = [] } of matchFields)
          if (key === 'metadata.name' && operator === 'In')
            ofTerm = ofTerm ? ofTerm.filter((name) => values.includes(name)) : values;
        // Terms are alternatives: one that names no node leaves all open.
        if (!ofTerm) return undefined;
        for (const name of ofTerm) names.add(name);
      }
      return names.size === 0
        ? { status: unresolvable('pod affinity terms conflict') }
        : { nodeNames: names };
    },
    filter: (_state, { pod }, { node }) => {
      if (enforced && !matchesNodeSelector(enforced, node.metadata))
        return unresolvable("node(s) didn't match scheduler-enforced node affinity");
      return matchesRequiredNodeAffinity(pod.spec, node.metadata)
        ? undefined
        : unresolvable("node(s) didn't match Pod's node affinity/selector");
    },
    preScore: (_state, { pod }) => (preferredOf(pod).length === 0 ? skip : undefined),
    score: (_state, { pod }, { labels, name }) =>
      preferredOf(pod).reduce(
        (sum, { preference, weight }) =>
          weight !== 0 && matchesNodeTerm(preference, { labels, name }) ? sum + weight : sum,
        0,
      ),
    normalize: (_state, scores) => normalizeScores(scores, false),
  };
}

/** @see plugins/nodeports/node_ports.go */
export function nodePorts(): Plugin {
  return {
    name: 'NodePorts',
    events: [
      { resource: 'AssignedPod', actions: ['delete'] },
      { resource: 'Node', actions: ['add'] },
    ],
    preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? { status: skip } : undefined),
    filter: (_state, { hostPorts }, node) =>
      hostPorts.some((port) => node.portInUse(port))
        ? unschedulable("node(s) didn't have free ports for the requested pod ports")
        : undefined,
  };
}

const minImageScore = 23 * 1024 * 1024;
const maxImageScorePerContainer = 1000 * 1024 * 1024;

/** `nginx` is `nginx:latest`. */
function normalizedImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}

/** Prefers nodes that have the images. @see plugins/imagelocality/image_locality.go */
export function imageLocality(cluster: {
  nodesWithImage(name: string): number;
  readonly nodes: readonly NodeInfo[];
}): Plugin {
  return {
    name: 'ImageLocality',
    score: (_state, { pod }, { images }) => {
      const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
      const names = [
        ...containers.map(({ image }) => image ?? ''),
        ...(pod.spec?.volumes ?? []).flatMap((volume) =>
          volume.image ? [volume.image.reference ?? ''] : [],
        ),
      ].map(normalizedImage);
      let sum = 0;
      for (const name of names) {
        const size = images.get(name);
        if (size !== undefined)
          sum += Math.trunc((size * cluster.nodesWithImage(name)) / cluster.nodes.length);
      }
      const max = maxImageScorePerContainer * containers.length;
      const bounded = Math.min(Math.max(sum, minImageScore), max);
      return Math.trunc((100 * (bounded - minImageScore)) / (max - minImageScore));
    },
  };
}

/** Pods with gates stay out of the queue. @see plugins/schedulinggates/scheduling_gates.go */
export function schedulingGates(): Plugin {
  return {
    name: 'SchedulingGates',
    events: [{ resource: 'TargetPod', actions: ['gatesEliminated'], hint: isTarget }],
    preEnqueue: (pod) => {
      const gates = pod.spec?.schedulingGates ?? [];
      return gates.length === 0
        ? undefined
        : unresolvable(
            `waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`,
          );
    },
  };
}
