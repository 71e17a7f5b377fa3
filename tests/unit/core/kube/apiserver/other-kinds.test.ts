import { beforeAll, describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { type TestServer, testServer } from './server.ts';

const storage = '/apis/storage.k8s.io/v1';
const networking = '/apis/networking.k8s.io/v1';
const urls: Readonly<Record<string, string>> = {
  CSINode: `${storage}/csinodes`,
  CSIStorageCapacity: `${storage}/namespaces/default/csistoragecapacities`,
  VolumeAttributesClass: `${storage}/volumeattributesclasses`,
  StorageClass: `${storage}/storageclasses`,
  ServiceCIDR: `${networking}/servicecidrs`,
  Ingress: `${networking}/namespaces/default/ingresses`,
  RuntimeClass: '/apis/node.k8s.io/v1/runtimeclasses',
  MutatingAdmissionPolicyBinding:
    '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings',
  FlowSchema: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
};

let server: TestServer;
beforeAll(() => {
  server = testServer([], { strategyFor });
});

interface Invalid {
  readonly details: { readonly causes: readonly { field: string; message: string }[] };
}
const causes = (json: unknown): string[] =>
  (json as Invalid).details.causes.map(({ field, message }) => `${field}: ${message}`);

describe('what upstream refuses to create', () => {
  const cidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  test.each<[string, object, string[]]>([
    [
      'CSINode',
      {
        spec: {
          drivers: [
            { name: 'a', nodeID: '' },
            { name: 'a', nodeID: 'n', topologyKeys: ['z', 'z'] },
          ],
        },
      },
      [
        'spec.drivers[0].nodeID: Required value',
        'spec.drivers[1].name: Duplicate value: "a"',
        'spec.drivers[1]: Duplicate value: "z"',
      ],
    ],
    [
      'CSIStorageCapacity',
      { storageClassName: 's', capacity: '-1' },
      ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'VolumeAttributesClass',
      {},
      [
        'driverName: Required value',
        'parameters: Required value: must contain at least one key/value pair',
      ],
    ],
    [
      'StorageClass',
      { provisioner: 'p', allowedTopologies: [{}] },
      ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'],
    ],
    ['ServiceCIDR', { spec: {} }, ['spec.cidrs: Required value: at least one CIDR required']],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['-dash'] } },
      [`spec.cidrs[0]: Invalid value: "-dash": ${cidr}`],
    ],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/24', '10.1.0.0/24'] } },
      [
        'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
    [
      'RuntimeClass',
      { handler: 'h', overhead: { podFixed: { a: '1' } } },
      [
        'overhead.limits[a]: Invalid value: "a": must be a standard resource type or fully qualified',
        'overhead.limits[a]: Invalid value: "a": must be a standard resource for containers',
      ],
    ],
    ['MutatingAdmissionPolicyBinding', { spec: {} }, ['spec.policyName: Required value']],
    [
      'Role',
      { rules: [{ resources: ['pods'] }] },
      [
        'rules[0].verbs: Required value: verbs must contain at least one value',
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      ],
    ],
    [
      'Ingress',
      { spec: { defaultBackend: { resource: { kind: '', name: 'n' } } } },
      ['spec.defaultBackend.resource.kind: Required value'],
    ],
  ])('%s %j', async (kind, fields, expected) => {
    const { status, json } = await server.send('POST', urls[kind] ?? '', {
      metadata: { name: 'bad' },
      ...fields,
    });
    expect([status, causes(json)]).toEqual([422, expected]);
  });
});

describe('what upstream refuses to change', () => {
  test.each<[string, object, object, string[]]>([
    [
      'CSINode',
      { spec: { drivers: [{ name: 'a', nodeID: 'n' }] } },
      { spec: { drivers: [{ name: 'a', nodeID: 'm' }] } },
      [
        'spec.drivers: Invalid value: {"Name":"a","NodeID":"m","TopologyKeys":null,"Allocatable":null}: field is immutable',
      ],
    ],
    [
      'VolumeAttributesClass',
      { driverName: 'd', parameters: { a: '1' } },
      { driverName: 'e', parameters: { a: '2' } },
      [
        'driverName: Forbidden: updates to driverName are forbidden.',
        'parameters: Forbidden: updates to parameters are forbidden.',
      ],
    ],
    [
      'StorageClass',
      { provisioner: 'p' },
      { provisioner: 'p', reclaimPolicy: 'Recycle' },
      [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'reclaimPolicy: Invalid value: "Recycle": field is immutable',
      ],
    ],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/24'] } },
      { spec: { cidrs: ['10.1.0.0/24'] } },
      ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'],
    ],
    [
      'RuntimeClass',
      { handler: 'h' },
      { handler: '/' },
      [
        "handler: Invalid value: \"/\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        'handler: Invalid value: "/": field is immutable',
      ],
    ],
  ])('%s %j to %j', async (kind, before, after, expected) => {
    const url = urls[kind] ?? '';
    const { json: created } = await server.send('POST', url, {
      metadata: { name: 'a' },
      ...before,
    });
    const { metadata } = created as { metadata: object };
    const { status, json } = await server.send('PUT', `${url}/a`, { ...after, metadata });
    expect([status, causes(json)]).toEqual([422, expected]);
  });
});

test('flow control counts changes of its spec', async () => {
  const url = urls['FlowSchema'] ?? '';
  const spec = { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 5 };
  const { json } = await server.send('POST', url, { metadata: { name: 'f' }, spec });
  const changed = await server.send(
    'PATCH',
    `${url}/f`,
    { spec: { matchingPrecedence: 6 } },
    { 'content-type': 'application/merge-patch+json' },
  );
  const generationOf = (object: unknown): number =>
    (object as { metadata: { generation: number } }).metadata.generation;
  expect([generationOf(json), generationOf(changed.json)]).toEqual([1, 2]);
});

test('events are selected by the words of either group', async () => {
  const events = 'namespaces/default/events';
  const event = (name: string, about: string): object => ({
    metadata: { name, namespace: 'default' },
    involvedObject: { kind: 'Pod', name: about, namespace: 'default' },
    reason: 'Seen',
    type: 'Normal',
    source: { component: 'tester' },
  });
  for (const [name, about] of [
    ['one', 'p'],
    ['two', 'q'],
  ] as const)
    expect((await server.send('POST', `/api/v1/${events}`, event(name, about))).status).toBe(201);
  const names = async (path: string, selector: string): Promise<unknown> => {
    const { json } = await server.send('GET', `${path}/${events}?fieldSelector=${selector}`);
    return (json as { items: { metadata: { name: string } }[] }).items.map(
      ({ metadata }) => metadata.name,
    );
  };
  const [old, now] = ['/api/v1', '/apis/events.k8s.io/v1'];
  expect(await names(old, 'involvedObject.name=p')).toEqual(['one']);
  expect(await names(old, 'source=tester')).toEqual(['one', 'two']);
  expect(await names(now, 'regarding.name=q,regarding.kind=Pod')).toEqual(['two']);
  expect(await names(now, 'reason=Seen')).toEqual(['one', 'two']);
});
