import { node, pod } from '../bench.ts';

type Json = Record<string, unknown>;

const gpu = 'example.com/gpu';
const only = (...names: string[]): Json => ({
  plugins: { score: { disabled: [{ name: '*' }], enabled: names.map((name) => ({ name })) } },
});
const args = (name: string, value: Json): Json => ({ pluginConfig: [{ name, args: value }] });
const fit = (value: Json): Json => args('NodeResourcesFit', value);
const ratio = (...shape: [utilization: number, score: number][]): Json =>
  fit({
    scoringStrategy: {
      type: 'RequestedToCapacityRatio',
      resources: [
        { name: gpu, weight: 5 },
        { name: 'cpu', weight: 1 },
      ],
      requestedToCapacityRatio: {
        shape: shape.map(([utilization, score]) => ({ utilization, score })),
      },
    },
  });
const spreadBy = (whenUnsatisfiable: string): Json =>
  args('PodTopologySpread', {
    defaultingType: 'List',
    defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable }],
  });
const inZone = (zone: string): Json => ({
  matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }],
});

/** One scheduler of many profiles. */
export const configuration: Json = {
  profiles: [
    { schedulerName: 'default-scheduler' },
    { schedulerName: 'packing', ...fit({ scoringStrategy: { type: 'MostAllocated' } }) },
    {
      schedulerName: 'memory',
      ...only('NodeResourcesFit'),
      ...fit({
        scoringStrategy: { type: 'LeastAllocated', resources: [{ name: 'memory', weight: 1 }] },
      }),
    },
    { schedulerName: 'filling', ...ratio([0, 0], [100, 10]) },
    { schedulerName: 'half', ...ratio([0, 0], [50, 10], [100, 0]) },
    {
      schedulerName: 'ssd',
      ...args('NodeAffinity', {
        addedAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
            ],
          },
        },
      }),
    },
    {
      schedulerName: 'zone-c',
      ...args('NodeAffinity', {
        addedAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 100, preference: inZone('c') },
            { weight: 30, preference: inZone('b') },
          ],
        },
      }),
    },
    { schedulerName: 'images', ...only('ImageLocality') },
    {
      schedulerName: 'heavy-images',
      plugins: {
        score: {
          disabled: [{ name: 'ImageLocality' }],
          enabled: [{ name: 'ImageLocality', weight: 1000 }],
        },
      },
    },
    { schedulerName: 'few', percentageOfNodesToScore: 1 },
    {
      schedulerName: 'blind',
      plugins: {
        filter: { disabled: [{ name: 'NodeResourcesFit' }, { name: 'TaintToleration' }] },
        postFilter: { disabled: [{ name: '*' }] },
      },
    },
    {
      schedulerName: 'no-preemption',
      plugins: { postFilter: { disabled: [{ name: 'DefaultPreemption' }] } },
    },
    { schedulerName: 'ignoring', ...fit({ ignoredResources: [gpu] }) },
    { schedulerName: 'ignoring-group', ...fit({ ignoredResourceGroups: ['example.com'] }) },
    { schedulerName: 'even', ...spreadBy('DoNotSchedule') },
    { schedulerName: 'rather-even', ...spreadBy('ScheduleAnyway') },
  ],
};

const mebibyte = 1024 * 1024;
const images = (...list: [name: string, mebibytes: number][]): Json[] =>
  list.map(([name, size]) => ({ names: [`example.com/${name}`], sizeBytes: size * mebibyte }));

function machine(
  name: string,
  cpu: string,
  memory: string,
  more: { labels?: Json; gpus?: string; taint?: Json; images?: Json[] } = {},
): Json {
  const allocatable = { cpu, memory, pods: '110', ...(more.gpus ? { [gpu]: more.gpus } : {}) };
  const made = node(name, {
    labels: more.labels ?? {},
    spec: more.taint ? { taints: [more.taint] } : {},
    allocatable,
  });
  return {
    ...made,
    status: { allocatable, capacity: allocatable, images: more.images ?? [] },
  };
}

export const nodes: readonly Json[] = [
  machine('a1', '4', '8Gi', {
    labels: { zone: 'a', disk: 'ssd' },
    gpus: '4',
    images: images(['big:1', 900], ['mid:1', 300]),
  }),
  machine('a2', '8', '15Gi', { labels: { zone: 'a' }, images: images(['mid:2', 300]) }),
  machine('b1', '3', '6Gi', {
    labels: { zone: 'b' },
    gpus: '8',
    images: images(['small:latest', 30], ['mid:2', 300], ['mid:3', 310]),
  }),
  machine('b2', '16', '33Gi', { labels: { zone: 'b', disk: 'ssd' } }),
  machine('c1', '64', '128Gi', {
    labels: { zone: 'c' },
    taint: { key: 'only', value: 'me', effect: 'NoSchedule' },
  }),
  machine('c2', '2', '60Gi', {
    labels: { zone: 'c' },
    taint: { key: 'rather', value: 'not', effect: 'PreferNoSchedule' },
    images: images(['tiny:1', 5]),
  }),
];

