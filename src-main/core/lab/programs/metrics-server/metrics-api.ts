import { type DeepReadonly, utf8 } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  canonicalQuantity,
  formatDuration,
  type KubeObject,
  matchesLabels,
  type Node,
  notFound,
  parseLabelSelector,
  parseQuantity,
  type Pod,
  SelectorError,
  type Status,
  StatusError,
} from '#core/kube';
import type { MetricsStore, Usage } from './metrics-store.ts';

const group = 'metrics.k8s.io';
const groupVersion = `${group}/v1beta1`;

export interface MetricsApiDeps {
  readonly store: MetricsStore;
  readonly nodes: () => readonly DeepReadonly<Node>[];
  readonly pods: () => readonly DeepReadonly<Pod>[];
  readonly nowMs: () => number;
}

interface Metrics extends KubeObject {
  readonly timestamp: string;
  readonly window: string;
}

/** The API of metrics.k8s.io. @see sigs.k8s.io/metrics-server/pkg/api */
export function metricsApi(deps: MetricsApiDeps): (request: ApiRequest) => ApiResponse | undefined {
  return (request) => {
    const [path = '', query = ''] = request.url.split('?');
    const parts = path.replace(/^\/|\/$/g, '').split('/');
    if (parts[0] !== 'apis') return undefined;
    if (parts.length === 1)
      return json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] });
    if (parts[1] !== group) return undefined;
    if (parts.length === 2) return json(200, { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup });
    if (parts[2] !== 'v1beta1') return undefined;
    if (parts.length === 3) return json(200, resourceList);
    try {
      return resource(deps, request, parts.slice(3), new URLSearchParams(query));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return json(error.status.code ?? 500, error.status);
    }
  };
}

const version = { groupVersion, version: 'v1beta1' };
const apiGroup = { name: group, versions: [version], preferredVersion: version };
const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [
    {
      name: 'nodes',
      singularName: '',
      namespaced: false,
      kind: 'NodeMetrics',
      verbs: ['get', 'list'],
    },
    {
      name: 'pods',
      singularName: '',
      namespaced: true,
      kind: 'PodMetrics',
      verbs: ['get', 'list'],
    },
  ],
};

function json(status: number, object: object | Status): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: { kind: 'bytes', bytes: utf8(`${JSON.stringify(object)}\n`) },
  };
}

function resource(
  deps: MetricsApiDeps,
  request: ApiRequest,
  parts: readonly string[],
  query: URLSearchParams,
): ApiResponse | undefined {
  const namespaced = parts[0] === 'namespaces';
  const [, namespace = ''] = namespaced ? parts : [];
  const [name, one, more] = namespaced ? parts.slice(2) : parts;
  const known = namespaced ? name === 'pods' : name === 'nodes' || (name === 'pods' && !one);
  if (!known || more !== undefined) return undefined;
  if (request.method !== 'GET')
    return json(405, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'the server does not allow this method on the requested resource',
      reason: 'MethodNotAllowed',
      details: {},
      code: 405,
    });
  const kind = name === 'nodes' ? 'NodeMetrics' : 'PodMetrics';
  const asTable = /as=Table/.test((request.headers['accept'] ?? '').split(',')[0] ?? '');
  if (one !== undefined) {
    const metrics = name === 'nodes' ? oneNode(deps, one) : onePod(deps, namespace, one);
    return json(200, asTable ? table([metrics]) : metrics);
  }
  const isWanted = selection(query);
  const chosen = <T extends KubeObject>(objects: readonly DeepReadonly<T>[]): DeepReadonly<T>[] =>
    objects
      .filter(({ metadata }) => namespace === '' || metadata.namespace === namespace)
      .filter((object) => isWanted(object.metadata))
      .sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
  const items =
    name === 'nodes'
      ? chosen<Node>(deps.nodes()).flatMap((node) => nodeMetrics(deps, node) ?? [])
      : chosen<Pod>(deps.pods()).flatMap((pod) => podMetrics(deps, pod) ?? []);
  if (asTable) return json(200, table(items));
  return json(200, {
    kind: `${kind}List`,
    apiVersion: groupVersion,
    metadata: {},
    // Kinds of items are the list's to tell.
    items: items.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest),
  });
}

type Meta = DeepReadonly<KubeObject['metadata']>;

const keyOf = ({ namespace = '', name = '' }: Meta): string => `${namespace}/${name}`;

