import { describe, expect, test } from 'vitest';
import { seededRandom } from '#core/base';
import { compileDeviceSelector } from '#core/kube';
import { allocatedState } from '../../../../../../src-main/core/kube/scheduler/devices/allocated-state.ts';
import {
  DeviceAllocator,
  type AllocatorOptions,
} from '../../../../../../src-main/core/kube/scheduler/devices/allocator.ts';
import type {
  DeviceClaimView,
  SliceView,
} from '../../../../../../src-main/core/kube/scheduler/devices/types.ts';

type Json = Record<string, unknown>;

const driver = 'gpu.example.com';
const onNode = { metadata: { name: 'n1', labels: { zone: 'a' } } } as never;

const slice = (name: string, devices: Json[], spec: Json = {}): SliceView =>
  ({
    metadata: { name },
    spec: {
      driver,
      nodeName: 'n1',
      pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
      devices,
      ...spec,
    },
  }) as never;
const pool = (name: string, generation = 1, resourceSliceCount = 1): Json => ({
  pool: { name, generation, resourceSliceCount },
});
const claim = (devices: Json, name = 'c'): DeviceClaimView =>
  ({ metadata: { name, namespace: 'ns' }, spec: { devices } }) as never;
const exactly = (name: string, more: Json = {}): Json => ({
  name,
  exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...more },
});
const where = (expression: string): Json => ({ selectors: [{ cel: { expression } }] });
const own = `device.attributes["${driver}"]`;
const int = (values: Record<string, number>): Json =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { int: value }]));

interface Case {
  readonly slices: readonly SliceView[];
  readonly claims: readonly DeviceClaimView[];
  readonly taken?: readonly Json[];
}

function allocate({ slices, claims, taken = [] }: Case): ReturnType<DeviceAllocator['allocate']> {
  const options: AllocatorOptions = {
    slices,
    allocated: allocatedState([{ devices: { results: taken as never } }]),
    random: seededRandom('devices'),
    classOf: (name) =>
      name === 'gpu'
        ? ({ metadata: { name }, spec: { selectors: [{ cel: { expression: 'true' } }] } } as never)
        : undefined,
    compileSelector: compileDeviceSelector,
  };
  return new DeviceAllocator(options).allocate(onNode, claims);
}

/** `request=pool/device` of each claim. */
const names = (results: ReturnType<typeof allocate>): string[][] | undefined =>
  results?.map(({ devices }) =>
    (devices?.results ?? []).map(({ request, pool, device }) => `${request}=${pool}/${device}`),
  );
const took = (device: string, more: Json = {}): Json => ({ driver, pool: 'p', device, ...more });
const abc = slice('s', [
  { name: 'a', attributes: int({ numa: 0, index: 0 }) },
  { name: 'b', attributes: int({ numa: 1, index: 1 }) },
  { name: 'c', attributes: int({ numa: 1, index: 2 }) },
]);

