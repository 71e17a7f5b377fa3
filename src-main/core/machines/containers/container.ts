import { BytePipe, type ByteSink, type ByteSource, type Clock, sleep } from '#core/base';
import {
  type AttachedProcess,
  type AttachRequest,
  type ContainerConfig,
  type ContainerResources,
  type ContainerStatus,
  CriError,
  type ExecRequest,
} from '#core/kube';
import { FileError, type MemoryFileSystem } from '../filesystem/index.ts';
import {
  type ChildProcess,
  findUser,
  nullSource,
  type ProcessSystem,
  type ProcessTable,
  ResourceGroup,
  type Signal,
  SpawnError,
  type SpawnOptions,
  type User,
} from '../process/index.ts';
import { execFailure, execReason, startFailure } from './errors.ts';
import type { StoredImage } from './image-store.ts';
import { ContainerLog } from './log-writer.ts';
import { MountError, type Unpacked } from './rootfs.ts';
import type { Sandbox } from './sandbox.ts';
import { ContainerTerminal } from './terminal.ts';

export interface ContainerOptions {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: ContainerConfig;
  readonly image: StoredImage;
  readonly imageRef: string;
  readonly unpacked: Unpacked;
  readonly processes: ProcessTable;
  readonly host: MemoryFileSystem;
  readonly hostProcesses: ProcessTable;
  readonly clock: Clock;
  /** Mounts everything; called when it starts. @throws MountError */
  readonly buildFiles: (group: ResourceGroup) => MemoryFileSystem;
  readonly onOom: (container: Container) => void;
  readonly onExit: (container: Container) => void;
}

/** How a process reached the runtime's streams. */
interface Viewer {
  readonly stdout: BytePipe | undefined;
  readonly stderr: BytePipe | undefined;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One container: its tree, its main process, its log, and who is attached to it. */
export class Container {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: ContainerConfig;
  readonly image: StoredImage;
  readonly createdMs: number;
  readonly group: ResourceGroup;
  readonly processes: ProcessTable;
  readonly logPath: string;
  resources: ContainerResources;
  startedMs = 0;
  finishedMs = 0;
  exitCode = 0;
  reason = '';
  message = '';
  state: ContainerStatus['state'] = 'CONTAINER_CREATED';
  #process: ChildProcess | undefined;
  #system: ProcessSystem | undefined;
  #user: User | undefined;
  #oomKilled = false;
  #stdin: BytePipe | undefined;
  #terminal: ContainerTerminal | undefined;
  readonly #viewers = new Set<Viewer>();
  readonly #options: ContainerOptions;

  constructor(options: ContainerOptions) {
    const { id, sandbox, config, image, clock } = options;
    this.#options = options;
    this.id = id;
    this.sandbox = sandbox;
    this.config = config;
    this.image = image;
    this.processes = options.processes;
    this.createdMs = clock.now();
    this.resources = config.resources;
    this.logPath = config.logPath === '' ? '' : `${sandbox.config.logDirectory}/${config.logPath}`;
    const { memoryLimitBytes, cpuLimitMilli } = config.resources;
    this.group = new ResourceGroup(`/kubepods/pod${sandbox.config.uid}/${id}`, {
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
      ...(cpuLimitMilli === undefined ? {} : { cpuLimitMilli }),
      onOom: () => {
        this.#oomKilled = true;
        options.onOom(this);
      },
    });
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get files(): MemoryFileSystem | undefined {
    return this.#system?.files as MemoryFileSystem | undefined;
  }

  status(): ContainerStatus {
    const { name, attempt, labels, annotations } = this.config;
    const user = this.#user;
    return {
      id: this.id,
      sandboxId: this.sandbox.id,
      name,
      attempt,
      labels,
      annotations,
      state: this.state,
      createdMs: this.createdMs,
      startedMs: this.startedMs,
      finishedMs: this.finishedMs,
      exitCode: this.exitCode,
      reason: this.reason,
      message: this.message,
      image: [...this.image.tags][0] ?? this.config.image,
      imageRef: this.#options.imageRef,
      logPath: this.logPath,
      mounts: this.config.mounts,
      user: user
        ? { uid: user.uid, gid: user.gid, groups: user.groups }
        : { uid: 0, gid: 0, groups: [0] },
    };
  }

  /** @throws CriError with runc's text; the container is then exited with 128, StartError. */
  start(): void {
    if (this.state !== 'CONTAINER_CREATED')
      throw new CriError('Unknown', `container is in ${this.state} state`);
    const argv = this.argv();
    try {
      if (argv.length === 0) throw new MountError('exec: "": executable file not found in $PATH');
      const files = this.#options.buildFiles(this.group);
      this.#system = {
        files,
        net: this.sandbox.net,
        programs: this.#options.unpacked.programs,
        resources: this.group,
        searchPath: defaultPath,
        ...capabilitiesOf(this.config.security),
        ...(this.config.security.noNewPrivileges ? { noNewPrivileges: true } : {}),
      };
      this.#user = this.#findUser(files);
      const cwd = this.#workingDirectory(files);
      this.#process = this.#spawnMain(this.#system, argv, cwd);
    } catch (error) {
      const reason =
        error instanceof SpawnError
          ? execReason(argv[0] ?? '', error)
          : error instanceof MountError
            ? error.message
            : undefined;
      if (reason === undefined) throw error;
      const failure = startFailure(reason);
      this.#end(128, 'StartError', failure.message);
      throw failure;
    }
    this.state = 'CONTAINER_RUNNING';
    this.startedMs = this.#options.clock.now();
    void this.#process.exit.then((code) => this.#end(code));
  }

