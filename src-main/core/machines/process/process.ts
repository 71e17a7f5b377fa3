import { type Clock, type Disposable, Emitter, type Logger, type Random, utf8 } from '#core/base';
import type { FileSystem } from '../filesystem/index.ts';
import type { NetNamespace } from '../network/types.ts';
import { type ProgramRegistry, resolveProgram } from './programs.ts';
import type { ResourceGroup } from './resource-group.ts';
import { defaultAction, signalNumber } from './signals.ts';
import {
  holdReader,
  markTerminal,
  nullSink,
  nullSource,
  ProcessInput,
  ProcessOutput,
  releaseReader,
  type StreamGate,
  terminalOf,
} from './streams.ts';
import type {
  ChildProcess,
  ProcessHandle,
  ProcessInfo,
  Program,
  ProgramContext,
  Signal,
  SpawnOptions,
  Tty,
  User,
} from './types.ts';
import { rootUser } from './users.ts';

/** What the processes of one machine, or of one container, share. */
export interface ProcessSystem {
  readonly files: FileSystem;
  readonly net: NetNamespace;
  readonly programs: ProgramRegistry;
  readonly resources?: ResourceGroup;
  /** PATH when the environment has none. */
  readonly searchPath?: string;
  /** What root may do here (`NET_ADMIN`); absent: everything. */
  readonly capabilities?: ReadonlySet<string>;
  /** Set-user-ID programs run as their caller. */
  readonly noNewPrivileges?: boolean;
}

/** What a process asks of its pid namespace. */
export interface PidNamespace {
  readonly deps: { readonly clock: Clock; readonly random: Random; readonly logger: Logger };
  start(
    system: ProcessSystem,
    argv: readonly string[],
    options?: SpawnOptions,
    parent?: Process,
  ): ChildProcess;
  get(pid: number): Process | undefined;
  processes(): readonly Process[];
  list(): readonly ProcessInfo[];
  kill(pid: number, signal: Signal): boolean;
  /** Takes the next pid here and in the namespaces around. */
  admit(process: Process, pids: Map<PidNamespace, number>): void;
  /** The end of a process. */
  release(process: Process): void;
}

/** Thrown into whatever a dead process still touches; nothing is to be done about it. */
export class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError';
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const baseMemoryBytes = 1_048_576;

interface Image {
  readonly program: Program;
  readonly argv: readonly string[];
}

/** One process: the life around a `Program`, its own view of itself, and what keeps its streams in step. */
export class Process implements ProcessHandle, StreamGate {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly umask: number;
  readonly system: ProcessSystem;
  readonly user: User;
  readonly startedMs: number;
  readonly terminal: Tty | undefined;
  memoryBytes = baseMemoryBytes;
  cpuMilli = 0;
  argv: readonly string[];
  readonly #table: PidNamespace;
  readonly #pids = new Map<PidNamespace, number>();
  readonly #cwd: string;
  readonly #groupLeader: Process;
  readonly #session: Process;
  #parent: Process | undefined;
  readonly #children = new Set<Process>();
  #state: 'running' | 'stopped' | 'dead' = 'running';
  // Most processes have no handler, ignore nothing and own nothing: what would hold it is made when it is needed.
  #handlers: Map<Signal, Set<() => void>> | undefined;
  #ignored: Set<Signal> | undefined;
  readonly #abort = new AbortController();
  #stopped: Emitter<boolean> | undefined;
  #resume: (() => void)[] = [];
  readonly #timers = new Set<Disposable>();
  #owned: Set<Disposable> | undefined;
  #onDeath: Set<() => void> | undefined;
  readonly #stdin: ProcessInput;
  readonly #stdout: ProcessOutput;
  readonly #stderr: ProcessOutput;
  readonly #env: Record<string, string>;
  #settle: (code: number) => void = () => undefined;
  #endedBy: Signal | undefined;

