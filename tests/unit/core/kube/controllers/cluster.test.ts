import { expect, test } from 'vitest';
import { drainMicrotasks } from '#tests/sim';
import { type Cluster, startCluster } from './cluster-bench.ts';

const metadata = (name: string, more: object = {}) => ({ name, namespace: 'default', ...more });

function deployment(replicas: number) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata('web'),
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'nginx:1.25' }] },
      },
    },
  };
}

async function readyPods({ client, time }: Cluster): Promise<void> {
  for (const pod of (await client.resource('pods').list({ namespace: 'default' })).items) {
    if (pod.status?.phase === 'Running') continue;
    await client.resource('pods').patch(
      'default',
      pod.metadata.name ?? '',
      'strategic',
      {
        status: {
          phase: 'Running',
          podIP: '10.244.0.5',
          podIPs: [{ ip: '10.244.0.5' }],
          conditions: [
            { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T10:00:00Z' },
          ],
        },
      },
      { subresource: 'status' },
    );
  }
  await time.settle();
}

test('a Deployment rolls out, and everything it made goes with it', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client.resource('deployments.apps').create(deployment(3));
  await time.settle();
  await readyPods(cluster);
  const ready = await client.resource('deployments.apps').get('default', 'web');
  expect(ready.status).toMatchObject({
    readyReplicas: 3,
    availableReplicas: 3,
    updatedReplicas: 3,
  });
  expect(ready.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');

  await client
    .resource('deployments.apps')
    .delete('default', 'web', { propagationPolicy: 'Foreground' });
  await time.advance(60_000);
  for (const resource of ['deployments.apps', 'replicasets.apps'] as const)
    expect((await client.resource(resource).list({ namespace: 'default' })).items).toEqual([]);
  const left = (await client.resource('pods').list({ namespace: 'default' })).items;
  expect(left.every((pod) => pod.metadata.deletionTimestamp !== undefined)).toBe(true);
});

test('a namespace gets its account and CA, and ends when it is empty', async () => {
  const { client, time } = await startCluster();
  await client
    .resource('namespaces')
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
  await time.settle();
  expect((await client.resource('serviceaccounts').get('team', 'default')).metadata.name).toBe(
    'default',
  );
  expect((await client.resource('configmaps').get('team', 'kube-root-ca.crt')).data).toEqual({
    'ca.crt': 'CA',
  });
  await client.resource('configmaps').create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'held', namespace: 'team', finalizers: ['example.com/hold'] },
  });
  await client.resource('namespaces').delete(undefined, 'team');
  await time.advance(30_000);
  const held = await client.resource('namespaces').get(undefined, 'team');
  expect(held.status?.phase).toBe('Terminating');
  expect(held.status?.conditions?.map(({ type, message }) => `${type}: ${message ?? ''}`)).toEqual([
    'NamespaceDeletionDiscoveryFailure: All resources successfully discovered',
    'NamespaceDeletionGroupVersionParsingFailure: All legacy kube types successfully parsed',
    'NamespaceDeletionContentFailure: All content successfully deleted, may be waiting on finalization',
    'NamespaceContentRemaining: Some resources are remaining: configmaps. has 1 resource instances',
    'NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  ]);
  await client
    .resource('configmaps')
    .patch('team', 'held', 'merge', { metadata: { finalizers: null } });
  await time.advance(60_000);
  await expect(client.resource('namespaces').get(undefined, 'team')).rejects.toThrow(
    'namespaces "team" not found',
  );
});

test('a namespace ends as soon as its last pod has ended', async () => {
  const { client, time } = await startCluster();
  await client
    .resource('namespaces')
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
  await time.settle();
  await client.resource('pods').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'team' },
    spec: { nodeName: 'n1', containers: [{ name: 'web', image: 'nginx' }] },
  });
  await client.resource('namespaces').delete(undefined, 'team');
  await time.advance(1000);
  const pod = await client.resource('pods').get('team', 'web');
  expect(pod.metadata.deletionGracePeriodSeconds).toBe(30);
  expect((await client.resource('namespaces').get(undefined, 'team')).status?.phase).toBe(
    'Terminating',
  );
  await client.resource('pods').delete('team', 'web', { gracePeriodSeconds: 0 });
  await time.advance(200);
  await expect(client.resource('namespaces').get(undefined, 'team')).rejects.toThrow(
    'namespaces "team" not found',
  );
});

test('a claim binds the smallest volume that fits, and releases it', async () => {
  const { client, time } = await startCluster();
  for (const [name, storage] of [
    ['large', '10Gi'],
    ['small', '2Gi'],
  ] as const)
    await client.resource('persistentvolumes').create({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        capacity: { storage },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path: '/data' },
      },
    });
  await client.resource('persistentvolumeclaims').create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata('data'),
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  await time.advance(20_000);
  const claim = await client.resource('persistentvolumeclaims').get('default', 'data');
  expect(claim.spec?.volumeName).toBe('small');
  expect(claim.status).toMatchObject({ phase: 'Bound', capacity: { storage: '2Gi' } });
  await client.resource('persistentvolumeclaims').delete('default', 'data');
  await time.advance(20_000);
  expect((await client.resource('persistentvolumes').get(undefined, 'small')).status?.phase).toBe(
    'Released',
  );
});

