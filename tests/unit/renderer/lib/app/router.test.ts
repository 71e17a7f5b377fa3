import { expect, test } from 'vitest';
import { parseHash, Router } from '../../../../../src-renderer/lib/app/index.ts';

test.each([
  { hash: '', place: 'today', rest: [], why: 'nothing is Today' },
  { hash: '#/learn', place: 'learn', rest: [], why: 'a place' },
  { hash: '#/learn/etcd-backup/', place: 'learn', rest: ['etcd-backup'], why: 'a trailing slash' },
  { hash: '#/exam/report/a%2Fb', place: 'exam', rest: ['report', 'a/b'], why: 'decoded parts' },
  { hash: '#/exam/%E0%A4%A', place: 'exam', rest: ['%E0%A4%A'], why: 'broken escapes stay' },
  { hash: '#/nowhere/x', place: 'today', rest: [], why: 'no place of ours' },
])('$hash is $place $rest: $why', ({ hash, place, rest }) => {
  const route = parseHash(hash);
  expect({ place: route.place, rest: route.rest }).toEqual({ place, rest });
});

test('a query is read', () => {
  expect(parseHash('#/practice?domain=storage').query.get('domain')).toBe('storage');
});

test('going somewhere writes an address that leads there', () => {
  const listeners = new Set<() => void>();
  const location = { hash: '#/today' };
  const router = new Router({
    location,
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  });
  router.go('learn', 'a/b');
  expect(location.hash).toBe('#/learn/a%2Fb');
  listeners.forEach((listener) => listener());
  expect(router.route.rest).toEqual(['a/b']);
  router.dispose();
  expect(listeners.size).toBe(0);
});
