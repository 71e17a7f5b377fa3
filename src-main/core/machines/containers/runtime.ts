import {
  type Clock,
  type Disposable,
  Emitter,
  hex,
  type Logger,
  type Random,
  uuid,
} from '#core/base';
import {
  type Connection,
  ConnectionError,
  type ContainerConfig,
  type ContainerEvent,
  CriError,
  type ImageService,
  type PodSandboxConfig,
  type RuntimeService,
} from '#core/kube';
import type { MemoryFileSystem } from '../filesystem/index.ts';
import type { Image, ImageCatalogue } from '../images/index.ts';
import { parseResolvConf } from '../dns/index.ts';
import {
  type HostPort,
  joinHostPort,
  type MachineNetwork,
  openConnection,
  type SandboxNetwork,
} from '../network/index.ts';
import { procFiles, type ProcInfo, ProcessTable, type ResourceGroup } from '../process/index.ts';
import { cgroupFiles } from './cgroup.ts';
import { type CniConfig, cniDirectory, loadCni, podBlock } from './cni.ts';
import { Container, execToEnd } from './container.ts';
import { containerNotFound, sandboxNotFound, unavailable } from './errors.ts';
import { imageStatus, ImageStore, type StoredImage } from './image-store.ts';
import { type BaseSystem, buildRootfs, Unpacker } from './rootfs.ts';
import { Sandbox } from './sandbox.ts';
import { podSysctls } from './sysctls.ts';

export interface RuntimeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly catalogue: ImageCatalogue;
  readonly network: MachineNetwork;
  /** The host's tree. */
  readonly files: MemoryFileSystem;
  /** The host's pid namespace. */
  readonly processes: ProcessTable;
  readonly baseSystem: (base: Image['base']) => BaseSystem;
  /** What `/proc` shows in containers; their own host name and mounts are put in. */
  readonly procInfo: ProcInfo;
  /** The node's block of pod addresses until a kubelet tells it (`updateRuntimeConfig`). */
  readonly podCidr?: () => string | undefined;
  /** The host's name: of pods on the host network. */
  readonly hostname: string;
}

/** containerd on one machine: the daemon's state, and the containers, which live on without it. */
export interface ContainerRuntime {
  readonly runtime: RuntimeService &
    Required<Pick<RuntimeService, 'status' | 'updateRuntimeConfig'>>;
  readonly images: ImageService;
  /** The unix socket while the daemon runs. */
  readonly socketPath: string;
  /** Whether the daemon answers; its program sets it. */
  up: boolean;
  /** Containers and sandboxes with their inner life: for the host's own tools. */
  readonly containers: ReadonlyMap<string, Container>;
  readonly sandboxes: ReadonlyMap<string, Sandbox>;
  readonly store: ImageStore;
  /** Images the node had before it was started. @throws CriError unknown. */
  preload(references: readonly string[]): void;
  /** What the containers have written into layers of their own, bytes. */
  writableBytes(): number;
  /** Everything ended with the machine: containers are exited with 255, sandboxes not ready. */
  powerOff(): void;
}

export const containerdSocket = '/run/containerd/containerd.sock';
const runtimeVersion = 'v2.2.9';

export function createRuntime(deps: RuntimeDeps): ContainerRuntime {
  return new Containerd(deps);
}

class Containerd implements ContainerRuntime {
  readonly socketPath = containerdSocket;
  up = false;
  readonly containers = new Map<string, Container>();
  readonly sandboxes = new Map<string, Sandbox>();
  readonly store: ImageStore;
  readonly runtime: ContainerRuntime['runtime'];
  readonly images: ImageService;
  readonly #deps: RuntimeDeps;
  readonly #events = new Emitter<ContainerEvent>();
  readonly #unpacker: Unpacker;
  #podCidr: string | undefined;
  #cniWatch: Disposable | undefined;
  #cniRead: { readonly config: CniConfig | undefined } | undefined;