test('a class of volume attributes stays as long as a claim names it', async () => {
  const { client, time } = await startCluster();
  const classes = client.resource('volumeattributesclasses.storage.k8s.io');
  await classes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttributesClass',
    metadata: { name: 'gold' },
    driverName: 'csi.example.com',
    parameters: { iops: '1' },
  });
  await client.resource('persistentvolumeclaims').create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata('data'),
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeAttributesClassName: 'gold',
    },
  });
  await time.advance(1000);
  expect((await classes.get(undefined, 'gold')).metadata.finalizers).toEqual([
    'kubernetes.io/vac-protection',
  ]);
  await classes.delete(undefined, 'gold');
  await time.advance(1000);
  expect((await classes.get(undefined, 'gold')).metadata.deletionTimestamp).toBeDefined();
  await client.resource('persistentvolumeclaims').delete('default', 'data');
  await time.advance(1000);
  await expect(classes.get(undefined, 'gold')).rejects.toThrow('not found');
});

test('a Service gets Endpoints and an EndpointSlice of its ready pods', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client
    .resource('nodes')
    .create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  await client.resource('services').create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata('web'),
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], clusterIP: 'None' },
  });
  await client.resource('pods').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata('a', { labels: { app: 'web' } }),
    spec: { nodeName: 'n1', containers: [{ name: 'web', image: 'nginx' }] },
  });
  await time.settle();
  await readyPods(cluster);
  const endpoints = await client.resource('endpoints').get('default', 'web');
  expect(endpoints.subsets).toEqual([
    {
      addresses: [
        {
          ip: '10.244.0.5',
          nodeName: 'n1',
          targetRef: {
            kind: 'Pod',
            namespace: 'default',
            name: 'a',
            uid: expect.any(String) as string,
          },
        },
      ],
      ports: [{ port: 8080, protocol: 'TCP' }],
    },
  ]);
  const { items } = await client
    .resource('endpointslices.discovery.k8s.io')
    .list({ namespace: 'default' });
  const slice = items.find(
    ({ metadata: { labels } }) => labels?.['kubernetes.io/service-name'] === 'web',
  );
  expect(slice?.endpoints?.[0]?.conditions).toEqual({
    ready: true,
    serving: true,
    terminating: false,
  });
  expect(slice?.ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }]);
  expect(slice?.metadata.labels).toMatchObject({
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    'service.kubernetes.io/headless': '',
  });
  // When the pod became ready: what came of it is told from it.
  const pod = await client.resource('pods').get('default', 'a');
  const readySince = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  const trigger = {
    'endpoints.kubernetes.io/last-change-trigger-time': readySince?.lastTransitionTime,
  };
  expect(endpoints.metadata.annotations).toEqual(trigger);
  expect(slice?.metadata.annotations).toEqual(trigger);
});

test('the ports of a slice are in the order of their hashes, as upstream has them', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client
    .resource('nodes')
    .create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  await client.resource('services').create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata('dns'),
    spec: {
      selector: { app: 'dns' },
      ports: [
        { name: 'metrics', port: 9153 },
        { name: 'dns-tcp', port: 53 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  });
  await client.resource('pods').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata('a', { labels: { app: 'dns' } }),
    spec: { nodeName: 'n1', containers: [{ name: 'dns', image: 'coredns' }] },
  });
  await time.settle();
  await readyPods(cluster);
  const { items } = await client
    .resource('endpointslices.discovery.k8s.io')
    .list({ namespace: 'default', labelSelector: 'kubernetes.io/service-name=dns' });
  // 1caf…, 8fa5… and f17b… are the hashes.
  expect(items[0]?.ports?.map(({ name }) => name)).toEqual(['dns', 'dns-tcp', 'metrics']);
});

