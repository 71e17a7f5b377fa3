import { sleep, utf8, seededRandom, silentLogger } from '#core/base';
import type { ContainerConfig, PodSandboxConfig } from '#core/kube';
import {
  type ContainerRuntime,
  createRuntime,
} from '../../../../../src-main/core/machines/containers/index.ts';
import {
  MemoryFileSystem,
  TreeBuilder,
} from '../../../../../src-main/core/machines/filesystem/index.ts';
import { createCatalogue } from '../../../../../src-main/core/machines/images/index.ts';
import type { Image } from '../../../../../src-main/core/machines/images/types.ts';
import {
  createNetwork,
  type MachineNetwork,
  type Network,
} from '../../../../../src-main/core/machines/network/index.ts';
import {
  ProcessTable,
  type Program,
  ProgramRegistry,
} from '../../../../../src-main/core/machines/process/index.ts';
import { TestTime } from '#tests/sim';

const tools: Readonly<Record<string, Program>> = {
  '/bin/echo': async ({ argv, stdout }) => {
    await stdout.write(utf8(`${argv.slice(1).join(' ')}\n`));
    return 0;
  },
  '/bin/printf': async ({ argv, stdout, stderr }) => {
    await stdout.write(utf8(argv[1] ?? ''));
    await stderr.write(utf8(argv[2] ?? ''));
    return Number(argv[3] ?? 0);
  },
  '/bin/can': async ({ process, stdout }) => {
    const names = ['NET_ADMIN', 'NET_RAW'].filter((name) => process.capable?.(name));
    await stdout.write(utf8(`${names.join(' ')}\n`));
    return 0;
  },
  '/bin/sleep': async ({ argv, clock, signal }) => {
    await sleep(clock, Number(argv[1]) * 1000, signal);
    return 0;
  },
  '/bin/polite': ({ process }) =>
    new Promise((resolve) => process.onSignal('SIGTERM', () => resolve(0))),
  '/bin/cat': async ({ argv, files, stdin, stdout }) => {
    if (argv[1] !== undefined) await stdout.write(files.readFile(argv[1]));
    else
      for (let chunk = await stdin.read(); chunk; chunk = await stdin.read())
        await stdout.write(chunk);
    return 0;
  },
  '/bin/env': async ({ env, cwd, user, stdout }) => {
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    await stdout.write(utf8(`${lines.join('')}cwd=${cwd} uid=${user.uid} gid=${user.gid}\n`));
    return 0;
  },
  '/bin/touch': async ({ argv, files, stderr }) => {
    try {
      files.touch(argv[1] ?? '');
      return 0;
    } catch (error) {
      await stderr.write(utf8(`touch: ${argv[1] ?? ''}: ${(error as Error).message}\n`));
      return 1;
    }
  },
  '/bin/ps': async ({ process, stdout }) => {
    for (const { pid, argv } of process.list())
      await stdout.write(utf8(`${pid} ${argv.join(' ')}\n`));
    return 0;
  },
  '/bin/hog': async ({ argv, process, clock, signal }) => {
    process.setMemory(Number(argv[1]));
    process.setCpu(250);
    await sleep(clock, 3_600_000, signal);
    return 0;
  },
  '/bin/serve': async ({ argv, net, signal, clock }) => {
    net.listen(Number(argv[1]), {
      kind: 'http',
      handle: () =>
        Promise.resolve({ status: 200, headers: {}, body: { kind: 'bytes', bytes: utf8('hi') } }),
    });
    await sleep(clock, 3_600_000, signal);
    return 0;
  },
};

export const box: Image = {
  repository: 'docker.io/library/box',
  tags: ['1.0', 'latest'],
  sizeBytes: 2_000_000,
  entrypoint: [],
  command: ['/bin/echo', 'hello'],
  env: { PATH: '/bin', COLOR: 'blue' },
  workingDirectory: '/srv',
  user: '',
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/var/web:/bin/sh\n' },
  programs: {},
  base: 'busybox',
};