describe('devices are taken in order', () => {
  test.each<Case & { why: string; got: string[][] | undefined }>([
    {
      why: 'the first',
      slices: [abc],
      claims: [claim({ requests: [exactly('r')] })],
      got: [['r=p/a']],
    },
    {
      why: 'what others have is left out',
      slices: [abc],
      taken: [took('a')],
      claims: [claim({ requests: [exactly('r')] })],
      got: [['r=p/b']],
    },
    {
      why: 'what is looked at with admin access is free',
      slices: [abc],
      taken: [took('a', { adminAccess: true })],
      claims: [claim({ requests: [exactly('r')] })],
      got: [['r=p/a']],
    },
    {
      why: 'pools by name, slices by name',
      slices: [
        slice('z', [{ name: 'd' }], pool('q', 1, 2)),
        slice('y', [{ name: 'e' }], pool('q', 1, 2)),
        slice('x', [{ name: 'f' }], pool('r')),
      ],
      claims: [claim({ requests: [exactly('r', { count: 3 })] })],
      got: [['r=q/e', 'r=q/d', 'r=r/f']],
    },
    {
      why: 'two claims share nothing',
      slices: [abc],
      claims: [
        claim({ requests: [exactly('r', { count: 2 })] }, 'one'),
        claim({ requests: [exactly('r')] }, 'two'),
      ],
      got: [['r=p/a', 'r=p/b'], ['r=p/c']],
    },
    {
      why: 'too many are not to be had',
      slices: [abc],
      claims: [claim({ requests: [exactly('r', { count: 4 })] })],
      got: undefined,
    },
    {
      why: 'an earlier choice is undone for a later request',
      slices: [abc],
      claims: [
        claim({
          requests: [exactly('any'), exactly('first', where(`${own}.index == 0`))],
        }),
      ],
      got: [['any=p/b', 'first=p/a']],
    },
    {
      why: 'all of a kind, or nothing',
      slices: [abc],
      claims: [
        claim({
          requests: [
            {
              name: 'r',
              exactly: {
                deviceClassName: 'gpu',
                allocationMode: 'All',
                ...where(`${own}.numa == 1`),
              },
            },
          ],
        }),
      ],
      got: [['r=p/b', 'r=p/c']],
    },
    {
      why: 'one value of an attribute',
      slices: [abc],
      claims: [
        claim({
          requests: [exactly('r', { count: 2 })],
          constraints: [{ matchAttribute: `${driver}/numa` }],
        }),
      ],
      got: [['r=p/b', 'r=p/c']],
    },
    {
      why: 'another value for each request',
      slices: [abc],
      claims: [
        claim({
          requests: [exactly('x', where(`${own}.index > 0`)), exactly('y')],
          constraints: [{ requests: ['x', 'y'], distinctAttribute: `${driver}/numa` }],
        }),
      ],
      got: [['x=p/b', 'y=p/a']],
    },
    {
      why: 'the first alternative that fits',
      slices: [abc],
      claims: [
        claim({
          requests: [
            {
              name: 'r',
              firstAvailable: [
                { name: 'many', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 5 },
                { name: 'two', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 },
              ],
            },
          ],
        }),
      ],
      got: [['r/two=p/a', 'r/two=p/b']],
    },
    {
      why: 'an old generation is as good as gone',
      slices: [slice('old', [{ name: 'a' }]), slice('new', [{ name: 'b' }], pool('p', 2))],
      claims: [claim({ requests: [exactly('r')] })],
      got: [['r=p/b']],
    },
    {
      why: 'nothing of a pool that is being written',
      slices: [slice('s', [{ name: 'a' }], pool('p', 1, 2))],
      claims: [claim({ requests: [exactly('r')] })],
      got: undefined,
    },
    {
      why: 'a taint needs a toleration',
      slices: [
        slice('s', [
          { name: 'a', taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] },
          { name: 'b', taints: [{ key: 'k', effect: 'None' }] },
        ]),
      ],
      claims: [
        claim({
          requests: [exactly('r'), exactly('t', { tolerations: [{ key: 'k', value: 'v' }] })],
        }),
      ],
      got: [['r=p/b', 't=p/a']],
    },
    {
      why: 'counters are shared by the devices of a pool',
      slices: [
        slice('c', [], {
          ...pool('p', 1, 2),
          devices: undefined,
          sharedCounters: [{ name: 'card', counters: { memory: { value: '40Gi' } } }],
        }),
        slice(
          's',
          ['30Gi', '20Gi', '10Gi'].map((value, i) => ({
            name: `d${i}`,
            consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }],
          })),
          pool('p', 1, 2),
        ),
      ],
      claims: [claim({ requests: [exactly('r', { count: 2 })] })],
      got: [['r=p/d0', 'r=p/d2']],
    },
    {
      why: 'devices with a place of their own',
      slices: [
        slice(
          's',
          [
            { name: 'a', nodeName: 'n2' },
            {
              name: 'b',
              nodeSelector: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] },
                ],
              },
            },
          ],
          { nodeName: undefined, perDeviceNodeSelection: true },
        ),
      ],
      claims: [claim({ requests: [exactly('r')] })],
      got: [['r=p/b']],
    },
  ])('$why', ({ got, ...given }) => {
    expect(names(allocate(given))).toEqual(got);
  });

  test('a shared device is taken in parts, as far as its policy rounds them', () => {
    const shared = slice('s', [
      {
        name: 'card',
        allowMultipleAllocations: true,
        capacity: {
          memory: {
            value: '10Gi',
            requestPolicy: { default: '1Gi', validRange: { min: '1Gi', step: '1Gi' } },
          },
        },
      },
    ]);
    const asks = (memory: string): Json => exactly('r', { capacity: { requests: { memory } } });
    const taken = [took('card', { shareID: 'x', consumedCapacity: { memory: '4Gi' } })];
    const claims = (memory: string) => [claim({ requests: [asks(memory)] })];
    const found = allocate({ slices: [shared], taken, claims: claims('5500Mi') });
    expect(found?.[0]?.devices?.results?.[0]).toMatchObject({
      device: 'card',
      consumedCapacity: { memory: '6Gi' },
      shareID: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    expect(allocate({ slices: [shared], taken, claims: claims('6500Mi') })).toBeUndefined();
  });

  test('where the devices are to be used', () => {
    const zone = { key: 'zone', operator: 'In', values: ['a'] };
    const zonal = slice('z', [{ name: 'd' }], {
      ...pool('q'),
      nodeName: undefined,
      nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [zone] }] },
    });
    const everywhere = slice('e', [{ name: 'e' }], {
      ...pool('r'),
      nodeName: undefined,
      allNodes: true,
    });
    const selectorOf = (slices: SliceView[], count: number) =>
      allocate({ slices, claims: [claim({ requests: [exactly('r', { count })] })] })?.[0]
        ?.nodeSelector;
    expect(selectorOf([everywhere], 1)).toBeUndefined();
    expect(selectorOf([everywhere, zonal], 2)).toEqual({
      nodeSelectorTerms: [{ matchExpressions: [zone] }],
    });
    expect(selectorOf([everywhere, zonal, slice('s', [{ name: 'x' }])], 3)).toEqual({
      nodeSelectorTerms: [
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
      ],
    });
  });
});