test('a node whose kubelet is silent becomes Unknown and loses its pods after five minutes', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client
    .resource('nodes')
    .create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  await client
    .resource('nodes')
    .create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n2' } });
  const beat = (name: string) =>
    client.resource('nodes').patch(
      undefined,
      name,
      'strategic',
      {
        status: {
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              reason: 'KubeletReady',
              lastHeartbeatTime: new Date(time.clock.now()).toISOString().slice(0, 19) + 'Z',
            },
          ],
        },
      },
      { subresource: 'status' },
    );
  await beat('n1');
  await beat('n2');
  for (let i = 0; i < 7; i++) {
    await time.advance(10_000);
    await beat('n2');
  }
  const node = await client.resource('nodes').get(undefined, 'n1');
  expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  });
  expect(node.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual([
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
});

test('an autoscaler lifts a Deployment to its minimum and says why it cannot do more', async () => {
  const { client, time } = await startCluster();
  await client.resource('deployments.apps').create(deployment(1));
  await client.resource('horizontalpodautoscalers.autoscaling').create({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata('web'),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    },
  });
  await time.advance(40_000);
  await time.settle();
  expect((await client.resource('deployments.apps').get('default', 'web')).spec?.replicas).toBe(2);
  const hpa = await client.resource('horizontalpodautoscalers.autoscaling').get('default', 'web');
  expect(
    hpa.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`),
  ).toEqual(['AbleToScale=True SucceededGetScale', 'ScalingActive=False FailedGetResourceMetric']);
  const events = (await client.resource('events').list({ namespace: 'default' })).items
    .filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
    .map(({ reason, message }) => `${reason ?? ''} ${message ?? ''}`);
  expect(events).toEqual(
    expect.arrayContaining([
      'SuccessfulRescale New size: 2; reason: Current number of replicas below Spec.MinReplicas',
      'FailedGetResourceMetric failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
    ]),
  );
});

test('a quota counts what is there, and a budget what may be disrupted', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client.resource('resourcequotas').create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: metadata('q'),
    spec: {
      hard: {
        pods: '10',
        'requests.cpu': '2',
        'count/deployments.apps': '5',
        // Served by nobody: not counted, rather than counted as none.
        'count/widgets.example.com': '5',
        configmaps: '9',
      },
    },
  });
  await client.resource('poddisruptionbudgets.policy').create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata('b'),
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  const web = deployment(2);
  Object.assign(web.spec.template.spec.containers[0] ?? {}, {
    resources: { requests: { cpu: '250m' } },
  });
  await client.resource('deployments.apps').create(web);
  await time.settle();
  await readyPods(cluster);
  expect((await client.resource('resourcequotas').get('default', 'q')).status?.used).toEqual({
    pods: '2',
    'requests.cpu': '500m',
    'count/deployments.apps': '1',
    configmaps: '1',
  });
  expect(
    (await client.resource('poddisruptionbudgets.policy').get('default', 'b')).status,
  ).toMatchObject({
    currentHealthy: 2,
    desiredHealthy: 1,
    disruptionsAllowed: 1,
    expectedPods: 2,
    conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }],
  });
});

test('each node gets a pod range of its own', async () => {
  const { client, time } = await startCluster();
  for (const name of ['n1', 'n2'])
    await client.resource('nodes').create({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  await time.settle();
  const { items } = await client.resource('nodes').list();
  expect(items.map(({ spec }) => spec?.podCIDR)).toEqual(['10.244.0.0/24', '10.244.1.0/24']);
});

test('a token secret is filled, and Endpoints kept by hand are mirrored', async () => {
  const { client, time } = await startCluster();
  await client.resource('secrets').create({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: metadata('t', { annotations: { 'kubernetes.io/service-account.name': 'default' } }),
  });
  await client.resource('services').create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata('db'),
    spec: { ports: [{ port: 5432 }] },
  });
  await client.resource('endpoints').create({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: metadata('db'),
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 5432 }] }],
  });
  await time.settle();
  const { data } = await client.resource('secrets').get('default', 't');
  expect(Object.keys(data ?? {}).sort()).toEqual(['ca.crt', 'namespace', 'token']);
  const [head, claims, signature] = Buffer.from(data?.['token'] ?? '', 'base64')
    .toString()
    .split('.');
  expect(Buffer.from(head ?? '', 'base64url').toString()).toBe('{"alg":"ES256"}');
  expect(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString())).toMatchObject({
    sub: 'system:serviceaccount:default:default',
    'kubernetes.io/serviceaccount/secret.name': 't',
  });
  expect(signature).toBe('AQID');
  const { items } = await client
    .resource('endpointslices.discovery.k8s.io')
    .list({ namespace: 'default' });
  const mirror = items.find(
    ({ metadata: { labels } }) => labels?.['kubernetes.io/service-name'] === 'db',
  );
  expect(mirror?.endpoints).toEqual([{ addresses: ['192.0.2.1'], conditions: { ready: true } }]);
  expect(mirror?.metadata.labels?.['endpointslice.kubernetes.io/managed-by']).toBe(
    'endpointslicemirroring-controller.k8s.io',
  );
});

test('a thousand pods are made in small steps', async () => {
  const { client, time, store } = await startCluster();
  await client.resource('deployments.apps').create(deployment(1000));
  let most = 0;
  for (const limit = time.clock.now() + 120_000; ;) {
    const before = store.revision;
    const hasStepped = time.clock.step(limit);
    await drainMicrotasks();
    most = Math.max(most, store.revision - before);
    if (!hasStepped) break;
  }
  expect((await client.resource('pods').list({ namespace: 'default' })).items).toHaveLength(1000);
  expect(most).toBeLessThanOrEqual(64);
});
