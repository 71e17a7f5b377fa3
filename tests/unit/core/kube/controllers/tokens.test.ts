import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { startCluster } from './cluster-bench.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const dayMs = 86_400_000;

test('cluster-info is signed with each token that may sign, as long as it may', async () => {
  const { client, time } = await startCluster();
  const token = (id: string, signing: string, expiration?: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: {
      'token-id': base64(id),
      'token-secret': base64('0123456789abcdef'),
      'usage-bootstrap-signing': base64(signing),
      ...(expiration === undefined ? {} : { expiration: base64(expiration) }),
    },
  });
  const secrets = client.resource('secrets');
  const configMaps = client.resource('configmaps');
  await secrets.create(token('abcdef', 'true'));
  await secrets.create(token('nosign', 'false'));
  const end = new Date(time.clock.now() + 3_600_000).toISOString();
  await secrets.create(token('brief0', 'true', end));
  await configMaps.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cluster-info', namespace: 'kube-public' },
    data: { kubeconfig: 'kind: Config\n', 'jws-kubeconfig-gone00': 'old' },
  });
  await time.advance(1000);

  const url = (text: string): string => Buffer.from(text).toString('base64url');
  const header = url('{"alg":"HS256","kid":"abcdef"}');
  const signature = createHmac('sha256', 'abcdef.0123456789abcdef')
    .update(`${header}.${url('kind: Config\n')}`)
    .digest('base64url');
  const data = async () => (await configMaps.get('kube-public', 'cluster-info')).data ?? {};
  const signed = await data();
  expect(Object.keys(signed).sort()).toEqual([
    'jws-kubeconfig-abcdef',
    'jws-kubeconfig-brief0',
    'kubeconfig',
  ]);
  expect(signed['jws-kubeconfig-abcdef']).toBe(`${header}..${signature}`);

  await time.advance(3_700_000);
  expect(Object.keys(await data()).sort()).toEqual(['jws-kubeconfig-abcdef', 'kubeconfig']);
  await secrets.delete('kube-system', 'bootstrap-token-abcdef');
  await time.advance(1000);
  expect(Object.keys(await data())).toEqual(['kubeconfig']);
});

test('a token made for an account and not used is marked, then deleted', async () => {
  const { client, time } = await startCluster(
    { legacyTokenCleanUpPeriodMs: 10 * dayMs },
    'legacy-serviceaccount-token-cleaner-controller',
  );
  const since = new Date(time.clock.now()).toISOString().slice(0, 10);
  for (const name of ['default', 'kube-system'])
    await client
      .resource('namespaces')
      .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await client.resource('configmaps').create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'kube-apiserver-legacy-service-account-token-tracking',
      namespace: 'kube-system',
    },
    data: { since },
  });
  const secrets = client.resource('secrets');
  const accounts = client.resource('serviceaccounts');
  const account = await accounts.create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'robot', namespace: 'default' },
    secrets: ['unused', 'used', 'mounted'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      name,
    })),
  });
  for (const name of ['unused', 'used', 'mounted', 'by-hand'])
    await secrets.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: 'default',
        annotations: {
          'kubernetes.io/service-account.name': 'robot',
          'kubernetes.io/service-account.uid': account.metadata.uid ?? '',
        },
        ...(name === 'used'
          ? { labels: { 'kubernetes.io/legacy-token-last-used': '2999-01-01' } }
          : {}),
      },
      type: 'kubernetes.io/service-account-token',
    });
  await client.resource('pods').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', secret: { secretName: 'mounted' } }],
    },
  });
  const marked = async (): Promise<string[]> =>
    (await secrets.list({ namespace: 'default' })).items
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/legacy-token-invalid-since'])
      .map(({ metadata }) => metadata.name ?? '');
  await time.advance(10 * dayMs);
  expect(await marked()).toEqual([]);
  await time.advance(2 * dayMs);
  expect(await marked()).toEqual(['unused']);
  await time.advance(12 * dayMs);
  const { items } = await secrets.list({ namespace: 'default' });
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['by-hand', 'mounted', 'used']);
});