test.each([
  [
    'a selector that fails',
    [claim({ requests: [exactly('r', where(`${own}.none`))] })],
    'claim ns/c: selector #0: CEL runtime error: no such key: none',
  ],
  [
    'a class that went',
    [claim({ requests: [{ name: 'r', exactly: { deviceClassName: 'gone' } }] })],
    'claim ns/c, request r: could not retrieve device class gone: deviceclass.resource.k8s.io "gone" not found',
  ],
  [
    'more than a claim can hold',
    [claim({ requests: [exactly('r', { count: 33 })] })],
    'claim ns/c: number of requested devices 33 exceeds the claim limit of 32',
  ],
  [
    'all of them against a constraint',
    [
      claim({
        requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }],
        constraints: [{ matchAttribute: `${driver}/numa` }],
      }),
    ],
    'claim ns/c, request r: cannot add device gpu.example.com/p/b because a claim constraint would not be satisfied',
  ],
])('%s ends the search', (_why, claims, message) => {
  expect(() => allocate({ slices: [abc], claims })).toThrow(message);
});

test('all devices are not to be had of a pool that is being written', () => {
  const part = slice('s', [{ name: 'a' }], pool('p', 1, 2));
  const claims = [
    claim({
      requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }],
    }),
  ];
  expect(() => allocate({ slices: [part], claims })).toThrow(
    'claim ns/c, request r: asks for all devices, but resource pool gpu.example.com/p is currently being updated',
  );
});

test('a pool whose devices contradict each other is told of', () => {
  const twice = ['x', 'y'].map((name) => slice(name, [{ name: 'a' }], pool('p', 1, 2)));
  expect(() => allocate({ slices: twice, claims: [claim({ requests: [exactly('r')] })] })).toThrow(
    'invalid resource pools were encountered',
  );
});
