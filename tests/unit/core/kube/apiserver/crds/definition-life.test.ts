import { describe, expect, test } from 'vitest';
import { TestState } from '#tests/server-state';
import { customResourceDefinitionStrategy } from '../../../../../../src-main/core/kube/apiserver/crds/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';
import { backups, established, nowMs, serve, texts } from './served.ts';

describe('definitions', () => {
  const broken = (
    change: (crd: KubeObject & { spec: Record<string, unknown> }) => void,
  ): string[] => {
    const crd = backups() as KubeObject & { spec: Record<string, unknown> };
    change(crd);
    customResourceDefinitionStrategy.defaults?.(crd);
    customResourceDefinitionStrategy.prepareForCreate?.(crd, { nowMs });
    const { nameRule } = customResourceDefinitionStrategy;
    const name = crd.metadata.name ?? '';
    const faults = typeof nameRule === 'function' ? nameRule(name, crd) : [];
    return [
      ...faults.map((why) => `metadata.name: Invalid value: ${JSON.stringify(name)}: ${why}`),
      ...texts(customResourceDefinitionStrategy.validate?.(crd, { nowMs })),
    ];
  };

  test.each<[string, (crd: KubeObject & { spec: Record<string, unknown> }) => void, string[]]>([
    ['good', () => undefined, []],
    [
      'name',
      (crd) => void (crd.metadata.name = 'x'),
      ['metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'scope',
      (crd) => void (crd.spec['scope'] = 'World'),
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'a field without type',
      (crd) =>
        void (crd.spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } },
          },
        ]),
      [
        'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
      ],
    ],
    [
      'no schema',
      (crd) => void (crd.spec['versions'] = [{ name: 'v1', served: true, storage: true }]),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
  ])('%s', (_why, change, errors) => {
    expect(broken(change)).toEqual(errors);
  });

  test('become established when their names are free', () => {
    const state = new TestState();
    expect(established(state, backups())['status']).toEqual({
      acceptedNames: {
        plural: 'backups',
        singular: 'backup',
        shortNames: ['bk'],
        kind: 'Backup',
        listKind: 'BackupList',
        categories: ['all'],
      },
      conditions: [
        {
          lastTransitionTime: '2026-01-01T10:00:00Z',
          type: 'NamesAccepted',
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
        },
        {
          lastTransitionTime: '2026-01-01T10:00:00Z',
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
      ],
      storedVersions: ['v1'],
    });
    const second = backups();
    second.metadata.name = 'saves.g.example.com';
    second['spec'] = {
      ...(second['spec'] as object),
      names: { plural: 'saves', kind: 'Save', shortNames: ['bk'] },
    };
    expect(established(state, second)['status']).toMatchObject({
      conditions: [
        {
          type: 'NamesAccepted',
          status: 'False',
          reason: 'ShortNamesConflict',
          message: '"bk" is already in use',
        },
        {
          type: 'Established',
          status: 'False',
          reason: 'NotAccepted',
          message: 'not all names are accepted',
        },
      ],
    });
  });

  test('remember where objects were stored', () => {
    const old = established(new TestState(), backups());
    const draft = backups() as KubeObject & { spec: { versions: Record<string, unknown>[] } };
    const [v1] = draft.spec.versions;
    draft.spec.versions = [{ ...v1, name: 'v2' }];
    customResourceDefinitionStrategy.prepareForUpdate?.(draft, old, { nowMs });
    expect(draft['status']).toMatchObject({ storedVersions: ['v1', 'v2'] });
    expect(
      texts(customResourceDefinitionStrategy.validateUpdate?.(draft, old, { nowMs })),
    ).toContain(
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    );
  });

  test('are marked before they go', () => {
    const crd = established(new TestState(), backups());
    customResourceDefinitionStrategy.beginDelete?.(crd, { nowMs });
    expect(crd.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    expect(crd['status']).toMatchObject({
      conditions: [
        {},
        {},
        { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending' },
      ],
    });
  });
});

test('a deprecated version says so, in its own words or with the newest that is not', () => {
  const crd = backups();
  const [v1] = (crd as unknown as { spec: { versions: object[] } }).spec.versions;
  const old = { ...v1, storage: false, deprecated: true };
  (crd as unknown as { spec: { versions: object[] } }).spec.versions = [
    { ...v1, name: 'v1' },
    { ...old, name: 'v1beta1' },
    { ...old, name: 'v1alpha1', deprecationWarning: 'g.example.com/v1alpha1 goes in v2' },
    { ...old, name: 'v2alpha1', deprecated: false },
    { ...old, name: 'v2' },
  ];
  const { registry } = serve(crd);
  expect(registry.resources().map((info) => [info.version, registry.deprecationOf(info)])).toEqual([
    ['v1', undefined],
    ['v1alpha1', 'g.example.com/v1alpha1 goes in v2'],
    ['v1beta1', 'g.example.com/v1beta1 Backup is deprecated; use g.example.com/v1 Backup'],
    ['v2', 'g.example.com/v2 Backup is deprecated'],
    ['v2alpha1', undefined],
  ]);
});
