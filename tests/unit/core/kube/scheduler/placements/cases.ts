import { type Random, seededRandom } from '#core/base';

type Json = Record<string, unknown>;

/** A cluster by chance, and the pods that come to it one after the other. */
export interface PlacementCase {
  readonly seed: string;
  /** Everything but pods, in the order to create it; a `status` goes to the status subresource. */
  readonly objects: readonly Json[];
  readonly pods: readonly Json[];
}

/** What became of one pod. */
export interface PlacementAnswer {
  /** Where it was bound. */
  readonly node?: string;
  /** The message of its PodScheduled condition when it was refused first. */
  readonly message?: string;
  /** Names of pods that had to go for it, sorted. */
  readonly victims?: readonly string[];
}

export interface RecordedCase {
  readonly seed: string;
  readonly answers: readonly PlacementAnswer[];
}

/** When the kubelet would have seen a pod: preemption spares the oldest of equals. */
export function startTime(index: number): string {
  return `2026-01-01T00:${String(index).padStart(2, '0')}:00Z`;
}

export const mostNodes = 9;
const podsPerCase = 30;
const priorities = { low: -10, plain: 0, high: 1000, gentle: 1000 } as const;

/** What the scheduler was told; pods take one of its profiles by chance. */
export const configuration = {
  profiles: [
    { schedulerName: 'default-scheduler' },
    {
      schedulerName: 'packing',
      pluginConfig: [
        {
          name: 'NodeResourcesFit',
          args: {
            scoringStrategy: {
              type: 'MostAllocated',
              resources: [
                { name: 'cpu', weight: 3 },
                { name: 'memory', weight: 1 },
                { name: 'example.com/gpu', weight: 5 },
              ],
            },
          },
        },
      ],
      plugins: { score: { disabled: [{ name: 'NodeResourcesBalancedAllocation' }] } },
    },
    {
      schedulerName: 'shaped',
      pluginConfig: [
        {
          name: 'NodeResourcesFit',
          args: {
            scoringStrategy: {
              type: 'RequestedToCapacityRatio',
              requestedToCapacityRatio: {
                shape: [
                  { utilization: 0, score: 2 },
                  { utilization: 45, score: 10 },
                  { utilization: 100, score: 0 },
                ],
              },
            },
          },
        },
        { name: 'InterPodAffinity', args: { hardPodAffinityWeight: 60 } },
        {
          name: 'PodTopologySpread',
          args: {
            defaultingType: 'List',
            defaultConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'topology.kubernetes.io/zone',
                whenUnsatisfiable: 'ScheduleAnyway',
              },
              {
                maxSkew: 2,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'DoNotSchedule',
              },
            ],
          },
        },
      ],
    },
    {
      schedulerName: 'choosy',
      pluginConfig: [
        {
          name: 'NodeAffinity',
          args: {
            addedAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }],
              },
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 10,
                  preference: {
                    matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }],
                  },
                },
              ],
            },
          },
        },
        { name: 'InterPodAffinity', args: { ignorePreferredTermsOfExistingPods: true } },
      ],
      plugins: {
        multiPoint: { enabled: [{ name: 'ImageLocality', weight: 7 }] },
        filter: { disabled: [{ name: 'NodeUnschedulable' }] },
        postFilter: { disabled: [{ name: 'DefaultPreemption' }] },
      },
    },
  ],
};

const zones = ['a', 'b', 'c'];
const apps = ['web', 'db', 'cache'];
const namespaces = ['one', 'two'];

class Chance {
  readonly #random: Random;

  constructor(seed: string) {
    this.#random = seededRandom(seed);
  }

  /** True in `percent` of all cases. */
  is(percent: number): boolean {
    return this.#random.integer(100) < percent;
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.#random.integer(most - least + 1);
  }

