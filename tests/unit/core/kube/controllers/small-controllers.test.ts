import { expect, test } from 'vitest';
import { startCluster, type Cluster } from './cluster-bench.ts';

const claimSpec = {
  storageClassName: 'csi',
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
};

async function eventsOf({ client }: Cluster, name: string): Promise<string[]> {
  const { items } = await client.resource('events').list({ namespace: 'default' });
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message }) => `${type ?? ''} ${reason ?? ''} ${message ?? ''}`);
}

test('an ephemeral volume has a claim that goes with its pod', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  const claims = client.resource('persistentvolumeclaims');
  const pod = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [
        {
          name: 'scratch',
          ephemeral: { volumeClaimTemplate: { metadata: { labels: { l: '1' } }, spec: claimSpec } },
        },
      ],
    },
  });
  await client.resource('pods').create(pod('one'));
  await time.settle();
  const claim = await claims.get('default', 'one-scratch');
  expect(claim.metadata.labels).toEqual({ l: '1' });
  expect(claim.metadata.ownerReferences).toMatchObject([
    { kind: 'Pod', name: 'one', controller: true, blockOwnerDeletion: true },
  ]);

  await claims.create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'two-scratch', namespace: 'default' },
    spec: claimSpec,
  });
  await client.resource('pods').create(pod('two'));
  await time.advance(1000);
  expect(await eventsOf(cluster, 'two')).toContain(
    'Warning FailedBinding ephemeral volume scratch: PVC default/two-scratch was not created for pod default/two (pod is not owner)',
  );

  await client.resource('pods').delete('default', 'one');
  await time.advance(10_000);
  expect((await claims.list({ namespace: 'default' })).items.map((c) => c.metadata.name)).toEqual([
    'two-scratch',
  ]);
});

test('a claim that asks for more waits for the resizer of its driver', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  await client.resource('persistentvolumeclaims').create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default' },
    spec: claimSpec,
  });
  await client.resource('persistentvolumes').create({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv' },
    spec: {
      storageClassName: 'csi',
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: 'default',
        name: 'data',
      },
      csi: { driver: 'csi.example.com', volumeHandle: 'h' },
    },
  });
  await time.advance(20_000);
  const told = 'Normal ExternalExpanding waiting for an external controller to expand this PVC';
  expect(await eventsOf(cluster, 'data')).not.toContain(told);
  await client.resource('persistentvolumeclaims').patch('default', 'data', 'merge', {
    spec: { resources: { requests: { storage: '2Gi' } } },
  });
  await time.advance(1000);
  expect(await eventsOf(cluster, 'data')).toContain(told);
});

test('the status of an admission policy tells of fields that the kinds it names do not have', async () => {
  const { client, time } = await startCluster();
  const policies = client.resource('validatingadmissionpolicies.admissionregistration.k8s.io');
  const policy = (
    name: string,
    validations: { expression: string; messageExpression?: string }[],
  ) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['deployments'],
          },
        ],
      },
      validations,
    },
  });
  await policies.create(policy('good', [{ expression: 'object.spec.replicas <= 5' }]));
  await policies.create(
    policy('bad', [
      { expression: "object.metadata.labels.any == 'object.no' && has(object.spec.replicas)" },
      { expression: 'object.spec.replica > 1', messageExpression: "'x' + object.spec.nope" },
    ]),
  );
  await time.settle();
  expect((await policies.get(undefined, 'good')).status).toEqual({
    observedGeneration: 1,
    typeChecking: {},
  });
  expect((await policies.get(undefined, 'bad')).status).toEqual({
    observedGeneration: 1,
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: 'spec.validations[1].expression',
          warning:
            "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n | object.spec.replica > 1\n | ...........^\n",
        },
        {
          fieldRef: 'spec.validations[1].messageExpression',
          warning:
            "apps/v1, Kind=Deployment: ERROR: <input>:1:18: undefined field 'nope'\n | 'x' + object.spec.nope\n | .................^\n",
        },
      ],
    },
  });
});

test('a pod gets the claims of its templates, and gives them back when it is done', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  const claims = client.resource('resourceclaims.resource.k8s.io');
  const pod = (name: string, resourceClaimTemplateName: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName }],
    },
  });
  await client.resource('resourceclaimtemplates.resource.k8s.io').create({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    metadata: { name: 'one-gpu', namespace: 'default' },
    spec: {
      metadata: { labels: { l: '1' } },
      spec: { devices: { requests: [{ name: 'g', exactly: { deviceClassName: 'gpu' } }] } },
    },
  });
  await client.resource('pods').create(pod('user', 'one-gpu'));
  await client.resource('pods').create(pod('lost', 'none'));
  await time.advance(1000);
  const [claim, ...others] = (await claims.list({ namespace: 'default' })).items;
  expect(others).toEqual([]);
  expect(claim?.metadata).toMatchObject({
    name: expect.stringMatching(/^user-gpu-[a-z0-9]{5}$/) as string,
    labels: { l: '1' },
    annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' },
    ownerReferences: [{ kind: 'Pod', name: 'user', controller: true }],
  });
  const { status } = await client.resource('pods').get('default', 'user');
  expect(status?.resourceClaimStatuses).toEqual([
    { name: 'gpu', resourceClaimName: claim?.metadata.name },
  ]);
  expect(await eventsOf(cluster, 'lost')).toContain(
    'Warning FailedResourceClaimCreation PodResourceClaim gpu: resource claim template "none": resourceclaimtemplate.resource.k8s.io "none" not found',
  );
  await client
    .resource('pods')
    .patch(
      'default',
      'user',
      'merge',
      { status: { phase: 'Succeeded' } },
      { subresource: 'status' },
    );
  await time.advance(1000);
  expect((await claims.list({ namespace: 'default' })).items).toEqual([]);
});

test('nodes are told how long what they hold of Secrets stays good', async () => {
  const { client, time } = await startCluster();
  await client.resource('nodes').create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: {},
  });
  await time.settle();
  const { metadata } = await client.resource('nodes').get(undefined, 'n1');
  expect(metadata.annotations?.['node.alpha.kubernetes.io/ttl']).toBe('0');
});

test('a range of Service addresses stays until the last address of it has gone', async () => {
  const { client, time } = await startCluster();
  const ranges = client.resource('servicecidrs.networking.k8s.io');
  const addresses = client.resource('ipaddresses.networking.k8s.io');
  const state = async () => {
    const { metadata, status } = await ranges.get(undefined, 'more');
    const { type, status: is, reason, message } = status?.conditions?.[0] ?? {};
    return [metadata.finalizers, type, is, reason, message];
  };
  await ranges.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs: ['10.200.0.0/28'] },
  });
  await addresses.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: '10.200.0.5',
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  });
  await time.settle();
  const finalizer = 'networking.k8s.io/service-cidr-finalizer';
  expect(await state()).toEqual([
    [finalizer],
    'Ready',
    'True',
    '',
    'Kubernetes Service CIDR is ready',
  ]);
  await ranges.delete(undefined, 'more');
  await time.advance(20_000);
  expect(await state()).toEqual([
    [finalizer],
    'Ready',
    'False',
    'Terminating',
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
  ]);
  await addresses.delete(undefined, '10.200.0.5');
  await time.advance(1000);
  expect((await ranges.list()).items.map(({ metadata }) => metadata.name)).toEqual(['kubernetes']);
});
