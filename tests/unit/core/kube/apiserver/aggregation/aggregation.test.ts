import { beforeEach, expect, test } from 'vitest';
import { messageOf, resourceInfo, TestState, user } from '#tests/server-state';
import {
  createAggregator,
  reconcileLocalApiServices,
  type ServiceTransport,
} from '../../../../../../src-main/core/kube/apiserver/aggregation/index.ts';
import type {
  ApiRequest,
  KubeObject,
} from '../../../../../../src-main/core/kube/machinery/index.ts';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const group = 'apiregistration.k8s.io';
const metrics = (status: object = {}): KubeObject => ({
  apiVersion: `${group}/v1`,
  kind: 'APIService',
  metadata: { name: 'v1beta1.metrics.k8s.io' },
  spec: {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    service: { name: 'ms', namespace: 'kube-system' },
    insecureSkipTLSVerify: true,
  },
  status,
});
const service = (port: number): object => ({
  metadata: { name: 'ms', namespace: 'kube-system' },
  spec: { type: 'ClusterIP', ports: [{ name: 'https', port }] },
});
const slice = (ready: boolean): object => ({
  metadata: {
    name: 'ms-1',
    namespace: 'kube-system',
    labels: { 'kubernetes.io/service-name': 'ms' },
  },
  ports: [{ name: 'https', port: 4443 }],
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
});

let state: TestState;
let sent: ApiRequest[];
let transport: ServiceTransport;
beforeEach(() => {
  state = new TestState();
  sent = [];
  transport = async (_target, request) => {
    sent.push(request);
    return { status: 200, headers: {}, body: { kind: 'none' } };
  };
});

test('each served group and version has a local APIService', () => {
  const served = [
    resourceInfo('', 'pods', 'Pod'),
    resourceInfo('apps', 'deployments', 'Deployment'),
    resourceInfo('x.io', 'ys', 'Y'),
  ];
  const { create } = reconcileLocalApiServices(state, served, nowMs);
  expect(create.map(({ metadata, spec }) => [metadata.name, metadata.labels, spec])).toEqual([
    [
      'v1.',
      { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' },
      { groupPriorityMinimum: 18000, version: 'v1', versionPriority: 1 },
    ],
    [
      'v1.apps',
      { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' },
      { group: 'apps', groupPriorityMinimum: 17800, version: 'v1', versionPriority: 15 },
    ],
    [
      'v1.x.io',
      { 'kube-aggregator.kubernetes.io/automanaged': 'true' },
      { group: 'x.io', groupPriorityMinimum: 1000, version: 'v1', versionPriority: 100 },
    ],
  ]);
  expect(create[0]?.['status']).toEqual({
    conditions: [
      {
        lastTransitionTime: '2026-01-01T10:00:00Z',
        message: 'Local APIServices are always available',
        reason: 'Local',
        status: 'True',
        type: 'Available',
      },
    ],
  });
  for (const object of create) state.put(group, 'apiservices', object);
  expect(reconcileLocalApiServices(state, served.slice(0, 2), nowMs)).toEqual({
    create: [],
    delete: ['v1.x.io'],
  });
});

test.each<[string, () => void, string, string, string]>([
  [
    'no service',
    () => undefined,
    'False',
    'ServiceNotFound',
    'service/ms in "kube-system" is not present',
  ],
  [
    'another port',
    () => void state.put('', 'services', service(80)),
    'False',
    'ServicePortError',
    'service/ms in "kube-system" is not listening on port 443',
  ],
  [
    'no endpoints',
    () => void state.put('', 'services', service(443)),
    'False',
    'EndpointsNotFound',
    'cannot find endpointslices for service/ms in "kube-system"',
  ],
  [
    'none ready',
    () =>
      void state
        .put('', 'services', service(443))
        .put('discovery.k8s.io', 'endpointslices', slice(false)),
    'False',
    'MissingEndpoints',
    'endpointslices for service/ms in "kube-system" have no addresses with port name "https"',
  ],
  [
    'all is well',
    () =>
      void state
        .put('', 'services', service(443))
        .put('discovery.k8s.io', 'endpointslices', slice(true)),
    'True',
    'Passed',
    'all checks passed',
  ],
])('available: %s', async (_why, prepare, status, reason, message) => {
  prepare();
  const next = await createAggregator(state, transport).checkAvailability(metrics(), nowMs);
  expect(next?.['status']).toEqual({
    conditions: [
      { lastTransitionTime: '2026-01-01T10:00:00Z', status, reason, message, type: 'Available' },
    ],
  });
});

test('requests go on with the user in headers, and without credentials', async () => {
  const aggregator = createAggregator(state, transport);
  const available = metrics({ conditions: [{ type: 'Available', status: 'True' }] });
  state.put(group, 'apiservices', available);
  expect(aggregator.remoteFor('metrics.k8s.io', 'v1beta1')).toBe(available);
  const request: ApiRequest = {
    method: 'GET',
    url: '/apis/metrics.k8s.io/v1beta1/nodes',
    headers: { authorization: 'Bearer x', accept: '*/*', 'x-remote-user': 'root' },
  };
  await aggregator.proxy(available, request, user('jane', 'dev'));
  expect(sent[0]?.headers).toEqual({
    accept: '*/*',
    'x-remote-user': 'jane',
    'x-remote-group': 'dev,system:authenticated',
  });
  expect(await messageOf(() => aggregator.proxy(metrics(), request, user('jane')))).toBe(
    'service unavailable',
  );
});