  of<T>(values: readonly T[]): T {
    return values[this.#random.integer(values.length)] as T;
  }

  some<T>(values: readonly T[], percent: number): T[] {
    return values.filter(() => this.is(percent));
  }
}

function randomNode(chance: Chance, name: string): Json {
  const taints: Json[] = [];
  if (chance.is(20))
    taints.push({ key: 'team', value: chance.of(['x', 'y']), effect: 'NoSchedule' });
  if (chance.is(20)) taints.push({ key: 'old', effect: 'PreferNoSchedule' });
  if (chance.is(8)) taints.push({ key: 'sick', value: 'yes', effect: 'NoExecute' });
  const labels: Json = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  if (chance.is(85)) labels['topology.kubernetes.io/zone'] = chance.of(zones);
  if (chance.is(50)) labels['disk'] = chance.of(['ssd', 'hdd']);
  if (chance.is(40)) labels['rank'] = String(chance.between(1, 9));
  const allocatable = {
    cpu: `${chance.between(2, 16) * 250}m`,
    memory: `${chance.between(2, 16) * 256}Mi`,
    'ephemeral-storage': '20Gi',
    pods: String(chance.between(3, 14)),
    ...(chance.is(25) ? { 'example.com/gpu': String(chance.between(1, 3)) } : {}),
  };
  const images = ['nginx:1', 'busybox:1', 'redis:7']
    .filter(() => chance.is(35))
    .map((image) => ({
      names: [`docker.io/library/${image}`],
      sizeBytes: chance.between(1, 40) * 25 * 1024 * 1024,
    }));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {
      ...(taints.length ? { taints } : {}),
      ...(chance.is(8) ? { unschedulable: true } : {}),
    },
    status: { capacity: allocatable, allocatable, images },
  };
}

function labelSelector(chance: Chance): Json {
  if (chance.is(60)) return { matchLabels: { app: chance.of(apps) } };
  if (chance.is(50))
    return {
      matchExpressions: [{ key: 'app', operator: 'In', values: [chance.of(apps), 'none'] }],
    };
  return chance.is(50)
    ? { matchExpressions: [{ key: 'tier', operator: chance.of(['Exists', 'DoesNotExist']) }] }
    : { matchLabels: { app: chance.of(apps), tier: 'front' } };
}

const topologyKey = (chance: Chance): string =>
  chance.is(50) ? 'kubernetes.io/hostname' : 'topology.kubernetes.io/zone';

function podTerm(chance: Chance): Json {
  return {
    topologyKey: topologyKey(chance),
    labelSelector: labelSelector(chance),
    ...(chance.is(15) ? { namespaces: chance.some(namespaces, 60) } : {}),
    ...(chance.is(10) ? { namespaceSelector: { matchLabels: { kind: 'odd' } } } : {}),
    ...(chance.is(10) ? { namespaceSelector: {} } : {}),
    ...(chance.is(8) ? { matchLabelKeys: ['release'] } : {}),
  };
}

function podAffinity(chance: Chance, required: number): Json {
  return {
    ...(chance.is(required)
      ? { requiredDuringSchedulingIgnoredDuringExecution: [podTerm(chance)] }
      : {}),
    ...(chance.is(60)
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: Array.from(
            { length: chance.between(1, 2) },
            () => ({ weight: chance.between(1, 100), podAffinityTerm: podTerm(chance) }),
          ),
        }
      : {}),
  };
}

function nodeTerm(chance: Chance, names: readonly string[]): Json {
  const expression = chance.of<Json>([
    { key: 'disk', operator: 'In', values: [chance.of(['ssd', 'hdd'])] },
    { key: 'disk', operator: chance.of(['Exists', 'DoesNotExist']) },
    { key: 'rank', operator: chance.of(['Gt', 'Lt']), values: [String(chance.between(2, 7))] },
    { key: 'topology.kubernetes.io/zone', operator: 'NotIn', values: [chance.of(zones)] },
    {
      key: 'topology.kubernetes.io/zone',
      operator: 'In',
      values: chance.some(zones, 70).concat('z'),
    },
  ]);
  return chance.is(12)
    ? { matchFields: [{ key: 'metadata.name', operator: 'In', values: [chance.of(names)] }] }
    : { matchExpressions: [expression] };
}

function nodeAffinity(chance: Chance, names: readonly string[]): Json {
  const terms = (): Json[] =>
    Array.from({ length: chance.between(1, 2) }, () => nodeTerm(chance, names));
  return {
    ...(chance.is(50)
      ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms() } }
      : {}),
    ...(chance.is(70)
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: terms().map((preference) => ({
            weight: chance.between(1, 100),
            preference,
          })),
        }
      : {}),
  };
}

