import { type Clock, fromUtf8 } from '#core/base';
import type { Node } from '#core/kube';
import { httpRequest, type NetNamespace, readBody } from '#core/machines';
import type { DeepReadonly } from '#core/base';
import type { MetricsBatch, MetricsPoint } from './metrics-store.ts';

export interface ScraperOptions {
  readonly net: NetNamespace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly addressTypes: readonly string[];
  readonly useNodeStatusPort: boolean;
  readonly port: number;
  /** PEM bundle kubelets are checked with; undefined: they are not checked. */
  readonly roots: string | undefined;
  /** Read anew for each round: it is renewed. */
  readonly token: () => string;
  readonly timeoutMs: number;
  readonly onFailure: (node: string, error: string) => void;
}

/** Reads what all nodes use. @see sigs.k8s.io/metrics-server/pkg/scraper */
export async function scrape(
  nodes: readonly DeepReadonly<Node>[],
  options: ScraperOptions,
): Promise<MetricsBatch> {
  const batch = {
    nodes: new Map<string, MetricsPoint>(),
    pods: new Map<string, Map<string, MetricsPoint>>(),
  };
  await Promise.all(
    nodes.map(async (node) => {
      const name = node.metadata.name ?? '';
      try {
        decodeMetrics(await metricsOf(node, options), name, batch);
      } catch (error) {
        if (isReady(node))
          options.onFailure(name, error instanceof Error ? error.message : String(error));
      }
    }),
  );
  return batch;
}

const isReady = ({ status }: DeepReadonly<Node>): boolean =>
  status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;

/** @throws Error as metrics-server logs it. */
async function metricsOf(node: DeepReadonly<Node>, options: ScraperOptions): Promise<string> {
  const { status } = node;
  const address = options.addressTypes
    .map((type) => status?.addresses?.find((each) => each.type === type)?.address)
    .find((each) => each !== undefined);
  if (address === undefined)
    throw new Error(`no address matched types [${options.addressTypes.join(' ')}]`);
  const told = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  const port = options.useNodeStatusPort && told ? told : options.port;
  const url = `https://${address}:${port}/metrics/resource`;
  const answer = await httpRequest({
    net: options.net,
    clock: options.clock,
    url,
    headers: { authorization: `Bearer ${options.token()}` },
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    resolve: options.resolve,
    tls: options.roots === undefined ? { insecure: true } : { roots: options.roots },
  }).catch((error: unknown) => {
    throw new Error(`Get "${url}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  if (answer.status !== 200)
    throw new Error(`request failed, status: "${answer.status} ${answer.reason}"`);
  return fromUtf8(await readBody(answer));
}

interface MutablePoint {
  startedMs?: number;
  atMs?: number;
  cpuNanoseconds?: number;
  memoryBytes?: number;
}

/** Prometheus' text of a kubelet's `/metrics/resource`. @see pkg/scraper/client/resource/decode.go */
function decodeMetrics(
  text: string,
  nodeName: string,
  batch: { nodes: Map<string, MetricsPoint>; pods: Map<string, Map<string, MetricsPoint>> },
): void {
  const node: MutablePoint = { startedMs: 0 };
  const containers = new Map<string, MutablePoint>();
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{([^}]*)\})? (\S+)(?: (\d+))?$/.exec(line);
    if (!match) continue;
    const [, metric = '', labelText = '', value = '', at] = match;
    const label = (name: string): string =>
      new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labelText)?.[1] ?? '';
    const key = `${label('namespace')}/${label('pod')}/${label('container')}`;
    const point = metric.startsWith('node_')
      ? node
      : metric.startsWith('container_')
        ? (containers.get(key) ?? {})
        : undefined;
    if (!point) continue;
    if (point !== node) containers.set(key, point);
    if (metric.endsWith('_cpu_usage_seconds_total')) {
      point.cpuNanoseconds = Math.round(Number(value) * 1e9);
      point.atMs = Number(at);
    } else if (metric.endsWith('_memory_working_set_bytes')) point.memoryBytes = Number(value);
    else if (metric === 'container_start_time_seconds') point.startedMs = Number(value) * 1000;
  }
  const whole = complete(node);
  if (whole) batch.nodes.set(nodeName, whole);
  for (const [key, draft] of containers) {
    const point = complete(draft);
    const [namespace = '', pod = '', name = ''] = key.split('/');
    if (!point) continue;
    const pods = batch.pods.get(`${namespace}/${pod}`) ?? new Map<string, MetricsPoint>();
    pods.set(name, point);
    batch.pods.set(`${namespace}/${pod}`, pods);
  }
}

/** A point without CPU or memory is left out. */
function complete({
  startedMs = 0,
  atMs,
  cpuNanoseconds,
  memoryBytes,
}: MutablePoint): MetricsPoint | undefined {
  return atMs !== undefined && cpuNanoseconds !== undefined && memoryBytes
    ? { startedMs, atMs, cpuNanoseconds, memoryBytes }
    : undefined;
}
