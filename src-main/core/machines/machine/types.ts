import type { ByteSource, Clock, Logger, Random } from '#core/base';
import type { NodeHost } from '#core/kube';
import type { FileSystem } from '../filesystem/types.ts';
import type { ImageCatalogue } from '../images/types.ts';
import type { NetNamespace } from '../network/types.ts';
import type {
  ChildProcess,
  EditRequest,
  ProcessInfo,
  Program,
  SpawnOptions,
} from '../process/types.ts';

export interface MachineSpec {
  readonly hostname: string;
  /** Address of eth0. */
  readonly address: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface MachineDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly catalogue: ImageCatalogue;
  /**
   * Programs installed on this machine beyond the base system, by path: `/usr/bin/kubectl`,
   * `/usr/bin/kubelet`, `/usr/bin/etcdctl` …
   */
  readonly programs: Readonly<Record<string, Program>>;
}

/** A simulated Linux host: files, processes, units, containers, an address and a shell. */
export interface Machine {
  readonly spec: MachineSpec;
  readonly files: FileSystem;
  readonly net: NetNamespace;
  /** Enabled units start, in order of their dependencies. */
  boot(): Promise<void>;
  /** Everything on it stops at once, as when the power goes; files stay. */
  powerOff(): void;
  readonly running: boolean;
  /** Runs a command as a user's session would, by default root's. @throws SpawnError */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  processes(): readonly ProcessInfo[];
  /** A login shell, or one command, on a terminal of its own. @throws SpawnError the user's shell is gone. */
  openTerminal?(
    user: string,
    size: { readonly columns: number; readonly rows: number },
    options?: {
      readonly edit?: (request: EditRequest) => Promise<void>;
      readonly command?: string;
    },
  ): TerminalSession;
  readonly units: Units;
  /** The machine as its kubelet sees it; the runtime refuses while containerd is down. */
  readonly nodeHost: NodeHost;
}

/** What a person's window holds of a terminal. */
export interface TerminalSession {
  /** What the person types. */
  input(bytes: Uint8Array): void;
  readonly output: ByteSource;
  resize(columns: number, rows: number): void;
  /** The login shell's exit code. */
  readonly exit: Promise<number>;
  /** The window is closed: the session gets SIGHUP. */
  close(): void;
}

export interface Units {
  /** As `systemctl <verb> <unit>`. @throws Error with systemctl's text. */
  start(unit: string): Promise<void>;
  stop(unit: string): Promise<void>;
  restart(unit: string): Promise<void>;
  enable(unit: string): void;
  disable(unit: string): void;
  daemonReload(): void;
  state(unit: string): UnitState | undefined;
  list(): readonly UnitState[];
  /** Lines of a unit's journal, oldest first. */
  journal(unit?: string): readonly JournalLine[];
}

export interface UnitState {
  readonly name: string;
  readonly description: string;
  readonly load: 'loaded' | 'not-found' | 'masked';
  readonly active: 'active' | 'inactive' | 'failed' | 'activating' | 'deactivating';
  readonly sub: string;
  readonly enabled: 'enabled' | 'disabled' | 'static' | 'masked';
  readonly mainPid: number;
  readonly sinceMs: number;
  readonly exitCode?: number;
}

export interface JournalLine {
  readonly timeMs: number;
  readonly unit: string;
  readonly identifier: string;
  readonly pid: number;
  readonly message: string;
}