function spreadConstraints(chance: Chance): Json[] {
  const keys = chance.is(30)
    ? ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']
    : [topologyKey(chance)];
  return keys.map((key) => {
    const whenUnsatisfiable = chance.of(['DoNotSchedule', 'ScheduleAnyway']);
    return {
      maxSkew: chance.between(1, 2),
      topologyKey: key,
      whenUnsatisfiable,
      labelSelector: labelSelector(chance),
      ...(whenUnsatisfiable === 'DoNotSchedule' && chance.is(25)
        ? { minDomains: chance.between(2, 4) }
        : {}),
      ...(chance.is(25) ? { nodeTaintsPolicy: chance.of(['Honor', 'Ignore']) } : {}),
      ...(chance.is(25) ? { nodeAffinityPolicy: chance.of(['Honor', 'Ignore']) } : {}),
      ...(chance.is(10) ? { matchLabelKeys: ['release'] } : {}),
    };
  });
}

function requests(chance: Chance): Json {
  return {
    ...(chance.is(75) ? { cpu: `${chance.between(1, 9) * 100}m` } : {}),
    ...(chance.is(65) ? { memory: `${chance.between(1, 9) * 64}Mi` } : {}),
    ...(chance.is(5) ? { 'ephemeral-storage': `${chance.between(1, 15)}Gi` } : {}),
  };
}

function randomPod(chance: Chance, name: string, nodes: readonly string[]): Json {
  const gpu = chance.is(8) ? { 'example.com/gpu': String(chance.between(1, 2)) } : undefined;
  const container = (containerName: string): Json => ({
    name: containerName,
    image: chance.of(['nginx:1', 'busybox:1', 'redis:7', 'rare:1']),
    resources: {
      requests: { ...requests(chance), ...gpu },
      ...(gpu ? { limits: gpu } : {}),
    },
    ...(containerName === 'c0' && chance.is(10)
      ? { ports: [{ containerPort: 80, hostPort: chance.of([8080, 8081]) }] }
      : {}),
  });
  const affinity = {
    ...(chance.is(30) ? { nodeAffinity: nodeAffinity(chance, nodes) } : {}),
    ...(chance.is(25) ? { podAffinity: podAffinity(chance, 40) } : {}),
    ...(chance.is(25) ? { podAntiAffinity: podAffinity(chance, 50) } : {}),
  };
  const priorityClassName = chance.is(35)
    ? chance.of(['low', 'high', 'high', 'gentle'] as const)
    : undefined;
  const tolerations = [
    ...(chance.is(30) ? [{ key: 'team', operator: 'Equal', value: chance.of(['x', 'y']) }] : []),
    ...(chance.is(15) ? [{ key: 'old', operator: 'Exists' }] : []),
    ...(chance.is(10) ? [{ key: 'sick', operator: 'Exists', effect: 'NoExecute' }] : []),
    ...(chance.is(4) ? [{ operator: 'Exists' }] : []),
    ...(chance.is(6)
      ? [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }]
      : []),
  ];
  const volumes = chance.is(12)
    ? [
        {
          name: 'data',
          persistentVolumeClaim: {
            claimName: chance.of(['bound', 'bound', 'single', 'loose', 'later', 'missing']),
          },
        },
      ]
    : undefined;
  const owner = chance.is(30) ? chance.of(apps) : undefined;
  const app = owner ?? (chance.is(85) ? chance.of(apps) : undefined);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: chance.of(namespaces),
      labels: {
        ...(app ? { app } : {}),
        ...(chance.is(40) ? { tier: chance.of(['front', 'back']) } : {}),
        ...(chance.is(60) ? { release: chance.of(['old', 'new']) } : {}),
      },
      ...(owner
        ? {
            ownerReferences: [
              {
                apiVersion: 'apps/v1',
                kind: 'ReplicaSet',
                name: owner,
                uid: '00000000-0000-4000-8000-000000000000',
                controller: true,
              },
            ],
          }
        : {}),
    },
    spec: {
      schedulerName: chance.is(60)
        ? 'default-scheduler'
        : chance.of(configuration.profiles).schedulerName,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      ...(chance.is(10) ? { nodeSelector: { disk: chance.of(['ssd', 'hdd']) } } : {}),
      ...(Object.keys(affinity).length ? { affinity } : {}),
      ...(tolerations.length ? { tolerations } : {}),
      ...(chance.is(30) ? { topologySpreadConstraints: spreadConstraints(chance) } : {}),
      // As the admission of a server with these classes would fill it in.
      priority: priorities[priorityClassName ?? 'plain'],
      preemptionPolicy: priorityClassName === 'gentle' ? 'Never' : 'PreemptLowerPriority',
      ...(priorityClassName ? { priorityClassName } : {}),
      ...(volumes ? { volumes } : {}),
      ...(chance.is(15)
        ? {
            initContainers: [
              { ...container('init'), ...(chance.is(50) ? { restartPolicy: 'Always' } : {}) },
            ],
          }
        : {}),
      containers: Array.from({ length: chance.is(20) ? 2 : 1 }, (_, i) => container(`c${i}`)),
    },
  };
}

