import { expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../../../../src-main/core/kube/apis/index.ts';
import {
  serviceHealthChecks,
  serviceRules,
} from '../../../../../src-main/core/kube/network/index.ts';

type Ingress = NonNullable<NonNullable<NonNullable<Service['status']>['loadBalancer']>['ingress']>;

const service = (spec: Partial<NonNullable<Service['spec']>>, ingress: Ingress = []): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.5',
    ports: [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ],
    ...spec,
  },
  status: { loadBalancer: { ingress } },
});

const endpoint = (address: string, nodeName: string, ready = true) => ({
  addresses: [address],
  nodeName,
  conditions: { ready, serving: true, terminating: !ready },
});

const slice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'default' },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080 },
    { name: 'https', port: 8443 },
  ],
  endpoints: [
    endpoint('10.244.1.2', 'node01'),
    endpoint('10.244.1.3', 'node01'),
    endpoint('10.244.2.2', 'node02', false),
  ],
};

const rulesOf = (one: Service) => serviceRules([one], () => [slice], 'node01');

test('addresses of a load balancer lead to the Service on every port, but where a proxy takes them in', () => {
  const vip = rulesOf(service({}, [{ ip: '172.30.255.200', ipMode: 'VIP' }]));
  expect(vip.map(({ name, loadBalancerIps }) => [name, loadBalancerIps])).toEqual([
    ['default/web:http', ['172.30.255.200']],
    ['default/web:https', ['172.30.255.200']],
  ]);
  expect(rulesOf(service({}, [{ ip: '172.30.255.200' }]))[0]?.loadBalancerIps).toEqual([
    '172.30.255.200',
  ]);
  for (const ingress of [[{ ip: '172.30.255.200', ipMode: 'Proxy' }], [{ hostname: 'lb.example' }]])
    expect(rulesOf(service({}, ingress))[0]).not.toHaveProperty('loadBalancerIps');
});

test('source ranges count for the load balancer alone', () => {
  const ranges = { loadBalancerSourceRanges: [' 192.0.2.0/24', '10.0.0.0/8'] };
  expect(rulesOf(service(ranges, [{ ip: '172.30.255.200' }]))[0]?.loadBalancerSources).toEqual([
    '192.0.2.0/24',
    '10.0.0.0/8',
  ]);
  expect(rulesOf(service(ranges))[0]).not.toHaveProperty('loadBalancerSources');
});

test('a node tells how many ready endpoints it has of a Service with a health check port', () => {
  const local = service({ externalTrafficPolicy: 'Local', healthCheckNodePort: 30_500 });
  const told = (nodeName: string) => serviceHealthChecks([local], () => [slice], nodeName);
  expect(told('node01')).toEqual([
    { namespace: 'default', name: 'web', port: 30_500, localEndpoints: 2 },
  ]);
  expect(told('node02')[0]?.localEndpoints).toBe(0);
  expect(serviceHealthChecks([service({})], () => [slice], 'node01')).toEqual([]);
});
