import type { EnabledPlugin, PluginArgs } from '../types.ts';

const plain = (name: string): EnabledPlugin => ({ name, weight: 0 });

/** @see pkg/scheduler/apis/config/v1/default_plugins.go, getDefaultPlugins */
export const defaultPlugins: readonly EnabledPlugin[] = [
  plain('SchedulingGates'),
  plain('PrioritySort'),
  plain('NodeUnschedulable'),
  plain('NodeName'),
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  plain('NodePorts'),
  { name: 'NodeResourcesFit', weight: 1 },
  plain('VolumeRestrictions'),
  plain('NodeVolumeLimits'),
  plain('VolumeBinding'),
  plain('VolumeZone'),
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources', weight: 2 },
  plain('DefaultPreemption'),
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  plain('DefaultBinder'),
  plain('NodeDeclaredFeatures'),
];

export const defaultResources = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** @see pkg/scheduler/apis/config/v1/defaults.go */
export const defaultArgs: PluginArgs = {
  defaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
  interPodAffinity: { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false },
  nodeAffinity: {},
  balancedAllocation: defaultResources,
  fit: {
    ignoredResources: [],
    ignoredResourceGroups: [],
    type: 'LeastAllocated',
    resources: defaultResources,
    shape: [],
  },
  spread: { defaultConstraints: [], defaultingType: 'System' },
  volumeBinding: { bindTimeoutSeconds: 600 },
};
