import type { ByteSink, ByteSource, Clock, Logger, Random } from '#core/base';
import type { FileSystem } from '../filesystem/types.ts';
import type { NetNamespace } from '../network/types.ts';

export type Signal =
  | 'SIGHUP'
  | 'SIGINT'
  | 'SIGQUIT'
  | 'SIGKILL'
  | 'SIGTERM'
  | 'SIGUSR1'
  | 'SIGUSR2'
  | 'SIGPIPE'
  | 'SIGSTOP'
  | 'SIGCONT'
  | 'SIGTSTP'
  | 'SIGWINCH'
  | 'SIGCHLD';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

/** A terminal between a person and a process. */
export interface Tty {
  readonly columns: number;
  readonly rows: number;
  /** Raw: no echo, no line editing, Ctrl-C is a byte. */
  setRaw(raw: boolean): void;
  onResize(listener: () => void): { dispose(): void };
}

/**
 * Code with argv, environment, files, network, clock and streams. It ends with an exit code. A program has
 * no other way to reach the world, and nothing of it survives its end but what it wrote.
 */
export type Program = (context: ProgramContext) => Promise<number>;

export interface ProgramContext {
  /** argv[0] is the name it was called by. */
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly user: User;
  /** The tree this process sees (a container's own, or the machine's), with this user's permissions. */
  readonly files: FileSystem;
  readonly net: NetNamespace;
  readonly clock: Clock;
  readonly random: Random;
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Present when stdout is a terminal. */
  readonly tty?: Tty;
  readonly process: ProcessHandle;
  /** Aborted when the process is killed or its machine stops: everything it awaits must end. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export interface ProcessHandle {
  readonly pid: number;
  readonly parentPid: number;
  /** Replaces the default action of a signal; SIGKILL and SIGSTOP cannot be handled. */
  onSignal(signal: Signal, handler: () => void): { dispose(): void };
  /** Starts a child: looks `argv[0]` up in PATH unless it holds a slash. @throws SpawnError */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Processes of the same pid namespace. */
  list(): readonly ProcessInfo[];
  /** @returns false when there is no such process. */
  kill(pid: number, signal: Signal): boolean;
  /** Memory the program holds, for `top`, metrics and OOM: beyond its limit it is killed (137, OOMKilled). */
  setMemory(bytes: number): void;
  /** CPU it uses, in millicores. */
  setCpu(milli: number): void;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly user?: User;
  readonly stdin?: ByteSource;
  readonly stdout?: ByteSink;
  readonly stderr?: ByteSink;
  readonly tty?: Tty;
}

export interface ChildProcess {
  readonly pid: number;
  /** 128 + n after death by signal n. */
  readonly exit: Promise<number>;
  kill(signal: Signal): void;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly user: string;
  readonly argv: readonly string[];
  readonly startedMs: number;
  readonly memoryBytes: number;
  readonly cpuMilli: number;
}

/** `argv[0]` cannot be run. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
  readonly code: 'ENOENT' | 'EACCES' | 'EISDIR' | 'ENOEXEC';

  constructor(code: SpawnError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
