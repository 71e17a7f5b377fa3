import { describe, expect, test } from 'vitest';
import { node, pod, schedulerBench } from './bench.ts';

type Json = Record<string, unknown>;

const taint = (key: string, effect = 'NoSchedule', value?: string): Json => ({
  taints: [{ key, effect, ...(value ? { value } : {}) }],
});
const controlPlane = node('controlplane', { spec: taint('node-role.kubernetes.io/control-plane') });
const three = [controlPlane, node('node01'), node('node02')];
const noHelp = 'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';
const affinityTo = (labels: Json, kind = 'podAffinity'): Json => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
      ],
    },
  },
});
const byNodeName = (...values: string[]): Json => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values }] }],
      },
    },
  },
});

describe('pods that find a place', () => {
  test.each([
    { why: 'the only node without a taint', nodes: [controlPlane, node('a')], spec: {}, on: 'a' },
    {
      why: 'a toleration opens a tainted node',
      nodes: [node('a', { spec: taint('k', 'NoSchedule', 'v') })],
      spec: { tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }] },
      on: 'a',
    },
    {
      why: 'a PreferNoSchedule taint is avoided',
      nodes: [node('a', { spec: taint('k', 'PreferNoSchedule') }), node('b')],
      spec: {},
      on: 'b',
    },
    {
      why: 'nodeSelector',
      nodes: [node('a'), node('b', { labels: { disk: 'ssd' } })],
      spec: { nodeSelector: { disk: 'ssd' } },
      on: 'b',
    },
    {
      why: 'preferred node affinity',
      nodes: [node('a'), node('b', { labels: { zone: 'x' } })],
      spec: {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 10,
                preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
              },
            ],
          },
        },
      },
      on: 'b',
    },
    {
      why: 'Gt compares numbers',
      nodes: [node('a', { labels: { n: '9' } }), node('b', { labels: { n: '10' } })],
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'n', operator: 'Gt', values: ['9'] }] },
              ],
            },
          },
        },
      },
      on: 'b',
    },
    { why: 'affinity by node name', nodes: three, spec: byNodeName('node02'), on: 'node02' },
    {
      why: 'the node with more room is preferred',
      nodes: [node('a', { allocatable: { cpu: '1' } }), node('b')],
      spec: {},
      requests: { cpu: '500m', memory: '100Mi' },
      on: 'b',
    },
    {
      why: 'affinity to itself lets the first pod in',
      nodes: [node('a')],
      spec: affinityTo({ app: 'p' }),
      labels: { app: 'p' },
      on: 'a',
    },
  ])('$why', async ({ nodes, spec, requests, labels, on }) => {
    const bench = await schedulerBench();
    await bench.add(
      ...nodes,
      pod('p', spec, { ...(requests ? { requests } : {}), ...(labels ? { labels } : {}) }),
    );
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: on });
    expect(await bench.events('p')).toEqual([
      `Normal Scheduled Successfully assigned default/p to ${on}`,
    ]);
  });
});

describe('pods that find none', () => {
  test.each([
    {
      why: 'more CPU than any node has',
      spec: {},
      requests: { cpu: '500' },
      message: `1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, ${noHelp}`,
    },
    {
      why: 'a selector no node satisfies',
      spec: { nodeSelector: { disk: 'nope' } },
      message: `1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, ${noHelp}`,
    },
    {
      why: 'affinity to pods that are not there',
      spec: affinityTo({ app: 'nothing' }),
      message: `1 node(s) had untolerated taint(s), 2 node(s) didn't match pod affinity rules. no new claims to deallocate, ${noHelp}`,
    },
    {
      why: 'a claim that is not there',
      spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'none' } }] },
      message: 'persistentvolumeclaim "none" not found. not found',
    },
    {
      why: 'a topology no node has',
      spec: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { a: 'b' } },
          },
        ],
      },
      message: `1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints (missing required label). no new claims to deallocate, ${noHelp}`,
    },
    {
      why: 'a node name that is not there',
      spec: byNodeName('nowhere'),
      message: `3 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, ${noHelp}`,
    },
  ])('$why', async ({ spec, requests, message }) => {
    const bench = await schedulerBench();
    await bench.add(...three, pod('p', spec, requests ? { requests } : {}));
    await bench.settle();
    const whole = `0/3 nodes are available: ${message}`;
    expect(await bench.pod('p')).toEqual({
      node: undefined,
      reason: 'Unschedulable',
      message: whole,
      nominated: undefined,
    });
    expect(await bench.events('p')).toEqual([`Warning FailedScheduling ${whole}`]);
  });

  test('an event of the scheduler has no source, but an action and a controller', async () => {
    const bench = await schedulerBench();
    await bench.add(node('a'), pod('p'));
    await bench.settle();
    const { items } = await bench.client.resource('events').list();
    expect(items[0]).toMatchObject({
      source: {},
      reason: 'Scheduled',
      action: 'Binding',
      reportingComponent: 'default-scheduler',
      reportingInstance: 'default-scheduler-controlplane',
    });
  });

  test('a pod of another scheduler is left alone', async () => {
    const bench = await schedulerBench();
    await bench.add(node('a'), pod('p', { schedulerName: 'other' }));
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: undefined, reason: undefined });
  });
});