type Requests = Readonly<Record<string, string>>;

function user(schedulerName: string, requests: Requests, more: Json = {}, labels: Json = {}): Json {
  const limits = Object.fromEntries(
    Object.entries(requests).filter(([name]) => name.includes('/')),
  );
  const containers = [{ name: 'c', image: 'nginx', resources: { requests, limits } }];
  return pod('', { schedulerName, containers, ...more }, { labels });
}

const containers = (...names: string[]): Json => ({
  containers: names.map((name, index) => ({ name: `c${index}`, image: name })),
});
const image = (...names: string[]): Json =>
  containers(...names.map((name) => (name.includes('/') ? name : `example.com/${name}`)));
const tolerant = { tolerations: [{ key: 'only', operator: 'Exists' }] };

/** They come one after the other, each when the one before has its answer. */
export const pods: readonly Json[] = [
  user('default-scheduler', { cpu: '500m', memory: '500Mi' }),
  user('packing', { cpu: '500m', memory: '500Mi' }),
  user('packing', { cpu: '1', memory: '1Gi' }),
  user('packing', { cpu: '1500m', memory: '3Gi' }),
  user('memory', { cpu: '100m', memory: '1Gi' }),
  user('memory', { cpu: '3', memory: '100Mi' }),
  user('filling', { cpu: '100m', [gpu]: '1' }),
  user('filling', { cpu: '100m', [gpu]: '2' }),
  user('filling', { cpu: '100m', [gpu]: '2' }),
  user('half', { cpu: '100m', [gpu]: '2' }),
  user('half', { cpu: '100m', [gpu]: '1' }),
  user('filling', { cpu: '100m', [gpu]: '9' }),
  user('ssd', { cpu: '100m', memory: '100Mi' }),
  user('ssd', { cpu: '100m' }, { nodeSelector: { zone: 'a' } }),
  user('ssd', { cpu: '100m' }, { nodeSelector: { zone: 'c' } }),
  user('zone-c', { cpu: '100m', memory: '100Mi' }),
  user('zone-c', { cpu: '100m', memory: '100Mi' }, tolerant),
  user('zone-c', { cpu: '3' }),
  user('images', {}, image('big:1')),
  user('images', {}, image('mid:3', 'small')),
  user('images', {}, image('big:1', 'mid:3')),
  user(
    'images',
    {},
    { ...image('mid:3'), initContainers: [{ name: 'i', image: 'example.com/big:1' }] },
  ),
  user('heavy-images', {}, image('mid:3')),
  user('heavy-images', {}, image('mid:1', 'small')),
  user('heavy-images', {}, image('tiny:1')),
  user('default-scheduler', {}, image('big:1')),
  user('few', { cpu: '100m', memory: '100Mi' }),
  user('few', { cpu: '100' }),
  user('blind', { cpu: '100', memory: '1Gi' }),
  user('blind', { cpu: '1' }, { nodeSelector: { zone: 'z' } }),
  user('no-preemption', { cpu: '100' }),
  user('ignoring', { cpu: '100m', [gpu]: '100' }),
  user('ignoring-group', { cpu: '100m', [gpu]: '100', 'example.com/fpga': '2' }),
  user('ignoring', { cpu: '100m', 'example.com/fpga': '2' }),
  user('default-scheduler', { cpu: '100m', [gpu]: '100' }),
  ...Array.from({ length: 5 }, () =>
    user('even', { cpu: '100m', memory: '50Mi' }, {}, { app: 'web' }),
  ),
  ...Array.from({ length: 3 }, () =>
    user('rather-even', { cpu: '100m', memory: '50Mi' }, {}, { app: 'db' }),
  ),
  user('nobody', { cpu: '100m' }),
  user('default-scheduler', { cpu: '1', memory: '1Gi' }),
].map((each, index) => ({
  ...each,
  metadata: { ...(each['metadata'] as Json), name: `p${String(index).padStart(2, '0')}` },
}));

/** Default constraints of spreading count the pods of these. */
export const services: readonly Json[] = ['web', 'db'].map((app) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: app, namespace: 'default' },
  spec: { selector: { app }, ports: [{ port: 80 }] },
}));

export interface ProfileAnswer {
  readonly pod: string;
  readonly node?: string;
  readonly message?: string;
}
