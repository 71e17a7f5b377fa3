import { describe, expect, test } from 'vitest';
import { drainMicrotasks, TestTime } from '#tests/sim';
import { admissionRequest, messageOf, resourceInfo, type TestRequest } from '#tests/server-state';
import { createAdmissionChain } from '../../../../../../src-main/core/kube/apiserver/admission/index.ts';
import { conflict, type KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';
import type { AdmissionRequest } from '../../../../../../src-main/core/kube/apiserver/types.ts';
import {
  admit,
  claims,
  base,
  configMaps,
  deployments,
  namespace,
  namespaces,
  nodes,
  pod,
  pods,
  refusal,
  state,
} from './world.ts';

describe('namespaces', () => {
  test.each<[string, () => AdmissionRequest, string]>([
    [
      'absent',
      () => admissionRequest(configMaps, { metadata: { name: 'x' } }, { namespace: 'nope' }),
      'namespaces "nope" not found',
    ],
    [
      'on its way out',
      () => {
        state.put('', 'namespaces', namespace('ns', {}, 'Terminating'));
        return admissionRequest(configMaps, { metadata: { name: 'x' } });
      },
      'configmaps "x" is forbidden: unable to create new content in namespace ns because it is being terminated',
    ],
    [
      'immortal',
      () => admissionRequest(namespaces, null, { operation: 'DELETE', name: 'default' }),
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ],
    ['there', () => admissionRequest(configMaps, { metadata: { name: 'x' } }), ''],
  ])('%s', async (_why, request, message) => {
    expect(await refusal(request())).toBe(message);
  });
});

test('a plain pod gets what the server adds', async () => {
  const request = admissionRequest(pods, pod());
  await admit(request);
  const spec = request.object?.['spec'] as Record<string, unknown>;
  const volume = (spec['volumes'] as { name: string }[])[0]?.name ?? '';
  expect(volume).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect(spec).toMatchObject({
    serviceAccountName: 'default',
    serviceAccount: 'default',
    imagePullSecrets: [{ name: 'reg' }],
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    containers: [
      {
        volumeMounts: [
          {
            name: volume,
            readOnly: true,
            mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
          },
        ],
      },
    ],
    tolerations: [
      {
        key: 'node.kubernetes.io/not-ready',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      },
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      },
    ],
  });
});

test.each<[string, object, string]>([
  [
    'service account',
    { serviceAccountName: 'none' },
    'pods "p" is forbidden: error looking up service account ns/none: serviceaccount "none" not found',
  ],
  [
    'priority class',
    { priorityClassName: 'none-such' },
    'pods "p" is forbidden: no PriorityClass with name none-such was found',
  ],
  [
    'priority',
    { priority: 5 },
    'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
  ],
  [
    'runtime class',
    { runtimeClassName: 'gvisor' },
    'pods "p" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
  ],
  [
    'overhead',
    { overhead: { cpu: '1' } },
    'pods "p" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  ],
])('a pod that names a missing %s', async (_why, spec, message) => {
  expect(await refusal(admissionRequest(pods, pod(spec)))).toBe(message);
});

test('the default account of a young namespace is waited for', async () => {
  const time = new TestTime();
  state.put('', 'namespaces', namespace('young'));
  const running = messageOf(() =>
    admit(admissionRequest(pods, pod(), { namespace: 'young' }), { clock: time.clock }),
  );
  await drainMicrotasks();
  state.put('', 'serviceaccounts', { metadata: { name: 'default', namespace: 'young' } });
  await time.advance(500);
  expect(await running).toBe('');
});

describe('limit ranges', () => {
  const limits = (item: object): void =>
    void state.put('', 'limitranges', {
      metadata: { name: 'limits', namespace: 'ns' },
      spec: { limits: [item] },
    });

  test('fill in defaults and say so', async () => {
    limits({
      type: 'Container',
      default: { cpu: '200m', memory: '128Mi' },
      defaultRequest: { cpu: '100m', memory: '64Mi' },
    });
    const request = admissionRequest(pods, pod());
    await admit(request);
    expect(request.object).toMatchObject({
      metadata: {
        annotations: {
          'kubernetes.io/limit-ranger':
            'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c',
        },
      },
      spec: {
        containers: [
          {
            resources: {
              limits: { cpu: '200m', memory: '128Mi' },
              requests: { cpu: '100m', memory: '64Mi' },
            },
          },
        ],
      },
    });
  });

  test.each<[object, object, string]>([
    [
      { max: { memory: '256Mi' } },
      { limits: { memory: '1Gi' } },
      'pods "p" is forbidden: maximum memory usage per Container is 256Mi, but limit is 1Gi',
    ],
    [
      { max: { memory: '256Mi' } },
      {},
      'pods "p" is forbidden: maximum memory usage per Container is 256Mi.  No limit is specified',
    ],
    [
      { min: { cpu: '10m' } },
      { requests: { cpu: '5m' } },
      'pods "p" is forbidden: minimum cpu usage per Container is 10m, but request is 5m',
    ],
    [
      { min: { cpu: '10m' }, max: { cpu: '1' } },
      {},
      'pods "p" is forbidden: [minimum cpu usage per Container is 10m.  No request is specified, maximum cpu usage per Container is 1.  No limit is specified]',
    ],
    [
      { maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '100m' }, limits: { cpu: '300m' } },
      'pods "p" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
  ])('%j refuses %j', async (item, resources, message) => {
    limits({ type: 'Container', ...item });
    expect(await refusal(admissionRequest(pods, pod({}, { resources })))).toBe(message);
  });

  test('bound claims', async () => {
    limits({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } });
    const claim = {
      metadata: { name: 'c' },
      spec: { resources: { requests: { storage: '2Gi' } } },
    };
    expect(await refusal(admissionRequest(claims, claim))).toBe(
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi',
    );
  });
});

