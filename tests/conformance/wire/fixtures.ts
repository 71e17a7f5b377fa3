import { type Rows, configMaps, core, group, pods } from './row.ts';

/** What is there to be read: a namespace with a few objects, and a custom resource. */
export function fixtures({ create }: Rows): void {
  const labels = { wire: 'yes' };
  create('/api/v1/namespaces', { metadata: { name: 'wire', labels } });
  create(`${core}/serviceaccounts`, { metadata: { name: 'default' } });
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    create(configMaps, {
      metadata: { name, labels: { ...labels, name, ...(name < 'c' ? { early: '' } : {}) } },
      data: { key: name },
    });
  create(pods, {
    metadata: { name: 'p1', labels },
    spec: { containers: [{ name: 'c', image: 'nginx:1.27' }], nodeName: 'nowhere' },
  });
  create(pods, {
    metadata: { name: 'p2', labels },
    spec: { containers: [{ name: 'c', image: 'nginx:1.27' }], restartPolicy: 'Never' },
  });
  create(`${core}/secrets`, {
    metadata: { name: 's1', labels },
    type: 'example.com/t',
    stringData: { a: 'b' },
  });
  create(`${core}/events`, {
    metadata: { name: 'e1', labels },
    involvedObject: { kind: 'Pod', namespace: 'wire', name: 'p1' },
    reason: 'Because',
    message: 'so it is',
    type: 'Normal',
  });
  create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'things.wire.example.com' },
    spec: {
      group: 'wire.example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: { size: { type: 'integer' }, color: { type: 'string' } },
                },
              },
            },
          },
          selectableFields: [{ jsonPath: '.spec.color' }],
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size', description: 'How large' },
            { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          ],
        },
      ],
    },
  });
}

/** After the definition is established. */
export function customFixtures({ create }: Rows): void {
  for (const [name, color] of [
    ['t1', 'red'],
    ['t2', 'blue'],
  ] as const)
    create(`${group}/namespaces/wire/things`, {
      apiVersion: 'wire.example.com/v1',
      kind: 'Thing',
      metadata: { name, labels: { wire: 'yes' } },
      spec: { size: 3, color },
    });
}
