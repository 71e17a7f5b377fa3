import { hex, uuid } from '#core/base';
import type { ImageService, NodeHost, ProbeAnswer, ProbeTarget, RuntimeService } from '#core/kube';
import {
  basename,
  dirname,
  MemoryFileSystem,
  standardDevices,
  type VirtualNode,
  virtualTree,
} from '../filesystem/index.ts';
import type { NetNamespace } from '../network/types.ts';
import {
  type ChildProcess,
  nullSource,
  procFiles,
  type ProcessInfo,
  type ProcInfo,
  ProcessTable,
  type Program,
  ProgramRegistry,
  rootUser,
  type SpawnOptions,
  type EditRequest,
  findUser,
  readPasswd,
  SpawnError,
} from '../process/index.ts';
import { journalctlProgram, SystemManager, systemctlProgram } from '../systemd/index.ts';
import { baseSystem, prepareTools } from '../tools/index.ts';
import { hostTree } from './host-tree.ts';
import { Terminal } from '../terminal/index.ts';
import type { Machine, MachineDeps, MachineSpec, TerminalSession, Units } from './types.ts';

const kernelVersion = '6.8.0-90-generic';

/** What other rooms supply for one machine; the functions are given the machine's own parts. */
export interface MachineWiring {
  readonly net: NetNamespace;
  /** Makes the container runtime over the machine's files and processes. */
  readonly runtime: (parts: MachineParts) => MachineRuntime;
  /** A request from the node itself. */
  readonly probe: (target: ProbeTarget) => Promise<ProbeAnswer>;
}

export interface MachineParts {
  readonly files: MemoryFileSystem;
  readonly processes: ProcessTable;
  readonly procInfo: ProcInfo;
  readonly hostname: string;
}

export interface MachineRuntime {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  /** Programs that come with it (`/usr/bin/containerd`, `/usr/bin/crictl`), by path. */
  readonly programs: Readonly<Record<string, Program>>;
  /** What containers have written into layers of their own, which lie on the machine's disk. */
  writableBytes(): number;
  powerOff(): void;
}

const maxPid = 4_194_304;

/** @see Machine */
export class SimulatedMachine implements Machine {
  readonly spec: MachineSpec;
  readonly files: MemoryFileSystem;
  readonly net: NetNamespace;
  readonly nodeHost: NodeHost;
  readonly processTable: ProcessTable;
  readonly manager: SystemManager;
  readonly #deps: MachineDeps;
  readonly #programs = new ProgramRegistry(baseSystem('ubuntu').programs);
  readonly #runtime: MachineRuntime;
  #bootedMs: number;
  #running = false;

