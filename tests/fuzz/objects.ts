import type { Random } from '#core/base';

/** A kind the run writes: where, and an object to begin with. */
export interface FuzzedKind {
  readonly path: string;
  readonly object: (name: string, random: Random) => Record<string, unknown>;
}

const namespace = 'fuzz';
const at = (group: string, resource: string): string =>
  `${group === 'v1' ? '/api/v1' : `/apis/${group}`}/namespaces/${namespace}/${resource}`;
const pick = <T>(random: Random, values: readonly T[]): T =>
  values[random.integer(values.length)] as T;
const template = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
};
const selector = { matchLabels: { app: 'x' } };

function kind(
  groupVersion: string,
  name: string,
  resource: string,
  fields: (random: Random) => Record<string, unknown>,
): FuzzedKind {
  return {
    path: at(groupVersion, resource),
    object: (objectName, random) => ({
      apiVersion: groupVersion,
      kind: name,
      metadata: { name: objectName, labels: { app: pick(random, ['x', 'y', 'z']) } },
      ...fields(random),
    }),
  };
}

/** Kinds of every sort: plain, with status, with allocations, custom. */
export const fuzzedKinds: readonly FuzzedKind[] = [
  kind('v1', 'ConfigMap', 'configmaps', (random) => ({
    data: { key: String(random.integer(100)), html: '<a>&' },
  })),
  kind('v1', 'Secret', 'secrets', () => ({ stringData: { key: 'value' } })),
  kind('v1', 'Pod', 'pods', (random) => ({
    spec: {
      nodeName: pick(random, ['n1', 'n2', '']),
      containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '100m' } } }],
    },
  })),
  kind('v1', 'Service', 'services', (random) => ({
    spec: {
      type: pick(random, ['ClusterIP', 'NodePort', 'LoadBalancer']),
      selector: { app: 'x' },
      ports: [{ port: 80 + random.integer(5) }],
    },
  })),
  kind('v1', 'ServiceAccount', 'serviceaccounts', () => ({})),
  kind('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', () => ({
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  })),
  kind('v1', 'LimitRange', 'limitranges', () => ({
    spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] },
  })),
  kind('v1', 'Endpoints', 'endpoints', () => ({
    subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }],
  })),
  kind('apps/v1', 'Deployment', 'deployments', (random) => ({
    spec: { replicas: random.integer(5), selector, template },
  })),
  kind('apps/v1', 'StatefulSet', 'statefulsets', () => ({
    spec: { serviceName: 's', selector, template },
  })),
  kind('apps/v1', 'DaemonSet', 'daemonsets', () => ({ spec: { selector, template } })),
  kind('batch/v1', 'Job', 'jobs', () => ({
    spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } },
  })),
  kind('batch/v1', 'CronJob', 'cronjobs', () => ({
    spec: {
      schedule: '* * * * *',
      jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
    },
  })),
  kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', () => ({
    spec: { podSelector: selector },
  })),
  kind('networking.k8s.io/v1', 'Ingress', 'ingresses', () => ({
    spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
  })),
  kind('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', () => ({
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' },
    },
  })),
  kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', () => ({
    spec: { minAvailable: 1, selector },
  })),
  kind('rbac.authorization.k8s.io/v1', 'Role', 'roles', () => ({
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  })),
  kind('coordination.k8s.io/v1', 'Lease', 'leases', () => ({ spec: { holderIdentity: 'me' } })),
  kind('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', () => ({
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [],
  })),
  kind('fuzz.example.com/v1', 'Thing', 'things', (random) => ({
    spec: { size: random.integer(9), color: 'red', any: { deep: [1, 'x', null] } },
  })),
];

/** What must be there before the run begins. */
export const fixtures: readonly (readonly [path: string, object: Record<string, unknown>])[] = [
  ['/api/v1/namespaces', { metadata: { name: namespace } }],
  [at('v1', 'serviceaccounts'), { metadata: { name: 'default' } }],
  [
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    {
      metadata: { name: 'things.fuzz.example.com' },
      spec: {
        group: 'fuzz.example.com',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: {
              status: {},
              scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
            },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: {
                      size: { type: 'integer', minimum: 0, default: 1 },
                      color: { type: 'string', pattern: '^[a-z]+$' },
                      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                    },
                    'x-kubernetes-validations': [{ rule: 'self.size < 100', message: 'too large' }],
                  },
                  status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        ],
      },
    },
  ],
];
