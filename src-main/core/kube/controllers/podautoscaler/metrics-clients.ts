import type { CrossVersionObjectReference, ObjectMetricSource } from '../../apis/index.ts';
import type { KubeClient } from '../../client/index.ts';
import {
  formatSelector,
  isReason,
  isStatusError,
  parseDuration,
  parseQuantity,
  selectorOf,
} from '../../machinery/index.ts';
import { textOf } from '../shared/context.ts';

/** One pod's sample, thousandths of a unit. */
export interface Sample {
  readonly milli: number;
  /** When it was taken; absent: not told. */
  readonly atMs?: number;
  readonly windowMs?: number;
}

export type Samples = Map<string, Sample>;

interface PodMetrics {
  readonly metadata?: { readonly name?: string };
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly {
    readonly name: string;
    readonly usage?: Readonly<Record<string, string>>;
  }[];
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly value: string;
}

export function milliOf(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(parseQuantity(quantity).nano / 1_000_000n);
}

type Api = 'resource' | 'custom' | 'external';
type MetricSelector = ObjectMetricSource['metric']['selector'];

const selectorText = (selector: MetricSelector): string =>
  selector ? formatSelector(selectorOf(selector)) : '';

/** What a server says of a path that it does not serve, and that is for clients to word. */
const unserved: ReadonlySet<string> = new Set([
  '404 page not found',
  'the server could not find the requested resource',
]);

/** What clients call an answer that has no words of its own. */
function problemText(error: unknown, what: string): string {
  if (isReason(error, 'NotFound') && isStatusError(error) && unserved.has(error.message))
    return `the server could not find the requested resource (get ${what})`;
  if (isReason(error, 'ServiceUnavailable'))
    return `the server is currently unable to handle the request (get ${what})`;
  return textOf(error);
}

/**
 * The three APIs of metrics, whoever serves them.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/metrics/client.go
 */
export class MetricsClients {
  readonly #client: KubeClient;
  readonly #resourceOf: (reference: CrossVersionObjectReference) => Promise<string>;

  /** @param resourceOf `services`, `deployments.apps` … of a kind. */
  constructor(
    client: KubeClient,
    resourceOf: (reference: CrossVersionObjectReference) => Promise<string>,
  ) {
    this.#client = client;
    this.#resourceOf = resourceOf;
  }

  /** CPU or memory of each pod, or of one of its containers. */
  async resource(
    name: string,
    namespace: string,
    selector: string,
    container: string | undefined,
  ): Promise<Samples> {
    const items = await this.#list<PodMetrics>(
      'resource',
      `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`,
      { labelSelector: selector },
      'pods.metrics.k8s.io',
    );
    const samples: Samples = new Map();
    for (const { metadata, containers = [], timestamp, window } of items) {
      const counted = containers.filter(
        (each) => container === undefined || each.name === container,
      );
      if (counted.length === 0 || counted.some((each) => each.usage?.[name] === undefined))
        continue;
      samples.set(metadata?.name ?? '', {
        milli: counted.reduce((sum, each) => sum + milliOf(each.usage?.[name]), 0),
        ...(timestamp === undefined ? {} : { atMs: Date.parse(timestamp) }),
        windowMs: parseDuration(window ?? '') ?? 0,
      });
    }
    return samples;
  }

  /** A metric of each pod. */
  async pods(
    metric: string,
    namespace: string,
    selector: string,
    metricSelector: MetricSelector,
  ): Promise<Samples> {
    const root = await this.#customRoot();
    const items = await this.#list<MetricValue>(
      'custom',
      `${root}/namespaces/${namespace}/pods/*/${metric}`,
      { labelSelector: selector, metricLabelSelector: selectorText(metricSelector) },
      'pods.custom.metrics.k8s.io',
    );
    return new Map(
      items.map(({ describedObject, value }) => [
        describedObject?.name ?? '',
        { milli: milliOf(value) },
      ]),
    );
  }

  /** A metric of one object, thousandths. */
  async object(
    metric: string,
    namespace: string,
    reference: CrossVersionObjectReference,
    metricSelector: MetricSelector,
  ): Promise<number> {
    const root = await this.#customRoot();
    const isNamespace = reference.kind === 'Namespace' && !reference.apiVersion?.includes('/');
    const resource = isNamespace ? 'namespaces' : await this.#resourceOf(reference);
    const path = isNamespace
      ? `namespaces/${namespace}/metrics/${metric}`
      : `namespaces/${namespace}/${resource}/${reference.name}/${metric}`;
    const items = await this.#fetch<MetricValue>(
      'custom',
      `${root}/${path}`,
      { metricLabelSelector: selectorText(metricSelector) },
      `${resource.split('.')[0] ?? ''}.custom.metrics.k8s.io`,
    );
    if (items.length !== 1)
      throw new Error(
        `unable to fetch metrics from custom metrics API: the custom metrics API server returned ${items.length} results when we asked for exactly one`,
      );
    return milliOf(items[0]?.value);
  }

  /** A metric of nothing in the cluster, summed over its series; thousandths. */
  async external(
    metric: string,
    namespace: string,
    metricSelector: MetricSelector,
  ): Promise<number> {
    const items = await this.#list<MetricValue>(
      'external',
      `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric}`,
      { labelSelector: selectorText(metricSelector) },
      `${metric}.external.metrics.k8s.io`,
    );
    return items.reduce((sum, { value }) => sum + milliOf(value), 0);
  }

  async #customRoot(): Promise<string> {
    try {
      const group = await this.#client.requestObject<{
        preferredVersion?: { groupVersion?: string };
      }>({ method: 'GET', url: '/apis/custom.metrics.k8s.io' });
      return `/apis/${group.preferredVersion?.groupVersion ?? 'custom.metrics.k8s.io/v1beta2'}`;
    } catch (error) {
      const text = isReason(error, 'NotFound')
        ? 'no custom metrics API (custom.metrics.k8s.io) registered'
        : textOf(error);
      throw new Error(`unable to fetch metrics from custom metrics API: ${text}`, { cause: error });
    }
  }

  async #list<T>(
    api: Api,
    path: string,
    query: Readonly<Record<string, string>>,
    what: string,
  ): Promise<readonly T[]> {
    const items = await this.#fetch<T>(api, path, query, what);
    if (items.length === 0) throw new Error(`no metrics returned from ${api} metrics API`);
    return items;
  }

  async #fetch<T>(
    api: Api,
    path: string,
    query: Readonly<Record<string, string>>,
    what: string,
  ): Promise<readonly T[]> {
    const given = Object.entries(query).filter(([, value]) => value !== '');
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
    try {
      const list = await this.#client.requestObject<{ items?: readonly T[] }>({
        method: 'GET',
        url: `${path}${search}`,
      });
      return list.items ?? [];
    } catch (error) {
      throw new Error(
        `unable to fetch metrics from ${api} metrics API: ${problemText(error, what)}`,
        {
          cause: error,
        },
      );
    }
  }
}
