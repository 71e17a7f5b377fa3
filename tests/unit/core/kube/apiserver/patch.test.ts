import { beforeEach, describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { type Answer, type TestServer, testServer } from './server.ts';

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const d = `${deployments}/d`;
const maps = '/api/v1/namespaces/default/configmaps';
const m = `${maps}/m`;

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'd' } },
    template: {
      metadata: { labels: { app: 'd' } },
      spec: { containers: [{ name: 'a', image: 'nginx:1' }] },
    },
  },
};
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'm', namespace: 'default' },
  data: { a: '1', b: '2' },
};

let server: TestServer;
const patch = (type: keyof typeof types, url: string, body: unknown): Promise<Answer> =>
  server.send('PATCH', url, JSON.stringify(body), { 'content-type': types[type] });
interface Shown {
  readonly metadata: { readonly managedFields?: readonly Readonly<Record<string, unknown>>[] };
}
/** Who owns what, without times. */
const owners = ({ json }: Answer): unknown[][] =>
  ((json as Shown).metadata.managedFields ?? []).map((entry) => [
    entry['manager'],
    entry['operation'],
    entry['subresource'] ?? '',
    entry['fieldsV1'],
  ]);

beforeEach(async () => {
  server = testServer([], { strategyFor });
  await server.send('POST', `${deployments}?fieldManager=first`, deployment);
  await server.send('POST', `${maps}?fieldManager=first`, configMap);
});

test("a patch of a pod's status leaves the spec of the version before, with all its defaults", async () => {
  const url = '/api/v1/namespaces/default/pods';
  const limits = { cpu: '1', memory: '1Gi' };
  const spec = {
    serviceAccountName: 'default',
    resources: { limits: { cpu: '2' } },
    containers: [{ name: 'c', image: 'nginx', resources: { limits } }],
  };
  await server.send('POST', url, { metadata: { name: 'p' }, spec });
  const specOf = (): unknown => server.store.get('/registry/pods/default/p')?.value.object['spec'];
  const before = specOf();
  const { status, json } = await patch('strategic', `${url}/p/status`, {
    spec: { priority: 3 },
    status: { message: 'here' },
  });
  expect([status, json.status.message, json.spec.priority]).toEqual([200, 'here', undefined]);
  await patch('merge', `${url}/p/status`, { status: { message: 'there' } });
  expect(specOf()).toBe(before);
});

describe('bodies that are no patch', () => {
  const decoding = 'error decoding patch: ';
  test.each([
    [
      'json',
      '',
      {},
      `${decoding}json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp`,
    ],
    [
      'json',
      '?fieldValidation=Ignore',
      {},
      'json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    ],
    [
      'json',
      '',
      [1],
      `${decoding}json: cannot unmarshal number into Go value of type handlers.jsonPatchOp`,
    ],
    [
      'merge',
      '',
      [],
      `${decoding}json: cannot unmarshal array into Go value of type map[string]interface {}`,
    ],
    ['merge', '', null, 'Invalid JSON Patch'],
    ['merge', '?fieldValidation=Ignore', 3, 'Invalid JSON Patch'],
    [
      'strategic',
      '',
      [],
      'json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    ['strategic', '', { data: { $retainKeys: 'a' } }, 'invalid patch format of retainKeys'],
    [
      'strategic',
      '',
      { data: { a: '1', $retainKeys: ['b'] } },
      'invalid patch format of retainKeys',
    ],
    [
      'apply',
      '?fieldManager=x',
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'm' } },
      'invalid object type: /v1, Kind=Pod',
    ],
    [
      'apply',
      '?fieldManager=x',
      { ...configMap, metadata: { name: 'm', managedFields: [] } },
      'metadata.managedFields must be nil',
    ],
  ] as const)('%s%s %j', async (type, query, body, message) => {
    const { status, json } = await patch(type, m + query, body);
    expect([status, json.message]).toEqual([400, message]);
  });

  test('operations with fields of their own are warned of', async () => {
    const { headers } = await patch('json', m, [
      { op: 'add', path: '/data/x', value: '1', extra: 1 },
    ]);
    expect(headers['warning']).toBe('299 - "json patch unknown field \\"[0].extra\\""');
  });

  test('a missing object is told before a body that cannot be read', async () => {
    const { status } = await patch('json', `${maps}/none`, {});
    expect(status).toBe(404);
  });
});

