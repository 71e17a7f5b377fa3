type Json = Record<string, unknown>;

/** How much of its target each workload uses in a step; `none`: nobody has a figure, `error`: the servers fail. */
export const steps = [1, 2.1, 0.34, 'none', 1.04, 'error', 1.3] as const;
export type Step = (typeof steps)[number];

export interface AutoscalerCase {
  readonly name: string;
  /** Pods that are there all the time. */
  readonly pods: number;
  /** CPU that each asks for; absent: none. */
  readonly requests?: string;
  readonly min?: number;
  readonly max: number;
  readonly metrics: readonly Json[];
  readonly behavior?: Json;
  /** Without a sample, by index. */
  readonly silent?: readonly number[];
  readonly unready?: readonly number[];
  readonly pending?: readonly number[];
}

const cpu = (averageUtilization: number): Json => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const resource = (name: string, averageValue: string): Json => ({
  type: 'Resource',
  resource: { name, target: { type: 'AverageValue', averageValue } },
});
const ofPods = (averageValue: string): Json => ({
  type: 'Pods',
  pods: { metric: { name: 'requests' }, target: { type: 'AverageValue', averageValue } },
});
const ofObject = (target: Json): Json => ({
  type: 'Object',
  object: {
    metric: { name: 'hits' },
    describedObject: { apiVersion: 'v1', kind: 'Service', name: 'main' },
    target,
  },
});
const external = (target: Json, name = 'queue'): Json => ({
  type: 'External',
  external: { metric: { name, selector: { matchLabels: { of: 'jobs' } } }, target },
});
const value = (text: string): Json => ({ type: 'Value', value: text });
const average = (text: string): Json => ({ type: 'AverageValue', averageValue: text });

/** Neither waits nor is limited, so that an answer does not hang on when it is asked for. */
const atOnce: Json = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    policies: [{ type: 'Pods', value: 50, periodSeconds: 1800 }],
  },
  scaleDown: {
    stabilizationWindowSeconds: 0,
    policies: [{ type: 'Pods', value: 50, periodSeconds: 1800 }],
  },
};
const three = { pods: 3, requests: '100m', max: 20, behavior: atOnce };

export const cases: readonly AutoscalerCase[] = [
  { name: 'cpu', ...three, metrics: [cpu(50)] },
  { name: 'bounded', ...three, min: 2, max: 4, metrics: [cpu(50)] },
  { name: 'cpu-value', ...three, metrics: [resource('cpu', '50m')] },
  { name: 'memory', ...three, metrics: [resource('memory', '100Mi')] },
  {
    name: 'container',
    ...three,
    metrics: [
      {
        type: 'ContainerResource',
        containerResource: {
          name: 'cpu',
          container: 'c',
          target: { type: 'Utilization', averageUtilization: 50 },
        },
      },
    ],
  },
  {
    name: 'no-container',
    ...three,
    metrics: [
      {
        type: 'ContainerResource',
        containerResource: {
          name: 'cpu',
          container: 'other',
          target: { type: 'Utilization', averageUtilization: 50 },
        },
      },
    ],
  },
  { name: 'pods', ...three, metrics: [ofPods('10')] },
  { name: 'object', ...three, metrics: [ofObject(value('100'))] },
  { name: 'object-average', ...three, metrics: [ofObject(average('30'))] },
  { name: 'external', ...three, metrics: [external(value('100'))] },
  { name: 'external-average', ...three, metrics: [external(average('30'))] },
  { name: 'both', ...three, metrics: [cpu(50), external(average('20'))] },
  { name: 'half-known', ...three, metrics: [cpu(50), external(average('20'), 'unknown')] },
  { name: 'asks-nothing', pods: 3, max: 20, behavior: atOnce, metrics: [cpu(50)] },
  { name: 'one-silent', ...three, silent: [1], metrics: [cpu(50)] },
  { name: 'one-unready', ...three, unready: [0], metrics: [cpu(50)] },
  { name: 'one-pending', ...three, pending: [2], metrics: [cpu(50)] },
  { name: 'nobody', pods: 0, max: 20, behavior: atOnce, metrics: [cpu(50)] },
  {
    name: 'slowly-up',
    ...three,
    metrics: [cpu(50)],
    behavior: {
      ...atOnce,
      scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 1800 }] },
    },
  },
  {
    name: 'slowly-down',
    ...three,
    metrics: [cpu(50)],
    behavior: {
      ...atOnce,
      scaleDown: {
        stabilizationWindowSeconds: 0,
        policies: [{ type: 'Percent', value: 20, periodSeconds: 1800 }],
      },
    },
  },
  {
    name: 'never-down',
    ...three,
    metrics: [cpu(50)],
    behavior: { ...atOnce, scaleDown: { selectPolicy: 'Disabled' } },
  },
  {
    name: 'late-down',
    ...three,
    metrics: [cpu(50)],
    behavior: { ...atOnce, scaleDown: { stabilizationWindowSeconds: 3600 } },
  },
  {
    name: 'tolerant',
    ...three,
    metrics: [cpu(50)],
    behavior: {
      scaleUp: { ...(atOnce['scaleUp'] as Json), tolerance: '500m' },
      scaleDown: atOnce['scaleDown'],
    },
  },
];