export const pod: PodSandboxConfig = {
  name: 'web',
  namespace: 'default',
  uid: 'u1',
  attempt: 0,
  hostname: 'web',
  labels: { 'io.kubernetes.pod.name': 'web' },
  annotations: {},
  logDirectory: '/var/log/pods/default_web_u1',
  hostNetwork: false,
  hostPid: false,
  shareProcessNamespace: false,
  dns: { servers: [], searches: [], options: [] },
  portMappings: [],
  sysctls: {},
};

export const main: ContainerConfig = {
  name: 'c',
  attempt: 0,
  image: 'box:1.0',
  command: [],
  args: [],
  workingDirectory: '',
  env: [],
  mounts: [],
  labels: { 'io.kubernetes.container.name': 'c' },
  annotations: {},
  logPath: 'c/0.log',
  stdin: false,
  stdinOnce: false,
  tty: false,
  resources: {},
  security: {
    privileged: false,
    readOnlyRootFilesystem: false,
    addedCapabilities: [],
    droppedCapabilities: [],
    supplementalGroups: [],
  },
};

/** A node with containerd up, a bridge CNI and `box:1.0` on its disk. */
export class TestNode {
  readonly time = new TestTime();
  readonly random = seededRandom('containers');
  readonly network: Network;
  readonly machine: MachineNetwork;
  readonly files: MemoryFileSystem;
  readonly processes: ProcessTable;
  readonly containerd: ContainerRuntime;

  constructor(images: readonly Image[] = []) {
    const { clock } = this.time;
    const now = (): number => clock.now();
    this.network = createNetwork({ clock, random: this.random });
    this.machine = this.network.addMachine({ name: 'node01', address: '192.168.10.11' });
    this.files = new MemoryFileSystem({ now });
    this.files.mkdir('/etc/cni/net.d', { recursive: true });
    this.files.writeFile('/etc/resolv.conf', 'nameserver 10.0.0.53\n');
    this.files.writeFile(
      '/etc/cni/net.d/10-bridge.conflist',
      JSON.stringify({
        cniVersion: '1.0.0',
        name: 'k8s',
        plugins: [
          { type: 'bridge', ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.1.0/24' }]] } },
          { type: 'portmap' },
        ],
      }),
    );
    // No test process is the host's init, whose end would be everybody's.
    this.processes = new ProcessTable(
      { clock, random: this.random, logger: silentLogger },
      { firstPid: 100 },
    );
    const programs = new ProgramRegistry();
    const tree = new TreeBuilder(0);
    for (const [path, program] of Object.entries(tools))
      tree.file(path, programs.add(`box:${path}`, program), { mode: 0o755 });
    const base = { tree: tree.build(), programs };
    this.containerd = createRuntime({
      clock,
      random: this.random,
      logger: silentLogger,
      catalogue: createCatalogue([box, ...images]),
      network: this.machine,
      files: this.files,
      processes: this.processes,
      baseSystem: () => base,
      hostname: 'node01',
      procInfo: {
        hostname: () => 'node01',
        kernelVersion: '6.8.0-45-generic',
        cpuCount: 2,
        memoryBytes: 4 * 1024 ** 3,
        bootId: 'b',
        bootedMs: () => 0,
        now,
        mounts: () => '',
      },
    });
    this.containerd.up = true;
    this.containerd.preload(['box:1.0']);
  }

  /** Starts one container in a pod of its own. */
  async run(
    config: Partial<ContainerConfig>,
    podConfig: Partial<PodSandboxConfig> = {},
  ): Promise<{ sandbox: string; id: string }> {
    const { runtime } = this.containerd;
    const sandbox = await runtime.runPodSandbox({ ...pod, ...podConfig });
    const id = await this.add(sandbox, config);
    return { sandbox, id };
  }

  async add(sandbox: string, config: Partial<ContainerConfig>): Promise<string> {
    const { runtime } = this.containerd;
    const id = await runtime.createContainer(sandbox, { ...main, ...config });
    await runtime.startContainer(id);
    await this.time.advance(0);
    return id;
  }

  async log(path = 'c/0.log'): Promise<string> {
    await this.time.advance(0);
    return this.files.readText(`${pod.logDirectory}/${path}`);
  }
}