describe('quotas', () => {
  const quota = (hard: object, used: object, spec: object = {}): void =>
    void state.put('', 'resourcequotas', {
      metadata: { name: 'q', namespace: 'ns' },
      spec: { hard, ...spec },
      status: { hard, used },
    });
  const used = (): unknown =>
    (state.get('', 'resourcequotas', 'ns', 'q')?.['status'] as { used: unknown }).used;
  const service = resourceInfo('', 'services', 'Service');
  const asking = (resources: object): AdmissionRequest =>
    admissionRequest(pods, pod({}, { resources }));

  test.each<[string, object, object, () => AdmissionRequest, string]>([
    [
      'cpu',
      { 'requests.cpu': '150m' },
      { 'requests.cpu': '100m' },
      () => asking({ requests: { cpu: '100m' } }),
      'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=100m, used: requests.cpu=100m, limited: requests.cpu=150m',
    ],
    [
      'memory in other units',
      { 'limits.memory': '1Gi' },
      { 'limits.memory': '512Mi' },
      () => asking({ limits: { memory: '1024Mi' } }),
      'pods "p" is forbidden: exceeded quota: q, requested: limits.memory=1Gi, used: limits.memory=512Mi, limited: limits.memory=1Gi',
    ],
    [
      'a request left out',
      { cpu: '1', memory: '1Gi' },
      { cpu: '0', memory: '0' },
      () => asking({}),
      'pods "p" is forbidden: failed quota: q: must specify cpu for: c; memory for: c',
    ],
    [
      'not counted yet',
      { pods: '1' },
      {},
      () => asking({}),
      'pods "p" is forbidden: status unknown for quota: q, resources: pods',
    ],
    [
      'objects',
      { configmaps: '3' },
      { configmaps: '3' },
      () => admissionRequest(configMaps, { metadata: { name: 'c' } }),
      'configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
    ],
    [
      'objects by count',
      { 'count/deployments.apps': '0' },
      { 'count/deployments.apps': '0' },
      () => admissionRequest(deployments, { metadata: { name: 'd' } }),
      'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
    ],
    [
      'node ports',
      { 'services.nodeports': '1' },
      { 'services.nodeports': '0' },
      () =>
        admissionRequest(service, {
          metadata: { name: 's' },
          spec: { type: 'NodePort', ports: [{}, {}] },
        }),
      'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
    ],
    [
      'storage of a class',
      { 'fast.storageclass.storage.k8s.io/requests.storage': '1Gi' },
      { 'fast.storageclass.storage.k8s.io/requests.storage': '0' },
      () =>
        admissionRequest(claims, {
          metadata: { name: 'c' },
          spec: { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } },
        }),
      'persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=2Gi, used: fast.storageclass.storage.k8s.io/requests.storage=0, limited: fast.storageclass.storage.k8s.io/requests.storage=1Gi',
    ],
  ])('%s', async (_why, hard, before, request, message) => {
    quota(hard, before);
    expect(await refusal(request())).toBe(message);
    expect(used()).toEqual(before);
  });

  test('are charged, but not by a dry run', async () => {
    quota({ pods: '2', 'requests.cpu': '1' }, { pods: '1', 'requests.cpu': '100m' });
    await admit({ ...asking({ requests: { cpu: '150m' } }), dryRun: true });
    expect(used()).toEqual({ pods: '1', 'requests.cpu': '100m' });
    await admit(asking({ requests: { cpu: '150m' } }));
    expect(used()).toEqual({ pods: '2', 'requests.cpu': '250m' });
  });

  test('of a scope count its pods alone', async () => {
    quota({ pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] });
    expect(await refusal(asking({ requests: { cpu: '1' } }))).toBe('');
    expect(await refusal(asking({}))).toBe(
      'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
    );
  });

  test('try again when another writer was first', async () => {
    quota({ pods: '5' }, { pods: '1' });
    let attempts = 0;
    await admit(asking({}), {
      updateStatus: (group, resource, object) => {
        attempts += 1;
        if (attempts === 1) {
          quota({ pods: '5' }, { pods: '2' });
          throw conflict({ group, resource }, 'q', 'the object has been modified');
        }
        state.put(group, resource, object);
      },
    });
    expect([attempts, used()]).toEqual([2, { pods: '3' }]);
  });
});