  /** The command with its arguments, as Docker joins entrypoint and command. */
  argv(): readonly string[] {
    const { command, args } = this.config;
    const { entrypoint, command: defaults } = this.image.image;
    if (command.length > 0) return [...command, ...args];
    return [...entrypoint, ...(args.length > 0 ? args : defaults)];
  }

  env(): Readonly<Record<string, string>> {
    const env: Record<string, string> = { PATH: this.image.image.env['PATH'] ?? defaultPath };
    env['HOSTNAME'] = this.sandbox.config.hostname;
    if (this.config.tty) env['TERM'] = 'xterm';
    Object.assign(env, this.image.image.env);
    for (const { name, value } of this.config.env) env[name] = value;
    env['HOME'] ??= this.#user?.home ?? '/root';
    return env;
  }

  /** The signal that ends it, then SIGKILL after the grace; resolves when it is gone. */
  async stop(graceSeconds: number): Promise<void> {
    const process = this.#process;
    if (this.state !== 'CONTAINER_RUNNING' || !process) return;
    if (graceSeconds > 0) {
      process.kill((this.image.image.stopSignal ?? 'SIGTERM') as Signal);
      const timer = this.#options.clock.setTimer(graceSeconds * 1000, () => this.kill());
      await process.exit;
      timer.dispose();
    } else {
      this.kill();
      await process.exit;
    }
    // The state changes in a step of its own after the exit.
    await Promise.resolve();
  }

  /** Kills everything in it at once. */
  kill(): void {
    this.#process?.kill('SIGKILL');
    this.group.killAll();
  }

  signal(signal: Signal): void {
    this.#process?.kill(signal);
  }

  /** The machine lost its power: nobody saw the end. */
  lost(): void {
    if (this.state === 'CONTAINER_RUNNING') this.#end(255, 'Unknown');
  }

