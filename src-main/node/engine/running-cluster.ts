import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BytePipe, fromUtf8, type Logger, readText, seededRandom, utf8 } from '#core/base';
import type {
  ClusterSpec,
  ClusterState,
  EngineRequest,
  EngineResponse,
  HistoryEntry,
  NetworkProbe,
  NetworkProbeResult,
  RunOptions,
  RunResult,
} from '#core/app';
import {
  badRequest,
  ConnectionError,
  type Descriptions,
  failure,
  notFound,
  type Pki,
  responseText,
  type StoreLog,
} from '#core/kube';
import { Lab, type LabSnapshot } from '#core/lab';
import { createResolver, httpRequest, readBody } from '#core/machines';
import { ClockDriver } from '#node/clock';
import { type ApiListener, serveApi } from '#node/https';
import { callLoopback } from '#node/loopback';
import { createClusterFile } from '#node/sqlite';
import { encodeChanges, encodeKeys, readSavedLab, filesBlob, keysBlob } from './saved-lab.ts';

export interface RunningClusterOptions {
  readonly folder: string;
  readonly pki: Pki;
  readonly logger: Logger;
  readonly descriptions?: Descriptions;
}

export const kubernetesVersion = 'v1.36.3';
/** Simulated time a cluster gets to come up; it runs as fast as the machine allows. */
const bootLimitMs = 300_000;
const apiWatchMs = 100;
/** How long a resumed cluster may take, simulated; what was broken in it may never be Ready. */
const resumeLimitMs = 60_000;
/** About what a cluster needs to come up, simulated. */
const bootTimeMs = 30_000;
/** The most of what was done to files that a crash can take back; a save takes milliseconds. */
const saveIntervalMs = 5_000;
/** What the cluster's clock showed, ms since the epoch, as text. */
const clockBlob = 'clock';

