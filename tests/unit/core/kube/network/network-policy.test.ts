import { expect, test } from 'vitest';
import { allowsFlow, type PolicyState } from '#core/kube';

type Policy = NonNullable<ReturnType<PolicyState['policies']>[number]['spec']>;

const pods = {
  '10.244.1.2': { namespace: 'shop', labels: { app: 'web' }, port: 80 },
  '10.244.1.3': { namespace: 'shop', labels: { app: 'api' }, port: 8080 },
  '10.244.2.4': { namespace: 'other', labels: { app: 'web' }, port: 80 },
};

function stateWith(spec: Policy): PolicyState {
  return {
    policies: (namespace) =>
      namespace === 'shop'
        ? [
            {
              apiVersion: 'networking.k8s.io/v1',
              kind: 'NetworkPolicy',
              metadata: { name: 'p', namespace },
              spec,
            },
          ]
        : [],
    podAt: (address) => {
      const pod = pods[address as keyof typeof pods];
      return (
        pod && {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: address, uid: address, namespace: pod.namespace, labels: pod.labels },
          spec: { containers: [{ name: 'c', ports: [{ name: 'main', containerPort: pod.port }] }] },
        }
      );
    },
    namespace: (name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    }),
    isNode: (address) => address.startsWith('172.30.'),
  };
}

const web = '10.244.1.2';
const api = '10.244.1.3';
const outside = '10.244.2.4';
const all = {};

test.each([
  {
    why: 'an empty policy shuts ingress',
    spec: { podSelector: all },
    from: web,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: 'ingress alone leaves egress open',
    spec: { podSelector: all },
    from: web,
    to: outside,
    port: 80,
    passes: true,
  },
  {
    why: 'egress named without rules shuts egress',
    spec: { podSelector: all, policyTypes: ['Egress'] },
    from: web,
    to: outside,
    port: 80,
    passes: false,
  },
  {
    why: 'a pod not selected stays open',
    spec: { podSelector: { matchLabels: { app: 'db' } } },
    from: web,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'podSelector means this namespace',
    spec: {
      podSelector: all,
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
    },
    from: outside,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: 'podSelector lets its pods in',
    spec: {
      podSelector: all,
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
    },
    from: web,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'selectors of one entry are both needed',
    spec: {
      podSelector: all,
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } },
              podSelector: { matchLabels: { app: 'api' } },
            },
          ],
        },
      ],
    },
    from: outside,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: 'selectors of two entries are alternatives',
    spec: {
      podSelector: all,
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } },
            { podSelector: { matchLabels: { app: 'api' } } },
          ],
        },
      ],
    },
    from: outside,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'a port not named is shut',
    spec: { podSelector: all, ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }] },
    from: web,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: "a named port is the receiving pod's",
    spec: { podSelector: all, ingress: [{ ports: [{ port: 'main' }] }] },
    from: web,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'a range of ports',
    spec: { podSelector: all, ingress: [{ ports: [{ port: 8000, endPort: 9000 }] }] },
    from: web,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'UDP is not TCP',
    spec: { podSelector: all, ingress: [{ ports: [{ port: 8080, protocol: 'UDP' }] }] },
    from: web,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: 'ipBlock lets a range in',
    spec: { podSelector: all, ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.0/16' } }] }] },
    from: outside,
    to: api,
    port: 8080,
    passes: true,
  },
  {
    why: 'ipBlock keeps its exceptions out',
    spec: {
      podSelector: all,
      ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.2.0/24'] } }] }],
    },
    from: outside,
    to: api,
    port: 8080,
    passes: false,
  },
  {
    why: 'the node reaches its pods whatever policies say',
    spec: { podSelector: all },
    from: '172.30.2.2',
    to: api,
    port: 8080,
    passes: true,
  },
])('$why', ({ spec, from, to, port, passes }) => {
  const flow = { source: from, destination: to, port, protocol: 'tcp' as const };
  expect(allowsFlow(flow, stateWith(spec))).toBe(passes);
});
