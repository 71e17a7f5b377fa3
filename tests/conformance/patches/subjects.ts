import type { Random } from '#core/base';

export type Fields = Record<string, unknown>;

/** A kind that is patched, and where its configurations come from. */
export interface Subject {
  readonly kind: string;
  readonly apiVersion: string;
  /** Of the collection. */
  readonly url: string;
  readonly custom: boolean;
  readonly subresources: readonly string[];
  /** What every valid object has. */
  base(name: string): Fields;
  /** Some of the fields, at random; without the name. */
  some(random: Random): Fields;
  someStatus(random: Random): Fields;
}

/** Of this run alone: a cluster without controllers never lets one go. */
export const namespace = `patches-${process.pid}`;

export const pick = <T>(random: Random, list: readonly T[]): T =>
  list[random.integer(list.length)] as T;
export const chance = (random: Random, share: number): boolean => random.next() < share;

/** Each field with a chance of its own. */
function maybe(
  random: Random,
  share: number,
  fields: Readonly<Record<string, () => unknown>>,
): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(() => chance(random, share))
      .map(([key, make]) => [key, make()]),
  );
}

/** Some of the items, in any order. */
function several<T>(random: Random, items: readonly T[]): T[] {
  return items
    .filter(() => chance(random, 0.5))
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const words = (random: Random): Fields =>
  maybe(random, 0.4, {
    a: () => pick(random, ['1', '2', '']),
    b: () => pick(random, ['1', '2']),
    'example.com/c': () => pick(random, ['x', 'y']),
  });

export function someMetadata(random: Random): Fields {
  return maybe(random, 0.3, {
    labels: () => words(random),
    annotations: () => words(random),
    finalizers: () => several(random, ['example.com/a', 'example.com/b', 'example.com/c']),
    ownerReferences: () =>
      several(random, ['1', '2']).map((uid) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: `o${uid}`,
        uid: `u${uid}`,
        ...maybe(random, 0.3, { controller: () => false, blockOwnerDeletion: () => true }),
      })),
  });
}

const resources = (random: Random): Fields =>
  maybe(random, 0.5, {
    limits: () =>
      maybe(random, 0.6, {
        cpu: () => pick(random, ['1', 2, '1500m']),
        memory: () => pick(random, ['1Gi', '1024Mi']),
      }),
    requests: () =>
      maybe(random, 0.6, { cpu: () => pick(random, ['0.5', '500m', 1]), memory: () => '64Mi' }),
  });

const container = (random: Random, name: string): Fields => ({
  name,
  ...(chance(random, 0.8) ? { image: pick(random, ['nginx:1', 'nginx:2', 'busybox']) } : {}),
  ...maybe(random, 0.25, {
    args: () => several(random, ['x', 'y', 'x']),
    command: () => ['sh'],
    ports: () =>
      several(random, [80, 81, 82]).map((containerPort) => ({
        containerPort,
        ...maybe(random, 0.4, {
          protocol: () => pick(random, ['TCP', 'UDP']),
          name: () => `p${containerPort}`,
        }),
      })),
    env: () =>
      several(random, ['A', 'B', 'C']).map((each) =>
        chance(random, 0.7)
          ? { name: each, value: pick(random, ['1', '2', '']) }
          : { name: each, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ),
    envFrom: () => [{ configMapRef: { name: 'c' } }],
    resources: () => resources(random),
    volumeMounts: () =>
      several(random, ['/a', '/b']).map((mountPath) => ({ name: 'v', mountPath })),
    securityContext: () =>
      maybe(random, 0.5, {
        runAsUser: () => 1,
        capabilities: () => ({ add: several(random, ['NET_ADMIN', 'SYS_TIME']) }),
      }),
    livenessProbe: () =>
      pick(random, [
        { httpGet: { path: '/', port: 80 } },
        { tcpSocket: { port: 'http' } },
        { exec: { command: ['a'] } },
      ]),
    imagePullPolicy: () => pick(random, ['Always', 'IfNotPresent']),
    lifecycle: () => ({ preStop: { exec: { command: ['b'] } } }),
  }),
});

const podSpec = (random: Random): Fields => ({
  ...(chance(random, 0.7)
    ? { containers: several(random, ['a', 'b', 'c']).map((name) => container(random, name)) }
    : {}),
  ...maybe(random, 0.2, {
    initContainers: () => several(random, ['i', 'j']).map((name) => container(random, name)),
    volumes: () => [
      {
        name: 'v',
        ...pick<Fields>(random, [
          { emptyDir: {} },
          { configMap: { name: 'c' } },
          { hostPath: { path: '/x' } },
        ]),
      },
      ...(chance(random, 0.5)
        ? [{ name: 'w', secret: { secretName: 's', items: [{ key: 'k', path: 'p' }] } }]
        : []),
    ],
    tolerations: () =>
      several(random, [
        { key: 'a', operator: 'Exists' },
        { key: 'b', value: 'c', effect: 'NoSchedule' },
      ]),
    nodeSelector: () => words(random),
    imagePullSecrets: () => several(random, [{ name: 'p' }, { name: 'q' }]),
    hostAliases: () => [{ ip: '1.2.3.4', hostnames: several(random, ['x', 'y']) }],
    terminationGracePeriodSeconds: () => pick(random, [0, 5, 30]),
    securityContext: () =>
      maybe(random, 0.5, {
        runAsUser: () => 5,
        supplementalGroups: () => several(random, [1, 2, 3]),
        sysctls: () => [],
      }),
    topologySpreadConstraints: () => [
      {
        maxSkew: 1,
        topologyKey: pick(random, ['zone', 'host']),
        whenUnsatisfiable: 'ScheduleAnyway',
      },
    ],
    dnsConfig: () => ({ nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] }),
    affinity: () => ({ nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } }),
    dnsPolicy: () => 'Default',
    hostname: () => 'h',
    nodeName: () => '',
    enableServiceLinks: () => false,
  }),
});

