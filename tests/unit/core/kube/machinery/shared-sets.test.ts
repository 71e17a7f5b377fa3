import { expect, test } from 'vitest';
import type { FieldSet } from '../../../../../src-main/core/kube/machinery/fields-v1.ts';
import { sharedSet } from '../../../../../src-main/core/kube/machinery/shared-sets.ts';

const member: FieldSet = {};
const status = (address: string): FieldSet => ({
  'f:status': {
    'f:podIPs': { '.': member, [`k:{"ip":"${address}"}`]: { 'f:ip': member, '.': member } },
    'f:phase': member,
    'f:conditions': { 'k:{"type":"Ready"}': { 'f:type': member, 'f:status': member } },
  },
});
const part = (set: FieldSet, ...path: readonly string[]): FieldSet | undefined =>
  path.reduce<FieldSet | undefined>((node, key) => node?.[key], set);

test('a shared set has the members of the set, its keys in order', () => {
  const set = status('10.0.0.1');
  expect(sharedSet(set)).toEqual(set);
  expect(JSON.stringify(sharedSet(set))).toBe(
    '{"f:status":{"f:conditions":{"k:{\\"type\\":\\"Ready\\"}":{"f:status":{},"f:type":{}}},"f:phase":{},"f:podIPs":{".":{},"k:{\\"ip\\":\\"10.0.0.1\\"}":{".":{},"f:ip":{}}}}}',
  );
});

test('equal sets are one object, and so are the equal parts of others', () => {
  const [one, two] = [sharedSet(status('10.0.0.1')), sharedSet(status('10.0.0.2'))];
  expect(sharedSet(status('10.0.0.1'))).toBe(one);
  expect(two).not.toBe(one);
  expect(part(two, 'f:status', 'f:conditions')).toBe(part(one, 'f:status', 'f:conditions'));
  expect(sharedSet({ 'f:x': part(one, 'f:status') ?? member })['f:x']).toBe(part(one, 'f:status'));
});

test('keys that look like two are told apart', () => {
  const sets: FieldSet[] = [
    { 'f:a': { 'f:b': member }, 'f:c': member },
    { 'f:a': { 'f:b': member, 'f:c': member } },
    { 'f:a': member, 'f:b': { 'f:c': member } },
    { 'f:a0;3:f:b': member },
    { 'f:a': member, 'f:b': member },
  ];
  for (const set of sets) expect(sharedSet(set)).toEqual(set);
  expect(new Set(sets.map(sharedSet)).size).toBe(sets.length);
});

test('more sets than are kept come out whole', () => {
  for (let index = 0; index < 10_000; index++) {
    const set = status(`10.0.${index >> 8}.${index & 255}`);
    if (index % 1000 === 999) expect(sharedSet(set)).toEqual(set);
    else sharedSet(set);
  }
  expect(sharedSet(status('10.0.0.1'))).toEqual(status('10.0.0.1'));
});
