import type { Clock, Disposable } from '#core/base';
import { basename, dirname, FileError, type FileSystem } from '../filesystem/index.ts';
import type { JournalLine, Units, UnitState } from '../machine/types.ts';
import {
  type ChildProcess,
  ResourceGroup,
  signalNumber,
  SpawnError,
  type SpawnOptions,
} from '../process/index.ts';
import { Journal } from './journal.ts';
import {
  commandLine,
  dependencies,
  duration,
  environment,
  isMasked,
  loadUnit,
  setting,
  settings,
  type UnitFile,
  unitNames,
} from './unit-file.ts';

export interface ManagerDeps {
  readonly clock: Clock;
  readonly files: FileSystem;
  /** Starts a process in a unit's control group. @throws SpawnError */
  readonly spawn: (
    argv: readonly string[],
    options: SpawnOptions,
    resources: ResourceGroup,
  ) => ChildProcess;
}

/** One unit at run time. */
export interface UnitRuntime {
  readonly name: string;
  file: UnitFile | undefined;
  load: UnitState['load'];
  active: UnitState['active'];
  sub: string;
  mainPid: number;
  sinceMs: number;
  exitCode: number | undefined;
  /** Result of the last run: `success`, `exit-code`, `signal`, `start-limit-hit`. */
  result: string;
  restarts: number;
  startTimesMs: number[];
  child: ChildProcess | undefined;
  stopping: boolean;
  restartTimer: Disposable | undefined;
  readonly resources: ResourceGroup;
  /** `(code=exited, status=1/FAILURE)` of the last main process. */
  lastExit: { pid: number; text: string } | undefined;
  command: string;
}

/** A refusal with systemctl's text. */
export class UnitError extends Error {
  override readonly name = 'UnitError';
  /** systemctl's exit code. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

const exitNames: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'FAILURE',
  2: 'INVALIDARGUMENT',
  126: 'n/a',
  127: 'n/a',
  200: 'CHDIR',
  203: 'EXEC',
  255: 'n/a',
};

/** systemd as pid 1: units, their processes and the journal. Timers, sockets and mounts are not modelled. */
export class SystemManager implements Units {
  readonly journalStore: Journal;
  readonly #deps: ManagerDeps;
  readonly #units = new Map<string, UnitRuntime>();

  constructor(deps: ManagerDeps) {
    this.#deps = deps;
    this.journalStore = new Journal(deps.clock);
  }

  get files(): FileSystem {
    return this.#deps.files;
  }

  /** `kubelet` is `kubelet.service`. */
  fullName(name: string): string {
    return /\.(service|target|timer|socket|mount|slice|scope)$/.test(name)
      ? name
      : `${name}.service`;
  }

  find(name: string): UnitRuntime {
    const full = this.fullName(name);
    let unit = this.#units.get(full);
    if (!unit) {
      unit = {
        name: full,
        file: undefined,
        load: 'not-found',
        active: 'inactive',
        sub: 'dead',
        mainPid: 0,
        sinceMs: 0,
        exitCode: undefined,
        result: 'success',
        restarts: 0,
        startTimesMs: [],
        child: undefined,
        stopping: false,
        restartTimer: undefined,
        resources: new ResourceGroup(`/system.slice/${full}`),
        lastExit: undefined,
        command: '',
      };
      this.#units.set(full, unit);
      this.#load(unit);
    } else if (unit.load === 'not-found') this.#load(unit);
    return unit;
  }

  #load(unit: UnitRuntime): void {
    const loaded = loadUnit(this.files, unit.name);
    unit.load = loaded === undefined ? 'not-found' : loaded === 'masked' ? 'masked' : 'loaded';
    unit.file = typeof loaded === 'object' ? loaded : undefined;
  }

  description(unit: UnitRuntime): string {
    return (unit.file && setting(unit.file, 'Unit', 'Description')) ?? unit.name;
  }