const meta = (kind: string, name: string, namespace?: string, apiVersion = 'v1'): Json => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
});

function volumesOf(chance: Chance, nodes: readonly string[]): Json[] {
  const classes = [
    ['now', 'Immediate'],
    ['later', 'WaitForFirstConsumer'],
  ].map(([name = '', volumeBindingMode]) => ({
    ...meta('StorageClass', name, undefined, 'storage.k8s.io/v1'),
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode,
  }));
  const claim = (
    name: string,
    namespace: string,
    storageClassName: string,
    accessMode: string,
    bound: boolean,
  ): Json => ({
    ...meta('PersistentVolumeClaim', name, namespace),
    metadata: {
      name,
      namespace,
      ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}),
    },
    spec: {
      storageClassName,
      accessModes: [accessMode],
      resources: { requests: { storage: '1Gi' } },
      ...(bound ? { volumeName: `${namespace}-${name}` } : {}),
    },
    ...(bound ? { status: { phase: 'Bound' } } : {}),
  });
  const volume = (name: string, namespace: string, accessMode: string): Json => ({
    ...meta('PersistentVolume', `${namespace}-${name}`),
    spec: {
      storageClassName: 'now',
      capacity: { storage: '1Gi' },
      accessModes: [accessMode],
      claimRef: { namespace, name },
      local: { path: '/data' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: 'kubernetes.io/hostname',
                  operator: 'In',
                  values: [chance.of(nodes), chance.of(nodes)],
                },
              ],
            },
          ],
        },
      },
    },
    status: { phase: 'Bound' },
  });
  return [
    ...classes,
    ...namespaces.flatMap((namespace) => [
      volume('bound', namespace, 'ReadWriteOnce'),
      volume('single', namespace, 'ReadWriteOncePod'),
      claim('bound', namespace, 'now', 'ReadWriteOnce', true),
      claim('single', namespace, 'now', 'ReadWriteOncePod', true),
      claim('loose', namespace, 'now', 'ReadWriteOnce', false),
      claim('later', namespace, 'later', 'ReadWriteOnce', false),
    ]),
  ];
}

/** The same seed makes the same cluster and the same pods. */
export function placementCase(seed: string): PlacementCase {
  const chance = new Chance(seed);
  const nodes = Array.from({ length: chance.between(2, mostNodes) }, (_, i) => `n${i + 1}`);
  const objects: Json[] = [
    ...namespaces.map((name) => ({
      ...meta('Namespace', name),
      metadata: { name, ...(chance.is(50) ? { labels: { kind: 'odd' } } : {}) },
    })),
    ...Object.entries(priorities)
      .filter(([name]) => name !== 'plain')
      .map(([name, value]) => ({
        ...meta('PriorityClass', name, undefined, 'scheduling.k8s.io/v1'),
        value,
        ...(name === 'gentle' ? { preemptionPolicy: 'Never' } : {}),
      })),
    ...nodes.map((name) => randomNode(chance, name)),
    ...volumesOf(chance, nodes),
  ];
  for (const namespace of namespaces)
    for (const app of apps) {
      const selector = { matchLabels: { app } };
      if (chance.is(50))
        objects.push({
          ...meta('Service', app, namespace),
          spec: { selector: { app }, ports: [{ port: 80 }] },
        });
      if (chance.is(50))
        objects.push({
          ...meta('ReplicaSet', app, namespace, 'apps/v1'),
          spec: {
            replicas: 0,
            selector,
            template: {
              metadata: { labels: { app } },
              spec: { containers: [{ name: 'c', image: 'nginx:1' }] },
            },
          },
        });
      if (chance.is(40)) {
        const disruptionsAllowed = chance.between(0, 2);
        objects.push({
          ...meta('PodDisruptionBudget', app, namespace, 'policy/v1'),
          spec: { selector, maxUnavailable: disruptionsAllowed },
          status: {
            disruptionsAllowed,
            currentHealthy: 5,
            desiredHealthy: 5 - disruptionsAllowed,
            expectedPods: 5,
            observedGeneration: 1,
          },
        });
      }
    }
  const pods = Array.from({ length: podsPerCase }, (_, i) => randomPod(chance, `p${i}`, nodes));
  return { seed, objects, pods };
}