  constructor(spec: MachineSpec, deps: MachineDeps, wiring: MachineWiring) {
    const { clock, random } = deps;
    this.spec = spec;
    this.#deps = deps;
    this.net = wiring.net;
    this.#bootedMs = clock.now();
    const now = (): number => clock.now();
    this.files = new MemoryFileSystem({
      now,
      base: hostTree(),
      capacityBytes: spec.diskBytes,
      initialBytes: Math.min(spec.diskBytes / 4, 4_294_967_296),
    });
    this.processTable = new ProcessTable(deps);
    const machineId = hex(random, 32);
    const bootId = uuid(random);
    const settings = sysctls();
    const procInfo: ProcInfo = {
      hostname: () => this.files.readText('/etc/hostname').trim(),
      kernelVersion,
      cpuCount: Math.max(1, Math.round(spec.cpuMilli / 1000)),
      memoryBytes: spec.memoryBytes,
      bootId,
      bootedMs: () => this.#bootedMs,
      now,
      mounts: () =>
        this.files.mounts
          .list()
          .map(
            (mount) =>
              `${mount.source} ${mount.path} ${mount.type} ${[mount.readOnly ? 'ro' : 'rw', ...mount.options].join(',')} 0 0\n`,
          )
          .join(''),
      more: () => settings,
    };
    this.#write(machineId);
    this.files.mountVirtual('/proc', procFiles(this.processTable, procInfo), { type: 'proc' });
    this.files.mountVirtual(
      '/sys',
      virtualTree({ 'class/dmi/id/product_uuid': { kind: 'file', read: () => `${systemUuid}\n` } }),
      { type: 'sysfs' },
    );
    this.files.mountTmpfs('/dev', { mode: 0o755, source: 'udev' });
    for (const [path, device] of Object.entries(standardDevices(random)))
      this.files.mknod(path, device);
    this.files.mountTmpfs('/run', { mode: 0o755, sizeBytes: Math.floor(spec.memoryBytes / 10) });
    const systemUuid = uuid(random);
    this.manager = new SystemManager({
      clock,
      files: this.files,
      spawn: (argv, options, resources) =>
        this.processTable.start(
          { files: this.files, net: this.net, programs: this.#programs, resources },
          argv,
          options,
          this.processTable.get(1),
        ),
    });
    this.#runtime = wiring.runtime({
      files: this.files,
      processes: this.processTable,
      procInfo,
      hostname: spec.hostname,
    });
    this.#install({
      ...this.#runtime.programs,
      ...deps.programs,
      '/usr/bin/systemctl': systemctlProgram(this.manager, (reboot) => {
        clock.setTimer(0, () => {
          this.powerOff();
          if (reboot) void this.boot();
        });
      }),
      '/usr/bin/journalctl': journalctlProgram(this.manager),
    });
    const { files } = this;
    this.nodeHost = {
      hostname: spec.hostname,
      files: {
        exists: (path) => files.exists(path),
        isDirectory: (path) => files.exists(path) && files.stat(path).kind === 'directory',
        readFile: (path) => files.readFile(path),
        writeFile: (path, content, mode) => {
          files.mkdir(dirname(path), { recursive: true });
          files.writeFile(path, content, mode);
        },
        readdir: (path) => files.readdir(path),
        mkdir: (path, mode) => {
          files.mkdir(path, { recursive: true });
          if (mode !== undefined) files.chmod(path, mode);
        },
        symlink: (target, path) => files.symlink(target, path),
        rename: (from, to) => files.rename(from, to),
        remove: (path) => files.remove(path, { recursive: true, force: true }),
        mountTmpfs: (path, options) => files.mountTmpfs(path, options),
        unmount: (path) => {
          if (files.mounts.list().some((mount) => mount.path === path)) files.unmount(path);
        },
        chmod: (path, mode) => files.chmod(path, mode),
        chown: (path, uid, gid) => files.chown(path, uid, gid),
        watch: (path, listener) => files.watch(path, () => listener()),
        diskUsage: (path) => diskUsage(files, path),
      },
      runtime: this.#runtime.runtime,
      images: this.#runtime.images,
      addresses: [spec.address],
      capacity: {
        cpuMilli: spec.cpuMilli,
        memoryBytes: spec.memoryBytes,
        ephemeralStorageBytes: spec.diskBytes,
        pods: 110,
      },
      usage: () => {
        const processes = this.processTable.processes();
        return {
          memoryBytes: processes.reduce((sum, process) => sum + process.memoryBytes, 0),
          diskBytes: files.statfs('/').usedBytes + this.#runtime.writableBytes(),
          processes: processes.length,
          maxProcesses: maxPid,
        };
      },
      system: {
        machineId,
        systemUuid,
        bootId,
        kernelVersion,
        osImage: 'Ubuntu 24.04.3 LTS',
        architecture: 'amd64',
      },
      probe: wiring.probe,
    };
  }

  get running(): boolean {
    return this.#running;
  }

  get units(): Units {
    return this.manager;
  }

  async boot(): Promise<void> {
    if (this.#running) return;
    await prepareTools();
    this.#running = true;
    this.#bootedMs = this.#deps.clock.now();
    this.processTable.start(
      { files: this.files, net: this.net, programs: this.#programs },
      ['/sbin/init'],
      { program: init, terminal: null },
    );
    await this.manager.boot();
  }

  powerOff(): void {
    if (!this.#running) return;
    this.#running = false;
    this.manager.powerOff();
    this.#runtime.powerOff();
    this.processTable.killAll();
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const user = options.user ?? rootUser;
    return this.processTable.start(
      { files: this.files, net: this.net, programs: this.#programs },
      argv,
      {
        stdin: nullSource,
        group: 'new',
        terminal: options.tty ?? null,
        cwd: user.home,
        ...options,
        env: {
          HOME: user.home,
          USER: user.name,
          LOGNAME: user.name,
          SHELL: '/bin/bash',
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          LANG: 'C.UTF-8',
          ...options.env,
        },
      },
      this.processTable.get(1),
    );
  }

  openTerminal(
    name: string,
    size: { readonly columns: number; readonly rows: number },
    {
      command,
      ...options
    }: {
      readonly edit?: (request: EditRequest) => Promise<void>;
      readonly command?: string;
    } = {},
  ): TerminalSession {
    const user = findUser(this.files, name);
    if (!user) throw new SpawnError('ENOENT', `user ${name} does not exist`);
    const shell = readPasswd(this.files).find((entry) => entry.name === name)?.shell ?? '/bin/sh';
    const terminal = new Terminal({
      ...size,
      ...options,
      name: `pts/${this.#terminals++}`,
      signal: (group, signal) => void this.processTable.kill(-group, signal),
    });
    const child = this.spawn(command === undefined ? [shell] : [shell, '-c', command], {
      ...(command === undefined ? { name: `-${basename(shell)}` } : {}),
      user,
      stdin: terminal.source,
      stdout: terminal.sink,
      stderr: terminal.sink,
      tty: terminal,
      terminal,
      env: { TERM: 'xterm-256color' },
    });
    terminal.foregroundGroup = child.pid;
    return {
      input: (bytes) => terminal.type(bytes),
      output: terminal.output,
      resize: (columns, rows) => terminal.resize(columns, rows),
      exit: child.exit,
      close: () => {
        for (const process of this.processTable.processes())
          if (process.terminal === terminal) process.deliver('SIGHUP');
        terminal.hangUp();
      },
    };
  }

  #terminals = 0;

  processes(): readonly ProcessInfo[] {
    return this.processTable.list();
  }

  #install(programs: Readonly<Record<string, Program>>): void {
    for (const [path, program] of Object.entries(programs)) {
      this.files.mkdir(dirname(path), { recursive: true });
      this.files.writeFile(path, this.#programs.add(`host:${path}`, program), 0o755);
    }
  }

  #write(machineId: string): void {
    const { hostname, address } = this.spec;
    this.files.writeFile('/etc/hostname', `${hostname}\n`);
    this.files.writeFile('/etc/machine-id', `${machineId}\n`, 0o444);
    this.files.writeFile(
      '/etc/hosts',
      `127.0.0.1 localhost\n${address} ${hostname}\n\n::1     ip6-localhost ip6-loopback\n`,
    );
  }
}

/** pid 1: does nothing itself, takes no signal, and adopts orphans. */
const init: Program = ({ signal }) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(0), { once: true });
  });

