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
  expect(await create({})).toMatchObject({
    spec: {
      names: { singular: 'backup', listKind: 'BackupList' },
      conversion: { strategy: 'None' },
    },
  });
});