/** A lab with a clock that follows the wall clock, a file, and a port of this computer. */
export class RunningCluster {
  readonly spec: ClusterSpec;
  readonly driver: ClockDriver;
  readonly lab: Lab;
  readonly kubeconfig: string;
  /** Whether it had no file before. */
  readonly isNew: boolean;
  readonly #options: RunningClusterOptions;
  readonly #file: ReturnType<typeof createClusterFile> | undefined;
  readonly #path: string;
  /** Files of the stores that restored data directories hold. */
  readonly #storeFolder: string;
  readonly #storeFiles: ReturnType<typeof createClusterFile>[] = [];
  /** It was here before: its machines start with what they held. */
  readonly #resumed: boolean;
  readonly #marks = new Map<string, LabSnapshot>();
  #listener: ApiListener | undefined;
  #apiWatch: NodeJS.Timeout | undefined;
  #apiOpen = true;
  #saver: NodeJS.Timeout | undefined;
  /** Version of the files that the cluster's file holds, by host name; absent before the first save. */
  #savedFiles: Map<string, number> | undefined;
  #phase: 'starting' | 'ready' | 'stopped' | 'failed' = 'starting';
  #problem: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(spec: ClusterSpec, options: RunningClusterOptions) {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(spec.clusterId))
      throw badRequest(
        `cluster id ${JSON.stringify(spec.clusterId)}: lower-case letters, digits and '-' only`,
      );
    this.spec = spec;
    this.#options = options;
    this.#path = join(options.folder, `${spec.clusterId}.sqlite`);
    this.#storeFolder = join(options.folder, `${spec.clusterId}.stores`);
    this.kubeconfig = join(options.folder, `${spec.clusterId}.kubeconfig`);
    this.isNew = !existsSync(this.#path);
    if (spec.persistent) this.#file = createClusterFile(this.#path);
    const saved = this.#file && readSavedLab(this.#file.blobs);
    const seenMs = Number(fromUtf8(this.#file?.blobs.get(clockBlob) ?? utf8('0')));
    this.#resumed = saved !== undefined;
    // The clock begins before the present, so that a cluster that has booted stands near it, and never before
    // what it has already seen.
    this.driver = new ClockDriver(Math.max(Date.now() - bootTimeMs, seenMs), 0);
    try {
      this.lab = new Lab({
        topology: spec.topology,
        kubernetesVersion,
        clock: this.driver.clock,
        random: seededRandom(spec.seed),
        logger: options.logger,
        pki: this.driver.hold(options.pki),
        callComputer: this.driver.hold({ callLoopback }).callLoopback,
        ...(options.descriptions ? { descriptions: options.descriptions } : {}),
        openLog: (id) => this.#openLog(id),
        ...(saved ? { saved } : {}),
      });
    } catch (error) {
      this.#file?.close();
      if (this.isNew) this.forget();
      throw error;
    }
  }

  /** Where a store of this cluster is written: the first beside everything else, others each in a file of its own. */
  #openLog(storeId: string): StoreLog | undefined {
    if (!this.#file || storeId === 'main') return this.#file?.log;
    const file = createClusterFile(join(this.#storeFolder, `${storeId}.sqlite`));
    this.#storeFiles.push(file);
    return file.log;
  }

  async start(): Promise<void> {
    await this.lab.start();
    const pair = this.lab.servingPair();
    if (!pair) throw new Error('the API server has no certificate');
    this.#listener = await serveApi({
      transport: this.lab.apiTransport,
      ...pair,
      logger: this.#options.logger,
    });
    const ready = this.lab.ready(this.#resumed ? resumeLimitMs : bootLimitMs);
    await this.#runUntilSettled(ready);
    // A cluster that somebody broke comes back as it was: broken.
    if (this.#resumed) await ready.catch(() => undefined);
    else await ready;
    this.driver.setSpeed(1);
    this.#phase = 'ready';
    this.#apiWatch = setInterval(() => void this.#followApi(), apiWatchMs);
    this.#apiWatch.unref();
    await this.save();
    this.#saver = setInterval(() => void this.#saveQuietly(), saveIntervalMs);
    this.#saver.unref();
  }

  async #saveQuietly(): Promise<void> {
    if (this.#phase !== 'ready') return;
    try {
      await this.save();
    } catch (error) {
      this.#options.logger.log('error', `cluster ${this.spec.clusterId} could not be saved`, {
        error,
      });
    }
  }

  get server(): string {
    return `https://127.0.0.1:${this.#listener?.port ?? 0}`;
  }

  kubeconfigText(): string {
    return this.lab.adminKubeconfig(this.server);
  }

  state(): ClusterState {
    const { spec } = this;
    return {
      clusterId: spec.clusterId,
      name: spec.name,
      topology: spec.topology,
      purpose: spec.purpose,
      kubernetesVersion,
      state: this.#phase === 'ready' && !this.#apiOpen ? 'api-down' : this.#phase,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      machines: this.lab.hosts,
      speed: this.driver.speed,
      nowMs: this.driver.clock.now(),
      revision: this.lab.store.revision,
      kubeconfig: this.kubeconfig,
      server: this.server,
    };
  }

  /** The port outside is open exactly while the API server listens inside. */
  async #followApi(): Promise<void> {
    const listening = this.lab.apiListening;
    if (listening === this.#apiOpen || !this.#listener) return;
    this.#apiOpen = listening;
    if (!listening) await this.#listener.suspend();
    else {
      const pair = this.lab.servingPair();
      if (pair) this.#listener.setSecureContext(pair);
      await this.#listener.resume();
    }
  }

  async request(request: EngineRequest): Promise<EngineResponse> {
    const response = await this.lab.adminTransport
      .send({
        method: request.method,
        url: request.url,
        headers: {
          accept: 'application/json',
          'user-agent': 'kijabi',
          ...(request.user ? { 'impersonate-user': request.user.name } : {}),
          ...request.headers,
        },
        ...(request.user ? { repeated: { 'impersonate-group': request.user.groups } } : {}),
        ...(request.body === undefined ? {} : { body: utf8(request.body) }),
      })
      .catch((error: unknown) => {
        if (!(error instanceof ConnectionError)) throw error;
        throw failure(
          503,
          'ServiceUnavailable',
          `the API server does not answer: ${error.message}`,
        );
      });
    await response.durable?.();
    const { body, status } = response;
    if (body.kind === 'watch' || body.kind === 'session')
      throw badRequest(`${request.url} answers with a stream`);
    return { status, body: await responseText(response) };
  }

  async run(host: string, command: string, options: RunOptions): Promise<RunResult> {
    const machine = this.lab.machine(host);
    const [stdin, stdout, stderr] = [new BytePipe(), new BytePipe(), new BytePipe()];
    const child = machine.spawn(['/bin/bash', '-c', command], { stdin, stdout, stderr });
    if (options.stdin !== undefined) void stdin.write(utf8(options.stdin)).catch(() => undefined);
    stdin.end();
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : this.driver.clock.setTimer(options.timeoutMs, () => {
            timedOut = true;
            child.kill('SIGKILL');
          });
    let timedOut = false;
    const output = Promise.all([readText(stdout), readText(stderr)]);
    const exitCode = await child.exit;
    timer?.dispose();
    // Whoever else holds the pipes (a background job) does not keep the answer waiting.
    stdout.end();
    stderr.end();
    const [out, err] = await output;
    return { exitCode: timedOut ? 124 : exitCode, stdout: out, stderr: err };
  }

  async probe(probe: NetworkProbe): Promise<NetworkProbeResult> {
    const { clock } = this.driver;
    const place = await this.#placeOf(probe);
    if (!place) return { kind: 'error', error: 'there is no such pod, or it has no address' };
    const resolver = createResolver({ ...place, clock, random: seededRandom(this.spec.seed) });
    try {
      if (probe.kind === 'dns')
        return { kind: 'addresses', addresses: await resolver.lookup(probe.target) };
      if (probe.kind === 'tcp') {
        const [host = '', port = '0'] = probe.target.split(/:(?=\d+$)/);
        const [address = host] = await resolver.lookup(host);
        await place.net.dial(address, Number(port), 'tcp', { timeoutMs: probe.timeoutMs });
        return { kind: 'open' };
      }
      const answer = await httpRequest({
        net: place.net,
        clock,
        url: probe.target,
        ...(probe.headers ? { headers: probe.headers } : {}),
        timeoutMs: probe.timeoutMs,
        connectTimeoutMs: probe.timeoutMs,
        resolve: (host) => resolver.lookup(host),
        tls: { insecure: true },
      });
      return { kind: 'http', status: answer.status, body: fromUtf8(await readBody(answer)) };
    } catch (error) {
      return { kind: 'error', error: error instanceof Error ? error.message : String(error) };
    }
  }

  async #placeOf({ from }: NetworkProbe) {
    if ('host' in from) {
      const machine = this.lab.machine(from.host);
      return { files: machine.files, net: machine.net };
    }
    const { status, body } = await this.request({
      method: 'GET',
      url: `/api/v1/namespaces/${from.namespace}/pods/${from.pod}`,
    });
    if (status !== 200) return undefined;
    const { podIP } = (JSON.parse(body) as { status?: { podIP?: string } }).status ?? {};
    return podIP === undefined ? undefined : this.lab.podPlace(podIP);
  }

  history(sinceRevision: number, limit: number): HistoryEntry[] {
    return this.lab.history(sinceRevision, limit);
  }

  mark(name: string): void {
    this.#marks.get(name)?.retained.dispose();
    this.#marks.set(name, this.lab.snapshot());
  }

  async reset(name: string): Promise<void> {
    const snapshot = this.#marks.get(name);
    if (!snapshot) throw notFound({ group: '', resource: 'marks' }, name);
    await this.lab.restore(snapshot);
    const ready = this.lab.ready(bootLimitMs);
    await this.#runUntilSettled(ready);
    await ready;
  }

  /** Runs the clock as fast as the machine allows. @throws Error the cluster was stopped: its clock stands for good. */
  async #runUntilSettled(work: Promise<void>): Promise<void> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    while (!isSettled && !this.#stopping) await this.driver.advance(500);
    if (this.#stopping) throw new Error(`cluster ${this.spec.clusterId} was stopped`);
  }

  /**
   * Writes what outlives the programs beside the store's log: the files of the machines on which they have changed, and
   * the clock.
   */
  async save(): Promise<void> {
    if (!this.#file) return;
    const { blobs } = this.#file;
    const savedFiles = new Map(this.#savedFiles);
    await blobs.put(clockBlob, utf8(String(this.driver.clock.now())));
    for (const { hostname, version, changes } of this.lab.files()) {
      if (savedFiles.get(hostname) === version) continue;
      // One at a time: others have their turn before the next machine.
      await blobs.put(filesBlob(hostname), encodeChanges(changes()));
      savedFiles.set(hostname, version);
    }
    // Last, for a file with keys is one that has everything.
    if (!this.#savedFiles) await blobs.put(keysBlob, encodeKeys(this.lab.keys));
    this.#savedFiles = savedFiles;
  }

  /** Stops it once, however often it is asked to; what is persistent is on disk afterwards. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  async #end(): Promise<void> {
    clearInterval(this.#apiWatch);
    clearInterval(this.#saver);
    const wasReady = this.#phase === 'ready';
    this.#phase = 'stopped';
    await this.#listener?.close();
    if (wasReady) await this.save();
    this.lab.dispose();
    this.driver.stop();
    this.#file?.close();
    for (const file of this.#storeFiles) file.close();
  }

  /** Removes its files. */
  forget(): void {
    for (const suffix of ['', '-wal', '-shm'])
      if (existsSync(this.#path + suffix)) rmSync(this.#path + suffix);
    rmSync(this.#storeFolder, { recursive: true, force: true });
  }
}
