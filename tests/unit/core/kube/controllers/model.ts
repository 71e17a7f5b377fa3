import { type Random, seededRandom, silentLogger } from '#core/base';
import { compileDeviceSelector } from '#core/kube';
import {
  createClient,
  createInformers,
  type KubeClient,
} from '../../../../../src-main/core/kube/client/index.ts';
import {
  createScheduler,
  parseSchedulerConfiguration,
} from '../../../../../src-main/core/kube/scheduler/index.ts';
import { type Cluster, startCluster } from './cluster-bench.ts';

type Json = Record<string, unknown>;

const namespaces = ['default', 'red', 'blue'];
const apps = ['a', 'b', 'c'];
const kinds = ['deployments.apps', 'statefulsets.apps', 'jobs.batch', 'services'] as const;

/** A cluster with a scheduler, whose pods become ready, end and go as if kubelets ran them. */
export interface ModelCluster extends Cluster {
  /** What was asked of it, for a failure to be read. */
  readonly done: string[];
  /** Does something by chance; what the server refuses is none of the model's business. */
  act(): Promise<void>;
  /** Every write of its life, in order. */
  readonly history: string[];
}

/** Pods of these Jobs end with 0 or 1 by their name. */
function endOf(name: string): 'Succeeded' | 'Failed' {
  return name.charCodeAt(name.length - 1) % 4 === 0 ? 'Failed' : 'Succeeded';
}

/** Pods that are bound become ready at once, or end; those that shall go, go. */
function runPods(client: KubeClient, cluster: Cluster): { dispose(): void } {
  const { clock } = cluster.time;
  const informers = createInformers(client, clock, { random: seededRandom('kubelets') });
  const pods = informers.for('pods');
  let address = 0;
  const resource = client.resource('pods');
  const onPod = (pod: ReturnType<typeof pods.list>[number]): void => {
    const { namespace, name = '', deletionTimestamp, labels } = pod.metadata;
    if (!pod.spec?.nodeName) return;
    if (deletionTimestamp) {
      void resource.delete(namespace, name, { gracePeriodSeconds: 0 }).catch(() => undefined);
      return;
    }
    const phase = pod.status?.phase ?? 'Pending';
    if (phase !== 'Pending') return;
    const ip = `10.1.${Math.floor(++address / 250)}.${(address % 250) + 1}`;
    const ends = labels?.['batch.kubernetes.io/job-name'] !== undefined;
    const time = new Date(clock.now()).toISOString().replace('.000', '');
    const terminated = {
      exitCode: endOf(name) === 'Failed' ? 1 : 0,
      reason: 'x',
      startedAt: time,
      finishedAt: time,
    };
    void resource
      .patch(
        namespace,
        name,
        'merge',
        {
          status: {
            phase: ends ? endOf(name) : 'Running',
            podIP: ip,
            podIPs: [{ ip }],
            conditions: [
              { type: 'PodScheduled', status: 'True', lastTransitionTime: time },
              { type: 'Ready', status: ends ? 'False' : 'True', lastTransitionTime: time },
            ],
            containerStatuses: [
              {
                name: 'c',
                image: 'i',
                imageID: '',
                restartCount: 0,
                ready: !ends,
                state: ends ? { terminated } : { running: { startedAt: time } },
              },
            ],
          },
        },
        { subresource: 'status' },
      )
      .catch(() => undefined);
  };
  pods.addHandler({ onAdd: onPod, onUpdate: (_, pod) => onPod(pod) });
  informers.start();
  return informers;
}

const template = (app: string, image: string, spec: Json = {}): Json => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image, resources: { requests: { cpu: '100m' } } }],
    ...spec,
  },
});

function workload(random: Random, kind: (typeof kinds)[number], app: string): Json {
  const replicas = random.integer(6);
  const image = `i:${random.integer(3)}`;
  const selector = { matchLabels: { app } };
  switch (kind) {
    case 'deployments.apps':
      return {
        replicas,
        selector,
        template: template(app, image),
        ...(random.integer(4) === 0 ? { strategy: { type: 'Recreate' } } : {}),
      };
    case 'statefulsets.apps':
      return {
        replicas,
        selector,
        serviceName: app,
        template: template(app, image),
        ...(random.integer(2) === 0 ? { podManagementPolicy: 'Parallel' } : {}),
      };
    case 'jobs.batch':
      return {
        completions: 1 + random.integer(3),
        parallelism: 1 + random.integer(3),
        backoffLimit: random.integer(3),
        ...(random.integer(2) === 0 ? { completionMode: 'Indexed' } : {}),
        ...(random.integer(3) === 0 ? { ttlSecondsAfterFinished: 30 } : {}),
        template: template(`job-${app}`, image, { restartPolicy: 'Never' }),
      };
    case 'services':
      return {
        selector: { app },
        type: random.integer(2) === 0 ? 'NodePort' : 'ClusterIP',
        ports: [{ port: 80 }],
      };
  }
}

const typeOf = {
  'deployments.apps': ['apps/v1', 'Deployment'],
  'statefulsets.apps': ['apps/v1', 'StatefulSet'],
  'jobs.batch': ['batch/v1', 'Job'],
  services: ['v1', 'Service'],
} as const;

