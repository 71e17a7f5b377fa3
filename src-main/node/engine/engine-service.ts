import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandSignal } from '#contract';
import type { Logger } from '#core/base';
import type {
  ClusterSpec,
  ClusterState,
  CommandStart,
  Engine,
  EngineEventName,
  EngineEvents,
  EngineRequest,
  EngineResponse,
  NetworkProbe,
  NetworkProbeResult,
  RunOptions,
  RunResult,
  UnitView,
} from '#core/app';
import { alreadyExists, type Descriptions, notFound, type Pki } from '#core/kube';
import { Commands } from './commands.ts';
import { RunningCluster } from './running-cluster.ts';
import { Terminals } from './terminals.ts';

export interface EngineServiceOptions {
  /** Folder of cluster files and kubeconfigs. */
  readonly dataFolder: string;
  readonly pki: Pki;
  readonly logger: Logger;
  readonly descriptions?: Descriptions;
  emit<E extends EngineEventName>(name: E, payload: EngineEvents[E]): void;
}

/** Wall milliseconds between looks at what changed in the clusters. */
const watchIntervalMs = 250;

/** All running clusters, and everything the app may ask of them. */
export class EngineService implements Engine {
  readonly #options: EngineServiceOptions;
  readonly #clusters = new Map<string, RunningCluster>();
  readonly #terminals: Terminals;
  readonly #commands: Commands;
  readonly #watcher: NodeJS.Timeout;
  readonly #seen = new Map<string, { revision: number; state: string }>();

  constructor(options: EngineServiceOptions) {
    this.#options = options;
    mkdirSync(join(options.dataFolder, 'clusters'), { recursive: true, mode: 0o700 });
    this.#terminals = new Terminals((name, payload) => options.emit(name, payload));
    this.#commands = new Commands((name, payload) => options.emit(name, payload));
    this.#watcher = setInterval(() => this.#tell(), watchIntervalMs);
    this.#watcher.unref();
  }

  async create(spec: ClusterSpec): Promise<ClusterState> {
    if (this.#clusters.has(spec.clusterId))
      throw alreadyExists({ group: '', resource: 'clusters' }, spec.clusterId);
    const cluster = new RunningCluster(spec, {
      ...this.#options,
      folder: join(this.#options.dataFolder, 'clusters'),
    });
    this.#clusters.set(spec.clusterId, cluster);
    try {
      await cluster.start();
    } catch (error) {
      this.#clusters.delete(spec.clusterId);
      await cluster.stop();
      // One that has been up before keeps what is in it.
      if (cluster.isNew) cluster.forget();
      throw error;
    }
    writeFileSync(cluster.kubeconfig, cluster.kubeconfigText(), { mode: 0o600 });
    this.#options.emit('changed', cluster.state());
    return cluster.state();
  }

  list(): Promise<readonly ClusterState[]> {
    return Promise.resolve([...this.#clusters.values()].map((cluster) => cluster.state()));
  }

  get(clusterId: string): Promise<ClusterState> {
    return this.#with(clusterId, (cluster) => cluster.state());
  }

  async remove(clusterId: string): Promise<void> {
    const cluster = this.#find(clusterId);
    this.#clusters.delete(clusterId);
    this.#terminals.closeAll(clusterId);
    this.#commands.closeAll(clusterId);
    await cluster.stop();
    cluster.forget();
    rmSync(cluster.kubeconfig, { force: true });
    this.#options.emit('removed', { clusterId });
  }

  setSpeed(clusterId: string, speed: number): Promise<ClusterState> {
    return this.#with(clusterId, (cluster) => {
      cluster.driver.setSpeed(Math.max(0, speed));
      return cluster.state();
    });
  }

  advance(clusterId: string, milliseconds: number): Promise<ClusterState> {
    return this.#with(clusterId, async (cluster) => {
      await cluster.driver.advance(Math.max(0, milliseconds));
      return cluster.state();
    });
  }

