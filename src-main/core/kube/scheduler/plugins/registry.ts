import { keyOf } from '../../machinery/index.ts';
import type { LabelSelector } from '../../machinery/index.ts';
import type { DeepReadonly } from '#core/base';
import type { Plugin } from '../framework.ts';
import type { PluginSet } from '../profile.ts';
import type { ExtensionPoint, PluginArgs, ProfileConfiguration } from '../types.ts';
import { labelsOf, namespaceOf, type PodView } from '../views.ts';
import { volumeBinding } from '../volumes/volume-binding.ts';
import { nodeVolumeLimits, volumeRestrictions, volumeZone } from '../volumes/volume-plugins.ts';
import { defaultPreemption } from './default-preemption.ts';
import { classesOfResources } from '../devices/extended-resources.ts';
import { dynamicResources } from './dynamic-resources.ts';
import type { Handle } from './handle.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';
import {
  imageLocality,
  nodeAffinity,
  nodeName,
  nodePorts,
  nodeUnschedulable,
  schedulingGates,
  taintToleration,
} from './node-plugins.ts';
import { podTopologySpread, systemDefaultConstraints } from './pod-topology-spread.ts';
import { balancedAllocation, nodeResourcesFit } from './resource-plugins.ts';

type Factory = (handle: Handle, args: PluginArgs) => Plugin;

/**
 * What the pods of a pod's services and owner have in common.
 * @see plugins/helper/spread.go, DefaultSelector
 */
function defaultSelectors(handle: Handle): (pod: PodView) => DeepReadonly<LabelSelector>[] {
  const services = handle.informers.for('services');
  const controllers = handle.informers.for('replicationcontrollers');
  const replicaSets = handle.informers.for('replicasets.apps');
  const statefulSets = handle.informers.for('statefulsets.apps');
  return (pod) => {
    const namespace = namespaceOf(pod);
    const labels = labelsOf(pod);
    const matchLabels: Record<string, string> = {};
    for (const { spec } of services.list(namespace)) {
      const entries = Object.entries(spec?.selector ?? {});
      if (spec?.selector && entries.every(([key, value]) => labels[key] === value))
        Object.assign(matchLabels, spec.selector);
    }
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    const key = keyOf(namespace, owner?.name ?? '');
    const ofOwner: DeepReadonly<LabelSelector>[] = [];
    if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1')
      Object.assign(matchLabels, controllers.get(key)?.spec?.selector);
    else if (owner?.apiVersion === 'apps/v1') {
      const selector =
        owner.kind === 'ReplicaSet'
          ? replicaSets.get(key)?.spec?.selector
          : owner.kind === 'StatefulSet'
            ? statefulSets.get(key)?.spec?.selector
            : undefined;
      if (selector) ofOwner.push(selector);
    }
    return Object.keys(matchLabels).length > 0 ? [{ matchLabels }, ...ofOwner] : ofOwner;
  };
}

function spread(handle: Handle, { spread: args }: PluginArgs): Plugin {
  const system = args.defaultingType === 'System';
  return podTopologySpread(
    { system, constraints: system ? systemDefaultConstraints : args.defaultConstraints },
    handle.cache,
    defaultSelectors(handle),
  );
}

function affinity(handle: Handle, { interPodAffinity: args }: PluginArgs): Plugin {
  const namespaces = handle.informers.for('namespaces');
  return interPodAffinity(args, handle.cache, {
    labels: (name) => namespaces.get(keyOf(undefined, name))?.metadata.labels ?? {},
    all: () =>
      namespaces
        .list()
        .map(({ metadata }) => ({ name: metadata.name ?? '', labels: metadata.labels ?? {} })),
  });
}

const factories: Readonly<Record<string, Factory>> = {
  SchedulingGates: () => schedulingGates(),
  PrioritySort: () => ({ name: 'PrioritySort', queueSort: true }),
  NodeUnschedulable: () => nodeUnschedulable(),
  NodeName: () => nodeName(),
  TaintToleration: () => taintToleration(),
  NodeAffinity: (_, args) => nodeAffinity(args.nodeAffinity.addedAffinity),
  NodePorts: () => nodePorts(),
  NodeResourcesFit: ({ informers }, args) =>
    nodeResourcesFit(args.fit, classesOfResources(informers)),
  VolumeRestrictions: (handle) => volumeRestrictions(handle),
  NodeVolumeLimits: (handle) => nodeVolumeLimits(handle),
  VolumeBinding: (handle, args) => volumeBinding(args.volumeBinding, handle),
  VolumeZone: (handle) => volumeZone(handle),
  PodTopologySpread: spread,
  InterPodAffinity: affinity,
  DynamicResources: (handle) => dynamicResources(handle),
  DefaultPreemption: (handle, args) => defaultPreemption(args.defaultPreemption, handle),
  NodeResourcesBalancedAllocation: (_, args) => balancedAllocation(args.balancedAllocation),
  ImageLocality: ({ cache }) => imageLocality(cache),
  DefaultBinder: () => ({ name: 'DefaultBinder', binds: true }),
  // Upstream enables it by default too; no node declares features here, so that it never has a say.
  NodeDeclaredFeatures: () => ({ name: 'NodeDeclaredFeatures' }),
};

