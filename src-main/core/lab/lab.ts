import { type Clock, type Disposable, type Logger, type Random, sleep } from '#core/base';
import {
  type ApiServerConfig,
  ConnectionError,
  createClient,
  databaseSpaceExceeded,
  isReason,
  type KubeClient,
  type KubeObject,
  notFound,
  type Pki,
  type Store,
  type StoredObject,
  prefixEnd,
  type Transport,
  type SendHttps,
} from '#core/kube';
import {
  applyChanges,
  type Change,
  createCatalogue,
  createNetwork,
  type DnsHandler,
  dnsListener,
  dnsStreamListener,
  type DnsMessage,
  dnsReply,
  exportChanges,
  fullNetworkTools,
  type FileSystem,
  type Image,
  type NetNamespace,
  type Network,
  prepareTools,
  type Program,
  type SimulatedMachine,
  standardImages,
  type UnitState,
} from '#core/machines';
import { EtcdData, type OpenLog } from './etcd-data.ts';
import { createLabMachine, type LabMachine } from './lab-machine.ts';
import { preloadedImages, systemImages } from './images.ts';
import { cloudObjects } from './layout/cloud-objects.ts';
import { cniObjects } from './layout/cni-objects.ts';
import type { LaidFile } from './layout/files.ts';
import { kubeconfig } from './layout/kubeconfig.ts';
import { addonObjects, kubeadmObjects } from './layout/kubeadm-objects.ts';
import { machineFiles } from './layout/machine-files.ts';
import {
  CertificateMaker,
  type ClusterAuthorities,
  type KeyPair,
  makeAuthorities,
} from './layout/pki.ts';
import { etcdctl } from './programs/etcdctl.ts';
import { etcdutl } from './programs/etcdutl.ts';
import { kubectl } from './programs/kubectl.ts';
import { kubelet } from './programs/kubelet.ts';
import { scp, ssh, sshd } from './programs/ssh.ts';
import { rollBack } from './roll-back.ts';
import { releaseOf } from './release.ts';
import { restoreFiles } from './restore-files.ts';
import { parseTopology, type Topology, type TopologyMachine } from './topology.ts';

export interface LabOptions {
  /** `base+1cp+2w`. */
  readonly topology: string;
  /** `v1.36.3`. */
  readonly kubernetesVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pki: Pki;
  readonly descriptions?: ApiServerConfig['descriptions'];
  readonly openLog?: OpenLog;
  /** Reaches servers on the computer's own loopback. Absent: the lab is alone. */
  readonly callComputer?: SendHttps;
  /** Images beyond the standard ones. */
  readonly images?: readonly Image[];
  /** What a former run of this lab left; absent: a new one is laid out. */
  readonly saved?: SavedLab;
}

/** Everything of a lab that outlives its programs, but for the store's log. JSON-safe except for file contents. */
export interface LabKeys {
  readonly authorities: ClusterAuthorities;
  readonly admin: KeyPair;
  readonly bootstrapToken: string;
}

export interface SavedLab extends LabKeys {
  /** Changes of each machine's files against the base system, by host name. */
  readonly files: Readonly<Record<string, readonly Change[]>>;
}

/** A moment to come back to. */
export interface LabSnapshot {
  /** The store that was served, and where it stood. */
  readonly storeId: string;
  readonly revision: number;
  /** Keeps the store's history from there on. */
  readonly retained: Disposable;
  readonly files: SavedLab['files'];
  /** By host name. */
  readonly units: Readonly<Record<string, readonly UnitState[]>>;
}

const outsideAddress = '172.30.0.1';

/** A topology of machines brought up as kubeadm would leave it. */
export class Lab {
  readonly topology: Topology;
  readonly #options: LabOptions;
  readonly #network: Network;
  readonly #outside: NetNamespace;
  readonly #etcdData: EtcdData;
  readonly #machines = new Map<string, LabMachine>();
  #keys: LabKeys | undefined;
  #fresh = true;