  #title(unit: UnitRuntime): string {
    const description = this.description(unit);
    return description === unit.name ? unit.name : `${unit.name} - ${description}`;
  }

  say(unit: string, message: string): void {
    this.journalStore.add({ unit, identifier: 'systemd', pid: 1, message });
  }

  async start(name: string): Promise<void> {
    const unit = this.find(name);
    if (unit.load === 'not-found')
      throw new UnitError(`Failed to start ${unit.name}: Unit ${unit.name} not found.`, 5);
    if (unit.load === 'masked')
      throw new UnitError(`Failed to start ${unit.name}: Unit ${unit.name} is masked.`, 1);
    if (unit.active === 'active') return;
    unit.restartTimer?.dispose();
    if (unit.file) {
      for (const wanted of dependencies(unit.file, 'Wants'))
        if (this.find(wanted).load === 'loaded') await this.start(wanted).catch(() => undefined);
      for (const required of dependencies(unit.file, 'Requires')) {
        const other = this.find(required);
        if (other.load !== 'loaded') {
          if (required.endsWith('.service'))
            throw new UnitError(`Failed to start ${unit.name}: Unit ${required} not found.`, 5);
        } else await this.start(required);
      }
    }
    await this.#run(unit);
  }

  #limitHit(unit: UnitRuntime, file: UnitFile): boolean {
    const now = this.#deps.clock.now();
    const interval = duration(
      setting(file, 'Unit', 'StartLimitIntervalSec') ??
        setting(file, 'Unit', 'StartLimitInterval') ??
        setting(file, 'Service', 'StartLimitInterval'),
      10_000,
    );
    const burst = Number(
      setting(file, 'Unit', 'StartLimitBurst') ?? setting(file, 'Service', 'StartLimitBurst') ?? 5,
    );
    unit.startTimesMs = unit.startTimesMs.filter((at) => now - at < interval);
    if (interval > 0 && unit.startTimesMs.length >= burst) return true;
    unit.startTimesMs.push(now);
    return false;
  }

  async #run(unit: UnitRuntime): Promise<void> {
    const { file } = unit;
    if (!file) return;
    if (!unit.name.endsWith('.service')) {
      this.#become(unit, 'active', 'active');
      return;
    }
    const failed = (why: string): UnitError => {
      const control = why === 'control' ? 'the control process exited with error code' : why;
      return new UnitError(
        `Job for ${unit.name} failed because ${control}.\nSee "systemctl status ${unit.name}" and "journalctl -xeu ${unit.name}" for details.`,
        1,
      );
    };
    if (this.#limitHit(unit, file)) {
      this.say(unit.name, `${unit.name}: Start request repeated too quickly.`);
      this.say(
        unit.name,
        `${unit.name}: Failed with result '${unit.result === 'success' ? 'start-limit-hit' : unit.result}'.`,
      );
      this.say(unit.name, `Failed to start ${this.#title(unit)}.`);
      if (unit.result === 'success') unit.result = 'start-limit-hit';
      this.#become(unit, 'failed', 'failed');
      throw new UnitError(
        `Job for ${unit.name} failed.\nSee "systemctl status ${unit.name}" and "journalctl -xeu ${unit.name}" for details.`,
        1,
      );
    }
    unit.stopping = false;
    let env: Record<string, string>;
    try {
      env = environment(this.files, file);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.say(unit.name, `${unit.name}: Failed to load environment files: ${error.message}`);
      this.say(unit.name, `${unit.name}: Failed to run 'start' task: ${error.message}`);
      this.say(unit.name, `${unit.name}: Failed with result 'resources'.`);
      this.say(unit.name, `Failed to start ${this.#title(unit)}.`);
      unit.result = 'resources';
      this.#become(unit, 'failed', 'failed');
      throw failed('of unavailable resources or another system error');
    }
    const oneshot = setting(file, 'Service', 'Type') === 'oneshot';
    this.#become(unit, 'activating', oneshot ? 'start' : 'start-pre');
    if (oneshot || settings(file, 'Service', 'ExecStartPre').length > 0)
      this.say(unit.name, `Starting ${this.#title(unit)}...`);
    const steps = [
      ...settings(file, 'Service', 'ExecStartPre'),
      ...(oneshot ? settings(file, 'Service', 'ExecStart') : []),
    ];
    for (const step of steps) {
      const { argv, ignoreFailure } = commandLine(step, env);
      unit.command = argv.join(' ');
      const child = this.#launch(unit, argv, env, file);
      const code = child ? await child.exit : 203;
      if (code === 0 || ignoreFailure) continue;
      this.#exited(unit, child?.pid ?? 0, code, oneshot ? 'Main' : 'Control', child);
      this.#fail(unit, code > 128 && child?.endedBy ? 'signal' : 'exit-code');
      this.say(unit.name, `Failed to start ${this.#title(unit)}.`);
      throw failed('control');
    }
    if (oneshot) {
      const remain = /^(yes|true|1|on)$/.test(setting(file, 'Service', 'RemainAfterExit') ?? '');
      unit.result = 'success';
      this.say(
        unit.name,
        remain ? `Finished ${this.#title(unit)}.` : `${unit.name}: Deactivated successfully.`,
      );
      this.#become(unit, remain ? 'active' : 'inactive', remain ? 'exited' : 'dead');
      return;
    }
    const { argv } = commandLine(setting(file, 'Service', 'ExecStart') ?? '', env);
    unit.command = argv.join(' ');
    this.#become(unit, 'active', 'running');
    this.say(unit.name, `Started ${this.#title(unit)}.`);
    const child = this.#launch(unit, argv, env, file);
    unit.child = child;
    unit.mainPid = child?.pid ?? 0;
    if (!child) {
      this.#ended(unit, 203, undefined);
      return;
    }
    void child.exit.then((code) => {
      if (unit.child === child) this.#ended(unit, code, child);
    });
  }

  #launch(
    unit: UnitRuntime,
    argv: readonly string[],
    env: Record<string, string>,
    file: UnitFile,
  ): ChildProcess | undefined {
    let pid = 0;
    const sink = this.journalStore.sink(
      unit.name,
      setting(file, 'Service', 'SyslogIdentifier') ?? basename(argv[0] ?? ''),
      () => pid,
    );
    try {
      const child = this.#deps.spawn(
        argv,
        {
          env,
          cwd: setting(file, 'Service', 'WorkingDirectory') ?? '/',
          stdout: sink,
          stderr: sink,
          group: 'new',
          terminal: null,
        },
        unit.resources,
      );
      pid = child.pid;
      return child;
    } catch (error) {
      if (!(error instanceof SpawnError)) throw error;
      this.say(
        unit.name,
        `${unit.name}: Failed to locate executable ${argv[0] ?? ''}: ${error.message}`,
      );
      this.say(
        unit.name,
        `${unit.name}: Failed at step EXEC spawning ${argv[0] ?? ''}: ${error.message}`,
      );
      return undefined;
    }
  }

  #exited(
    unit: UnitRuntime,
    pid: number,
    code: number,
    which: 'Main' | 'Control',
    child: ChildProcess | undefined,
  ): void {
    const signal = child?.endedBy;
    const text = signal
      ? `code=killed, status=${signalNumber(signal)}/${signal.slice(3)}`
      : `code=exited, status=${code}/${exitNames[code] ?? 'n/a'}`;
    unit.lastExit = {
      pid,
      text: signal ? `(code=killed, signal=${signal.slice(3)})` : `(${text})`,
    };
    unit.exitCode = code;
    this.say(unit.name, `${unit.name}: ${which} process exited, ${text}`);
  }

  #fail(unit: UnitRuntime, result: string): void {
    unit.result = result;
    this.say(unit.name, `${unit.name}: Failed with result '${result}'.`);
    this.#become(unit, 'failed', 'failed');
  }

  #ended(unit: UnitRuntime, code: number, child: ChildProcess | undefined): void {
    const { file } = unit;
    const pid = unit.mainPid;
    unit.child = undefined;
    unit.mainPid = 0;
    if (unit.stopping || !file) return;
    unit.resources.killAll();
    const clean =
      code === 0 || ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGPIPE'].includes(child?.endedBy ?? '');
    const killed = child?.endedBy !== undefined;
    if (code !== 0 || killed) this.#exited(unit, pid, code, 'Main', child);
    else {
      unit.lastExit = { pid, text: '(code=exited, status=0/SUCCESS)' };
      unit.exitCode = 0;
    }
    if (clean) {
      unit.result = 'success';
      this.say(unit.name, `${unit.name}: Deactivated successfully.`);
      this.#become(unit, 'inactive', 'dead');
    } else this.#fail(unit, killed ? 'signal' : 'exit-code');
    const policy = setting(file, 'Service', 'Restart') ?? 'no';
    const again =
      policy === 'always' ||
      (policy === 'on-failure' && !clean) ||
      (policy === 'on-success' && clean) ||
      ((policy === 'on-abnormal' || policy === 'on-abort') && killed && !clean);
    if (!again) return;
    this.#become(unit, 'activating', 'auto-restart');
    unit.restartTimer = this.#deps.clock.setTimer(
      duration(setting(file, 'Service', 'RestartSec'), 100),
      () => {
        unit.restarts += 1;
        this.say(
          unit.name,
          `${unit.name}: Scheduled restart job, restart counter is at ${unit.restarts}.`,
        );
        this.#run(unit).catch((error: unknown) => {
          if (!(error instanceof UnitError)) throw error;
        });
      },
    );
  }

  #become(unit: UnitRuntime, active: UnitState['active'], sub: string): void {
    if (unit.active !== active) unit.sinceMs = this.#deps.clock.now();
    unit.active = active;
    unit.sub = sub;
  }

  async stop(name: string): Promise<void> {
    const unit = this.find(name);
    if (unit.load === 'not-found')
      throw new UnitError(`Failed to stop ${unit.name}: Unit ${unit.name} not loaded.`, 5);
    unit.restartTimer?.dispose();
    if (unit.active === 'inactive' || unit.active === 'failed') return;
    const { child } = unit;
    unit.stopping = true;
    unit.restarts = 0;
    if (child) {
      this.say(unit.name, `Stopping ${this.#title(unit)}...`);
      this.#become(unit, 'deactivating', 'stop-sigterm');
      const pid = child.pid;
      // KillMode=process leaves the rest of the control group alone (containerd's shims).
      if (unit.file && setting(unit.file, 'Service', 'KillMode') === 'process')
        child.kill('SIGTERM');
      else for (const member of [...unit.resources.members]) member.deliver('SIGTERM');
      const timer = this.#deps.clock.setTimer(
        duration(unit.file && setting(unit.file, 'Service', 'TimeoutStopSec'), 90_000),
        () => {
          this.say(unit.name, `${unit.name}: State 'stop-sigterm' timed out. Killing.`);
          this.say(
            unit.name,
            `${unit.name}: Killing process ${pid} (${basename(unit.command.split(' ')[0] ?? '')}) with signal SIGKILL.`,
          );
          child.kill('SIGKILL');
        },
      );
      const code = await child.exit;
      timer.dispose();
      unit.child = undefined;
      unit.mainPid = 0;
      unit.exitCode = code;
      if (code === 0 || child.endedBy === 'SIGTERM') {
        unit.lastExit = {
          pid,
          text: child.endedBy ? '(code=killed, signal=TERM)' : '(code=exited, status=0/SUCCESS)',
        };
        unit.result = 'success';
        this.say(unit.name, `${unit.name}: Deactivated successfully.`);
      } else {
        this.#exited(unit, pid, code, 'Main', child);
        this.#fail(unit, child.endedBy ? 'signal' : 'exit-code');
      }
    }
    if ((unit.active as UnitState['active']) !== 'failed') this.#become(unit, 'inactive', 'dead');
    this.say(unit.name, `Stopped ${this.#title(unit)}.`);
  }

  async restart(name: string): Promise<void> {
    const unit = this.find(name);
    if (unit.load === 'not-found')
      throw new UnitError(`Failed to restart ${unit.name}: Unit ${unit.name} not found.`, 5);
    if (unit.load === 'masked')
      throw new UnitError(`Failed to restart ${unit.name}: Unit ${unit.name} is masked.`, 1);
    await this.stop(name);
    await this.start(name);
  }

  /** What the links of `enable` would be: path and target. */
  #links(unit: UnitRuntime): [string, string][] {
    const { file } = unit;
    if (!file) return [];
    return (['WantedBy', 'RequiredBy'] as const).flatMap((key) =>
      settings(file, 'Install', key)
        .flatMap((value) => value.split(/\s+/))
        .map((target): [string, string] => [
          `/etc/systemd/system/${target}.${key === 'WantedBy' ? 'wants' : 'requires'}/${unit.name}`,
          file.path,
        ]),
    );
  }

  enable(name: string): string {
    const unit = this.find(name);
    if (unit.load === 'not-found')
      throw new UnitError(`Failed to enable unit: Unit file ${unit.name} does not exist.`, 1);
    if (unit.load === 'masked')
      throw new UnitError(
        `Failed to enable unit: Unit file /etc/systemd/system/${unit.name} is masked.`,
        1,
      );
    let text = '';
    for (const [path, target] of this.#links(unit)) {
      if (this.files.exists(path)) continue;
      this.files.mkdir(dirname(path), { recursive: true });
      this.files.symlink(target, path);
      text += `Created symlink ${path} → ${target}.\n`;
    }
    return text;
  }

  disable(name: string): string {
    const unit = this.find(name);
    if (unit.load === 'not-found')
      throw new UnitError(`Failed to disable unit: Unit file ${unit.name} does not exist.`, 1);
    let text = '';
    for (const [path] of this.#links(unit)) {
      if (!this.files.exists(path)) continue;
      this.files.unlink(path);
      text += `Removed "${path}".\n`;
    }
    return text;
  }

  mask(name: string): string {
    const full = this.fullName(name);
    const path = `/etc/systemd/system/${full}`;
    if (isMasked(this.files, path)) return '';
    if (this.files.exists(path))
      throw new UnitError(`Failed to mask unit: File '${path}' already exists.`, 1);
    this.files.symlink('/dev/null', path);
    this.daemonReload();
    return `Created symlink ${path} → /dev/null.\n`;
  }

  unmask(name: string): string {
    const path = `/etc/systemd/system/${this.fullName(name)}`;
    if (!isMasked(this.files, path)) return '';
    this.files.unlink(path);
    this.daemonReload();
    return `Removed "${path}".\n`;
  }

  daemonReload(): void {
    for (const unit of this.#units.values()) this.#load(unit);
  }

  resetFailed(name?: string): void {
    for (const unit of name === undefined ? this.#units.values() : [this.find(name)]) {
      unit.startTimesMs = [];
      unit.restarts = 0;
      if (unit.active === 'failed') this.#become(unit, 'inactive', 'dead');
    }
  }

  enabledState(unit: UnitRuntime): UnitState['enabled'] {
    if (unit.load === 'masked') return 'masked';
    const links = this.#links(unit);
    if (links.length === 0) return 'static';
    return links.some(([path]) => this.files.exists(path)) ? 'enabled' : 'disabled';
  }

  state(name: string): UnitState | undefined {
    const unit = this.find(name);
    return unit.load === 'not-found' ? undefined : this.#state(unit);
  }

  #state(unit: UnitRuntime): UnitState {
    return {
      name: unit.name,
      description: this.description(unit),
      load: unit.load,
      active: unit.active,
      sub: unit.sub,
      enabled: this.enabledState(unit),
      mainPid: unit.mainPid,
      sinceMs: unit.sinceMs,
      ...(unit.exitCode === undefined ? {} : { exitCode: unit.exitCode }),
    };
  }

  list(): readonly UnitState[] {
    return unitNames(this.files).map((name) => this.#state(this.find(name)));
  }

  journal(unit?: string): readonly JournalLine[] {
    return this.journalStore.lines(unit === undefined ? undefined : this.fullName(unit));
  }

  /** Starts what `multi-user.target` wants, in order of `After`. */
  async boot(): Promise<void> {
    const directories = [
      '/etc/systemd/system/multi-user.target.wants',
      '/etc/systemd/system/sysinit.target.wants',
    ];
    const wanted = directories.flatMap((directory) =>
      this.files.exists(directory) ? this.files.readdir(directory) : [],
    );
    const done = new Set<string>();
    const visit = async (name: string): Promise<void> => {
      if (done.has(name)) return;
      done.add(name);
      const unit = this.find(name);
      for (const before of unit.file ? dependencies(unit.file, 'After') : [])
        if (wanted.includes(before)) await visit(before);
      if (unit.load === 'loaded') await this.start(name).catch(() => undefined);
    };
    for (const name of wanted) await visit(name);
  }

  /** The power goes: nothing is stopped in order, nothing restarts. */
  powerOff(): void {
    for (const unit of this.#units.values()) {
      unit.restartTimer?.dispose();
      unit.stopping = true;
      unit.child = undefined;
      unit.mainPid = 0;
      unit.startTimesMs = [];
      unit.restarts = 0;
      this.#become(unit, 'inactive', 'dead');
    }
  }
}
