import { expect, test } from 'vitest';
import type { Endpoint } from '../../../../../src-main/core/kube/apis/index.ts';
import {
  addTopologyHints,
  cpuShares,
} from '../../../../../src-main/core/kube/controllers/endpointslice/topology-hints.ts';

const node = (zone: string, cpu: string, more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': zone, ...more } },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
  }) as Parameters<typeof cpuShares>[0][number];

const endpoints = (zones: string): Endpoint[] =>
  [...zones].map((zone, index) => ({
    addresses: [`10.0.0.${index}`],
    zone,
    conditions: { ready: true },
  }));

const hintsOf = (list: readonly Endpoint[]): string =>
  list.map(({ hints }) => hints?.forZones?.map(({ name }) => name).join('+') ?? '-').join(' ');

test('zones share endpoints by their CPUs', () => {
  const shares = cpuShares([node('a', '4'), node('b', '2'), node('c', '2')]);
  expect([...(shares ?? [])]).toEqual([
    ['a', 0.5],
    ['b', 0.25],
    ['c', 0.25],
  ]);
  const balanced = endpoints('aaaabbcc');
  expect(addTopologyHints(balanced, shares)).toBeUndefined();
  expect(hintsOf(balanced)).toBe('a a a a b b c c');
  const uneven = endpoints('bbbbbbcc');
  expect(addTopologyHints(uneven, shares)).toBeUndefined();
  expect(hintsOf(uneven)).toBe('a a a a b b c c');
});

test('only ready endpoints get hints', () => {
  const list = endpoints('aab');
  const [first] = list;
  if (first) first.conditions = { ready: false };
  expect(
    addTopologyHints(
      list,
      new Map([
        ['a', 0.5],
        ['b', 0.5],
      ]),
    ),
  ).toBeUndefined();
  expect(hintsOf(list)).toBe('- a b');
});

test('where it cannot be done fairly it is not done', () => {
  const halves = new Map([
    ['a', 0.5],
    ['b', 0.5],
  ]);
  const one = endpoints('a');
  expect(addTopologyHints(one, halves)).toBe(
    'Insufficient number of endpoints (1 endpoints, 2 zones)',
  );
  expect(hintsOf(one)).toBe('-');
  expect(addTopologyHints(endpoints('abb'), halves)).toBe(
    'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)',
  );
  expect(
    addTopologyHints(
      [{ addresses: ['1'], conditions: { ready: true } }, ...endpoints('a')],
      halves,
    ),
  ).toBe('One or more endpoints do not have a zone specified');
  const insufficient =
    'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  expect(addTopologyHints(endpoints('ab'), cpuShares([node('a', '4'), node('', '4')]))).toBe(
    insufficient,
  );
  expect(addTopologyHints(endpoints('ab'), cpuShares([node('a', '4')]))).toBe(insufficient);
  const controlPlane = { 'node-role.kubernetes.io/control-plane': '' };
  expect(cpuShares([node('', '4', controlPlane), node('a', '1'), node('b', '1')])?.size).toBe(2);
});
