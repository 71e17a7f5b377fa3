import type { Bilingual } from './common.ts';

export interface ClusterView {
  readonly clusterId: string;
  readonly name: string;
  /** `base+1cp+2w`. */
  readonly topology: string;
  readonly kubernetesVersion: string;
  readonly state: 'starting' | 'ready' | 'api-down' | 'stopped' | 'failed';
  /** Why it failed, when it did. */
  readonly problem?: string;
  readonly machines: readonly string[];
  /** 1 is real time, 0 stands still. */
  readonly speed: number;
  /** Simulated time, ms since the epoch. */
  readonly nowMs: number;
  /** Path of the kubeconfig for clients outside. */
  readonly kubeconfig: string;
  readonly server: string;
  readonly purpose: 'playground' | 'lesson' | 'practice' | 'exam' | 'card';
}

export interface ResourceKindView {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
}

/** A server-side table, as kubectl prints it. */
export interface ObjectTableView {
  readonly columns: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly cells: readonly string[];
  }[];
  readonly revision: number;
}

export interface ClusterEventView {
  readonly timeMs: number;
  readonly type: string;
  readonly reason: string;
  readonly object: string;
  readonly namespace: string;
  readonly message: string;
  readonly count: number;
  readonly source: string;
}

/** What one request did on its way, station by station: the control-plane view. */
export interface StationView {
  readonly timeMs: number;
  readonly station:
    'client' | 'api-server' | 'etcd' | 'controller' | 'scheduler' | 'kubelet' | 'runtime';
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly revision: number;
}

export interface TerminalView {
  readonly terminalId: number;
  readonly title: string;
  /** Answer to `terminals.attach`: how many bytes of earlier output were sent just before it. */
  readonly replayedBytes?: number;
}

/** A program waits until the person has edited `content`. */
export interface EditRequestView {
  readonly terminalId: number;
  readonly editId: number;
  readonly path: string;
  readonly content: string;
}

export interface DoctorCheck {
  readonly name: Bilingual;
  readonly state: 'ok' | 'missing' | 'broken';
  readonly detail: Bilingual;
  /** What to do about it. */
  readonly mend?: Bilingual;
}

export interface AppInfo {
  readonly version: string;
  readonly kubernetesVersion: string;
  readonly host: 'electron' | 'web';
  readonly dataFolder: string;
  /** Whether a shell of this computer can be opened in a terminal. */
  readonly localShell: boolean;
}