/** Kernel settings that nodes are asked for; writing one is seen by the next reader. */
function sysctls(): Readonly<Record<string, VirtualNode>> {
  const values: Record<string, string> = {
    'net/ipv4/ip_forward': '1',
    'net/bridge/bridge-nf-call-iptables': '1',
    'net/bridge/bridge-nf-call-ip6tables': '1',
    'net/ipv4/conf/all/route_localnet': '0',
    'vm/swappiness': '60',
    'vm/overcommit_memory': '1',
    'kernel/panic': '10',
    'kernel/panic_on_oops': '1',
    'kernel/pid_max': String(maxPid),
    'fs/inotify/max_user_watches': '524288',
    'net/core/somaxconn': '4096',
  };
  return Object.fromEntries(
    Object.keys(values).map((path) => [
      `sys/${path}`,
      {
        kind: 'file' as const,
        mode: 0o644,
        read: () => `${values[path] ?? ''}\n`,
        write: (content: Uint8Array) => {
          values[path] = new TextDecoder().decode(content).trim();
        },
      },
    ]),
  );
}

/** A machine, not yet booted. */
export function createMachine(
  spec: MachineSpec,
  deps: MachineDeps,
  wiring: MachineWiring,
): SimulatedMachine {
  return new SimulatedMachine(spec, deps, wiring);
}

/** Bytes of all files below a path that lie on its own file system. */
function diskUsage(files: MemoryFileSystem, path: string): number {
  if (!files.exists(path)) return 0;
  const stat = files.lstat(path);
  if (stat.kind !== 'directory') return stat.sizeBytes;
  const others = new Set(files.mounts.list().map((mount) => mount.path));
  const below = (folder: string): number => {
    let total = 0;
    for (const name of files.readdir(folder)) {
      const inner = `${folder}/${name}`;
      if (others.has(inner)) continue;
      const { kind, sizeBytes } = files.lstat(inner);
      total += kind === 'directory' ? below(inner) : kind === 'file' ? sizeBytes : 0;
    }
    return total;
  };
  return below(path);
}