describe('JSON and merge patches', () => {
  test('a key that is not there is copied as null', async () => {
    const { status, json } = await patch('json', m, [
      { op: 'copy', from: '/data/none', path: '/data/c' },
    ]);
    expect([status, json.data]).toEqual([200, { a: '1', b: '2', c: '' }]);
  });

  test('fields nobody knows are listed in order', async () => {
    const { headers } = await patch('merge', m, { zeta: 1, alpha: 1 });
    expect(headers['warning']).toBe(
      '299 - "unknown field \\"alpha\\"", 299 - "unknown field \\"zeta\\""',
    );
  });

  test('a version that the patch takes out has to be there where updates need one', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    await server.send('POST', leases, { metadata: { name: 'l' }, spec: {} });
    const { status, json } = await patch('json', `${leases}/l`, [
      { op: 'remove', path: '/metadata/resourceVersion' },
    ]);
    expect([status, json.message]).toEqual([
      422,
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
  });

  test('the type of a field is named as Go names it', async () => {
    const { json } = await patch('merge', d, {
      spec: { template: { spec: { restartPolicy: 3 } } },
    });
    expect(json.message).toMatch(
      /json: cannot unmarshal number into Go struct field PodSpec\.spec\.template\.spec\.restartPolicy of type v1\.RestartPolicy$/,
    );
  });
});

describe('what Go writes for fields that are not set', () => {
  test('zero values are left out, and do not come to be owned', async () => {
    const { json } = await patch('apply', `${d}?fieldManager=x&force=true`, {
      ...deployment,
      spec: { ...deployment.spec, minReadySeconds: 0, paused: false },
    });
    expect(json.spec).not.toHaveProperty('minReadySeconds');
    expect(json.spec).not.toHaveProperty('paused');
  });

  test('others are always written', async () => {
    const { json } = await patch('merge', `${d}/status`, {
      status: { conditions: [{ type: 'Mine', status: 'True' }] },
    });
    expect(json.status.conditions).toEqual([
      { type: 'Mine', status: 'True', lastUpdateTime: null, lastTransitionTime: null },
    ]);
    const node = await server.send('POST', '/api/v1/nodes', {
      metadata: { name: 'n' },
      spec: { unschedulable: false },
    });
    expect(node.json.spec).toEqual({});
    expect(node.json.status.daemonEndpoints).toEqual({ kubeletEndpoint: { Port: 0 } });
  });
});

describe('strategic merge patches', () => {
  const strategic = (spec: unknown): Promise<Answer> =>
    patch('strategic', d, { spec: { template: { spec } } });
  const b = { name: 'b', image: 'nginx:2' };

  test.each([
    ['what is new comes first', { containers: [b] }, ['b', 'a']],
    ['an order of its own', { $setElementOrder: ['b', 'a'], containers: [b] }, ['b', 'a']],
    ['a list of its own', { containers: [b, { $patch: 'replace' }] }, ['b']],
    [
      'a directive in what is new takes the item away',
      { volumes: [{ name: 'v', $patch: 'delete' }] },
      ['a'],
    ],
  ])('%s', async (_, { $setElementOrder, ...spec }: Record<string, unknown>, names) => {
    const order = ($setElementOrder as string[] | undefined)?.map((name) => ({ name }));
    const { json } = await strategic(
      order ? { ...spec, '$setElementOrder/containers': order } : spec,
    );
    const { containers } = json.spec.template.spec as { containers: { name: string }[] };
    expect(containers.map(({ name }) => name)).toEqual(names);
    expect(json.spec.template.spec).not.toHaveProperty('volumes');
  });

  test.each([
    [
      { '$setElementOrder/containers': [{ name: 'a' }], containers: [b] },
      "The order in patch list:\n[map[image:nginx:2 name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ],
    [
      { containers: [{ image: 'x' }] },
      'map: map[image:x] does not contain declared merge key: name',
    ],
    [{ securityContext: { $patch: 'junk' } }, 'unknown patch type: junk in map: map[$patch:junk]'],
    [
      { containers: [{ name: 'a', $patch: 'merge' }] },
      'merging lists cannot yet be specified in the patch',
    ],
  ])('%j is refused', async (spec, message) => {
    const { status, json } = await strategic(spec);
    expect([status, json.message]).toEqual([500, message]);
  });

  test('a directive in what the object does not have stays and is warned of', async () => {
    const { headers } = await strategic({
      securityContext: { seccompProfile: { type: 'RuntimeDefault', $retainKeys: ['type'] } },
    });
    expect(headers['warning']).toBe(
      '299 - "unknown field \\"spec.template.spec.securityContext.seccompProfile.$retainKeys\\""',
    );
  });
});

describe('field managers', () => {
  const labels = { 'f:labels': { '.': {}, 'f:a': {} } };

  test('an object nobody owns stays so until it is applied', async () => {
    await patch('merge', m, { metadata: { managedFields: [{}] } });
    const updated = await patch('merge', `${m}?fieldManager=x`, { data: { c: '3' } });
    expect(owners(updated)).toEqual([]);
    const applied = await patch('apply', `${m}?fieldManager=y`, { ...configMap, data: { d: '4' } });
    expect(owners(applied)).toEqual([
      ['y', 'Apply', '', { 'f:data': { 'f:d': {} } }],
      [
        'before-first-apply',
        'Update',
        '',
        { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {}, 'f:c': {} } },
      ],
    ]);
  });

  test.each([
    ['an empty list resets', [], []],
    [
      'entries without a type of fields are not taken',
      [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:metadata': labels } }],
      ['first'],
    ],
    [
      'elements of unknown kinds are left out',
      [
        {
          manager: 'x',
          operation: 'Update',
          apiVersion: 'v1',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'q:bad': {} },
        },
      ],
      [],
    ],
    [
      'versions nobody knows are forgotten',
      [
        {
          manager: 'x',
          operation: 'Update',
          apiVersion: 'v0',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': labels },
        },
      ],
      [],
    ],
  ])('%s', async (_, managedFields, managers) => {
    const answer = await patch('merge', m, { metadata: { managedFields } });
    expect(owners(answer).map(([manager]) => manager)).toEqual(managers);
  });

  test('what an applier no longer names goes unless somebody else owns it', async () => {
    await patch('apply', `${m}?fieldManager=x&force=true`, {
      ...configMap,
      metadata: { name: 'm', labels: { a: '1' } },
      data: { a: '1', c: '3' },
    });
    const { json } = await patch('apply', `${m}?fieldManager=x`, {
      ...configMap,
      data: { a: '1' },
    });
    expect([json.data, json.metadata.labels]).toEqual([{ a: '1', b: '2' }, undefined]);
  });

  test('conflicts list the members of a level before what is below', async () => {
    const { status, json } = await patch('apply', `${d}?fieldManager=x`, {
      ...deployment,
      spec: {
        ...deployment.spec,
        replicas: 5,
        template: {
          ...deployment.spec.template,
          spec: { dnsPolicy: 'Default', containers: [{ name: 'a', image: 'nginx:9' }] },
        },
      },
    });
    expect([status, json.message]).toEqual([
      409,
      'Apply failed with 3 conflicts: conflicts with "first" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.dnsPolicy\n- .spec.template.spec.containers[name="a"].image',
    ]);
  });

  test.each([
    [
      { containers: [null] },
      '.spec.template.spec.containers: element 0: associative list with keys may not have a null element',
    ],
    [{ containers: 3 }, '.spec.template.spec.containers: expected list, got &{3}'],
    [
      { nodeName: 3 },
      '.spec.template.spec.nodeName: expected string, got &value.valueUnstructured{Value:3}',
    ],
    [
      { priority: 'x' },
      '.spec.template.spec.priority: expected numeric (int or float), got string',
    ],
    [{ unknown: 1 }, '.spec.template.spec.unknown: field not declared in schema'],
  ])('%j does not fit the schema', async (spec, problem) => {
    const { status, json } = await patch('apply', `${d}?fieldManager=x`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: { spec } },
    });
    expect([status, json.message]).toEqual([
      500,
      `failed to create typed patch object (/d; apps/v1, Kind=Deployment): ${problem}`,
    ]);
  });

  test('a status does not come to own labels that it cannot write', async () => {
    const answer = await patch('merge', `${d}/status?fieldManager=x`, {
      metadata: { labels: { a: '1' } },
      status: { replicas: 1 },
    });
    expect(owners(answer)).toContainEqual([
      'x',
      'Update',
      'status',
      { 'f:status': { 'f:replicas': {} } },
    ]);
    expect(owners(answer)).not.toContainEqual(
      expect.arrayContaining([{ 'f:metadata': expect.anything() }]),
    );
  });
});

