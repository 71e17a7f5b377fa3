import { type Plugin, skip, type Status } from '../framework.ts';
import {
  type ClassOfResource,
  isDeviceResource,
  isLeftToDevices,
} from '../devices/extended-resources.ts';
import type { NodeInfo } from '../node-info.ts';
import { amountsOf, isExtendedResource, isScalarResource, podRequests } from '../resources.ts';
import type { PodInfo } from '../pod-info.ts';
import { type NodeView, type PodView, uidOf } from '../views.ts';

export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

export interface ShapePoint {
  /** Percent. */
  readonly utilization: number;
  /** 0 … 10. */
  readonly score: number;
}

export interface FitArgs {
  readonly ignoredResources: readonly string[];
  readonly ignoredResourceGroups: readonly string[];
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly WeightedResource[];
  readonly shape: readonly ShapePoint[];
}

function insufficient(
  pod: PodInfo,
  node: NodeInfo,
  args: FitArgs,
  classOf: ClassOfResource,
): Status | undefined {
  const reasons: string[] = [];
  let resolvable = true;
  if (node.pods.size + 1 > node.allowedPods) reasons.push('Too many pods');
  for (const [name, amount] of pod.requests) {
    if (amount === 0 || name === 'pods') continue;
    if (
      isExtendedResource(name) &&
      (args.ignoredResources.includes(name) ||
        args.ignoredResourceGroups.includes(name.split('/')[0] ?? ''))
    )
      continue;
    const capacity = node.allocatable.get(name) ?? 0;
    if (amount <= capacity - (node.requested.get(name) ?? 0)) continue;
    if (isLeftToDevices(name, node, classOf)) continue;
    reasons.push(`Insufficient ${name}`);
    if (amount > capacity) resolvable = false;
  }
  if (reasons.length === 0) return undefined;
  return { code: resolvable ? 'unschedulable' : 'unresolvable', reasons };
}

/** What a node has and would have taken of one resource; undefined leaves the resource out. */
function usage(
  node: NodeInfo,
  pod: PodInfo,
  resource: string,
  exact: boolean,
): { readonly allocatable: number; readonly before: number; readonly after: number } | undefined {
  const request = (exact ? pod.requests : pod.nonZero).get(resource) ?? 0;
  if (request === 0 && isScalarResource(resource)) return undefined;
  const allocatable = node.allocatable.get(resource) ?? 0;
  if (allocatable === 0) return undefined;
  const nonZero = !exact && (resource === 'cpu' || resource === 'memory');
  const before = (nonZero ? node.nonZeroRequested : node.requested).get(resource) ?? 0;
  return { allocatable, before, after: before + request };
}

/** Linear between the points of a shape; scores of 0 … 10 become 0 … 100. */
function shapeScore(shape: readonly ShapePoint[], utilization: number): number {
  const points = shape.map((point) => ({ x: point.utilization, y: point.score * 10 }));
  for (const [index, { x, y }] of points.entries()) {
    if (utilization > x) continue;
    const before = points[index - 1];
    if (!before) return y;
    return before.y + Math.trunc(((y - before.y) * (utilization - before.x)) / (x - before.x));
  }
  return points.at(-1)?.y ?? 0;
}

function resourceScore(args: FitArgs, after: number, allocatable: number): number {
  switch (args.type) {
    case 'LeastAllocated':
      return after > allocatable ? 0 : Math.trunc(((allocatable - after) * 100) / allocatable);
    case 'MostAllocated':
      return Math.trunc((Math.min(after, allocatable) * 100) / allocatable);
    case 'RequestedToCapacityRatio':
      return shapeScore(
        args.shape,
        after > allocatable ? 100 : Math.trunc((after * 100) / allocatable),
      );
  }
}

function fitScore(args: FitArgs, pod: PodInfo, node: NodeInfo): number {
  let sum = 0;
  let weights = 0;
  for (const { name, weight } of args.resources) {
    const found = usage(node, pod, name, false);
    if (!found) continue;
    const score = resourceScore(args, found.after, found.allocatable);
    if (args.type === 'RequestedToCapacityRatio' && score <= 0) continue;
    sum += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return args.type === 'RequestedToCapacityRatio'
    ? Math.round(sum / weights)
    : Math.trunc(sum / weights);
}

/** Room for requests. @see plugins/noderesources/fit.go */
export function nodeResourcesFit(args: FitArgs, classOf: ClassOfResource): Plugin {
  return {
    name: 'NodeResourcesFit',
    events: [
      {
        resource: 'AssignedPod',
        actions: ['delete', 'scaleDown'],
        hint: (pod, event) => {
          if (event.action === 'delete') return true;
          // A smaller neighbour frees room only of what this pod asks for.
          const wanted = podRequests(pod);
          const before = podRequests(event.previous as PodView);
          const after = podRequests(event.object as PodView);
          return [...wanted.keys()].some(
            (name) => (before.get(name) ?? 0) > (after.get(name) ?? 0),
          );
        },
      },
      {
        resource: 'TargetPod',
        actions: ['scaleDown'],
        hint: (pod, { object }) => uidOf(object as PodView) === uidOf(pod),
      },
      {
        resource: 'DeviceClass',
        actions: ['add', 'update'],
        hint: (pod) => [...podRequests(pod).keys()].some((name) => isDeviceResource(name)),
      },
      {
        resource: 'Node',
        actions: ['add', 'allocatable'],
        hint: (pod, { previous, object }) => {
          const now = amountsOf((object as NodeView).status?.allocatable);
          const requests = podRequests(pod);
          const fits =
            (now.get('pods') ?? 0) > 0 &&
            [...requests].every(([name, amount]) => amount <= (now.get(name) ?? 0));
          if (!fits || previous === undefined) return fits;
          const before = amountsOf((previous as NodeView).status?.allocatable);
          return [...requests.keys(), 'pods'].some(
            (name) => (now.get(name) ?? 0) > (before.get(name) ?? 0),
          );
        },
      },
    ],
    filter: (_state, pod, node) => insufficient(pod, node, args, classOf),
    score: (_state, pod, node) => fitScore(args, pod, node),
  };
}

function deviationScore(fractions: readonly number[]): number {
  let deviation = 0;
  const [first = 0, second = 0] = fractions;
  if (fractions.length === 2) deviation = Math.abs((first - second) / 2);
  else if (fractions.length > 2) {
    const mean = fractions.reduce((a, b) => a + b, 0) / fractions.length;
    deviation = Math.sqrt(
      fractions.reduce((sum, fraction) => sum + (fraction - mean) ** 2, 0) / fractions.length,
    );
  }
  return Math.trunc((1 - deviation) * 100);
}

/** Prefers nodes whose resources stay in proportion. @see plugins/noderesources/balanced_allocation.go */
export function balancedAllocation(resources: readonly WeightedResource[]): Plugin {
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore: (_state, pod) =>
      resources.every(({ name }) => (pod.requests.get(name) ?? 0) === 0) ? skip : undefined,
    score: (_state, pod, node) => {
      const found = resources.flatMap(({ name }) => usage(node, pod, name, true) ?? []);
      const withPod = deviationScore(
        found.map(({ after, allocatable }) => Math.min(1, after / allocatable)),
      );
      const without = deviationScore(
        found.map(({ before, allocatable }) => Math.min(1, before / allocatable)),
      );
      return 50 + Math.trunc((50 + withPod - without) / 2);
    },
  };
}