const conditions = (random: Random): Fields[] =>
  several(random, ['Available', 'Progressing', 'Mine']).map((type) => ({
    type,
    status: pick(random, ['True', 'False']),
    ...maybe(random, 0.4, { reason: () => 'R', message: () => pick(random, ['m', 'n']) }),
  }));

const deployments: Subject = {
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  url: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  custom: false,
  subresources: ['status', 'scale'],
  base: (name) => ({
    spec: {
      paused: true,
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'a', image: 'nginx:1' }] },
      },
    },
  }),
  some: (random) => ({
    spec: maybe(random, 0.35, {
      replicas: () => pick(random, [0, 1, 2]),
      minReadySeconds: () => pick(random, [0, 3]),
      revisionHistoryLimit: () => pick(random, [2, 10]),
      strategy: () =>
        pick<Fields>(random, [
          { type: 'Recreate' },
          { type: 'RollingUpdate', rollingUpdate: { maxSurge: pick(random, [1, '25%', '50%']) } },
          { rollingUpdate: { maxUnavailable: 0 } },
          {},
        ]),
      template: () => ({
        metadata: maybe(random, 0.4, {
          labels: () => words(random),
          annotations: () => words(random),
        }),
        spec: podSpec(random),
      }),
    }),
  }),
  someStatus: (random) =>
    maybe(random, 0.4, {
      replicas: () => pick(random, [0, 1, 2]),
      conditions: () => conditions(random),
      observedGeneration: () => 1,
      collisionCount: () => pick(random, [0, 1]),
    }),
};

const pods: Subject = {
  kind: 'Pod',
  apiVersion: 'v1',
  url: `/api/v1/namespaces/${namespace}/pods`,
  custom: false,
  subresources: ['status', 'ephemeralcontainers', 'resize'],
  // Without a token there is no volume with a random name.
  base: () => ({
    spec: {
      automountServiceAccountToken: false,
      schedulingGates: [{ name: 'hold' }],
      containers: [{ name: 'a', image: 'nginx:1' }],
    },
  }),
  some: (random) => ({
    spec: chance(random, 0.7)
      ? maybe(random, 0.4, {
          containers: () => [
            {
              name: 'a',
              ...maybe(random, 0.6, {
                image: () => pick(random, ['nginx:1', 'nginx:2']),
                resources: () => resources(random),
              }),
            },
          ],
          activeDeadlineSeconds: () => pick(random, [50, 100]),
          tolerations: () =>
            several(random, [
              { key: 'a', operator: 'Exists' },
              { key: 'b', value: 'c', effect: 'NoExecute', tolerationSeconds: 5 },
            ]),
          terminationGracePeriodSeconds: () => pick(random, [0, 30]),
          ephemeralContainers: () => [{ name: pick(random, ['e', 'f']), image: 'busybox' }],
          nodeSelector: () => words(random),
        })
      : podSpec(random),
  }),
  someStatus: (random) =>
    maybe(random, 0.4, {
      phase: () => pick(random, ['Pending', 'Running', 'Failed']),
      conditions: () => conditions(random),
      podIPs: () => several(random, [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]),
      podIP: () => '10.0.0.1',
      reason: () => 'Because',
    }),
};

const services: Subject = {
  kind: 'Service',
  apiVersion: 'v1',
  url: `/api/v1/namespaces/${namespace}/services`,
  custom: false,
  subresources: ['status'],
  base: () => ({ spec: { ports: [{ port: 80 }] } }),
  some: (random) => ({
    spec: maybe(random, 0.4, {
      ports: () =>
        several(random, [80, 81, 82]).map((port) => ({
          port,
          name: `p${port}`,
          ...maybe(random, 0.3, {
            protocol: () => pick(random, ['TCP', 'UDP']),
            targetPort: () => pick(random, [port, 'http', 8080]),
            appProtocol: () => 'http',
          }),
        })),
      selector: () => words(random),
      sessionAffinity: () => pick(random, ['None', 'ClientIP']),
      externalIPs: () => several(random, ['1.1.1.1', '2.2.2.2']),
      publishNotReadyAddresses: () => chance(random, 0.5),
      type: () => pick(random, ['ClusterIP', 'NodePort', 'LoadBalancer']),
      internalTrafficPolicy: () => 'Local',
    }),
  }),
  someStatus: (random) =>
    maybe(random, 0.5, {
      loadBalancer: () => ({ ingress: several(random, [{ ip: '1.1.1.1' }, { hostname: 'h' }]) }),
      conditions: () =>
        conditions(random).map((each) => ({
          ...each,
          reason: 'R',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        })),
    }),
};

