/** What a Go type takes from JSON. */
export type Shape =
  | { readonly go: string; readonly json: 'string' | 'number' | 'bool' | 'any' }
  | { readonly go: string; readonly items: Shape }
  | { readonly go: string; readonly fields: Readonly<Record<string, Shape>> };

const text: Shape = { go: 'string', json: 'string' };
const bool: Shape = { go: 'bool', json: 'bool' };
const int32: Shape = { go: 'int32', json: 'number' };
const int64: Shape = { go: 'int64', json: 'number' };
const float: Shape = { go: 'float32', json: 'number' };
const any: Shape = { go: 'runtime.RawExtension', json: 'any' };
const struct = (go: string, fields: Readonly<Record<string, Shape>>): Shape => ({ go, fields });
const list = (items: Shape): Shape => ({ go: `[]${items.go}`, items });

const plugin = struct('v1.Plugin', { name: text, weight: int32 });
const pluginSet = struct('v1.PluginSet', { enabled: list(plugin), disabled: list(plugin) });
const points = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
  'placementGenerate',
  'placementScore',
  'multiPoint',
];
const typeMeta = { apiVersion: text, kind: text };
const weighted = struct('v1.ResourceSpec', { name: text, weight: int64 });
const shapePoint = struct('v1.UtilizationShapePoint', { utilization: int32, score: int32 });
const anyStruct = (go: string): Shape => ({ go, json: 'any' });

/** @see k8s.io/kube-scheduler/config/v1/types.go */
export const configurationShape = struct('v1.KubeSchedulerConfiguration', {
  ...typeMeta,
  parallelism: int32,
  leaderElection: struct('v1alpha1.LeaderElectionConfiguration', {
    leaderElect: bool,
    leaseDuration: text,
    renewDeadline: text,
    retryPeriod: text,
    resourceLock: text,
    resourceName: text,
    resourceNamespace: text,
  }),
  clientConnection: struct('v1alpha1.ClientConnectionConfiguration', {
    kubeconfig: text,
    acceptContentTypes: text,
    contentType: text,
    qps: float,
    burst: int32,
  }),
  enableProfiling: bool,
  enableContentionProfiling: bool,
  percentageOfNodesToScore: int32,
  podInitialBackoffSeconds: int64,
  podMaxBackoffSeconds: int64,
  profiles: list(
    struct('v1.KubeSchedulerProfile', {
      schedulerName: text,
      percentageOfNodesToScore: int32,
      plugins: struct('v1.Plugins', Object.fromEntries(points.map((point) => [point, pluginSet]))),
      pluginConfig: list(struct('v1.PluginConfig', { name: text, args: any })),
    }),
  ),
  extenders: list(anyStruct('v1.Extender')),
  delayCacheUntilActive: bool,
});

/** Arguments by plugin. @see k8s.io/kube-scheduler/config/v1/types_pluginargs.go */
export const argsShapes: Readonly<Record<string, Shape>> = {
  DefaultPreemption: struct('v1.DefaultPreemptionArgs', {
    ...typeMeta,
    minCandidateNodesPercentage: int32,
    minCandidateNodesAbsolute: int32,
  }),
  InterPodAffinity: struct('v1.InterPodAffinityArgs', {
    ...typeMeta,
    hardPodAffinityWeight: int32,
    ignorePreferredTermsOfExistingPods: bool,
  }),
  NodeAffinity: struct('v1.NodeAffinityArgs', {
    ...typeMeta,
    addedAffinity: anyStruct('v1.NodeAffinity'),
  }),
  NodeResourcesBalancedAllocation: struct('v1.NodeResourcesBalancedAllocationArgs', {
    ...typeMeta,
    resources: list(weighted),
  }),
  NodeResourcesFit: struct('v1.NodeResourcesFitArgs', {
    ...typeMeta,
    ignoredResources: list(text),
    ignoredResourceGroups: list(text),
    scoringStrategy: struct('v1.ScoringStrategy', {
      type: text,
      resources: list(weighted),
      requestedToCapacityRatio: struct('v1.RequestedToCapacityRatioParam', {
        shape: list(shapePoint),
      }),
    }),
  }),
  PodTopologySpread: struct('v1.PodTopologySpreadArgs', {
    ...typeMeta,
    defaultConstraints: list(anyStruct('v1.TopologySpreadConstraint')),
    defaultingType: text,
  }),
  VolumeBinding: struct('v1.VolumeBindingArgs', {
    ...typeMeta,
    bindTimeoutSeconds: int64,
    shape: list(shapePoint),
  }),
  DynamicResources: struct('v1.DynamicResourcesArgs', {
    ...typeMeta,
    filterTimeout: text,
    bindingTimeout: text,
  }),
};

/** A value of the wrong JSON type; the message is Go's. */
export class DecodingError extends Error {
  override readonly name = 'DecodingError';
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/**
 * Walks a document along a shape.
 *
 * @returns the paths of fields the shape does not know, in order of name.
 * @throws DecodingError a value has the wrong type.
 */
export function unknownFields(value: unknown, shape: Shape): string[] {
  const unknown: string[] = [];
  walk(value, shape, '', '', '', unknown);
  return unknown;
}

function walk(
  value: unknown,
  shape: Shape,
  path: string,
  goStruct: string,
  goPath: string,
  unknown: string[],
): void {
  if (value === null || value === undefined) return;
  const wrong = (): never => {
    const where = goStruct === '' ? 'value' : `struct field ${goStruct}.${goPath}`;
    throw new DecodingError(
      `json: cannot unmarshal ${jsonType(value)} into Go ${where} of type ${shape.go}`,
    );
  };
  if ('json' in shape) {
    if (shape.json !== 'any' && jsonType(value) !== shape.json) wrong();
    return;
  }
  if ('items' in shape) {
    if (!Array.isArray(value)) return wrong();
    for (const [index, item] of value.entries())
      walk(item, shape.items, `${path}[${index}]`, goStruct, goPath, unknown);
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) return wrong();
  const name = shape.go.slice(shape.go.indexOf('.') + 1);
  for (const [key, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const field = path === '' ? key : `${path}.${key}`;
    const next = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    if (next) walk(item, next, field, name, goPath === '' ? key : `${goPath}.${key}`, unknown);
    else unknown.push(field);
  }
}