describe('storage', () => {
  test('the newest default class is taken, and claims are protected', async () => {
    const storageClass = (name: string, time: string): object => ({
      metadata: {
        name,
        creationTimestamp: time,
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
    });
    state
      .put('storage.k8s.io', 'storageclasses', storageClass('old', '2025-01-01T00:00:00Z'))
      .put('storage.k8s.io', 'storageclasses', storageClass('new', '2025-06-01T00:00:00Z'));
    const request = admissionRequest(claims, { metadata: { name: 'c' }, spec: {} });
    await admit(request);
    expect(request.object).toMatchObject({
      metadata: { finalizers: ['kubernetes.io/pvc-protection'] },
      spec: { storageClassName: 'new' },
    });
    const none = admissionRequest(claims, {
      metadata: { name: 'c' },
      spec: { storageClassName: '' },
    });
    await admit(none);
    expect(none.object?.['spec']).toEqual({ storageClassName: '' });
  });

  const claim = (size: string, phase: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'claim' },
    spec: { storageClassName: 'slow', resources: { requests: { storage: size } } },
    status: { phase },
  });
  test.each([
    [
      'Pending',
      'persistentvolumeclaims "claim" is forbidden: Only bound persistent volume claims can be expanded',
    ],
    [
      'Bound',
      'persistentvolumeclaims "claim" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    ],
  ])('growing a %s claim', async (phase, message) => {
    expect(
      await refusal(
        admissionRequest(claims, claim('2Gi', phase), {
          operation: 'UPDATE',
          oldObject: claim('1Gi', phase),
        }),
      ),
    ).toBe(message);
  });
});

describe('nodes', () => {
  const kubelet = { username: 'system:node:n1', groups: ['system:nodes'] };
  const node = (name: string, labels: object = {}, taints: object[] = []): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: labels as Record<string, string> },
    spec: { taints },
  });
  const as = (request: TestRequest, more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
    ...request,
    user: kubelet,
    ...more,
  });
  test.each<[string, () => AdmissionRequest, string]>([
    [
      'another node',
      () => as(admissionRequest(nodes, node('n2'), { operation: 'UPDATE', oldObject: node('n2') })),
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    ],
    [
      'its taints',
      () =>
        as(
          admissionRequest(nodes, node('n1', {}, [{ key: 'a' }]), {
            operation: 'UPDATE',
            oldObject: node('n1'),
          }),
        ),
      'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    ],
    [
      'reserved labels',
      () =>
        as(
          admissionRequest(nodes, node('n1', { 'node-restriction.kubernetes.io/x': 'y' }), {
            operation: 'UPDATE',
            oldObject: node('n1'),
          }),
        ),
      'nodes "n1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/x',
    ],
    [
      'its own labels',
      () =>
        as(
          admissionRequest(nodes, node('n1', { 'kubernetes.io/os': 'linux', team: 'a' }), {
            operation: 'UPDATE',
            oldObject: node('n1'),
          }),
        ),
      '',
    ],
    [
      'a pod that is no mirror',
      () => as(admissionRequest(pods, pod({ nodeName: 'n1' }))),
      'pods "p" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
  ])('%s', async (_why, request, message) => {
    expect(await refusal(request(), { enabled: ['NodeRestriction'] })).toBe(message);
  });

  test('begin tainted', async () => {
    const request = admissionRequest(nodes, node('n1'));
    await admit(request);
    expect(request.object?.['spec']).toEqual({
      taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }],
    });
  });
});

describe('the chain', () => {
  test('follows upstream’s order and the flags', () => {
    const names = createAdmissionChain({
      ...base(),
      enabled: ['NodeRestriction'],
      disabled: ['PodSecurity'],
    }).map(({ name }) => name);
    expect(names).toEqual([
      'NamespaceLifecycle',
      'LimitRanger',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'Priority',
      'DefaultTolerationSeconds',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateApproval',
      'CertificateSigning',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'PodTopologyLabels',
      'MutatingAdmissionPolicy',
      'MutatingAdmissionWebhook',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionWebhook',
      'ResourceQuota',
    ]);
  });

  test('knows its plugins', () => {
    expect(() => createAdmissionChain({ ...base(), enabled: ['Foo'] })).toThrow(
      'enable-admission-plugins plugin "Foo" is unknown',
    );
  });
});