  constructor(
    table: PidNamespace,
    system: ProcessSystem,
    argv: readonly string[],
    options: SpawnOptions,
    parent: Process | undefined,
  ) {
    this.#table = table;
    this.system = system;
    this.#parent = parent;
    this.user = options.user ?? parent?.user ?? rootUser;
    this.#cwd = options.cwd ?? (parent && parent.#cwd) ?? '/';
    this.umask = options.umask ?? parent?.umask ?? 0o022;
    this.#env = { ...(options.env ?? (parent && parent.#env) ?? {}) };
    if (parent && parent.#ignored) this.#ignored = new Set(parent.#ignored);
    this.startedMs = table.deps.clock.now();
    const image = this.#image(argv, options);
    this.argv = image.argv;
    this.#groupLeader = this.#findGroup(options.group) ?? this;
    this.#session = options.terminal === undefined ? ((parent && parent.#session) ?? this) : this;
    this.terminal =
      options.terminal === null
        ? undefined
        : (options.terminal ?? options.tty ?? parent?.terminal ?? undefined);
    table.admit(this, this.#pids);
    this.pid = this.pidIn(table);
    if (parent) parent.#children.add(this);
    system.resources?.add(this, this.startedMs);
    if (options.tty) {
      // Whoever hands a terminal over need not mark its streams as well.
      if (options.tty.input) markTerminal(options.tty.input, options.tty);
      if (options.tty.output) markTerminal(options.tty.output, options.tty);
    }
    const source = options.stdin ?? (parent && parent.#stdin) ?? nullSource;
    this.#stdin = new ProcessInput(source, this);
    holdReader(this.#stdin.shared.source);
    this.#stdout = new ProcessOutput(
      options.stdout ?? (parent && parent.#stdout) ?? nullSink,
      this,
    );
    this.#stderr = new ProcessOutput(
      options.stderr ?? (parent && parent.#stderr) ?? nullSink,
      this,
    );
    const exit = new Promise<number>((resolve) => {
      this.#settle = resolve;
    });
    this.child = new Child(this, exit);
    const tty = options.tty ?? terminalOf(this.#stdout.sink);
    system.resources?.enforce();
    // A step of its own, so that the parent has its handle before the child does anything.
    queueMicrotask(() => {
      if (this.#state !== 'dead') void this.#run(image.program, this.#context(image.argv, tty));
    });
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  /** The signal that ended it. */
  get endedBy(): Signal | undefined {
    return this.#endedBy;
  }

  /** Told when it stops (true) and goes on. */
  onStopped(listener: (stopped: boolean) => void): Disposable {
    return (this.#stopped ??= new Emitter<boolean>()).event(listener);
  }

  get parentPid(): number {
    return this.#parent?.pidIn(this.#table) ?? 0;
  }

  get group(): number {
    return this.groupIn(this.#table);
  }

  get parent(): Process | undefined {
    return this.#parent;
  }

  /** 0 when it has no pid there. */
  pidIn(table: PidNamespace): number {
    return this.#pids.get(table) ?? 0;
  }

  groupIn(table: PidNamespace): number {
    return this.#groupLeader.pidIn(table);
  }

  get children(): ReadonlySet<Process> {
    return this.#children;
  }

  get cwd(): string {
    return this.#cwd;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  info(table: PidNamespace): ProcessInfo {
    return {
      pid: this.pidIn(table),
      parentPid: this.#parent?.pidIn(table) ?? 0,
      user: this.user.name,
      uid: this.user.uid,
      argv: this.argv,
      startedMs: this.startedMs,
      memoryBytes: this.memoryBytes,
      cpuMilli: this.cpuMilli,
      state: this.#state === 'stopped' ? 'T' : this.cpuMilli >= 500 ? 'R' : 'S',
      group: this.groupIn(table),
      session: this.#session.pidIn(table),
      cwd: this.#cwd,
      ...(this.terminal?.name === undefined ? {} : { terminal: this.terminal.name }),
      ...(this.system.resources ? { cgroup: this.system.resources.name } : {}),
    };
  }

  /** A signal from another process or the kernel. @see signal(7), pid_namespaces(7) */
  deliver(signal: Signal): void {
    if (this.#state === 'dead') return;
    if (signal === 'SIGKILL') return this.die(signal);
    if (signal === 'SIGCONT') this.#continue();
    if (signal !== 'SIGSTOP') {
      const handlers = this.#handlers?.get(signal);
      if (handlers && handlers.size > 0) {
        for (const handler of [...handlers]) this.#whenRunning(handler);
        return;
      }
      // Without a handler, nothing but SIGKILL reaches a namespace's init.
      if (this.#ignored?.has(signal) || this.pidIn(this.#table) === 1) return;
    }
    switch (defaultAction(signal)) {
      case 'terminate':
        this.die(signal);
        break;
      case 'stop':
        this.#stop();
        break;
      case 'continue':
      case 'ignore':
        break;
    }
  }

  /** Ends it now. */
  die(signal: Signal): void {
    this.#endedBy = signal;
    this.#finish(128 + signalNumber(signal));
  }

  #image(argv: readonly string[], options: SpawnOptions): Image {
    if (options.program) return { program: options.program, argv };
    const resolved = resolveProgram(this.system.programs, this.#files(), argv, {
      cwd: this.#cwd,
      searchPath: this.#env['PATH'] ?? this.system.searchPath ?? defaultPath,
    });
    return options.name === undefined
      ? resolved
      : { program: resolved.program, argv: [options.name, ...resolved.argv.slice(1)] };
  }

  #findGroup(group: number | 'new' | undefined): Process | undefined {
    if (group === 'new') return this;
    if (group !== undefined)
      return this.#table.processes().find((process) => process.groupIn(this.#table) === group);

    return this.#parent && this.#parent.#groupLeader;
  }

  #files(): FileSystem {
    const { uid, gid, groups } = this.user;
    return this.system.files.as({ uid, gid, groups, umask: this.umask });
  }

  async #run(program: Program, context: ProgramContext): Promise<void> {
    let code: number;
    try {
      code = await program(context);
    } catch (error) {
      if (this.dead || error instanceof ProcessEndedError) return;
      const text = error instanceof Error ? error.message : String(error);
      this.#table.deps.logger.log('error', 'program failed', { argv: this.argv, error });
      await context.stderr.write(utf8(`${this.argv[0] ?? ''}: ${text}\n`)).catch(() => undefined);
      code = 1;
    }
    this.#finish(code & 0xff);
  }

  #finish(code: number): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    for (const callback of this.#onDeath ?? []) callback();
    this.#abort.abort(new ProcessEndedError('process ended'));
    for (const timer of this.#timers) timer.dispose();
    for (const item of this.#owned ?? []) item.dispose();
    this.#handlers = undefined;
    this.system.resources?.remove(this, this.#table.deps.clock.now());
    const init = this.#table.get(1);
    for (const child of this.#children) {
      child.#parent = init === this ? undefined : init;
      if (init) init.#children.add(child);
    }
    if (this.#parent) this.#parent.#children.delete(this);
    this.#table.release(this);
    this.#stdout.end();
    this.#stderr.end();
    releaseReader(this.#stdin.shared.source);
    this.#settle(code);
    this.#parent?.deliver('SIGCHLD');
  }

  #stop(): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#stopped?.fire(true);
  }

  #continue(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    this.#stopped?.fire(false);
    for (const resume of this.#resume.splice(0)) resume();
  }

  #whenRunning(callback: () => void): void {
    if (this.#state === 'running') callback();
    else if (this.#state === 'stopped') this.#resume.push(() => this.#whenRunning(callback));
  }

  /** Its streams go on: at once unless it is stopped, never once it is dead. */
  pass(): Promise<void> {
    if (this.#state === 'running') return Promise.resolve();
    return new Promise((resolve) => this.#whenRunning(resolve));
  }

  onDeath(callback: () => void): void {
    (this.#onDeath ??= new Set()).add(callback);
  }

  brokenPipe(): Promise<void> {
    if (this.#ignored?.has('SIGPIPE') === true) return Promise.resolve();
    this.deliver('SIGPIPE');
    return this.dead ? new Promise(() => undefined) : Promise.resolve();
  }

  #context(argv: readonly string[], tty: Tty | undefined): ProgramContext {
    const { random, logger } = this.#table.deps;
    return {
      argv,
      env: this.#env,
      cwd: this.#cwd,
      user: this.user,
      files: this.#guarded(this.#files()),
      net: this.#guardedNet(),
      clock: this.#clock(),
      random,
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
      ...(tty ? { tty } : {}),
      process: this,
      signal: this.#abort.signal,
      logger,
    };
  }

  capable(capability: string): boolean {
    return this.user.uid === 0 && (this.system.capabilities?.has(capability) ?? true);
  }

  onSignal(signal: Signal, handler: () => void): Disposable {
    this.#alive();
    const handlers = this.#handlers?.get(signal) ?? new Set();
    (this.#handlers ??= new Map()).set(signal, handlers);
    const own = (): void => handler();
    handlers.add(own);
    return { dispose: () => void handlers.delete(own) };
  }

  ignoreSignal(signal: Signal, ignored: boolean): void {
    if (ignored) (this.#ignored ??= new Set()).add(signal);
    else this.#ignored?.delete(signal);
  }

  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess {
    this.#alive();
    return this.#table.start(this.system, argv, options, this);
  }

  async exec(argv: readonly string[], options: SpawnOptions = {}): Promise<number> {
    this.#alive();
    if (options.env) {
      for (const key of Object.keys(this.#env)) delete this.#env[key];
      Object.assign(this.#env, options.env);
    }
    const image = this.#image(argv, options);
    this.#handlers = undefined;
    this.argv = image.argv;
    const context = this.#context(image.argv, terminalOf(options.stdout ?? this.#stdout.sink));
    const code = await image.program({
      ...context,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.stdin ? { stdin: new ProcessInput(options.stdin, this) } : {}),
      ...(options.stdout ? { stdout: this.#output(options.stdout) } : {}),
      ...(options.stderr ? { stderr: this.#output(options.stderr) } : {}),
    });
    return code;
  }

  list(): readonly ProcessInfo[] {
    return this.#table.list();
  }

  kill(pid: number, signal: Signal): boolean {
    this.#alive();
    return this.#table.kill(pid === 0 ? -this.group : pid, signal);
  }

  setMemory(bytes: number): void {
    this.#alive();
    this.memoryBytes = bytes;
    this.system.resources?.enforce();
  }

  setCpu(milli: number): void {
    this.system.resources?.account(this.#table.deps.clock.now());
    this.cpuMilli = milli;
  }

  #output(sink: ConstructorParameters<typeof ProcessOutput>[0]): ProcessOutput {
    const output = new ProcessOutput(sink, this);
    this.#own({ dispose: () => output.end() });
    return output;
  }

  /** Goes with the process. */
  #own(item: Disposable): void {
    (this.#owned ??= new Set()).add(item);
  }

  #alive(): void {
    if (this.dead) throw new ProcessEndedError('process ended');
  }

  #clock(): Clock {
    const { clock } = this.#table.deps;
    return {
      now: () => clock.now(),
      setTimer: (delayMs, callback, options) => {
        if (this.dead) return { dispose: () => undefined };
        let done = false;
        const timer = clock.setTimer(
          delayMs,
          () => {
            this.#timers.delete(timer);
            this.#whenRunning(() => {
              if (!done) callback();
            });
          },
          options,
        );
        this.#timers.add(timer);
        return {
          dispose: () => {
            done = true;
            timer.dispose();
            this.#timers.delete(timer);
          },
        };
      },
    };
  }

  /** An object that refuses every call once the process is dead. */
  #guarded<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          this.#alive();
          return Reflect.apply(value as (...args: unknown[]) => unknown, object, args);
        };
      },
    });
  }

  #guardedNet(): NetNamespace {
    const { net } = this.system;
    const guarded = this.#guarded(net);
    return new Proxy(guarded, {
      get: (object, key) => {
        if (key !== 'listen') return Reflect.get(object, key, object) as unknown;
        return (...args: Parameters<NetNamespace['listen']>): Disposable => {
          this.#alive();
          const listening = net.listen(...args);
          this.#own(listening);
          return {
            dispose: () => {
              this.#owned?.delete(listening);
              listening.dispose();
            },
          };
        };
      },
    });
  }
}

/** A process as its parent sees it. */
class Child implements ChildProcess {
  readonly pid: number;
  readonly group: number;
  readonly exit: Promise<number>;
  readonly #process: Process;

  constructor(process: Process, exit: Promise<number>) {
    this.#process = process;
    this.pid = process.pid;
    this.group = process.group;
    this.exit = exit;
  }

  get endedBy(): Signal | undefined {
    return this.#process.endedBy;
  }

  kill(signal: Signal): void {
    this.#process.deliver(signal);
  }

  onStopped(listener: (stopped: boolean) => void): Disposable {
    return this.#process.onStopped(listener);
  }
}
