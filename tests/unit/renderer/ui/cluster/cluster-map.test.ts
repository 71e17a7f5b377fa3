import { expect, test } from 'vitest';
import { mapOf } from '../../../../../src-renderer/ui/cluster/cluster-map.ts';
import { nodes, pods } from '../../../../support/renderer/lab-views.ts';

test('pods stand on their nodes, those without one apart', () => {
  const map = mapOf(nodes, pods);
  expect(map.nodes.map(({ name, isReady, pods: own }) => [name, isReady, own.length])).toEqual([
    ['controlplane', true, 2],
    ['node01', true, 3],
    ['node02', false, 1],
  ]);
  expect(map.unplaced.map(({ name, tone }) => [name, tone])).toEqual([
    ['cart-7c5ddbdf54-2vqxp', 'warn'],
  ]);
});

test.each([
  { status: 'Running', ready: '1/1', tone: 'good' },
  { status: 'Running', ready: '0/1', tone: 'warn' },
  { status: 'Completed', ready: '0/1', tone: 'done' },
  { status: 'Init:0/2', ready: '0/1', tone: 'warn' },
  { status: 'Init:CrashLoopBackOff', ready: '0/1', tone: 'bad' },
  { status: 'ImagePullBackOff', ready: '0/1', tone: 'bad' },
  { status: 'Terminating', ready: '1/1', tone: 'warn' },
])('a pod that is $status $ready looks $tone', ({ status, ready, tone }) => {
  const [row] = pods.rows;
  if (!row) throw new Error('no sample pod');
  const cells = ['p', ready, status, '0', '1m', '10.244.1.9', 'node01'];
  const map = mapOf(nodes, { ...pods, rows: [{ ...row, cells }] });
  expect(map.nodes[1]?.pods[0]?.tone).toBe(tone);
});
