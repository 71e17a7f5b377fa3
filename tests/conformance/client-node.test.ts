import {
  type Informer,
  type V1ConfigMap,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

// Kubernetes' own client for Node against a cluster: what programs that watch rely on. The tests run in order.
const path = '/api/v1/namespaces/default/configmaps';
const etcdctl =
  'etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key';

let lab: TestEngine;
let config: KubeConfig;
let api: CoreV1Api;
let informer: Informer<V1ConfigMap> & { latestResourceVersion?(): string };
const seen: string[] = [];

const create = (name: string) =>
  api.createNamespacedConfigMap({
    namespace: 'default',
    body: { metadata: { name }, data: { n: '1' } },
  });
const shown = (verb: string) => (object: V1ConfigMap) => {
  if (object.metadata?.name !== 'kube-root-ca.crt')
    seen.push(`${verb} ${object.metadata?.name ?? ''}`);
};

beforeAll(async () => {
  lab = await startEngine();
  const { kubeconfig } = await lab.engine.create(clusterSpec());
  config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  api = config.makeApiClient(CoreV1Api);
  await create('early');
  informer = makeInformer(config, path, () =>
    api.listNamespacedConfigMap({ namespace: 'default' }),
  );
  for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, shown(verb));
  informer.on('error', (error) => seen.push(`error ${String(error)}`));
});

afterAll(async () => {
  await informer.stop();
  await lab.stop();
});

test('an informer lists, then follows', async () => {
  await informer.start();
  await expect.poll(() => seen).toContain('add early');
  await create('late');
  await expect.poll(() => seen.at(-1)).toBe('add late');
  await api.replaceNamespacedConfigMap({
    name: 'late',
    namespace: 'default',
    body: { metadata: { name: 'late' }, data: { n: '2' } },
  });
  await expect.poll(() => seen.at(-1)).toBe('update late');
  await api.deleteNamespacedConfigMap({ name: 'late', namespace: 'default' });
  await expect.poll(() => seen.at(-1)).toBe('delete late');
});

test('bookmarks tell how far a quiet watch has come', async () => {
  const { metadata } = await api.listNamespacedConfigMap({ namespace: 'default' });
  const bookmarks: string[] = [];
  const request = await new Watch(config).watch(
    path,
    { resourceVersion: metadata?.resourceVersion ?? '', allowWatchBookmarks: true },
    (type, object: V1ConfigMap) => {
      if (type === 'BOOKMARK') bookmarks.push(object.metadata?.resourceVersion ?? '');
    },
    () => undefined,
  );
  // Something else moves on meanwhile.
  await api.createNamespace({ body: { metadata: { name: 'elsewhere' } } });
  for (let tries = 0; tries < 20 && bookmarks.length === 0; tries++)
    await lab.engine.advance('test', 10_000);
  request.abort();
  expect(Number(bookmarks[0])).toBeGreaterThan(Number(metadata?.resourceVersion));
});

test('a watch from before a compaction ends with 410, and the informer lists anew', async () => {
  await informer.stop();
  const old = informer.latestResourceVersion?.() ?? '';
  await create('missed');
  await api.deleteNamespacedConfigMap({ name: 'early', namespace: 'default' });
  const { metadata } = await api.listNamespacedConfigMap({ namespace: 'default' });
  const compacted = await lab.engine.run(
    'test',
    'controlplane',
    `${etcdctl} compact ${metadata?.resourceVersion ?? ''}`,
  );
  expect(compacted.stdout).toBe(`compacted revision ${metadata?.resourceVersion ?? ''}\n`);
  const told = await new Promise((resolve, reject) => {
    void new Watch(config).watch(
      path,
      { resourceVersion: old },
      (type, object: object) => resolve({ type, ...object }),
      reject,
    );
  });
  expect(told).toMatchObject({
    type: 'ERROR',
    kind: 'Status',
    status: 'Failure',
    reason: 'Expired',
    message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/) as string,
    code: 410,
  });
  seen.length = 0;
  await informer.start();
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['delete early', 'add missed']);
});