export const workload = (one: AutoscalerCase): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: one.name, namespace: 'default' },
  spec: {
    replicas: one.pods || 1,
    selector: { matchLabels: { app: one.name } },
    template: {
      metadata: { labels: { app: one.name } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    },
  },
});

export const podsOf = (one: AutoscalerCase): Json[] =>
  Array.from({ length: one.pods }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${one.name}-${index}`, namespace: 'default', labels: { app: one.name } },
    spec: {
      schedulerName: 'nobody',
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'c',
          image: 'i',
          resources: one.requests ? { requests: { cpu: one.requests } } : {},
        },
      ],
    },
    status: one.pending?.includes(index)
      ? { phase: 'Pending' }
      : {
          phase: 'Running',
          startTime: '2026-01-01T00:00:00Z',
          conditions: [
            {
              type: 'Ready',
              status: one.unready?.includes(index) ? 'False' : 'True',
              lastTransitionTime: '2026-01-01T00:00:10Z',
            },
          ],
        },
  }));

export const autoscaler = (one: AutoscalerCase): Json => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: one.name, namespace: 'default' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: one.name },
    minReplicas: one.min ?? 1,
    maxReplicas: one.max,
    metrics: one.metrics,
    ...(one.behavior ? { behavior: one.behavior } : {}),
  },
});

const groups = [
  'metrics.k8s.io/v1beta1',
  'custom.metrics.k8s.io/v1beta2',
  'external.metrics.k8s.io/v1beta1',
];
export const metricGroups = groups.map((text) => {
  const [group = '', version = ''] = text.split('/');
  return { group, version };
});

const resourceLists: Readonly<Record<string, readonly string[]>> = {
  'metrics.k8s.io': ['pods'],
  'custom.metrics.k8s.io': ['pods/requests', 'services/hits'],
  'external.metrics.k8s.io': ['queue'],
};

/** What the servers of metrics answer to a GET in a step. */
export function answerTo(url: string, step: Step, time: string): { status: number; body: Json } {
  const { pathname: encoded, searchParams } = new URL(url, 'http://metrics');
  // Go's clients escape the asterisk that stands for all.
  const pathname = decodeURIComponent(encoded);
  for (const { group, version } of metricGroups) {
    if (pathname === `/apis/${group}`)
      return ok({
        kind: 'APIGroup',
        apiVersion: 'v1',
        name: group,
        versions: [{ groupVersion: `${group}/${version}`, version }],
        preferredVersion: { groupVersion: `${group}/${version}`, version },
      });
    if (pathname === `/apis/${group}/${version}`)
      return ok({
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: `${group}/${version}`,
        resources: (resourceLists[group] ?? []).map((name) => ({
          name,
          singularName: '',
          namespaced: true,
          kind: 'MetricValueList',
          verbs: ['get', 'list'],
        })),
      });
  }
  if (step === 'error')
    return {
      status: 500,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'the disk of the metrics is full',
        reason: 'InternalError',
        code: 500,
      },
    };
  const factor = step === 'none' ? undefined : step;
  const app = /^app=(.*)$/.exec(searchParams.get('labelSelector') ?? '')?.[1];
  const one = cases.find(({ name }) => name === app);
  if (pathname.startsWith('/apis/metrics.k8s.io/'))
    return ok({
      kind: 'PodMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items: sampled(one, factor).map((name) => ({
        metadata: { name, namespace: 'default', creationTimestamp: time },
        timestamp: time,
        window: '15s',
        containers: [
          {
            name: 'c',
            usage: {
              cpu: `${Math.round(50 * (factor ?? 0))}m`,
              memory: `${Math.round(100 * 1024 * (factor ?? 0))}Ki`,
            },
          },
        ],
      })),
    });
  const custom = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default';
  const valueOf = (kind: string, name: string, metric: string, amount: number): Json => ({
    describedObject: { kind, namespace: 'default', name, apiVersion: '/v1' },
    metric: { name: metric, selector: null },
    timestamp: time,
    windowSeconds: 60,
    value: `${Math.round(amount * 1000)}m`,
  });
  const list = (items: Json[]) =>
    ok({
      kind: 'MetricValueList',
      apiVersion: 'custom.metrics.k8s.io/v1beta2',
      metadata: {},
      items,
    });
  if (pathname === `${custom}/pods/*/requests`)
    return list(
      sampled(one, factor).map((name) => valueOf('Pod', name, 'requests', 10 * (factor ?? 0))),
    );
  if (pathname === `${custom}/services/main/hits`)
    return list(factor === undefined ? [] : [valueOf('Service', 'main', 'hits', 100 * factor)]);
  if (pathname === '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue')
    return ok({
      kind: 'ExternalMetricValueList',
      apiVersion: 'external.metrics.k8s.io/v1beta1',
      metadata: {},
      items:
        factor === undefined
          ? []
          : [60, 40].map((share) => ({
              metricName: 'queue',
              metricLabels: { of: 'jobs' },
              timestamp: time,
              value: `${Math.round(share * factor * 1000)}m`,
            })),
    });
  return {
    status: 404,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'no such metric here',
      reason: 'NotFound',
      code: 404,
    },
  };
}

const ok = (body: Json): { status: number; body: Json } => ({ status: 200, body });

const sampled = (one: AutoscalerCase | undefined, factor: number | undefined): string[] =>
  one === undefined || factor === undefined
    ? []
    : Array.from({ length: one.pods }, (_, index) => index)
        .filter((index) => !one.silent?.includes(index) && !one.pending?.includes(index))
        .map((index) => `${one.name}-${index}`);

interface AutoscalerStatus {
  readonly currentReplicas?: number;
  readonly desiredReplicas?: number;
  readonly currentMetrics?: unknown;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

/** What an autoscaler shows at the end of a step; `scaled` is the wish its workload was given. */
export interface AutoscalerAnswer {
  readonly replicas: readonly (number | null)[];
  readonly scaled: number;
  readonly metrics: unknown;
  readonly conditions: readonly string[];
}

export const answerOf = (status: AutoscalerStatus = {}, scaled: number): AutoscalerAnswer => ({
  replicas: [status.currentReplicas ?? null, status.desiredReplicas ?? null],
  scaled,
  metrics: status.currentMetrics ?? null,
  conditions: (status.conditions ?? [])
    .map(
      ({ type, status: is, reason, message }) => `${type} ${is} ${reason ?? ''}: ${message ?? ''}`,
    )
    .sort(),
});

/** All that happened: answers by step and autoscaler, and at the end the events of each autoscaler, each text once. */
export interface Recording {
  readonly steps: readonly Readonly<Record<string, AutoscalerAnswer>>[];
  readonly events: Readonly<Record<string, readonly string[]>>;
}