/** By `labelSelector` and `fieldSelector` (names alone). @throws StatusError 400 */
function selection(query: URLSearchParams): (metadata: Meta) => boolean {
  let labels: ReturnType<typeof parseLabelSelector>;
  try {
    labels = parseLabelSelector(query.get('labelSelector') ?? '');
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    throw new StatusError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: error.message,
      reason: 'BadRequest',
      code: 400,
    });
  }
  const fields = (query.get('fieldSelector') ?? '').split(',').filter(Boolean);
  return ({ name = '', namespace = '', labels: own }) =>
    matchesLabels(labels, own ?? {}) &&
    fields.every((field) => {
      const [, path = '', operator = '', value = ''] = /^(.*?)(==?|!=)(.*)$/.exec(field) ?? [];
      const actual = path === 'metadata.namespace' ? namespace : name;
      return (actual === value) === (operator !== '!=');
    });
}

function oneNode(deps: MetricsApiDeps, name: string): Metrics {
  const node = deps.nodes().find(({ metadata }) => metadata.name === name);
  if (!node) throw notFound({ group: '', resource: 'nodes' }, name);
  const metrics = nodeMetrics(deps, node);
  if (!metrics) throw notFound({ group, resource: 'nodemetrics' }, name);
  return metrics;
}

function onePod(deps: MetricsApiDeps, namespace: string, name: string): Metrics {
  const key = `${namespace}/${name}`;
  const pod = deps.pods().find(({ metadata }) => keyOf(metadata) === key);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
  const metrics = podMetrics(deps, pod);
  if (!metrics) throw notFound({ group, resource: 'podmetrics' }, key);
  return metrics;
}

const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

function metricsOf(
  deps: MetricsApiDeps,
  kind: string,
  { name = '', namespace, labels }: Meta,
  { atMs, windowMs }: Usage,
  rest: object,
): Metrics {
  return {
    kind,
    apiVersion: groupVersion,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: timeText(deps.nowMs()),
      ...(labels ? { labels: { ...labels } } : {}),
    },
    timestamp: timeText(atMs),
    window: formatDuration(windowMs),
    ...rest,
  };
}

const usageText = ({ cpuNanocores, memoryBytes }: Pick<Usage, 'cpuNanocores' | 'memoryBytes'>) => ({
  // As upstream writes them: in the unit they are measured in.
  cpu: cpuNanocores === 0 ? '0' : canonicalQuantity(`${cpuNanocores}n`),
  memory:
    memoryBytes % 1024 === 0 ? canonicalQuantity(`${memoryBytes / 1024}Ki`) : `${memoryBytes}`,
});

function nodeMetrics(deps: MetricsApiDeps, node: DeepReadonly<Node>): Metrics | undefined {
  const usage = deps.store.node(node.metadata.name ?? '');
  return usage && metricsOf(deps, 'NodeMetrics', node.metadata, usage, { usage: usageText(usage) });
}

function podMetrics(deps: MetricsApiDeps, pod: DeepReadonly<Pod>): Metrics | undefined {
  const containers = deps.store.pod(keyOf(pod.metadata));
  const [earliest] = [...(containers?.values() ?? [])].sort((a, b) => a.atMs - b.atMs);
  if (!containers || !earliest) return undefined;
  return metricsOf(deps, 'PodMetrics', pod.metadata, earliest, {
    containers: [...containers].map(([name, usage]) => ({ name, usage: usageText(usage) })),
  });
}

/** @see sigs.k8s.io/metrics-server/pkg/api/table.go */
function table(items: readonly Metrics[]): object {
  const column = (name: string, format: string) => ({
    name,
    type: 'string',
    format,
    description: name === 'Name' ? 'Name of the resource' : '',
    priority: 0,
  });
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions:
      items.length === 0
        ? null
        : [
            column('Name', 'name'),
            column('cpu', 'quantity'),
            column('memory', 'quantity'),
            column('Window', 'duration'),
          ],
    rows: items.map((item) => {
      const { cpu, memory } = totalOf(item);
      return { cells: [item.metadata.name, cpu, memory, item.window], object: item };
    }),
  };
}

interface UsageView {
  readonly usage?: { readonly cpu: string; readonly memory: string };
  readonly containers?: readonly {
    readonly usage: { readonly cpu: string; readonly memory: string };
  }[];
}

function totalOf(item: Metrics): { cpu: string; memory: string } {
  const { usage, containers = [] } = item as unknown as UsageView;
  const all = usage ? [usage] : containers.map((each) => each.usage);
  return usageText({
    cpuNanocores: all.reduce((sum, each) => sum + nanosOf(each.cpu), 0),
    memoryBytes: all.reduce((sum, { memory }) => sum + nanosOf(memory) / 1e9, 0),
  });
}

const nanosOf = (quantity: string): number => Number(parseQuantity(quantity).nano);
