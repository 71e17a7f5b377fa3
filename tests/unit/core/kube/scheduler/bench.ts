import { type Random, seededRandom, silentLogger } from '#core/base';
import { compileDeviceSelector } from '#core/kube';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import {
  createClient,
  createInformers,
  type KubeClient,
} from '../../../../../src-main/core/kube/client/index.ts';
import {
  createScheduler,
  parseSchedulerConfiguration,
} from '../../../../../src-main/core/kube/scheduler/index.ts';
import { testServer, type TestServer } from '../apiserver/server.ts';

type Json = Record<string, unknown>;

/** A pod's state as kubectl shows it. */
export interface PodState {
  readonly node: string | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly nominated: string | undefined;
}

/** An API server with a scheduler on it; no controllers, no kubelets. */
export interface SchedulerBench extends TestServer {
  readonly client: KubeClient;
  add(...objects: Json[]): Promise<void>;
  /** Lets all come to rest. */
  settle(): Promise<void>;
  pod(name: string, namespace?: string): Promise<PodState>;
  /** `type reason message` of all events on a pod, sorted: names of events of one moment are in no order. */
  events(name: string): Promise<string[]>;
}

const collections: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Pod: '/api/v1/namespaces/NS/pods',
  Service: '/api/v1/namespaces/NS/services',
  PersistentVolume: '/api/v1/persistentvolumes',
  PersistentVolumeClaim: '/api/v1/namespaces/NS/persistentvolumeclaims',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  ReplicaSet: '/apis/apps/v1/namespaces/NS/replicasets',
  PriorityClass: '/apis/scheduling.k8s.io/v1/priorityclasses',
};

/**
 * @param configuration a KubeSchedulerConfiguration, or what differs from the default one
 * @param random breaks the scheduler's ties.
 */
export async function schedulerBench(
  configuration?: Json,
  random: Random = seededRandom('scheduler'),
): Promise<SchedulerBench> {
  const server = testServer([], { strategyFor });
  const { time } = server;
  const client = createClient(
    { send: (request) => server.server.handle(request) },
    { userAgent: 'kube-scheduler/test', clock: time.clock, logger: silentLogger },
  );
  const config = parseSchedulerConfiguration(
    configuration && {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      ...configuration,
    },
  );
  if (typeof config === 'string') throw new Error(config);
  const informers = createInformers(client, time.clock, { random: seededRandom('informers') });
  const post = async (object: Json): Promise<void> => {
    const { kind, metadata } = object as { kind: string; metadata: { namespace?: string } };
    const url = (collections[kind] ?? '').replace('NS', metadata.namespace ?? 'default');
    const answer = await server.send('POST', url, object);
    if (answer.status > 201) throw new Error(answer.text);
    if (!object['status']) return;
    const stored = answer.json as { metadata: { name: string } };
    const put = await server.send('PUT', `${url}/${stored.metadata.name}/status`, {
      ...stored,
      status: object['status'],
    });
    if (put.status > 201) throw new Error(put.text);
  };
  await post({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  createScheduler({
    client,
    informers,
    clock: time.clock,
    random,
    logger: silentLogger,
    config,
    compileDeviceSelector,
    hostname: 'controlplane',
  }).start();
  await time.settle();
  return {
    ...server,
    client,
    add: async (...objects) => {
      for (const object of objects) await post(object);
    },
    settle: () => time.settle(),
    pod: async (name, namespace = 'default') => {
      const { spec, status } = await client.resource('pods').get(namespace, name);
      const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
      return {
        node: spec?.nodeName,
        reason: scheduled?.reason,
        message: scheduled?.message,
        nominated: status?.nominatedNodeName,
      };
    },
    events: async (name) => {
      const { items } = await client.resource('events').list();
      return items
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ type, reason, message }) => `${type ?? ''} ${reason ?? ''} ${message ?? ''}`)
        .sort();
    },
  };
}

/** A ready node of 4 CPU, 8 GiB and 110 pods. */
export function node(
  name: string,
  more: { labels?: Json; spec?: Json; allocatable?: Json } = {},
): Json {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    spec: more.spec ?? {},
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...more.allocatable } },
  };
}

/** A pod of one container; `more` goes into its spec. */
export function pod(
  name: string,
  more: Json = {},
  { requests, ...metadata }: { requests?: Json; labels?: Json } & Json = {},
): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      containers: [{ name: 'a', image: 'nginx', ...(requests ? { resources: { requests } } : {}) }],
      ...more,
    },
  };
}
