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
  | 'SIGCHLD'
  | 'SIGABRT'
  | 'SIGALRM'
  | 'SIGSEGV'
  | 'SIGTTIN'
  | 'SIGTTOU';

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
  /** `pts/0`. */
  readonly name?: string;
  /** The process group that the keyboard's signals go to; a shell with job control sets it. */
  foregroundGroup?: number;
  /** What the terminal shows and takes, whatever stdin and stdout are (`/dev/tty`). */
  readonly input?: ByteSource;
  readonly output?: ByteSink;
  /** Turns echo off and on while lines are still edited by the terminal: passwords. */
  setEcho?(echo: boolean): void;
  /**
   * Lets the terminal's owner edit a file in its own editor. Resolves when the editor is closed, after the file was
   * written if the person saved it. Absent: no editor is at hand.
   */
  readonly edit?: (request: EditRequest) => Promise<void>;
}

/** A program asks for its file to be edited: `vi`, `nano`, `kubectl edit`. */
export interface EditRequest {
  /** As the person wrote it, for the title. */
  readonly name: string;
  /** Absolute, in `files`. */
  readonly path: string;
  readonly files: FileSystem;
  readonly editor: 'vim' | 'nano';
  readonly readOnly: boolean;
  /** 1-based line to start on. */
  readonly line?: number;
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
  /** Ignores a signal; children inherit it. `undefined` as handler gives the default action back. */
  ignoreSignal?(signal: Signal, ignored: boolean): void;
  /** Its process group: the pid of the group's first member. */
  readonly group?: number;
  /** The terminal it belongs to, also when its streams are redirected. */
  readonly terminal?: Tty | undefined;
  /** Becomes another program with the same pid. @throws SpawnError; @returns the exit code to end with. */
  exec?(argv: readonly string[], options?: SpawnOptions): Promise<number>;
  /** The permissions bits taken from new files. */
  readonly umask?: number;
  /** Whether it has a capability (`NET_ADMIN`); absent: it may do everything. */
  capable?(capability: string): boolean;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly user?: User;
  readonly stdin?: ByteSource;
  readonly stdout?: ByteSink;
  readonly stderr?: ByteSink;
  readonly tty?: Tty;
  /** Runs this code instead of looking `argv[0]` up: a shell's subshells. */
  readonly program?: Program;
  /** A process group of its own, or one that exists. */
  readonly group?: number | 'new';
  readonly umask?: number;
  /** The terminal a new session has; `null`: none. */
  readonly terminal?: Tty | null;
  /** argv[0] as the program sees it, when it is not the name it was found by (`-bash`). */
  readonly name?: string;
}

export interface ChildProcess {
  readonly pid: number;
  /** 128 + n after death by signal n. */
  readonly exit: Promise<number>;
  kill(signal: Signal): void;
  readonly group?: number;
  /** The signal that ended it, once `exit` has resolved; undefined after an exit of its own. */
  readonly endedBy?: Signal | undefined;
  /** Told when it stops (SIGTSTP …) and goes on. */
  onStopped?(listener: (stopped: boolean) => void): { dispose(): void };
}

export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly user: string;
  readonly argv: readonly string[];
  readonly startedMs: number;
  readonly memoryBytes: number;
  readonly cpuMilli: number;
  /** ps' letter: R running, S sleeping, T stopped. */
  readonly state?: 'R' | 'S' | 'T';
  readonly group?: number;
  readonly session?: number;
  /** `pts/0`; absent without a terminal. */
  readonly terminal?: string;
  /** The unit or container it belongs to. */
  readonly cgroup?: string;
  readonly uid?: number;
  readonly cwd?: string;
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
