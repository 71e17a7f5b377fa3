import type { CommandSignal } from '#contract';

/**
 * The app's door to the running clusters. The engine lives on a thread of its own, so everything here is
 * asynchronous and made of plain data.
 */
export interface Engine {
  /** Lays out, boots and waits until the API answers and every node is Ready. */
  create(spec: ClusterSpec): Promise<ClusterState>;
  list(): Promise<readonly ClusterState[]>;
  /** @throws StatusError 404 */
  get(clusterId: string): Promise<ClusterState>;
  /** Stops it and forgets everything about it. */
  remove(clusterId: string): Promise<void>;
  setSpeed(clusterId: string, speed: number): Promise<ClusterState>;
  advance(clusterId: string, milliseconds: number): Promise<ClusterState>;
  /** Runs until only periodic work is due, at most `limitMs` of simulated time. */
  settle(clusterId: string, limitMs: number): Promise<{ readonly settled: boolean }>;
  /**
   * Writes what its machines hold to disk. A persistent cluster does so by itself every now and then; its store
   * is on disk at any time.
   */
  save(clusterId: string): Promise<void>;
  /** Remembers the state of the cluster as it is; one mark of a name. */
  mark(clusterId: string, name: string): Promise<void>;
  /** Back to a mark: machines start again with the files and the store of that moment. */
  reset(clusterId: string, name: string): Promise<ClusterState>;
  /** A request to the API server with the rights of the cluster's administrator, or as `user`. */
  request(clusterId: string, request: EngineRequest): Promise<EngineResponse>;
  /** Runs a shell command on a machine as root, as `ssh HOST COMMAND` would, to its end. */
  run(clusterId: string, host: string, command: string, options?: RunOptions): Promise<RunResult>;
  /** Null when there is no such file. */
  readFile(clusterId: string, host: string, path: string): Promise<string | null>;
  writeFile(
    clusterId: string,
    host: string,
    path: string,
    content: string,
    mode?: number,
  ): Promise<void>;
  /** Null when there is no such unit. */
  unit(clusterId: string, host: string, unit: string): Promise<UnitView | null>;
  /** A request over the simulated network. */
  probe(clusterId: string, probe: NetworkProbe): Promise<NetworkProbeResult>;
  /** Writes of the store since a revision, newest last, at most `limit`. */
  history(
    clusterId: string,
    sinceRevision: number,
    limit: number,
  ): Promise<readonly HistoryEntry[]>;
  /** A login shell, or `command` alone. */
  openTerminal(
    clusterId: string,
    host: string,
    columns: number,
    rows: number,
    command?: string,
  ): Promise<number>;
  writeTerminal(terminalId: number, bytes: Uint8Array): Promise<void>;
  resizeTerminal(terminalId: number, columns: number, rows: number): Promise<void>;
  closeTerminal(terminalId: number): Promise<void>;
  answerEdit(editId: number, content: string | null): Promise<void>;
  /**
   * Starts a shell command on a machine as root, without a terminal. `commandId` is the caller's choice; its output
   * comes as `commandData` and waits while more than a mebibyte was not taken, its end as `commandExit`.
   */
  startCommand(commandId: number, start: CommandStart): Promise<void>;
  /** Resolves when the command has room for more. An empty message ends its input. */
  writeCommand(commandId: number, bytes: Uint8Array): Promise<void>;
  /** `bytes` of its output have arrived where they were going. */
  takenFromCommand(commandId: number, bytes: number): Promise<void>;
  /** To all processes of the command. */
  signalCommand(commandId: number, signal: CommandSignal): Promise<void>;
}

export interface CommandStart {
  readonly clusterId: string;
  readonly host: string;
  readonly command: string;
  /** Whether it gets an input; otherwise that is at its end from the start. */
  readonly input: boolean;
}

export type ClusterPurpose = 'playground' | 'lesson' | 'practice' | 'exam' | 'card';

export interface ClusterSpec {
  readonly clusterId: string;
  readonly name: string;
  readonly topology: string;
  readonly purpose: ClusterPurpose;
  readonly seed: string;
  /** Kept on disk and resumed by a later `create` of the same id; otherwise it lives in memory. */
  readonly persistent: boolean;
}

export interface ClusterState {
  readonly clusterId: string;
  readonly name: string;
  readonly topology: string;
  readonly purpose: ClusterPurpose;
  readonly kubernetesVersion: string;
  readonly state: 'starting' | 'ready' | 'api-down' | 'stopped' | 'failed';
  readonly problem?: string;
  readonly machines: readonly string[];
  readonly speed: number;
  /** Simulated time, ms since the epoch. */
  readonly nowMs: number;
  readonly revision: number;
  /** Path of the kubeconfig for clients outside. */
  readonly kubeconfig: string;
  readonly server: string;
}

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Impersonated. */
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
}

export interface EngineResponse {
  readonly status: number;
  readonly body: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Simulated; the command is killed after it (exit code 124). */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface UnitView {
  readonly active: string;
  readonly sub: string;
  readonly enabled: string;
}

export interface NetworkProbe {
  /** A machine, or a pod. */
  readonly from: { readonly host: string } | { readonly namespace: string; readonly pod: string };
  readonly kind: 'http' | 'tcp' | 'dns';
  /** URL for http, `host:port` for tcp, a name for dns. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type NetworkProbeResult =
  | { readonly kind: 'http'; readonly status: number; readonly body: string }
  | { readonly kind: 'open' }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'error'; readonly error: string };

export interface HistoryEntry {
  readonly revision: number;
  readonly timeMs: number;
  readonly type: 'create' | 'update' | 'delete';
  /** Key below /registry: `pods/default/web`. */
  readonly key: string;
  /** Who wrote it, by managedFields; empty when unknown. */
  readonly manager: string;
  readonly subresource: string;
}

/** What the engine tells unasked. */
export interface EngineEvents {
  readonly changed: ClusterState;
  readonly removed: { readonly clusterId: string };
  readonly objects: { readonly clusterId: string; readonly revision: number };
  readonly terminalData: { readonly terminalId: number; readonly bytes: Uint8Array };
  readonly terminalExit: { readonly terminalId: number; readonly exitCode: number };
  readonly edit: {
    readonly terminalId: number;
    readonly editId: number;
    readonly path: string;
    readonly content: string;
  };
  readonly commandData: {
    readonly commandId: number;
    readonly stream: 'stdout' | 'stderr';
    readonly bytes: Uint8Array;
  };
  readonly commandExit: { readonly commandId: number; readonly exitCode: number };
}
export type EngineEventName = keyof EngineEvents;
