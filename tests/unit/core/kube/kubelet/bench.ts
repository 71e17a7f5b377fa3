import { readText, seededRandom, silentLogger } from '#core/base';
import type { NodeHost } from '#core/kube';
import { TestNode } from '../../machines/containers/node.ts';
import { FakeApi, type FakeObject } from '#tests/fake-api';
import { createClient } from '../../../../../src-main/core/kube/client/index.ts';
import {
  createKubelet,
  type Kubelet,
  parseKubeletConfiguration,
} from '../../../../../src-main/core/kube/kubelet/index.ts';
import { dirname } from '../../../../../src-main/core/machines/filesystem/index.ts';
import { probe } from '../../../../../src-main/core/machines/network/index.ts';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';

/** A kubelet on a node with a runtime, before a fake API or none. */
export class KubeletBench {
  readonly node = new TestNode();
  readonly api: FakeApi;
  readonly lines: string[] = [];
  readonly host: NodeHost;
  /** What the node uses, and what its folders hold, bytes. */
  readonly used = { memoryBytes: 0, diskBytes: 0, processes: 100, maxProcesses: 1000 };
  readonly sizes = new Map<string, number>();
  kubelet: Kubelet;
  readonly #withApi: boolean;
  readonly #config: object;

  constructor(options: { readonly api?: boolean; readonly config?: object } = {}) {
    const { files, containerd, machine, time } = this.node;
    this.#withApi = options.api ?? true;
    this.#config = options.config ?? {};
    this.api = new FakeApi(time.clock);
    files.mkdir('/etc/kubernetes/manifests', { recursive: true });
    files.writeFile('/etc/hosts', '127.0.0.1 localhost\n');
    this.host = {
      hostname: 'node01',
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
        chmod: (path, mode) => files.chmod(path, mode),
        chown: (path, uid, gid) => files.chown(path, uid, gid),
        watch: (path, listener) => files.watch(path, () => listener()),
        diskUsage: (path) => this.sizes.get(path) ?? 0,
      },
      usage: () => this.used,
      runtime: containerd.runtime,
      images: containerd.images,
      addresses: ['192.168.10.11'],
      capacity: {
        cpuMilli: 2000,
        memoryBytes: 4 * 1024 ** 3,
        ephemeralStorageBytes: 40 * 1024 ** 3,
        pods: 110,
      },
      system: {
        machineId: 'm',
        systemUuid: 'u',
        bootId: 'b',
        kernelVersion: '6.8.0',
        osImage: 'Ubuntu 24.04.3 LTS',
        architecture: 'amd64',
      },
      probe: (target) =>
        probe(machine.namespace, time.clock, target, (name) => Promise.resolve([name])),
    };
    this.kubelet = this.#make();
  }

  #make(): Kubelet {
    const { clock } = this.node.time;
    return createKubelet({
      nodeName: 'node01',
      host: this.host,
      ...(this.#withApi
        ? {
            client: createClient(this.api.transport, {
              userAgent: 'kubelet/v1.36.3',
              clock,
              logger: silentLogger,
            }),
          }
        : {}),
      config: parseKubeletConfiguration({
        staticPodPath: '/etc/kubernetes/manifests',
        clusterDNS: ['10.96.0.10'],
        clusterDomain: 'cluster.local',
        ...this.#config,
      }),
      clock,
      random: seededRandom('kubelet'),
      logger: silentLogger,
      klog: (severity, place, text) => this.lines.push(`${severity} ${place}] ${text}`),
      version: 'v1.36.3',
      registerWithTaints: [],
      nodeLabels: {},
    });
  }

  async start(): Promise<void> {
    this.kubelet.start();
    await this.node.time.advance(0);
  }

  /** Stops the kubelet and starts another one; containers go on. */
  async restart(): Promise<void> {
    this.kubelet.dispose();
    this.kubelet = this.#make();
    await this.start();
  }

  /** A pod bound to the node, with the API server's defaults. */
  create(name: string, spec: object, metadata: object = {}): void {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', ...metadata },
      spec: { nodeName: 'node01', ...spec },
    };
    strategyFor('', 'Pod')?.defaults?.(pod);
    this.api.create('pods', { ...pod, status: { phase: 'Pending', qosClass: 'BestEffort' } });
  }

  pod(name: string): FakeObject | undefined {
    return this.api.get('pods', name, 'default');
  }

  status(name: string): never {
    return (this.pod(name)?.status ?? {}) as never;
  }

  /** `type reason message (xcount)` of all events on one object. */
  events(name: string): string[] {
    return this.api
      .list<
        FakeObject & {
          involvedObject: { name: string };
          type: string;
          reason: string;
          message: string;
          count: number;
        }
      >('events')
      .filter((event) => event.involvedObject.name === name)
      .map(
        ({ type, reason, message, count }) =>
          `${type} ${reason} ${message}${count > 1 ? ` (x${count})` : ''}`,
      );
  }

  async get(url: string): Promise<{ status: number; body: string }> {
    const { status, body } = await this.kubelet.handle({ method: 'GET', url, headers: {} });
    const decoder = new TextDecoder();
    if (body.kind === 'bytes') return { status, body: decoder.decode(body.bytes) };
    if (body.kind === 'source') return { status, body: await readText(body.source) };
    return { status, body: '' };
  }
}