const configMaps: Subject = {
  kind: 'ConfigMap',
  apiVersion: 'v1',
  url: `/api/v1/namespaces/${namespace}/configmaps`,
  custom: false,
  subresources: [],
  base: () => ({ data: { base: '1' } }),
  some: (random) =>
    maybe(random, 0.5, {
      data: () => words(random),
      binaryData: () =>
        maybe(random, 0.5, { x: () => pick(random, ['AAAA', 'AQ==']), y: () => '' }),
      immutable: () => false,
    }),
  someStatus: () => ({}),
};

const nodes: Subject = {
  kind: 'Node',
  apiVersion: 'v1',
  url: '/api/v1/nodes',
  custom: false,
  subresources: ['status'],
  base: () => ({ spec: { unschedulable: true } }),
  some: (random) => ({
    spec: maybe(random, 0.4, {
      taints: () =>
        several(random, [
          { key: 'a', value: pick(random, ['1', '2']), effect: 'NoSchedule' },
          { key: 'a', effect: 'NoExecute' },
          { key: 'b', effect: 'NoSchedule' },
        ]),
      podCIDR: () => '10.1.0.0/24',
      podCIDRs: () => ['10.1.0.0/24'],
      unschedulable: () => chance(random, 0.7),
      providerID: () => 'x://1',
    }),
  }),
  someStatus: (random) =>
    maybe(random, 0.4, {
      capacity: () =>
        maybe(random, 0.6, {
          cpu: () => pick(random, ['4', '4000m', 4]),
          'example.com/gpu': () => '1',
        }),
      allocatable: () => maybe(random, 0.6, { cpu: () => '4' }),
      conditions: () => conditions(random),
      addresses: () =>
        several(random, [
          { type: 'InternalIP', address: '1.1.1.1' },
          { type: 'InternalIP', address: '2.2.2.2' },
          { type: 'Hostname', address: 'h' },
        ]),
      images: () => [{ names: ['a:1'], sizeBytes: 5 }],
    }),
};

const group = 'patches.example.com';
const string = { type: 'string' };
const integer = { type: 'integer' };

/** A definition with every way to merge that a schema can name. */
export const definition: Fields = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  replicas: { ...integer, minimum: 0, maximum: 10 },
                  set: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
                  atomic: { type: 'array', items: string },
                  parts: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name', 'protocol'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: {
                        name: string,
                        protocol: { ...string, default: 'TCP' },
                        size: integer,
                        tags: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
                      },
                    },
                  },
                  map: { type: 'object', additionalProperties: string },
                  atomicMap: {
                    type: 'object',
                    'x-kubernetes-map-type': 'atomic',
                    additionalProperties: string,
                  },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  either: { 'x-kubernetes-int-or-string': true },
                  mode: { ...string, enum: ['x', 'y'], default: 'x' },
                  nested: {
                    type: 'object',
                    default: {},
                    properties: { deep: { ...string, default: 'd' }, more: integer },
                  },
                  nil: { ...string, nullable: true },
                },
              },
              status: {
                type: 'object',
                properties: {
                  replicas: integer,
                  selector: string,
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type'],
                      properties: { type: string, status: string, reason: string, message: string },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

const widgets: Subject = {
  kind: 'Widget',
  apiVersion: `${group}/v1`,
  url: `/apis/${group}/v1/namespaces/${namespace}/widgets`,
  custom: true,
  subresources: ['status', 'scale'],
  base: () => ({ spec: { replicas: 1 } }),
  some: (random) => ({
    spec: maybe(random, 0.35, {
      replicas: () => pick(random, [0, 1, 2, 11]),
      set: () => several(random, ['a', 'b', 'c']),
      atomic: () => several(random, ['a', 'b', 'a']),
      parts: () =>
        several(random, ['p', 'q', 'r']).map((name) => ({
          name,
          ...maybe(random, 0.4, {
            protocol: () => pick(random, ['TCP', 'UDP']),
            size: () => pick(random, [1, 2]),
            tags: () => several(random, ['s', 't']),
          }),
        })),
      map: () => words(random),
      atomicMap: () => words(random),
      free: () =>
        maybe(random, 0.5, {
          x: () => pick<unknown>(random, [1, 'a', [1, 2], { y: 1 }]),
          z: () => ({ list: [{ name: 'n' }] }),
        }),
      either: () => pick(random, [1, '1', '50%']),
      mode: () => pick(random, ['x', 'y']),
      nested: () => maybe(random, 0.5, { deep: () => 'e', more: () => 1 }),
      nil: () => pick(random, ['v', null]),
    }),
  }),
  someStatus: (random) =>
    maybe(random, 0.5, {
      replicas: () => 1,
      selector: () => 'a=b',
      conditions: () => conditions(random),
    }),
};

export const subjects: readonly Subject[] = [
  deployments,
  pods,
  services,
  configMaps,
  nodes,
  widgets,
];
