import { expect, test } from 'vitest';
import { shareEqual } from '#core/base';

const old = { spec: { a: [1, { b: 2 }], c: 'x' }, status: { phase: 'Pending' } };

test('versions share the parts that are equal', () => {
  const now = { spec: { a: [1, { b: 2 }], c: 'x' }, status: { phase: 'Running' } };
  const shared = shareEqual(old, now);
  expect(shared).toEqual(now);
  expect(shared.spec).toBe(old.spec);
  expect(now.spec).not.toBe(old.spec);
});

test('within a list the equal items are shared', () => {
  const now = { spec: { a: [1, { b: 2 }, 3], c: 'x' } };
  const shared = shareEqual(old, now);
  expect(shared).toEqual(now);
  expect(shared.spec.a[1]).toBe(old.spec.a[1]);
});

test('what is wholly equal is the old value', () => {
  expect(shareEqual(old, structuredClone(old))).toBe(old);
  expect(shareEqual({ a: [] }, { a: [] })).toEqual({ a: [] });
});

test.each([
  ['a field less', { a: 1, b: 2 }, { a: 1 }],
  ['a field more', { a: 1 }, { a: 1, b: undefined }],
  ['a shorter list', [1, 2], [1]],
  ['a longer list', [1], [1, 2]],
  ['a list for an object', { 0: 1 }, [1]],
  ['an object for a list', [1], { 0: 1 }],
  ['null for an object', {}, null],
  ['an object for null', null, {}],
  ['a field that every object has', {}, { constructor: Object.prototype.constructor }],
])('%s is a difference', (_name, before, now) => {
  expect(shareEqual<unknown>(before, now)).toBe(now);
});