  constructor(options: LabOptions) {
    this.#options = options;
    this.topology = parseTopology(options.topology);
    const { clock, random, pki } = options;
    this.#network = createNetwork({
      clock,
      random,
      verifyTls: (certificate, roots, serverName, nowMs) =>
        pki.verifyCertificate(certificate, roots, nowMs, 'server', serverName),
    });
    this.#outside = this.#network.addHost('outside', outsideAddress);
    const names: DnsHandler = (query) => Promise.resolve(this.#nameServer(query));
    this.#outside.listen(53, dnsListener(names), { protocol: 'udp' });
    this.#outside.listen(53, dnsStreamListener(names), { protocol: 'tcp' });
    this.#etcdData = new EtcdData(clock, options.openLog ?? (() => undefined));
  }

  /** The first control plane. */
  get controlPlane(): TopologyMachine {
    const found = this.topology.machines.find(({ role }) => role === 'control-plane');
    if (!found) throw new Error('a topology without a control plane');
    return found;
  }

  get hosts(): readonly string[] {
    return this.topology.machines.map(({ hostname }) => hostname);
  }

  /** @throws StatusError 404 */
  machine(hostname: string): SimulatedMachine {
    const machine = this.#machines.get(hostname);
    if (!machine) throw notFound({ group: '', resource: 'machines' }, hostname);
    return machine.machine;
  }

  /** The store that the cluster's etcd serves, or served last. */
  get store(): Store<StoredObject> {
    return this.#etcdData.storeOf(this.#etcdData.currentId);
  }

  get authorities(): ClusterAuthorities {
    if (!this.#keys) throw new Error('the lab is not laid out yet');
    return this.#keys.authorities;
  }

  /** The cluster administrator's certificate and key. */
  get admin(): KeyPair {
    if (!this.#keys) throw new Error('the lab is not laid out yet');
    return this.#keys.admin;
  }

  /** What the API server presents to its clients, as it stands on the control plane's disk; undefined when unreadable. */
  servingPair(): KeyPair | undefined {
    const { files } = this.machine(this.controlPlane.hostname);
    const path = '/etc/kubernetes/pki/apiserver';
    if (!files.exists(`${path}.crt`) || !files.exists(`${path}.key`)) return undefined;
    return {
      certificate: files.readText(`${path}.crt`),
      privateKey: files.readText(`${path}.key`),
    };
  }

  /** Whether something listens where the API server should. */
  get apiListening(): boolean {
    const { hostname } = this.controlPlane;
    return (
      this.#network
        .machine(hostname)
        ?.namespace.listeners()
        .some(({ port }) => port === 6443) ?? false
    );
  }

  /** Requests from outside the lab, as they come: credentials are the caller's. */
  readonly apiTransport: Transport = {
    send: async (request) => {
      const { listener, peer } = await this.#outside.dial(this.controlPlane.address, 6443, 'tcp', {
        timeoutMs: 10_000,
      });
      if (listener.kind !== 'http')
        throw new ConnectionError('ECONNRESET', 'connection reset by peer');
      const response = await listener.handle(request, peer);
      if (!showsObjects(request.url)) return response;
      // What leaves the process waits for the disk; a read may show what another has just written. While the disk is
      // full reads are answered nevertheless: what they show is kept for it.
      const { store } = this;
      const durable = async (): Promise<void> => {
        try {
          await store.durable();
        } catch (error) {
          if (response.durable || !isDiskFull(error)) throw error;
        }
      };
      return { ...response, durable };
    },
  };

  /** Requests of the cluster's administrator. */
  readonly adminTransport: Transport = {
    send: (request) =>
      this.apiTransport.send({ ...request, peerCertificate: this.admin.certificate }),
  };

  adminClient(userAgent: string): KubeClient {
    const { clock, logger } = this.#options;
    return createClient(this.adminTransport, { userAgent, clock, logger });
  }

  /** A kubeconfig of the administrator for clients that reach the API server at `server`. */
  adminKubeconfig(server: string): string {
    return kubeconfig({
      server,
      ca: this.authorities.ca.certificate,
      user: 'kubernetes-admin',
      credentials: this.admin,
    });
  }

  /** Lays the machines out and switches them on. Resolves when they have booted, not when the cluster is ready. */
  async start(): Promise<void> {
    await prepareTools();
    const { saved, pki, clock } = this.#options;
    const maker = new CertificateMaker(pki, clock.now());
    if (saved) {
      this.#fresh = false;
      const { authorities, admin, bootstrapToken } = saved;
      this.#keys = { authorities, admin, bootstrapToken };
    } else {
      const authorities = await makeAuthorities(maker);
      this.#keys = {
        authorities,
        admin: await maker.client(authorities.ca, 'kubernetes-admin', 'kubeadm:cluster-admins'),
        bootstrapToken: 'abcdef.0123456789abcdef',
      };
    }
    const release = releaseOf(this.#options.kubernetesVersion);
    const catalogue = createCatalogue([
      ...standardImages,
      ...(this.#options.images ?? []),
      ...systemImages({
        pki,
        release,
        descriptions: this.#options.descriptions,
        callComputer: this.#options.callComputer,
        etcdData: this.#etcdData,
        network: this.#network,
      }),
    ]);
    for (const spec of this.topology.machines) {
      const { random, logger } = this.#options;
      const own = (): SimulatedMachine => this.machine(spec.hostname);
      // The exam's jump host has no tools of its own: work is done on the machines behind it.
      const nodePrograms: Record<string, Program> =
        spec.role === 'base'
          ? {}
          : {
              ...fullNetworkTools,
              '/usr/bin/kubectl': kubectl(),
              ...(spec.role === 'control-plane'
                ? {
                    '/usr/local/bin/etcdctl': etcdctl(pki),
                    '/usr/local/bin/etcdutl': etcdutl(this.#etcdData),
                  }
                : {}),
              '/usr/bin/kubelet': kubelet({ host: () => own().nodeHost, pki, release }),
            };
      const made = createLabMachine({
        spec,
        network: this.#network,
        clock,
        random,
        logger,
        catalogue,
        programs: {
          '/usr/bin/ssh': ssh,
          '/usr/bin/scp': scp,
          '/usr/sbin/sshd': sshd(own),
          ...nodePrograms,
        },
        preloaded: spec.role === 'base' ? [] : preloadedImages(release.gitVersion, spec.role),
      });
      this.#machines.set(spec.hostname, made);
      const changes = saved?.files[spec.hostname];
      if (changes) applyChanges(made.machine.files, changes);
      else {
        const files = await machineFiles(spec, {
          ...this.#keys,
          topology: this.topology,
          maker,
          controlPlaneAddress: this.controlPlane.address,
          nameServer: outsideAddress,
          kubernetesVersion: this.#options.kubernetesVersion,
          nowMs: clock.now(),
        });
        for (const file of files) lay(made.machine, file);
        // The package of the kubelet brings the folder of static pods, empty on a worker.
        if (spec.role !== 'base')
          made.machine.files.mkdir('/etc/kubernetes/manifests', { recursive: true });
        for (const unit of spec.role === 'base' ? ['ssh'] : ['ssh', 'containerd', 'kubelet'])
          made.machine.units.enable(unit);
      }
    }
    await Promise.all([...this.#machines.values()].map(({ machine }) => machine.boot()));
    void this.#finish().catch((error: unknown) => {
      this.#options.logger.log('error', 'the cluster could not be finished', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }

  /** Resolves when the API answers, every node is Ready and the add-ons' pods run; rejects after `limitMs`. */
  async ready(limitMs = 600_000): Promise<void> {
    const { clock } = this.#options;
    const client = this.adminClient('kijabi');
    const endMs = clock.now() + limitMs;
    for (;;) {
      if (await this.#isReady(client)) return;
      if (clock.now() > endMs) throw new Error('the cluster did not become ready');
      await sleep(clock, 250);
    }
  }

  async #isReady(client: KubeClient): Promise<boolean> {
    try {
      const wanted = this.topology.machines.filter(({ role }) => role !== 'base').length;
      const { items: nodes } = await client.resource('nodes').list();
      const readyNodes = nodes.filter((node) =>
        node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
      if (readyNodes.length < wanted) return false;
      const { items: pods } = await client.resource('pods').list({ namespace: 'kube-system' });
      return (
        pods.length >= 4 &&
        pods.every(
          ({ status }) =>
            status?.phase === 'Succeeded' ||
            status?.conditions?.some(
              (condition) => condition.type === 'Ready' && condition.status === 'True',
            ),
        )
      );
    } catch {
      return false;
    }
  }

  /** What `kubeadm init` does once the API server answers: objects, labels, taints, add-ons. Once in a lab's life. */
  async #finish(): Promise<void> {
    if (!this.#fresh) return;
    const { clock, logger, kubernetesVersion } = this.#options;
    // Until cluster-admins are bound, only the super administrator may write.
    const maker = new CertificateMaker(this.#options.pki, clock.now());
    const superAdmin = await maker.client(
      this.authorities.ca,
      'kubernetes-super-admin',
      'system:masters',
    );
    const client = createClient(
      {
        send: (request) =>
          this.apiTransport.send({ ...request, peerCertificate: superAdmin.certificate }),
      },
      { userAgent: 'kubeadm', clock, logger },
    );
    const options = {
      kubernetesVersion,
      controlPlaneAddress: this.controlPlane.address,
      ca: this.authorities.ca.certificate,
      bootstrapToken: this.#keys?.bootstrapToken ?? '',
      bootstrapTokenExpiration: `${new Date(clock.now() + 86_400_000).toISOString().slice(0, 19)}Z`,
    };
    await this.#untilAnswered(() =>
      client.requestObject({ method: 'GET', url: '/api/v1/namespaces/kube-system' }),
    );
    const { loadBalancerPool } = this.topology;
    const cloud =
      loadBalancerPool === undefined ? [] : cloudObjects({ kubernetesVersion, loadBalancerPool });
    const objects = [...kubeadmObjects(options), ...addonObjects(options), ...cniObjects()];
    for (const object of [...objects, ...cloud])
      await this.#untilAnswered(() => create(client, object));
    for (const machine of this.topology.machines.filter(({ role }) => role === 'control-plane'))
      await this.#untilAnswered(() =>
        client.resource('nodes').patch(undefined, machine.hostname, 'strategic', {
          metadata: {
            labels: {
              'node-role.kubernetes.io/control-plane': '',
              'node.kubernetes.io/exclude-from-external-load-balancers': '',
            },
          },
          spec: {
            taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
          },
        }),
      );
    this.#fresh = false;
  }

  /** Repeats a request while nobody answers or its object is not there yet. */
  async #untilAnswered(request: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await request();
        return;
      } catch (error) {
        const early =
          error instanceof ConnectionError ||
          isReason(error, 'NotFound') ||
          isReason(error, 'ServiceUnavailable') ||
          isReason(error, 'Forbidden');
        if (!early) throw error;
      }
      await sleep(this.#options.clock, 100);
    }
  }

  /** The lab's own name server knows its machines; there is no world outside to know anything else of. */
  #nameServer(query: DnsMessage): DnsMessage {
    const [question] = query.questions;
    const found = this.topology.machines.find(
      ({ hostname }) => hostname === question?.name.toLowerCase(),
    );
    if (!question || !found) return dnsReply(query, { code: 'NXDOMAIN' });
    if (question.type !== 'A') return dnsReply(query, {});
    return dnsReply(query, {
      answers: [{ type: 'A', name: question.name, ttlSeconds: 60, address: found.address }],
    });
  }

  /** Where a pod's programs stand: its network, and a resolver's files; undefined when no pod has the address. */
  podPlace(
    address: string,
  ): { readonly files: FileSystem; readonly net: NetNamespace } | undefined {
    for (const { containers } of this.#machines.values())
      for (const { sandbox, files } of containers.containers.values())
        if (files && sandbox.net?.address === address) return { files, net: sandbox.net };
    return undefined;
  }

  /** Writes since a revision, oldest first. Revisions that were forgotten are left out. */
  history(sinceRevision: number, limit: number): LabHistoryEntry[] {
    const entries: LabHistoryEntry[] = [];
    const { store } = this;
    const from = Math.max(sinceRevision + 1, store.oldestRevision + 1, store.revision - limit + 1);
    if (from > store.revision) return entries;
    for (const event of store.writesPast('/registry/', prefixEnd('/registry/'), from).flat()) {
      const object = (event.kv ?? event.previous)?.value.object;
      const latest = object?.metadata.managedFields?.reduce((a, b) =>
        (b.time ?? '') >= (a.time ?? '') ? b : a,
      );
      entries.push({
        revision: event.revision,
        timeMs: store.timeOf(event.revision) ?? 0,
        type: event.type === 'delete' ? 'delete' : event.previous ? 'update' : 'create',
        key: event.key.slice('/registry/'.length),
        manager: event.type === 'delete' ? '' : (latest?.manager ?? ''),
        subresource: event.type === 'delete' ? '' : (latest?.subresource ?? ''),
      });
    }
    return entries.slice(0, limit);
  }

  /** The state of the lab, to come back to with `restore`. */
  snapshot(): LabSnapshot {
    const { revision } = this.store;
    return {
      storeId: this.#etcdData.currentId,
      revision,
      retained: this.store.retain(revision),
      files: Object.fromEntries(
        [...this.files()].map(({ hostname, changes }) => [hostname, changes()]),
      ),
      units: Object.fromEntries(
        [...this.#machines].map(([name, { machine }]) => [
          name,
          machine.units.list().map((unit) => ({ ...unit })),
        ]),
      ),
    };
  }

  /**
   * Goes back to a snapshot: files, units and the store become what they were, and the programs that run notice, as
   * they would any other change. The store's history goes on: what was undone can still be looked at.
   */
  async restore(snapshot: LabSnapshot): Promise<void> {
    for (const [hostname, { machine }] of this.#machines) {
      const changes = snapshot.files[hostname];
      if (changes) restoreFiles(machine.files, changes);
      if (!machine.running) await machine.boot();
    }
    rollBack(this.#etcdData.storeOf(snapshot.storeId), snapshot.revision);
    if (this.#etcdData.currentId !== snapshot.storeId) {
      // Its files name that store again; etcd has to open it.
      const { machine } = this.#machines.get(this.controlPlane.hostname) ?? {};
      machine?.powerOff();
      await machine?.boot();
    }
    for (const [hostname, { machine }] of this.#machines) {
      machine.units.daemonReload();
      for (const { name, active } of snapshot.units[hostname] ?? []) {
        const isActive = machine.units.state(name)?.active === 'active';
        // A kubelet remembers which pods it has ended, also those that stand again now: it has to begin anew.
        if (active === 'active' && name === 'kubelet.service' && isActive)
          await machine.units.restart(name);
        else if (active === 'active' && !isActive) await machine.units.start(name);
        else if (active === 'inactive' && isActive) await machine.units.stop(name);
      }
    }
  }

  /** What must be kept beside the store's log and the files to start this lab again; it never changes. */
  get keys(): LabKeys {
    if (!this.#keys) throw new Error('the lab is not laid out yet');
    return this.#keys;
  }

  /** The machines' files, by host name: `version` grows with each change. */
  *files(): Iterable<{
    readonly hostname: string;
    readonly version: number;
    readonly changes: () => readonly Change[];
  }> {
    for (const [hostname, { machine }] of this.#machines)
      yield {
        hostname,
        version: machine.files.volume.version,
        changes: () => exportChanges(machine.files),
      };
  }

  dispose(): void {
    for (const { machine } of this.#machines.values()) machine.powerOff();
  }
}

export interface LabHistoryEntry {
  readonly revision: number;
  readonly timeMs: number;
  readonly type: 'create' | 'update' | 'delete';
  /** Below /registry. */
  readonly key: string;
  readonly manager: string;
  readonly subresource: string;
}

/** Whether an answer can tell what is in the store; health and versions do not. */
const showsObjects = (url: string): boolean => !/^\/(readyz|livez|healthz|version)\b/.test(url);

/** Whether an error says that writes wait for room on the disk. */
function isDiskFull(error: unknown): boolean {
  return error instanceof Error && error.message === databaseSpaceExceeded;
}

async function create(client: KubeClient, object: KubeObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
  try {
    await client.requestObject({
      method: 'POST',
      url: `${root}${scope}/${plural.toLowerCase()}?fieldManager=kubeadm`,
      object,
    });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}

function lay(machine: SimulatedMachine, { path, content, mode }: LaidFile): void {
  machine.files.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true });
  machine.files.writeFile(path, content, mode);
}
