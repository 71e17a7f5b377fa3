import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
});
afterAll(() => plane.stop());

const definition = (spec: object): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'backups.g.example.com' },
  spec: {
    group: 'g.example.com',
    scope: 'Namespaced',
    names: { plural: 'backups', kind: 'Backup' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
    ...spec,
  },
});

test('a server checks definitions and fills in their names', async () => {
  const crds = plane.client.resource('customresourcedefinitions.apiextensions.k8s.io');
  const create = (spec: object) => crds.create(definition(spec) as never);
  await expect(create({ scope: 'Everywhere' })).rejects.toThrow(
    'CustomResourceDefinition.apiextensions.k8s.io "backups.g.example.com" is invalid: spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"',
  );
  await expect(
    create({
      versions: [
        {
          name: 'v1',
          served: true,
          storage: false,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    }),
  ).rejects.toThrow(
    'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version',
  );
  const version = (spec: object) => ({
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  });
  const named = { type: 'object', properties: { a: { type: 'string' } } };
  await expect(
    create(version({ ...named, additionalProperties: { type: 'string' } })),
  ).rejects.toThrow(
    'spec.validation.openAPIV3Schema.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
  );
  const open = version({ ...named, additionalProperties: true });
  await plane.client.requestObject({
    method: 'POST',
    url: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All',
    object: definition(open),
  });
  expect(await create({})).toMatchObject({
    spec: {
      names: { singular: 'backup', listKind: 'BackupList' },
      conversion: { strategy: 'None' },
    },
  });
});

test('a definition goes when the last of its objects has gone', async () => {
  const url = '/apis/g.example.com/v1/namespaces/default/backups';
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.g.example.com';
  const request = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', at: string, object?: object) =>
    plane.client.requestObject({ method, url: at, ...(object ? { object } : {}) });
  const backup = (name: string) => ({
    apiVersion: 'g.example.com/v1',
    kind: 'Backup',
    metadata: { name, finalizers: ['g.example.com/keep'] },
  });
  await expect
    .poll(() => request('POST', url, backup('one')).catch(String))
    .toMatchObject({
      kind: 'Backup',
    });
  await request('DELETE', path);
  const terminating = async (): Promise<unknown> =>
    ((await request('GET', path))['status'] as { conditions: object[] }).conditions.at(-1);
  await expect.poll(terminating).toMatchObject({
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  });
  await expect(request('POST', url, backup('two'))).rejects.toThrow(
    'backups.g.example.com "two" is forbidden: create not allowed while custom resource definition is terminating',
  );
  const left = await request('GET', `${url}/one`);
  await request('PUT', `${url}/one`, { ...left, metadata: { ...left.metadata, finalizers: [] } });
  await expect
    .poll(() => request('GET', path).catch((error: unknown) => (error as Error).message), {
      timeout: 10_000,
    })
    .toBe('customresourcedefinitions.apiextensions.k8s.io "backups.g.example.com" not found');
});
