import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../../src-main/core/kube/client/index.ts';
import {
  type Outcome,
  proposeFor,
  type Workload,
} from '../../../../../src-main/core/kube/controllers/podautoscaler/metric-proposals.ts';
import { MetricsClients } from '../../../../../src-main/core/kube/controllers/podautoscaler/metrics-clients.ts';

type Metric = Parameters<typeof proposeFor>[1];
type Pod = Workload['pods'][number];

const nowMs = Date.parse('2026-01-01T12:00:00Z');

interface Options {
  readonly current: number;
  /** CPU of each pod, m; undefined: no sample. */
  readonly cpu: readonly (number | undefined)[];
  readonly requests?: string;
  readonly phases?: readonly string[];
  readonly unready?: readonly number[];
}

const pod = (index: number, { requests = '1', phases, unready }: Options): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${index}` },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: requests } } }] },
  status: {
    phase: phases?.[index] ?? 'Running',
    startTime: '2026-01-01T11:58:00Z',
    conditions: [
      {
        type: 'Ready',
        status: unready?.includes(index) ? 'False' : 'True',
        lastTransitionTime: '2026-01-01T11:58:10Z',
      },
    ],
  },
});

/** Asks a server of metrics that knows these answers. */
function propose(
  metric: Metric,
  options: Options,
  answers: Readonly<Record<string, object>> = {},
  asked: string[] = [],
): Promise<Outcome> {
  const items = options.cpu.flatMap((milli, index) =>
    milli === undefined
      ? []
      : [
          {
            metadata: { name: `p${index}` },
            timestamp: '2026-01-01T11:59:50Z',
            window: '15s',
            containers: [{ name: 'c', usage: { cpu: `${milli}m`, memory: '100Mi' } }],
          },
        ],
  );
  const all: Readonly<Record<string, object>> = {
    '/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods?labelSelector=app%3Dw': { items },
    '/apis/custom.metrics.k8s.io': {
      preferredVersion: { groupVersion: 'custom.metrics.k8s.io/v1beta2' },
    },
    ...answers,
  };
  const client = {
    requestObject: ({ url }: { url: string }) => {
      asked.push(url);
      const answer = all[url];
      return answer ? Promise.resolve(answer) : Promise.reject(new Error(`no ${url}`));
    },
  } as unknown as KubeClient;
  return proposeFor(new MetricsClients(client, () => Promise.resolve('services')), metric, {
    namespace: 'ns',
    selector: 'app=w',
    pods: options.cpu.map((_, index) => pod(index, options)),
    current: options.current,
    statusReplicas: options.current,
    tolerances: { down: 0.1, up: 0.1 },
    nowMs,
  });
}

const cpuAt = (averageUtilization: number): Metric => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

// Upstream's own numbers, from replica_calculator_test.go.
describe('by CPU', () => {
  test.each([
    ['scales up', 30, { current: 3, cpu: [300, 500, 700] }, 5],
    ['scales down', 50, { current: 5, cpu: [100, 300, 500, 250, 250] }, 3],
    [
      'leaves what is near enough',
      100,
      { current: 3, cpu: [1010, 1030, 1020], requests: '0.9' },
      4,
    ],
    ['tolerates a tenth', 100, { current: 3, cpu: [1010, 1030, 1020], requests: '1' }, 3],
    [
      'pods at their start count as idle',
      30,
      { current: 3, cpu: [300, 500, 700], unready: [0] },
      4,
    ],
    [
      'pending pods count as idle',
      30,
      { current: 3, cpu: [300, 500, 700], phases: ['Running', 'Running', 'Pending'] },
      3,
    ],
    [
      'failed pods do not count',
      30,
      { current: 2, cpu: [500, 700, 900, 900], phases: ['Running', 'Running', 'Failed', 'Failed'] },
      4,
    ],
    ['what is missing holds an increase back', 50, { current: 2, cpu: [1000, undefined] }, 2],
    [
      'what is missing holds a decrease back',
      50,
      { current: 4, cpu: [100, 100, 100, undefined] },
      3,
    ],
  ] as const)('%s', async (_, percent, options, replicas) => {
    expect((await propose(cpuAt(percent), options)).replicas).toBe(replicas);
  });

  test('tells what it measured', async () => {
    expect(await propose(cpuAt(30), { current: 3, cpu: [300, 500, 700] })).toMatchObject({
      metric: 'cpu resource utilization (percentage of request)',
      status: {
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: 50, averageValue: '500m' } },
      },
    });
    const memory: Metric = {
      type: 'Resource',
      resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '50Mi' } },
    };
    expect(await propose(memory, { current: 2, cpu: [1, 1] })).toMatchObject({
      replicas: 4,
      metric: 'memory resource',
      status: { resource: { current: { averageValue: '100Mi' } } },
    });
  });
});

describe('by what else is measured', () => {
  const options = { current: 3, cpu: [1, 1, 1] };
  const custom = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/ns';

  test('a metric of pods', async () => {
    const value = (name: string, text: string): object => ({
      describedObject: { name },
      value: text,
    });
    const outcome = await propose(
      {
        type: 'Pods',
        pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '15' } },
      },
      options,
      {
        [`${custom}/pods/*/qps?labelSelector=app%3Dw`]: {
          items: [value('p0', '20'), value('p1', '10'), value('p2', '30')],
        },
      },
    );
    expect(outcome).toMatchObject({
      replicas: 4,
      metric: 'pods metric qps',
      status: { pods: { metric: { name: 'qps' }, current: { averageValue: '20' } } },
    });
  });

  test('a metric of an object', async () => {
    const metric = (target: object): Metric => ({
      type: 'Object',
      object: {
        metric: { name: 'hits' },
        describedObject: { apiVersion: 'v1', kind: 'Service', name: 'front' },
        target: target as never,
      },
    });
    const answers = { [`${custom}/services/front/hits`]: { items: [{ value: '20' }] } };
    expect(await propose(metric({ type: 'Value', value: '15' }), options, answers)).toMatchObject({
      replicas: 4,
      metric: 'Service metric hits',
      status: { object: { current: { value: '20' } } },
    });
    expect(
      await propose(metric({ type: 'AverageValue', averageValue: '4' }), options, answers),
    ).toMatchObject({ replicas: 5, status: { object: { current: { averageValue: '6667m' } } } });
  });

  test('a metric of nothing in the cluster', async () => {
    const asked: string[] = [];
    const url = '/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/queue?labelSelector=q%3Da';
    const outcome = await propose(
      {
        type: 'External',
        external: {
          metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } },
          target: { type: 'AverageValue', averageValue: '30' },
        },
      },
      options,
      { [url]: { items: [{ value: '100' }, { value: '101' }] } },
      asked,
    );
    expect(asked).toEqual([url]);
    expect(outcome).toMatchObject({
      replicas: 7,
      metric:
        'external metric queue(&LabelSelector{MatchLabels:map[string]string{q: a,},MatchExpressions:[]LabelSelectorRequirement{},})',
      status: { external: { current: { averageValue: '67' } } },
    });
  });
});