  update(resources: ContainerResources): void {
    this.resources = { ...this.resources, ...resources };
    this.group.memoryLimitBytes = this.resources.memoryLimitBytes;
    this.group.account(this.#options.clock.now());
    this.group.cpuLimitMilli = this.resources.cpuLimitMilli;
    this.group.enforce();
  }

  /** Starts a further process in it. @throws CriError not running, or runc's text. */
  exec(request: ExecRequest, execId: string): AttachedProcess & { readonly child: ChildProcess } {
    const system = this.#running();
    const stdout = request.stdout ? new BytePipe() : undefined;
    const stderr = request.stderr && !request.tty ? new BytePipe() : undefined;
    const stdin = request.stdin ? new BytePipe() : undefined;
    const group = (): number | undefined => child?.group;
    const terminal = request.tty
      ? new ContainerTerminal(
          (bytes) => void stdout?.write(bytes).catch(() => undefined),
          (signal) => this.#toForeground(terminal, group(), signal),
        )
      : undefined;
    let child: ChildProcess | undefined;
    try {
      child = this.processes.start(system, request.command, {
        ...this.#identity(),
        cwd: this.#workingDirectory(this.#system?.files as MemoryFileSystem),
        env: { ...this.env(), ...(request.tty ? { TERM: 'xterm' } : {}) },
        group: 'new',
        ...(terminal
          ? terminalStreams(terminal)
          : {
              stdin: stdin ?? nullSource,
              terminal: null,
              ...(stdout ? { stdout } : {}),
              ...(stderr ? { stderr } : {}),
            }),
      });
    } catch (error) {
      if (error instanceof SpawnError)
        throw execFailure(execId, execReason(request.command[0] ?? '', error));
      throw error;
    }
    const started = child;
    const exit = child.exit.then((code) => {
      stdout?.end();
      stderr?.end();
      return code;
    });
    return {
      child: started,
      exit,
      ...(terminal && request.stdin ? { stdin: typing(terminal) } : stdin ? { stdin } : {}),
      ...(stdout ? { stdout } : {}),
      ...(stderr ? { stderr } : {}),
      resize: (columns, rows) => terminal?.resize(columns, rows),
      close: () => {
        stdin?.end();
        stdout?.close();
        stderr?.close();
        if (terminal) started.kill('SIGHUP');
      },
    };
  }

  /** Joins the streams of the main process. @throws CriError not running. */
  attach(request: AttachRequest): AttachedProcess {
    this.#running();
    const viewer: Viewer = {
      stdout: request.stdout ? new BytePipe() : undefined,
      stderr: request.stderr && !this.config.tty ? new BytePipe() : undefined,
    };
    this.#viewers.add(viewer);
    const leave = (): void => {
      this.#viewers.delete(viewer);
      viewer.stdout?.close();
      viewer.stderr?.close();
    };
    let detach: () => void = () => undefined;
    const detached = new Promise<number>((resolve) => {
      detach = () => resolve(0);
    });
    const ended = this.#process?.exit ?? Promise.resolve(0);
    const exit = Promise.race([ended, detached]).then((code) => {
      viewer.stdout?.end();
      viewer.stderr?.end();
      this.#viewers.delete(viewer);
      return code;
    });
    const stdin = request.stdin ? this.#attachedInput(detach) : undefined;
    return {
      exit,
      ...(stdin ? { stdin } : {}),
      ...(viewer.stdout ? { stdout: viewer.stdout } : {}),
      ...(viewer.stderr ? { stderr: viewer.stderr } : {}),
      resize: (columns, rows) => this.#terminal?.resize(columns, rows),
      close: leave,
    };
  }

  /** The main process's pid in the host's namespace; 0 when it does not run. */
  hostPid(): number {
    if (this.state !== 'CONTAINER_RUNNING') return 0;
    const main = this.processes.get(this.pid);
    return main?.pidIn(this.#options.hostProcesses) ?? 0;
  }

  /**
   * An input that stays open outlives who types: the end of theirs is the end of their attachment.
   * @see containerd internal/cri/io/container_io.go, Attach
   */
  #attachedInput(detach: () => void): ByteSink | undefined {
    const terminal = this.#terminal;
    if (terminal) return { ...typing(terminal), end: detach };
    const stdin = this.#stdin;
    if (!stdin) return undefined;
    return {
      write: (bytes) => stdin.write(bytes),
      end: () => {
        if (this.config.stdinOnce) stdin.end();
        else detach();
      },
    };
  }

  #running(): ProcessSystem {
    if (this.state !== 'CONTAINER_RUNNING' || !this.#system)
      throw new CriError(
        'Unknown',
        `failed to exec in container: container is in ${this.state} state`,
      );
    return this.#system;
  }

  #identity(): Pick<SpawnOptions, 'user'> {
    return this.#user ? { user: this.#user } : {};
  }

  #spawnMain(system: ProcessSystem, argv: readonly string[], cwd: string): ChildProcess {
    const { clock, host } = this.#options;
    const log = this.logPath === '' ? undefined : new ContainerLog(host, clock, this.logPath);
    const shared = { ...this.#identity(), cwd, env: this.env(), group: 'new' as const };
    if (this.config.tty) {
      const logged = log?.stream('stdout');
      const terminal: ContainerTerminal = new ContainerTerminal(
        (bytes) => {
          void logged?.write(bytes);
          this.#show('stdout', bytes);
        },
        (signal) => this.#toForeground(terminal, this.#process?.group, signal),
      );
      this.#terminal = terminal;
      return this.processes.start(system, argv, { ...shared, ...terminalStreams(terminal) });
    }
    const stdin = this.config.stdin ? new BytePipe() : undefined;
    this.#stdin = stdin;
    const source: ByteSource = stdin ?? nullSource;
    return this.processes.start(system, argv, {
      ...shared,
      stdin: source,
      stdout: this.#tee('stdout', log?.stream('stdout')),
      stderr: this.#tee('stderr', log?.stream('stderr')),
      terminal: null,
    });
  }

  #toForeground(
    terminal: ContainerTerminal | undefined,
    group: number | undefined,
    signal: Signal,
  ): void {
    const target = terminal?.foregroundGroup ?? group;
    if (target) this.processes.kill(-target, signal);
  }

