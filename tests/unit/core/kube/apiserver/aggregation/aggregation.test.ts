import { beforeEach, expect, test } from 'vitest';
import { resourceInfo, TestState, user } from '#tests/server-state';
import { TestTime } from '#tests/sim';
import { silentLogger } from '#core/base';
import {
  createAggregator,
  reconcileLocalApiServices,
} from '../../../../../../src-main/core/kube/apiserver/aggregation/index.ts';
import { checkAvailability } from '../../../../../../src-main/core/kube/apiserver/aggregation/availability.ts';
import { createRemoteServices } from '../../../../../../src-main/core/kube/apiserver/aggregation/remote-services.ts';
import type {
  HttpsTarget,
  SendHttps,
} from '../../../../../../src-main/core/kube/apiserver/outbound/index.ts';
import {
  type ApiRequest,
  type KubeObject,
  responseText,
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
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', ports: [{ name: 'https', port }] },
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
let target: HttpsTarget | undefined;
let transport: SendHttps;
let time: TestTime;
beforeEach(() => {
  state = new TestState();
  sent = [];
  time = new TestTime(nowMs);
  transport = async (to, request) => {
    target = to;
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
  [
    'no answer',
    () => {
      state
        .put('', 'services', service(443))
        .put('discovery.k8s.io', 'endpointslices', slice(true));
      transport = () =>
        Promise.reject(new Error('dial tcp 10.96.0.7:443: connect: connection refused'));
    },
    'False',
    'FailedDiscoveryCheck',
    'failing or missing response from https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: Get "https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1": dial tcp 10.96.0.7:443: connect: connection refused',
  ],
  [
    'a refusal',
    () => {
      state
        .put('', 'services', service(443))
        .put('discovery.k8s.io', 'endpointslices', slice(true));
      transport = () => Promise.resolve({ status: 403, headers: {}, body: { kind: 'none' } });
    },
    'False',
    'FailedDiscoveryCheck',
    'failing or missing response from https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: bad status from https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: 403',
  ],
])('available: %s', async (_why, prepare, status, reason, message) => {
  prepare();
  const remote = createRemoteServices(state, time.clock, transport);
  const next = await checkAvailability(state, remote, metrics(), () => nowMs);
  expect(next?.['status']).toEqual({
    conditions: [
      { lastTransitionTime: '2026-01-01T10:00:00Z', status, reason, message, type: 'Available' },
    ],
  });
});

test('an aggregated server that says nothing fails its check after five seconds', async () => {
  state.put('', 'services', service(443)).put('discovery.k8s.io', 'endpointslices', slice(true));
  const remote = createRemoteServices(state, time.clock, () => new Promise(() => undefined));
  const checked = checkAvailability(state, remote, metrics(), () => time.clock.now());
  await time.advance(5000);
  expect((await checked)?.['status']).toMatchObject({
    conditions: [
      {
        reason: 'FailedDiscoveryCheck',
        message:
          'failing or missing response from https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: Get "https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      },
    ],
  });
});

test('requests go on with the user in headers, and without credentials', async () => {
  const remote = createRemoteServices(state, time.clock, transport);
  const available = metrics({ conditions: [{ type: 'Available', status: 'True' }] });
  state.put('', 'services', service(443));
  const request: ApiRequest = {
    method: 'GET',
    url: '/apis/metrics.k8s.io/v1beta1/nodes',
    headers: { authorization: 'Bearer x', accept: '*/*', 'x-remote-user': 'root' },
  };
  await remote.proxy(available, request, user('jane', 'dev'));
  expect(sent[0]?.headers).toEqual({
    accept: '*/*',
    'x-remote-user': 'jane',
    'x-remote-group': 'dev,system:authenticated',
  });
  expect(target).toEqual({
    host: '10.96.0.7',
    port: 443,
    serverName: 'ms.kube-system.svc',
    roots: undefined,
    asFrontProxy: true,
  });
  const refused = await remote.proxy(metrics(), request, user('jane'));
  expect([refused.status, await responseText(refused)]).toEqual([503, 'service unavailable\n']);
  const broken = createRemoteServices(state, time.clock, () =>
    Promise.reject(new Error('dial tcp 10.96.0.7:443: connect: connection refused')),
  );
  expect(await responseText(await broken.proxy(available, request, user('jane')))).toBe(
    'error trying to reach service: dial tcp 10.96.0.7:443: connect: connection refused\n',
  );
});

test('only group versions behind a service are handed on', () => {
  const aggregator = createAggregator({
    state,
    clock: time.clock,
    logger: silentLogger,
    send: transport,
  });
  const request: ApiRequest = { method: 'GET', url: '/apis/apps/v1/deployments', headers: {} };
  expect(aggregator.delegate(request, user('jane'))).toBeUndefined();
  expect(aggregator.versions()).toEqual([]);
});