  constructor(deps: RuntimeDeps) {
    this.#deps = deps;
    this.#unpacker = new Unpacker(deps.baseSystem);
    this.store = new ImageStore({
      clock: deps.clock,
      random: deps.random,
      catalogue: deps.catalogue,
      nameServer: () => {
        const path = '/etc/resolv.conf';
        const text = deps.files.exists(path) ? deps.files.readText(path) : '';
        return joinHostPort(parseResolvConf(text).servers[0] ?? '127.0.0.1', 53);
      },
    });
    this.runtime = this.#runtimeService();
    this.images = this.#imageService();
  }

  preload(references: readonly string[]): void {
    for (const reference of references) this.store.preload(reference);
  }

  writableBytes(): number {
    let total = 0;
    for (const { files } of this.containers.values()) total += files?.statfs('/').usedBytes ?? 0;
    return total;
  }

  powerOff(): void {
    this.up = false;
    for (const container of this.containers.values()) container.lost();
    for (const sandbox of this.sandboxes.values()) sandbox.stop();
  }

  #imageService(): ImageService {
    return {
      pullImage: (image) => this.#call(() => this.store.pull(image)),
      imageStatus: (image) =>
        this.#call(() => {
          const found = this.store.find(image);
          return found && imageStatus(found);
        }),
      listImages: () => this.#call(() => this.store.list().map(imageStatus)),
      removeImage: (image) => this.#call(() => this.store.remove(image)),
    };
  }

  #runtimeService(): ContainerRuntime['runtime'] {
    const { clock, random } = this.#deps;
    return {
      version: () => this.#call(() => ({ runtimeName: 'containerd', runtimeVersion })),
      status: () =>
        this.#call(() => {
          const networkReady = this.#cni() !== undefined;
          return {
            runtimeReady: true,
            networkReady,
            networkMessage: networkReady
              ? ''
              : 'Network plugin returns error: cni plugin not initialized',
          };
        }),
      updateRuntimeConfig: (config) =>
        this.#call(() => {
          if (config.podCidr !== '') this.#podCidr = config.podCidr;
        }),
      runPodSandbox: (config) => this.#call(() => this.#runSandbox(config)),
      stopPodSandbox: (id) => this.#call(() => this.#stopSandbox(id)),
      removePodSandbox: (id) =>
        this.#call(() => {
          const sandbox = this.sandboxes.get(id);
          if (!sandbox) return;
          for (const container of this.#containersOf(id)) this.#remove(container);
          sandbox.stop();
          this.sandboxes.delete(id);
          this.#events.fire({ type: 'deleted', sandboxId: id });
        }),
      podSandboxStatus: (id) => this.#call(() => this.sandbox(id).status()),
      listPodSandboxes: () =>
        this.#call(() =>
          [...this.sandboxes.values()]
            .filter((sandbox) => sandbox.isPod)
            .map((sandbox) => sandbox.status()),
        ),
      createContainer: (id, config) => this.#call(() => this.#create(this.sandbox(id), config)),
      startContainer: (id) =>
        this.#call(() => {
          const container = this.container(id);
          container.start();
          this.#fire('started', container);
        }),
      stopContainer: (id, seconds) => this.#call(() => this.container(id).stop(seconds)),
      removeContainer: (id) =>
        this.#call(() => {
          const container = this.containers.get(id);
          if (container) this.#remove(container);
        }),
      listContainers: () =>
        this.#call(() =>
          [...this.containers.values()]
            .filter(({ sandbox }) => sandbox.isPod)
            .map((container) => container.status()),
        ),
      containerStatus: (id) => this.#call(() => this.container(id).status()),
      updateContainerResources: (id, resources) =>
        this.#call(() => this.container(id).update(resources)),
      execSync: (id, command, seconds) =>
        this.#call(() => execToEnd(this.container(id), command, seconds, hex(random, 64), clock)),
      exec: (id, request) => this.#call(() => this.container(id).exec(request, hex(random, 64))),
      attach: (id, request) => this.#call(() => this.container(id).attach(request)),
      portForward: (id, port) => this.#call(() => this.#forward(this.sandbox(id), port)),
      containerStats: (id) =>
        this.#call(() => {
          const { group, files } = this.container(id);
          return {
            writableLayerBytes: files?.statfs('/').usedBytes ?? 0,
            cpuNanocores: group.cpuMilli * 1_000_000,
            cpuNanoseconds: group.cpuNanos(clock.now()),
            memoryBytes: group.memoryBytes,
          };
        }),
      onEvent: this.#events.event,
    };
  }

  /** The configuration of the pods' network, read again when something in its directory has changed. */
  #cni(): CniConfig | undefined {
    const { files } = this.#deps;
    this.#cniWatch ??= files.watch(cniDirectory, () => (this.#cniRead = undefined));
    return (this.#cniRead ??= { config: loadCni(files) }).config;
  }

  /** A call over the socket. */
  #call<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      if (!this.up) throw unavailable(this.socketPath);
      resolve(work());
    });
  }

  /** By id or a unique start of it. @throws CriError NotFound. */
  container(id: string): Container {
    const found = this.containers.get(id) ?? byPrefix(this.containers, id);
    if (!found) throw containerNotFound(id);
    return found;
  }

  sandbox(id: string): Sandbox {
    const found = this.sandboxes.get(id) ?? byPrefix(this.sandboxes, id);
    if (!found) throw sandboxNotFound(id);
    return found;
  }

  #containersOf(sandboxId: string): readonly Container[] {
    return [...this.containers.values()].filter(({ sandbox }) => sandbox.id === sandboxId);
  }

  #runSandbox(config: PodSandboxConfig): string {
    const { clock, random, network, processes } = this.#deps;
    const id = hex(random, 64);
    const attached = config.hostNetwork ? undefined : this.#attach(id, config);
    const sandbox = new Sandbox({
      id,
      config: config.hostNetwork ? { ...config, hostname: this.#deps.hostname } : config,
      createdMs: clock.now(),
      host: processes,
      hostNet: network.namespace,
      network: attached,
      netnsName: config.hostNetwork ? '' : `cni-${uuid(random)}`,
      now: () => clock.now(),
    });
    this.sandboxes.set(id, sandbox);
    this.#events.fire({ type: 'started', sandboxId: id });
    return id;
  }

  #attach(id: string, config: PodSandboxConfig): SandboxNetwork {
    const { files, network } = this.#deps;
    try {
      const cni = this.#cni();
      if (!cni) throw new Error('cni plugin not initialized');
      const ports = config.portMappings
        .filter(({ hostPort }) => hostPort > 0)
        .map(({ protocol, hostPort, hostIp, containerPort }): HostPort => ({
          protocol: protocol.toLowerCase() === 'udp' ? 'udp' : 'tcp',
          hostPort,
          hostIp,
          containerPort,
        }));
      return network.addSandbox(
        `${config.namespace}/${config.name}`,
        podBlock(files, cni, {
          name: this.#deps.hostname,
          podCidr: this.#podCidr ?? this.#deps.podCidr?.(),
        }),
        ports,
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new CriError(
        'Unknown',
        `failed to setup network for sandbox "${id}": ${error.message}`,
      );
    }
  }

  async #stopSandbox(id: string): Promise<void> {
    const sandbox = this.sandboxes.get(id);
    if (!sandbox) return;
    for (const container of this.#containersOf(id)) await container.stop(0);
    if (!sandbox.ready) return;
    sandbox.stop();
    this.#events.fire({ type: 'stopped', sandboxId: id });
  }

  /** @throws CriError the image is not on the node. */
  #stored(reference: string): StoredImage {
    const image = this.store.find(reference);
    if (image) return image;
    throw new CriError('NotFound', `failed to get image from containerd "${reference}": not found`);
  }

  #create(sandbox: Sandbox, config: ContainerConfig): string {
    const { clock, random, files: host, processes: hostTable } = this.#deps;
    const image = this.#stored(config.image);
    const unpacked = this.#unpacker.unpack(image.image);
    const target =
      config.targetContainerId === undefined
        ? undefined
        : this.container(config.targetContainerId.replace(/^\w+:\/\//, ''));
    const processes =
      target?.processes ??
      (sandbox.config.hostPid
        ? hostTable
        : sandbox.config.shareProcessNamespace
          ? sandbox.processes
          : new ProcessTable(hostTable.deps, { parent: hostTable }));
    const container: Container = new Container({
      id: hex(random, 64),
      sandbox,
      config,
      image,
      imageRef: [...image.digests][0] ?? image.id,
      unpacked,
      processes,
      host,
      hostProcesses: hostTable,
      clock,
      buildFiles: (group): MemoryFileSystem => {
        const files: MemoryFileSystem = buildRootfs({
          tree: unpacked.tree,
          host,
          mounts: config.mounts,
          imageTree: (reference) => this.#unpacker.unpack(this.#stored(reference).image).tree,
          readOnly: config.security.readOnlyRootFilesystem,
          random,
          now: () => clock.now(),
          hostname: sandbox.config.hostname,
          resolvConf: resolvConf(sandbox.config.dns),
          proc: procFiles(processes, {
            ...this.#deps.procInfo,
            hostname: () => sandbox.config.hostname,
            mounts: () => mountLines(files),
            cgroupRoot: group.name,
            more: () => ({ ...this.#deps.procInfo.more?.(), ...podSysctls(sandbox.config) }),
          }),
          cgroup: cgroupFiles({
            group,
            resources: () => container.resources,
            pids: () => pidsOf(processes, group),
            now: () => clock.now(),
          }),
        });
        return files;
      },
      onOom: () => this.#fire('oom', container),
      onExit: () => this.#fire('stopped', container),
    });
    this.containers.set(container.id, container);
    this.#fire('created', container);
    return container.id;
  }

  #remove(container: Container): void {
    if (container.state === 'CONTAINER_RUNNING') container.kill();
    this.containers.delete(container.id);
    this.#fire('deleted', container);
  }

  async #forward(sandbox: Sandbox, port: number): Promise<Connection> {
    try {
      return openConnection(await sandbox.net.dial('127.0.0.1', port));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      const namespace =
        sandbox.netnsName === '' ? '"host"' : `"/var/run/netns/${sandbox.netnsName}"`;
      throw new CriError(
        'Unknown',
        `failed to execute portforward in network namespace ${namespace}: failed to connect to localhost:${port} inside namespace "${sandbox.id}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found `,
      );
    }
  }

  #fire(type: ContainerEvent['type'], container: Container): void {
    this.#events.fire({ type, sandboxId: container.sandbox.id, containerId: container.id });
  }
}

function byPrefix<T>(map: ReadonlyMap<string, T>, prefix: string): T | undefined {
  if (prefix.length < 3) return undefined;
  const found = [...map].filter(([id]) => id.startsWith(prefix));
  return found.length === 1 ? found[0]?.[1] : undefined;
}

function pidsOf(table: ProcessTable, group: ResourceGroup): readonly number[] {
  return table
    .processes()
    .filter(({ system }) => system.resources === group)
    .map((process) => process.pidIn(table));
}

function mountLines(files: MemoryFileSystem): string {
  return files.mounts
    .list()
    .map(
      ({ source, path, type, readOnly, options }) =>
        `${source} ${path} ${type} ${[readOnly ? 'ro' : 'rw', ...options].join(',')} 0 0\n`,
    )
    .join('');
}

/** As containerd writes a sandbox's resolv.conf. @see containerd's internal/cri/server/sandbox_run_linux.go */
function resolvConf({ servers, searches, options }: PodSandboxConfig['dns']): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');
}
