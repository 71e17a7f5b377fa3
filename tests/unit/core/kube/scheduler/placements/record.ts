import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { load } from 'js-yaml';
import {
  configuration,
  type PlacementAnswer,
  placementCase,
  type RecordedCase,
  startTime,
} from './cases.ts';

// Asks a real kube-scheduler where it puts the pods of the cases, and writes `answers.json`:
//
//     node record.ts --configuration     prints what the scheduler's --config file must hold
//     node record.ts KUBECONFIG [CASES]
//
// The cluster needs an API server (without admission of ServiceAccounts) and a scheduler, and neither controllers nor nodes.
const [kubeconfig = '', cases = '30'] = process.argv.slice(2);
if (kubeconfig === '--configuration') {
  const head = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
  };
  console.log(JSON.stringify({ ...head, ...configuration }));
  process.exit(0);
}

type Body = Record<string, unknown>;
interface PodView {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly nominatedNodeName?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

const config = load(readFileSync(kubeconfig, 'utf8')) as Record<string, Body[]>;
const cluster = config['clusters']?.[0]?.['cluster'] as Record<string, string>;
const user = config['users']?.[0]?.['user'] as Record<string, string>;
const pem = (text = ''): Buffer => Buffer.from(text, 'base64');
const agent = new Agent({
  keepAlive: true,
  ca: pem(cluster['certificate-authority-data']),
  cert: pem(user['client-certificate-data']),
  key: pem(user['client-key-data']),
});

function send<T = Body>(method: string, path: string, body?: unknown): Promise<T> {
  const bytes = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(bytes),
    };
    const call = request(
      new URL(path, cluster['server']),
      { method, agent, headers },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300 || response.statusCode === 404)
            resolve(JSON.parse(text) as T);
          else reject(new Error(`${method} ${path}: ${text}`));
        });
      },
    );
    call.on('error', reject);
    call.end(bytes);
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const collections: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Service: '/api/v1/namespaces/NS/services',
  PersistentVolume: '/api/v1/persistentvolumes',
  PersistentVolumeClaim: '/api/v1/namespaces/NS/persistentvolumeclaims',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  ReplicaSet: '/apis/apps/v1/namespaces/NS/replicasets',
  PriorityClass: '/apis/scheduling.k8s.io/v1/priorityclasses',
};

async function create(object: Body): Promise<void> {
  const { kind, metadata, status, spec } = object as {
    kind: string;
    metadata: { name: string; namespace?: string };
    status?: Body;
    spec?: Body;
  };
  const url = (collections[kind] ?? '').replace('NS', metadata.namespace ?? '');
  const path = `${url}/${metadata.name}`;
  let stored = await send('GET', path);
  if (stored['kind'] !== 'Status') {
    if (kind === 'Namespace' || kind === 'PriorityClass') {
      const old = stored['metadata'] as Body;
      await send('PUT', path, {
        ...object,
        metadata: { ...old, ...metadata, labels: (metadata as Body)['labels'] ?? {} },
      });
      return;
    }
  }
  stored = await send('POST', url, object);
  // A node is born with the taint of one that is not ready.
  if (kind === 'Node') stored = await send('PUT', path, { ...stored, spec });
  if (status) await send('PUT', `${path}/status`, { ...stored, status });
}

/** Everything of the case before. */
async function clean(): Promise<void> {
  for (const namespace of ['one', 'two'])
    for (const kind of [
      'pods',
      'services',
      'persistentvolumeclaims',
      'replicasets',
      'poddisruptionbudgets',
      'events',
    ]) {
      const group =
        kind === 'replicasets'
          ? '/apis/apps/v1'
          : kind === 'poddisruptionbudgets'
            ? '/apis/policy/v1'
            : '/api/v1';
      const url = `${group}/namespaces/${namespace}/${kind}`;
      const { items = [] } = await send<{ items?: { metadata: Body }[] }>('GET', url);
      for (const { metadata } of items)
        await remove(`${url}/${String(metadata['name'])}`, metadata);
    }
  for (const url of [
    '/api/v1/nodes',
    '/api/v1/persistentvolumes',
    '/apis/storage.k8s.io/v1/storageclasses',
  ]) {
    const { items = [] } = await send<{ items?: { metadata: Body }[] }>('GET', url);
    for (const { metadata } of items) await remove(`${url}/${String(metadata['name'])}`, metadata);
  }
  await pause(300);
}

async function remove(path: string, metadata: Body): Promise<void> {
  await send('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
  if (!metadata['finalizers']) return;
  const left = await send('GET', path);
  if (left['kind'] === 'Status') return;
  await send('PUT', path, { ...left, metadata: { ...(left['metadata'] as Body), finalizers: [] } });
}

const names = async (): Promise<string[]> =>
  (await send<{ items: PodView[] }>('GET', '/api/v1/pods')).items.map(
    ({ metadata }) => metadata.name,
  );

const unscheduled = ({ status }: PodView): string | undefined =>
  status.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False')?.message;

/** A pod that is bound at once after its refusal may never be seen refused. */
async function eventMessage(name: string, namespace: string): Promise<string> {
  for (;;) {
    const { items } = await send<{ items: { note?: string; reason?: string; regarding?: Body }[] }>(
      'GET',
      `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
    );
    const event = items.find(
      ({ reason, regarding }) => reason === 'FailedScheduling' && regarding?.['name'] === name,
    );
    if (event?.note !== undefined) return event.note;
    await pause(100);
  }
}

/** Follows one pod until it is bound or refused. */
async function answerOf(pod: Body, index: number): Promise<PlacementAnswer> {
  const { name, namespace } = pod['metadata'] as { name: string; namespace: string };
  const url = `/api/v1/namespaces/${namespace}/pods`;
  const before = await names();
  await send('POST', url, pod);
  let message: string | undefined;
  let nominated: string | undefined;
  let waited = 0;
  for (;;) {
    const now = await send<PodView>('GET', `${url}/${name}`);
    message ??= unscheduled(now);
    nominated ??= now.status.nominatedNodeName;
    const gone = async (): Promise<string[]> => {
      const left = new Set(await names());
      return before.filter((other) => !left.has(other)).sort();
    };
    if (now.spec.nodeName) {
      const victims = await gone();
      if (victims.length && message === undefined) message = await eventMessage(name, namespace);
      await send('PUT', `${url}/${name}/status`, {
        ...now,
        metadata: { ...now.metadata, resourceVersion: undefined },
        status: { ...now.status, startTime: startTime(index) },
      });
      return {
        ...(message === undefined ? {} : { message }),
        ...(victims.length ? { victims } : {}),
        node: now.spec.nodeName,
      };
    }
    if (message !== undefined && !nominated && waited++ > 10) {
      await send('DELETE', `${url}/${name}`);
      return { message };
    }
    if (waited++ > 5000) throw new Error(`${name} waits for ever: ${JSON.stringify(now.status)}`);
    await pause(5);
  }
}

const recorded: RecordedCase[] = [];
for (let index = 0; index < Number(cases); index++) {
  await clean();
  const { seed, objects, pods } = placementCase(`cluster ${index}`);
  for (const object of objects) await create(object);
  await pause(500);
  const answers: PlacementAnswer[] = [];
  for (const [at, pod] of pods.entries()) answers.push(await answerOf(pod, at));
  recorded.push({ seed, answers });
  console.log(seed, answers.filter(({ node }) => node).length, 'of', answers.length, 'placed');
}
await clean();
agent.destroy();
writeFileSync(join(import.meta.dirname, 'answers.json'), `${JSON.stringify(recorded, null, 1)}\n`);