/** The same seed does the same. */
export async function startModel(seed: string): Promise<ModelCluster> {
  const day = 86_400_000;
  const cluster = await startCluster({
    monitorGracePeriodMs: day,
    startupGracePeriodMs: day,
  });
  const { client, time } = cluster;
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)] as T;
  const history: string[] = [];
  cluster.store.watch('/', '0', {
    onEvents: (events) => {
      for (const { type, key, kv } of events)
        history.push(`${time.clock.now()} ${type} ${key} ${kv?.value.json() ?? ''}`);
    },
  });
  const own = createClient(
    { send: (request) => cluster.server.handle(request) },
    { userAgent: 'kubelet', clock: time.clock, logger: silentLogger },
  );
  runPods(own, cluster);
  const config = parseSchedulerConfiguration(undefined);
  if (typeof config === 'string') throw new Error(config);
  createScheduler({
    client: own,
    informers: createInformers(own, time.clock, { random: seededRandom('scheduler') }),
    clock: time.clock,
    random: seededRandom('ties'),
    logger: silentLogger,
    config,
    compileDeviceSelector,
  }).start();
  const addNode = async (name: string): Promise<void> => {
    await client.resource('nodes').create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: {},
    });
    const allocatable = { cpu: '8', memory: '16Gi', pods: '110' };
    const conditions = [{ type: 'Ready', status: 'True' }];
    await client
      .resource('nodes')
      .patch(
        undefined,
        name,
        'merge',
        { status: { allocatable, capacity: allocatable, conditions } },
        { subresource: 'status' },
      );
  };
  for (const name of ['n0', 'n1', 'n2']) await addNode(name);
  const addNamespace = async (name: string): Promise<void> => {
    if (name !== 'default')
      await client
        .resource('namespaces')
        .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await client.resource('resourcequotas').create({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'all', namespace: name },
      spec: { hard: { pods: '100', services: '20', 'count/jobs.batch': '20' } },
    });
  };
  for (const name of namespaces) await addNamespace(name);
  await time.settle();

  const done: string[] = [];
  const perform = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    done.push(what);
    try {
      await work();
    } catch (error) {
      done.push(`  ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  const act = async (): Promise<void> => {
    const namespace = pick(namespaces);
    const app = pick(apps);
    const kind = pick(kinds);
    const where = `${kind} ${namespace}/${app}`;
    // Free JSON: the server reads it as it reads a client's.
    const resource = client.resource(kind) as unknown as {
      create(object: unknown): Promise<unknown>;
      patch(namespace: string, name: string, type: 'merge', patch: object): Promise<unknown>;
      delete(namespace: string, name: string, options?: object): Promise<void>;
    };
    switch (random.integer(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const [apiVersion, objectKind] = typeOf[kind];
        const spec = workload(random, kind, app);
        const metadata = { name: app, namespace };
        await perform(`create ${where} ${JSON.stringify(spec)}`, () =>
          resource.create({ apiVersion, kind: objectKind, metadata, spec }),
        );
        break;
      }
      case 4:
      case 5: {
        const propagationPolicy = pick(['Background', 'Foreground', 'Orphan']);
        await perform(`delete ${where} ${propagationPolicy}`, () =>
          resource.delete(namespace, app, { propagationPolicy }),
        );
        break;
      }
      case 6:
      case 7: {
        if (kind === 'services' || kind === 'jobs.batch') break;
        const replicas = random.integer(7);
        await perform(`scale ${where} ${replicas}`, () =>
          resource.patch(namespace, app, 'merge', { spec: { replicas } }),
        );
        break;
      }
      case 8: {
        if (kind === 'services' || kind === 'jobs.batch') break;
        const containers = [{ name: 'c', image: `i:${random.integer(4)}` }];
        await perform(`image ${where}`, () =>
          resource.patch(namespace, app, 'merge', { spec: { template: { spec: { containers } } } }),
        );
        break;
      }
      case 9: {
        const { items } = await client.resource('pods').list({ namespace });
        const name = items.length > 0 ? (pick(items).metadata.name ?? '') : '';
        if (name)
          await perform(`delete pod ${namespace}/${name}`, () =>
            client.resource('pods').delete(namespace, name),
          );
        break;
      }
      case 10: {
        const name = pick(['n1', 'n2']);
        const { items } = await client.resource('nodes').list();
        if (items.some(({ metadata }) => metadata.name === name))
          await perform(`delete node ${name}`, () =>
            client.resource('nodes').delete(undefined, name),
          );
        else await perform(`add node ${name}`, () => addNode(name));
        break;
      }
      case 11: {
        if (namespace === 'default' || random.integer(2) > 0) break;
        const { items } = await client.resource('namespaces').list();
        if (items.some(({ metadata }) => metadata.name === namespace))
          await perform(`delete namespace ${namespace}`, () =>
            client.resource('namespaces').delete(undefined, namespace),
          );
        else await perform(`add namespace ${namespace}`, () => addNamespace(namespace));
        break;
      }
    }
    await time.advance(random.integer(4) * random.integer(1500));
  };
  return { ...cluster, done, act, history };
}
