import type { PodSandboxConfig, PodSandboxStatus } from '#core/kube';
import { MemoryFileSystem } from '../filesystem/index.ts';
import type { NetNamespace, SandboxNetwork } from '../network/index.ts';
import { ProgramRegistry, type Program, ProcessTable, ResourceGroup } from '../process/index.ts';

/** Holds a pod's namespaces: does nothing until it is told to end. */
const pause: Program = (context) =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      context.process.onSignal(signal, () => resolve(0));
    context.signal.addEventListener('abort', () => resolve(0), { once: true });
  });

/** Marks a sandbox of containerd's `default` namespace, which CRI does not see; its value is the container's name. */
export const standaloneLabel = 'nerdctl/name';

/** One pod's namespaces on a node. */
export class Sandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdMs: number;
  readonly net: NetNamespace;
  /** `cni-<uuid>`; empty for host network. */
  readonly netnsName: string;
  /** The namespace its pause process lives in; the containers' too when they share it. */
  readonly processes: ProcessTable;
  readonly addresses: readonly string[];
  ready = true;
  readonly #network: SandboxNetwork | undefined;

  constructor(options: {
    id: string;
    config: PodSandboxConfig;
    createdMs: number;
    host: ProcessTable;
    hostNet: NetNamespace;
    network: SandboxNetwork | undefined;
    netnsName: string;
    now: () => number;
  }) {
    const { id, config, createdMs, host, hostNet, network, netnsName, now } = options;
    this.id = id;
    this.config = config;
    this.createdMs = createdMs;
    this.netnsName = netnsName;
    this.#network = network;
    this.net = network?.namespace ?? hostNet;
    this.addresses = network ? this.net.addresses : [];
    this.processes = config.hostPid ? host : new ProcessTable(host.deps, { parent: host });
    this.processes.start(
      {
        files: new MemoryFileSystem({ now, type: 'overlay', source: 'overlay' }),
        net: this.net,
        programs: new ProgramRegistry(),
        resources: new ResourceGroup(`/kubepods/pod${config.uid}/${id}`),
      },
      ['/pause'],
      { program: pause, terminal: null, env: {} },
    );
  }

  /** False for what a tool other than a kubelet made (`nerdctl run`): CRI does not list it. */
  get isPod(): boolean {
    return this.config.labels[standaloneLabel] === undefined;
  }

  status(): PodSandboxStatus {
    const { name, namespace, uid, attempt, labels } = this.config;
    return {
      id: this.id,
      name,
      namespace,
      uid,
      attempt,
      labels,
      state: this.ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
      createdMs: this.createdMs,
      ips: this.addresses,
    };
  }

  /** Ends its processes and gives its address back. */
  stop(): void {
    if (!this.ready) return;
    this.ready = false;
    if (!this.config.hostPid) this.processes.killAll();
    else
      for (const process of this.processes.processes())
        if (
          process.argv[0] === '/pause' &&
          process.system.net === this.net &&
          process.system.resources?.name.endsWith(this.id)
        )
          process.die('SIGKILL');
    this.#network?.dispose();
  }
}