describe('scale', () => {
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' } };

  test('applies conflict with who owns the replicas, and take them with force', async () => {
    const refused = await patch('apply', `${d}/scale?fieldManager=x`, {
      ...scale,
      spec: { replicas: 3 },
    });
    expect([refused.status, refused.json.message]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "first" using autoscaling/v1: .spec.replicas',
    ]);
    const { json } = await patch('apply', `${d}/scale?fieldManager=x&force=true`, {
      ...scale,
      spec: { replicas: 3 },
    });
    expect(json.spec).toEqual({ replicas: 3 });
    const after = await server.send('GET', d);
    expect(owners(after)).toContainEqual([
      'x',
      'Apply',
      'scale',
      { 'f:spec': { 'f:replicas': {} } },
    ]);
  });

  test('its fields are typed and unknown ones told', async () => {
    const typed = await patch('merge', `${d}/scale`, { spec: { replicas: 'x' } });
    expect(typed.status).toBe(422);
    expect(typed.json.message).toMatch(
      /json: cannot unmarshal string into Go struct field ScaleSpec\.spec\.replicas of type int32$/,
    );
    const warned = await patch('merge', `${d}/scale`, { spec: { $patch: 'x' } });
    expect(warned.headers['warning']).toBe('299 - "unknown field \\"spec.$patch\\""');
  });
});
