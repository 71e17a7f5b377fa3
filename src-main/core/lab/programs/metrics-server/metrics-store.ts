/** What a container or a node had used at a moment. */
export interface MetricsPoint {
  readonly startedMs: number;
  readonly atMs: number;
  /** Since the start. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** One round of scraping. */
export interface MetricsBatch {
  readonly nodes: ReadonlyMap<string, MetricsPoint>;
  /** Containers by name, by `namespace/pod`. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, MetricsPoint>>;
}

/** The use of something over the time between two rounds. */
export interface Usage {
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
  readonly atMs: number;
  readonly windowMs: number;
}

/** A container younger than this says too little. */
const freshContainerMs = 10_000;

/** The last two rounds; what is used is told from both. @see sigs.k8s.io/metrics-server/pkg/storage */
export class MetricsStore {
  readonly #resolutionMs: number;
  #nodes: Rounds<string> = { last: new Map(), previous: new Map() };
  #containers: Rounds<string> = { last: new Map(), previous: new Map() };
  #pods: MetricsBatch['pods'] = new Map();

  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs;
  }

  /** Whether there is anything to tell. */
  get ready(): boolean {
    return this.#nodes.previous.size > 0 || this.#containers.previous.size > 0;
  }

  store({ nodes, pods }: MetricsBatch): void {
    const containers = new Map<string, MetricsPoint>();
    for (const [pod, points] of pods)
      for (const [name, point] of points) containers.set(`${pod}/${name}`, point);
    this.#nodes = next(this.#nodes, nodes, () => undefined);
    this.#containers = next(this.#containers, containers, (point) => {
      const ageMs = point.atMs - point.startedMs;
      return ageMs >= freshContainerMs && ageMs < this.#resolutionMs
        ? { ...point, atMs: point.startedMs, cpuNanoseconds: 0 }
        : undefined;
    });
    this.#pods = pods;
  }

  node(name: string): Usage | undefined {
    return usageOf(this.#nodes, name);
  }

  /** Containers of a pod, by name; undefined while one of them is not known well enough. */
  pod(key: string): ReadonlyMap<string, Usage> | undefined {
    const names = [...(this.#pods.get(key)?.keys() ?? [])];
    const known = names.map((name) => [name, usageOf(this.#containers, `${key}/${name}`)] as const);
    if (names.length === 0 || known.some(([, usage]) => !usage)) return undefined;
    return new Map(known.flatMap(([name, usage]) => (usage ? [[name, usage]] : [])));
  }
}

interface Rounds<K> {
  readonly last: ReadonlyMap<K, MetricsPoint>;
  readonly previous: ReadonlyMap<K, MetricsPoint>;
}

function next(
  rounds: Rounds<string>,
  points: ReadonlyMap<string, MetricsPoint>,
  beginningOf: (point: MetricsPoint) => MetricsPoint | undefined,
): Rounds<string> {
  const previous = new Map<string, MetricsPoint>();
  for (const [key, point] of points) {
    const last = rounds.last.get(key);
    const same = last !== undefined && point.startedMs < last.atMs ? last : undefined;
    const before =
      beginningOf(point) ?? (same && point.atMs <= same.atMs ? rounds.previous.get(key) : same);
    if (before) previous.set(key, before);
  }
  return { last: points, previous };
}

function usageOf({ last, previous }: Rounds<string>, key: string): Usage | undefined {
  const [now, before] = [last.get(key), previous.get(key)];
  // A counter that went back says nothing.
  if (!now || !before || now.cpuNanoseconds < before.cpuNanoseconds) return undefined;
  const windowMs = now.atMs - before.atMs;
  return {
    cpuNanocores: Math.trunc(((now.cpuNanoseconds - before.cpuNanoseconds) * 1000) / windowMs),
    memoryBytes: now.memoryBytes,
    atMs: now.atMs,
    windowMs,
  };
}