  settle(clusterId: string, limitMs: number): Promise<{ readonly settled: boolean }> {
    return this.#with(clusterId, async (cluster) => ({
      settled: await cluster.driver.settle(limitMs),
    }));
  }

  save(clusterId: string): Promise<void> {
    return this.#with(clusterId, (cluster) => cluster.save());
  }

  mark(clusterId: string, name: string): Promise<void> {
    return this.#with(clusterId, (cluster) => cluster.mark(name));
  }

  reset(clusterId: string, name: string): Promise<ClusterState> {
    return this.#with(clusterId, async (cluster) => {
      this.#terminals.closeAll(clusterId);
      this.#commands.closeAll(clusterId);
      await cluster.reset(name);
      return cluster.state();
    });
  }

  request(clusterId: string, request: EngineRequest): Promise<EngineResponse> {
    return this.#with(clusterId, (cluster) => cluster.request(request));
  }

  run(
    clusterId: string,
    host: string,
    command: string,
    options: RunOptions = {},
  ): Promise<RunResult> {
    return this.#with(clusterId, (cluster) => cluster.run(host, command, options));
  }

  readFile(clusterId: string, host: string, path: string): Promise<string | null> {
    return this.#with(clusterId, ({ lab }) => {
      const { files } = lab.machine(host);
      return files.exists(path) && files.stat(path).kind === 'file' ? files.readText(path) : null;
    });
  }

  writeFile(
    clusterId: string,
    host: string,
    path: string,
    content: string,
    mode = 0o644,
  ): Promise<void> {
    return this.#with(clusterId, ({ lab }) => {
      const { files } = lab.machine(host);
      files.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true });
      files.writeFile(path, content, mode);
    });
  }

  unit(clusterId: string, host: string, unit: string): Promise<UnitView | null> {
    return this.#with(clusterId, ({ lab }) => {
      const state = lab.machine(host).units.state(unit.includes('.') ? unit : `${unit}.service`);
      return state && state.load !== 'not-found'
        ? { active: state.active, sub: state.sub, enabled: state.enabled }
        : null;
    });
  }

  probe(clusterId: string, probe: NetworkProbe): Promise<NetworkProbeResult> {
    return this.#with(clusterId, (cluster) => cluster.probe(probe));
  }

  history(
    ...[clusterId, sinceRevision, limit]: Parameters<Engine['history']>
  ): ReturnType<Engine['history']> {
    return this.#with(clusterId, (cluster) => cluster.history(sinceRevision, limit));
  }

  openTerminal(
    clusterId: string,
    host: string,
    columns: number,
    rows: number,
    command?: string,
  ): Promise<number> {
    return this.#with(clusterId, ({ lab }) =>
      this.#terminals.open(clusterId, lab, host, { columns, rows, command }),
    );
  }

  writeTerminal(terminalId: number, bytes: Uint8Array): Promise<void> {
    this.#terminals.write(terminalId, bytes);
    return Promise.resolve();
  }

  resizeTerminal(terminalId: number, columns: number, rows: number): Promise<void> {
    this.#terminals.resize(terminalId, columns, rows);
    return Promise.resolve();
  }

  closeTerminal(terminalId: number): Promise<void> {
    this.#terminals.close(terminalId);
    return Promise.resolve();
  }

  answerEdit(editId: number, content: string | null): Promise<void> {
    this.#terminals.answerEdit(editId, content);
    return Promise.resolve();
  }

  startCommand(commandId: number, start: CommandStart): Promise<void> {
    return this.#with(start.clusterId, ({ lab }) => this.#commands.start(commandId, lab, start));
  }

  writeCommand(commandId: number, bytes: Uint8Array): Promise<void> {
    return this.#commands.write(commandId, bytes);
  }

  takenFromCommand(commandId: number, bytes: number): Promise<void> {
    this.#commands.taken(commandId, bytes);
    return Promise.resolve();
  }

  signalCommand(commandId: number, signal: CommandSignal): Promise<void> {
    this.#commands.signal(commandId, signal);
    return Promise.resolve();
  }

  /** Stops every cluster; what is persistent is on disk afterwards. */
  async stop(): Promise<void> {
    clearInterval(this.#watcher);
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
    this.#clusters.clear();
  }

  #find(clusterId: string): RunningCluster {
    const cluster = this.#clusters.get(clusterId);
    if (!cluster) throw notFound({ group: '', resource: 'clusters' }, clusterId);
    return cluster;
  }

  async #with<T>(clusterId: string, use: (cluster: RunningCluster) => T | Promise<T>): Promise<T> {
    return use(this.#find(clusterId));
  }

  #tell(): void {
    for (const [clusterId, cluster] of this.#clusters) {
      const state = cluster.state();
      const before = this.#seen.get(clusterId);
      if (before?.revision !== state.revision)
        this.#options.emit('objects', { clusterId, revision: state.revision });
      const shown = `${state.state} ${state.speed}`;
      if (before?.state !== shown) this.#options.emit('changed', state);
      this.#seen.set(clusterId, { revision: state.revision, state: shown });
    }
  }
}
