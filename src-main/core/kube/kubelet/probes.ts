import { type DeepReadonly, type Disposable, fromUtf8 } from '#core/base';
import type { Probe } from '../apis/index.ts';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { type ContainerStatus, CriError } from './cri.ts';
import type { ProbeVerdict, ProbeVerdicts } from './pod-actions.ts';
import { latestOf, liveSandbox, type PodCache } from './pod-cache.ts';
import {
  allContainers,
  type ContainerView,
  isSidecar,
  specOf,
  uidOf,
  type PodView,
} from './pods.ts';
import { portNumber } from './ports.ts';

export type ProbeType = 'Liveness' | 'Readiness' | 'Startup';

const initial: Readonly<Record<ProbeType, ProbeVerdict>> = {
  Liveness: 'success',
  Readiness: 'failure',
  Startup: 'unknown',
};

type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly output: string }
  | { readonly kind: 'error'; readonly text: string };

/**
 * The probes of all containers of the node: their workers and results.
 * @see pkg/kubelet/prober
 */
export class ProbeManager implements Disposable, ProbeVerdicts {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly #onResult: (uid: string) => void;
  readonly #workers = new Map<string, Map<string, ProbeWorker>>();
  /** By container id. */
  readonly #results: Readonly<Record<ProbeType, Map<string, ProbeVerdict>>> = {
    Liveness: new Map(),
    Readiness: new Map(),
    Startup: new Map(),
  };

  /** @param onResult told of each change of a result. */
  constructor(context: KubeletContext, cache: PodCache, onResult: (uid: string) => void) {
    this.context = context;
    this.cache = cache;
    this.#onResult = onResult;
  }

  liveness(containerId: string): ProbeVerdict | undefined {
    return this.#results.Liveness.get(containerId);
  }

  startup(containerId: string): ProbeVerdict | undefined {
    return this.#results.Startup.get(containerId);
  }

  addPod(pod: PodView): void {
    const uid = uidOf(pod);
    const workers = this.#workers.get(uid) ?? new Map<string, ProbeWorker>();
    this.#workers.set(uid, workers);
    for (const { kind, container } of allContainers(pod)) {
      if (kind === 'ephemeral' || (kind === 'init' && !isSidecar(container))) continue;
      const specs: [ProbeType, DeepReadonly<Probe> | undefined][] = [
        ['Startup', container.startupProbe],
        ['Readiness', container.readinessProbe],
        ['Liveness', container.livenessProbe],
      ];
      for (const [type, spec] of specs) {
        const key = `${container.name}/${type}`;
        const present = workers.get(key);
        if (present) present.pod = pod;
        else if (spec) workers.set(key, new ProbeWorker(this, type, pod, container, spec));
      }
    }
  }

  /** The pod is to end: its probes of life and start end now, those of readiness with the containers. */
  stopLivenessAndStartup(uid: string): void {
    for (const [key, worker] of this.#workers.get(uid) ?? [])
      if (!key.endsWith('/Readiness')) worker.dispose();
  }

  removePod(uid: string): void {
    for (const worker of this.#workers.get(uid)?.values() ?? []) worker.dispose();
    this.#workers.delete(uid);
  }

  dispose(): void {
    for (const uid of [...this.#workers.keys()]) this.removePod(uid);
  }

  isStarted(uid: string, status: ContainerStatus | undefined): boolean {
    if (status?.state !== 'CONTAINER_RUNNING') return false;
    const verdict = this.startup(status.id);
    if (verdict !== undefined) return verdict === 'success';
    return this.#workers.get(uid)?.has(`${status.name}/Startup`) !== true;
  }

  /** Asks for a probe at once when the container is not known to be ready. */
  isReady(uid: string, status: ContainerStatus): boolean {
    if (status.state !== 'CONTAINER_RUNNING') return false;
    if (this.#results.Readiness.get(status.id) === 'success') return true;
    const worker = this.#workers.get(uid)?.get(`${status.name}/Readiness`);
    worker?.trigger();
    return worker === undefined;
  }

  /** Prometheus text of `/metrics/probes`. @see pkg/kubelet/prober/prober_manager.go */
  metrics(): string {
    const rows: string[] = [];
    for (const [uid, workers] of this.#workers)
      for (const { pod, container, type, outcomes } of workers.values())
        for (const [result, count] of outcomes)
          rows.push(
            `prober_probe_total{container="${container.name}",namespace="${pod.metadata.namespace ?? ''}",pod="${pod.metadata.name ?? ''}",pod_uid="${uid}",probe_type="${type}",result="${result}"} ${count}\n`,
          );
    if (rows.length === 0) return '';
    return `# HELP prober_probe_total [BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.\n# TYPE prober_probe_total counter\n${rows.join('')}`;
  }

  set(type: ProbeType, uid: string, containerId: string, verdict: ProbeVerdict): void {
    const results = this.#results[type];
    if (results.get(containerId) === verdict) return;
    const known = results.has(containerId);
    results.set(containerId, verdict);
    if (known || verdict !== initial[type]) this.#onResult(uid);
  }

  unset(type: ProbeType, containerId: string): void {
    this.#results[type].delete(containerId);
  }
}

/** One probe of one container, over all its restarts. @see pkg/kubelet/prober/worker.go */
class ProbeWorker implements Disposable {
  pod: PodView;
  readonly #manager: ProbeManager;
  readonly type: ProbeType;
  readonly container: ContainerView;
  readonly #spec: DeepReadonly<Probe>;
  #timer: Disposable | undefined;
  #containerId = '';
  #onHold = false;
  #busy = false;
  #disposed = false;
  /** How often it ended how. */
  readonly outcomes = new Map<'successful' | 'failed' | 'unknown', number>();
  #last: 'success' | 'failure' | undefined;
  #run = 0;

  constructor(
    manager: ProbeManager,
    type: ProbeType,
    pod: PodView,
    container: ContainerView,
    spec: DeepReadonly<Probe>,
  ) {
    this.#manager = manager;
    this.type = type;
    this.pod = pod;
    this.container = container;
    this.#spec = spec;
    const { clock, startedMs, random } = manager.context;
    const periodMs = this.#periodMs;
    // Just after the kubelet's own start the probes of all its pods must not come at once.
    if (
      clock.now() - startedMs < periodMs &&
      latestOf(manager.cache.get(uidOf(pod)), container.name)
    )
      this.#schedule(random.next() * periodMs);
    else this.#schedule(periodMs);
  }

  get #periodMs(): number {
    return (this.#spec.periodSeconds ?? 10) * 1000;
  }

  /** Probes now; the period starts anew. */
  trigger(): void {
    if (this.#disposed || this.#busy || this.#onHold) return;
    this.#schedule(0);
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
    if (this.#containerId !== '') this.#manager.unset(this.type, this.#containerId);
  }

  #schedule(delayMs: number): void {
    this.#timer?.dispose();
    this.#timer = this.#manager.context.clock.setTimer(
      delayMs,
      () => {
        this.#schedule(this.#periodMs);
        void this.#tick();
      },
      { background: true },
    );
  }

  async #tick(): Promise<void> {
    if (this.#busy || this.#disposed) return;
    const { context, cache } = this.#manager;
    const uid = uidOf(this.pod);
    const status = latestOf(cache.get(uid), this.container.name);
    if (!status) return;
    if (status.id !== this.#containerId) {
      if (this.#containerId !== '') this.#manager.unset(this.type, this.#containerId);
      this.#containerId = status.id;
      this.#onHold = false;
      this.#last = undefined;
      this.#run = 0;
      const ranBefore = status.startedMs > 0 && status.startedMs < context.startedMs - 10_000;
      if (this.type === 'Startup' && ranBefore && this.#wasStarted())
        this.#manager.set(this.type, uid, status.id, 'success');
      else this.#manager.set(this.type, uid, status.id, initial[this.type]);
    }
    if (this.#onHold) return;
    if (status.state !== 'CONTAINER_RUNNING') {
      this.#manager.set(this.type, uid, status.id, 'failure');
      return;
    }
    const runsSeconds = Math.floor((context.clock.now() - status.startedMs) / 1000);
    if (runsSeconds < (this.#spec.initialDelaySeconds ?? 0)) return;
    const started = this.#manager.isStarted(uid, status);
    if (started === (this.type === 'Startup')) return;
    this.#busy = true;
    try {
      await this.#probe(uid, status);
    } finally {
      this.#busy = false;
    }
  }

  /** What the API knows from before a restart of the kubelet. */
  #wasStarted(): boolean {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod.status ?? {};
    return [...containerStatuses, ...initContainerStatuses].some(
      ({ name, started }) => name === this.container.name && started === true,
    );
  }

  async #probe(uid: string, status: ContainerStatus): Promise<void> {
    const { context } = this.#manager;
    const outcome = await this.#ask(uid, status);
    const result = ({ success: 'successful', failure: 'failed', error: 'unknown' } as const)[
      outcome.kind
    ];
    this.outcomes.set(result, (this.outcomes.get(result) ?? 0) + 1);
    if (this.#disposed || this.#containerId !== status.id) return;
    const name = this.container.name;
    if (outcome.kind === 'error') {
      podEvent(
        context,
        this.pod,
        'Warning',
        'Unhealthy',
        `${this.type} probe errored and resulted in unknown state: ${outcome.text}`,
        name,
      );
      return;
    }
    if (outcome.kind === 'failure')
      podEvent(
        context,
        this.pod,
        'Warning',
        'Unhealthy',
        `${this.type} probe failed: ${outcome.output}`,
        name,
      );
    if (this.#last === outcome.kind) this.#run += 1;
    else {
      this.#last = outcome.kind;
      this.#run = 1;
    }
    const threshold =
      outcome.kind === 'failure'
        ? (this.#spec.failureThreshold ?? 3)
        : (this.#spec.successThreshold ?? 1);
    if (this.#run < threshold) return;
    if (this.type === 'Startup' || (this.type === 'Liveness' && outcome.kind === 'failure')) {
      this.#onHold = true;
      this.#run = 0;
    }
    this.#manager.set(this.type, uid, status.id, outcome.kind);
  }

  async #ask(uid: string, status: ContainerStatus): Promise<Outcome> {
    const { context, cache } = this.#manager;
    const { exec, httpGet, tcpSocket, grpc, timeoutSeconds = 1 } = this.#spec;
    const timeoutMs = timeoutSeconds * 1000;
    try {
      if (exec) return await this.#exec(status, exec.command ?? [], timeoutSeconds);
      const podIp = specOf(this.pod).hostNetwork
        ? context.nodeIp
        : (liveSandbox(cache.get(uid))?.ips[0] ?? '');
      if (httpGet) {
        const { host = '', path = '/', port, scheme = 'HTTP', httpHeaders = [] } = httpGet;
        const answer = await context.host.probe({
          kind: 'http',
          scheme: scheme === 'HTTPS' ? 'https' : 'http',
          host: host || podIp,
          port: portNumber(port, this.container),
          path,
          headers: httpHeaders.map(({ name, value }) => ({ name, value })),
          timeoutMs,
        });
        if (answer.kind === 'error') return { kind: 'failure', output: answer.error };
        if (answer.kind === 'http' && (answer.status < 200 || answer.status >= 400))
          return {
            kind: 'failure',
            output: `HTTP probe failed with statuscode: ${answer.status}`,
          };
        return { kind: 'success' };
      }
      const target = tcpSocket
        ? ({
            kind: 'tcp',
            host: tcpSocket.host || podIp,
            port: portNumber(tcpSocket.port, this.container),
            timeoutMs,
          } as const)
        : ({
            kind: 'grpc',
            host: podIp,
            port: grpc?.port ?? 0,
            service: grpc?.service ?? '',
            timeoutMs,
          } as const);
      const answer = await context.host.probe(target);
      return answer.kind === 'error'
        ? { kind: 'failure', output: answer.error }
        : { kind: 'success' };
    } catch (error) {
      return { kind: 'error', text: errorText(error) };
    }
  }

  async #exec(
    status: ContainerStatus,
    command: readonly string[],
    timeoutSeconds: number,
  ): Promise<Outcome> {
    try {
      const { stdout, stderr, exitCode } = await this.#manager.context.host.runtime.execSync(
        status.id,
        command,
        timeoutSeconds,
      );
      if (exitCode === 0) return { kind: 'success' };
      return { kind: 'failure', output: fromUtf8(stdout) + fromUtf8(stderr) };
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      if (error.code === 'DeadlineExceeded')
        return {
          kind: 'failure',
          output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s`,
        };
      return { kind: 'error', text: `rpc error: code = ${error.code} desc = ${error.message}` };
    }
  }
}