/** Every plugin a configuration may name. */
export const pluginNames: readonly string[] = Object.keys(factories);

/** Upstream's extension points of each plugin, for checking a configuration. */
const pointsOf: Readonly<Record<string, readonly ExtensionPoint[]>> = {
  SchedulingGates: ['preEnqueue'],
  PrioritySort: ['queueSort'],
  NodeUnschedulable: ['filter'],
  NodeName: ['filter'],
  TaintToleration: ['filter', 'preScore', 'score'],
  NodeAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  NodePorts: ['preFilter', 'filter'],
  NodeResourcesFit: ['preFilter', 'filter', 'preScore', 'score'],
  VolumeRestrictions: ['preFilter', 'filter'],
  NodeVolumeLimits: ['preFilter', 'filter'],
  VolumeBinding: ['preFilter', 'filter', 'preScore', 'score', 'reserve', 'preBind'],
  VolumeZone: ['preFilter', 'filter'],
  PodTopologySpread: ['preFilter', 'filter', 'preScore', 'score'],
  InterPodAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  DynamicResources: [
    'preEnqueue',
    'preFilter',
    'filter',
    'postFilter',
    'score',
    'reserve',
    'preBind',
  ],
  DefaultPreemption: ['preEnqueue', 'postFilter'],
  NodeResourcesBalancedAllocation: ['preScore', 'score'],
  ImageLocality: ['score'],
  DefaultBinder: ['bind'],
  NodeDeclaredFeatures: ['preFilter', 'filter'],
};

/** Whether upstream's plugin of this name takes part in a point. */
export function extendsPoint(name: string, point: ExtensionPoint): boolean {
  return pointsOf[name]?.includes(point) ?? false;
}

const methodOf: Readonly<Record<ExtensionPoint, keyof Plugin | undefined>> = {
  preEnqueue: 'preEnqueue',
  queueSort: 'queueSort',
  preFilter: 'preFilter',
  filter: 'filter',
  postFilter: 'postFilter',
  preScore: 'preScore',
  score: 'score',
  reserve: 'reserve',
  permit: undefined,
  preBind: 'preBind',
  bind: 'binds',
  postBind: undefined,
};

/**
 * Makes the plugins of a profile, those named for a single point before those named for all.
 * @see pkg/scheduler/framework/runtime/framework.go, expandMultiPointPlugins
 */
export function buildPlugins(profile: ProfileConfiguration, handle: Handle): PluginSet {
  const made = new Map<string, Plugin>();
  const plugin = (name: string): Plugin | undefined => {
    let found = made.get(name);
    if (!found) {
      found = factories[name]?.(handle, profile.args);
      if (found) made.set(name, found);
    }
    return found;
  };
  const at = (point: ExtensionPoint): { plugin: Plugin; weight: number }[] => {
    const method = methodOf[point];
    const { enabled = [], disabled = [] } = profile.points[point] ?? {};
    const takesPart = (candidate: Plugin | undefined): candidate is Plugin =>
      candidate !== undefined && method !== undefined && candidate[method] !== undefined;
    const own = enabled.flatMap(({ name, weight }) => {
      const found = plugin(name);
      return takesPart(found) ? [{ plugin: found, weight: weight || 1 }] : [];
    });
    if (disabled.includes('*')) return own;
    const everywhere = profile.multiPoint.enabled.flatMap(({ name, weight }) => {
      const found = plugin(name);
      return takesPart(found) && !disabled.includes(name)
        ? [{ plugin: found, weight: weight || 1 }]
        : [];
    });
    const names = new Set(everywhere.map((entry) => entry.plugin.name));
    const ownNames = new Set(own.map((entry) => entry.plugin.name));
    return [
      ...own.filter((entry) => names.has(entry.plugin.name)),
      ...everywhere.filter((entry) => !ownNames.has(entry.plugin.name)),
      ...own.filter((entry) => !names.has(entry.plugin.name)),
    ];
  };
  const plain = (point: ExtensionPoint): Plugin[] => at(point).map((entry) => entry.plugin);
  const set = {
    preEnqueue: plain('preEnqueue'),
    preFilter: plain('preFilter'),
    filter: plain('filter'),
    postFilter: plain('postFilter'),
    preScore: plain('preScore'),
    score: at('score'),
    reserve: plain('reserve'),
    preBind: plain('preBind'),
  };
  return { all: [...made.values()], ...set };
}
