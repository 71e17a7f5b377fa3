import { expect, test } from 'vitest';
import { answerAddress, answerName, type ZoneState } from '#core/kube';

const service = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
});
const services = [
  service('web', { clusterIP: '10.96.7.7', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
  service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 3306, protocol: 'TCP' }] }),
  service('empty', { clusterIP: 'None' }),
  service('out', { type: 'ExternalName', externalName: 'example.com' }),
];
const state: ZoneState = {
  service: (_, name) => services.find(({ metadata }) => metadata.name === name),
  slices: (_, name) =>
    name === 'db'
      ? [
          {
            apiVersion: 'discovery.k8s.io/v1',
            kind: 'EndpointSlice',
            metadata: { name: 'db-x' },
            addressType: 'IPv4',
            ports: [{ name: 'sql', port: 3306 }],
            endpoints: [
              { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
              { addresses: ['10.244.1.6'], hostname: 'db-1', conditions: { ready: false } },
              { addresses: ['10.244.2.7'], conditions: { ready: true } },
            ],
          },
        ]
      : [],
  podAt: () => undefined,
  namespaceExists: (name) => name === 'default',
  serviceAt: (address) =>
    services.find(({ spec }) => (spec as { clusterIP?: string }).clusterIP === address),
  endpointAt: (address) =>
    address === '10.244.1.5' ? { service: 'db', namespace: 'default', host: 'db-0' } : undefined,
};
const options = { zone: 'cluster.local', pods: 'insecure' } as const;
const a = (name: string, address: string) => ({ type: 'A', name, address });

test.each([
  {
    name: 'web.default.svc.cluster.local',
    type: 'A',
    answer: [a('web.default.svc.cluster.local', '10.96.7.7')],
    why: 'a cluster address',
  },
  {
    name: 'WEB.default.svc.cluster.local',
    type: 'A',
    answer: [a('web.default.svc.cluster.local', '10.96.7.7')],
    why: 'names are read without case',
  },
  {
    name: 'web.default.svc.cluster.local',
    type: 'AAAA',
    answer: [],
    why: 'the name is there, the type is not',
  },
  { name: 'nope.default.svc.cluster.local', type: 'A', answer: 'none', why: 'no such Service' },
  { name: 'web.nowhere.svc.cluster.local', type: 'A', answer: 'none', why: 'no such namespace' },
  { name: 'example.com', type: 'A', answer: 'outside', why: 'not of this zone' },
  {
    name: 'db.default.svc.cluster.local',
    type: 'A',
    answer: [
      a('db.default.svc.cluster.local', '10.244.1.5'),
      a('db.default.svc.cluster.local', '10.244.2.7'),
    ],
    why: 'a headless Service gives its ready endpoints',
  },
  {
    name: 'db-0.db.default.svc.cluster.local',
    type: 'A',
    answer: [a('db-0.db.default.svc.cluster.local', '10.244.1.5')],
    why: 'a pod of a StatefulSet by its name',
  },
  {
    name: '10-244-2-7.db.default.svc.cluster.local',
    type: 'A',
    answer: [a('10-244-2-7.db.default.svc.cluster.local', '10.244.2.7')],
    why: 'an endpoint without a hostname',
  },
  {
    name: 'empty.default.svc.cluster.local',
    type: 'A',
    answer: 'none',
    why: 'headless without endpoints does not exist',
  },
  {
    name: 'out.default.svc.cluster.local',
    type: 'A',
    answer: [{ type: 'CNAME', name: 'out.default.svc.cluster.local', target: 'example.com' }],
    why: 'ExternalName is an alias',
  },
  {
    name: '_http._tcp.web.default.svc.cluster.local',
    type: 'SRV',
    answer: [
      {
        type: 'SRV',
        name: '_http._tcp.web.default.svc.cluster.local',
        port: 80,
        weight: 100,
        target: 'web.default.svc.cluster.local',
      },
    ],
    why: 'a named port',
  },
  {
    name: '10-244-1-5.default.pod.cluster.local',
    type: 'A',
    answer: [a('10-244-1-5.default.pod.cluster.local', '10.244.1.5')],
    why: 'a pod by its address',
  },
] as const)('$type $name: $why', ({ name, type, answer }) => {
  expect(answerName(name, type, state, options)).toEqual(answer);
});

test('addresses have names: Services and endpoints', () => {
  expect(answerAddress('10.96.7.7', state, options)).toBe('web.default.svc.cluster.local');
  expect(answerAddress('10.244.1.5', state, options)).toBe('db-0.db.default.svc.cluster.local');
  expect(answerAddress('10.0.0.1', state, options)).toBeUndefined();
});