  #tee(name: 'stdout' | 'stderr', log: ByteSink | undefined): ByteSink {
    return {
      write: async (bytes) => {
        this.#show(name, bytes);
        await log?.write(bytes);
      },
      end: () => log?.end(),
    };
  }

  #show(name: 'stdout' | 'stderr', bytes: Uint8Array): void {
    for (const viewer of this.#viewers) void viewer[name]?.write(bytes).catch(() => undefined);
  }

  #findUser(files: MemoryFileSystem): User {
    const { runAsUser, runAsGroup, supplementalGroups } = this.config.security;
    const [name = '', groupName] = this.image.image.user.split(':');
    const who = runAsUser ?? (name === '' ? 0 : /^\d+$/.test(name) ? Number(name) : name);
    const known = findUser(files, who);
    if (!known && typeof who === 'string')
      throw new MountError(`unable to find user ${who}: no matching entries in passwd file`);
    const uid = typeof who === 'number' ? who : (known?.uid ?? 0);
    const imageGroup =
      runAsUser === undefined && groupName !== undefined && /^\d+$/.test(groupName)
        ? Number(groupName)
        : undefined;
    const gid = runAsGroup ?? imageGroup ?? known?.gid ?? 0;
    // The kernel keeps them sorted.
    const groups = [...new Set([gid, ...(known?.groups ?? []), ...supplementalGroups])].sort(
      (a, b) => a - b,
    );
    return {
      name: known?.name ?? (uid === 0 ? 'root' : String(uid)),
      uid,
      gid,
      groups,
      home: known?.home ?? (uid === 0 ? '/root' : '/'),
    };
  }

  #workingDirectory(files: MemoryFileSystem): string {
    const cwd = this.config.workingDirectory || this.image.image.workingDirectory || '/';
    try {
      if (!files.exists(cwd)) files.mkdir(cwd, { recursive: true });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new MountError(
        `error during container init: mkdir ${cwd}: ${error.message.toLowerCase()}`,
      );
    }
    return cwd;
  }

  #end(code: number, reason?: string, message = ''): void {
    if (this.state === 'CONTAINER_EXITED') return;
    this.group.killAll();
    this.state = 'CONTAINER_EXITED';
    this.finishedMs = this.#options.clock.now();
    this.exitCode = code;
    this.reason = reason ?? (this.#oomKilled ? 'OOMKilled' : code === 0 ? 'Completed' : 'Error');
    this.message = message;
    this.#options.onExit(this);
  }
}

function terminalStreams(
  terminal: ContainerTerminal,
): Pick<SpawnOptions, 'stdin' | 'stdout' | 'stderr' | 'tty' | 'terminal'> {
  return {
    stdin: terminal.input,
    stdout: terminal.output,
    stderr: terminal.output,
    tty: terminal,
    terminal,
  };
}

function typing(terminal: ContainerTerminal): ByteSink {
  return {
    write: (bytes) => {
      terminal.type(bytes);
      return Promise.resolve();
    },
    end: () => terminal.input.end(),
  };
}

/** Runs a command to its end. @throws CriError the time is over, or runc's text. */
export async function execToEnd(
  container: Container,
  command: readonly string[],
  timeoutSeconds: number,
  execId: string,
  clock: Clock,
): Promise<{ stdout: Uint8Array; stderr: Uint8Array; exitCode: number }> {
  const running = container.exec(
    { command, stdin: false, stdout: true, stderr: true, tty: false },
    execId,
  );
  const collect = async (source: ByteSource | undefined): Promise<Uint8Array> => {
    const parts: number[] = [];
    for (let chunk = await source?.read(); chunk; chunk = await source?.read())
      if (parts.length < 16 * 1024 * 1024) for (const byte of chunk) parts.push(byte);
    return Uint8Array.from(parts);
  };
  const output = Promise.all([collect(running.stdout), collect(running.stderr)]);
  const abort = new AbortController();
  const timedOut =
    timeoutSeconds > 0
      ? sleep(clock, timeoutSeconds * 1000, abort.signal).then(
          () => 'timeout' as const,
          () => new Promise<never>(() => undefined),
        )
      : new Promise<never>(() => undefined);
  const first = await Promise.race([running.exit, timedOut]);
  if (first === 'timeout') {
    running.child.kill('SIGKILL');
    throw new CriError(
      'DeadlineExceeded',
      `failed to exec in container: timeout ${timeoutSeconds}s exceeded: context deadline exceeded`,
    );
  }
  abort.abort();
  const [stdout, stderr] = await output;
  return { stdout, stderr, exitCode: first };
}

/** What containerd leaves to root in a container. @see containerd's pkg/oci, WithDefaultUnixCaps */
const defaultCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID'],
  ...['SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
];

/** None named: all of them. */
function capabilitiesOf({
  privileged,
  addedCapabilities,
  droppedCapabilities,
}: ContainerConfig['security']): { readonly capabilities?: ReadonlySet<string> } {
  const named = (names: readonly string[]): string[] =>
    names.map((name) => name.toUpperCase().replace(/^CAP_/, ''));
  const [added, dropped] = [named(addedCapabilities), named(droppedCapabilities)];
  if (privileged || added.includes('ALL')) return {};
  const kept = dropped.includes('ALL')
    ? []
    : defaultCapabilities.filter((name) => !dropped.includes(name));
  return { capabilities: new Set([...kept, ...added]) };
}
