import { type Amounts, amountsOf } from './resources.ts';
import type { HostPort, PodInfo, PodShape } from './pod-info.ts';
import type { Labels, NodeView } from './views.ts';

/** How many pods of one shape are on a node. */
export interface ShapeCount {
  readonly shape: PodShape;
  total: number;
  /** Without those being deleted. */
  live: number;
}

function change(target: Amounts, amounts: Amounts, sign: 1 | -1): void {
  for (const [name, amount] of amounts) target.set(name, (target.get(name) ?? 0) + sign * amount);
}

const anyIp = '0.0.0.0';

/** A node with sums over its pods, kept up one pod at a time. */
export class NodeInfo {
  readonly name: string;
  #node: NodeView | undefined;
  allocatable: Amounts = new Map();
  allowedPods = 0;
  readonly pods = new Map<string, PodInfo>();
  readonly shapes = new Map<string, ShapeCount>();
  readonly requested: Amounts = new Map();
  readonly nonZeroRequested: Amounts = new Map();
  /** `protocol/port` to the addresses in use. */
  readonly #ports = new Map<string, Map<string, number>>();
  /** Sizes of the images on the node by name, in bytes. */
  images: ReadonlyMap<string, number> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  /** Undefined while only pods are known of it. */
  get known(): boolean {
    return this.#node !== undefined;
  }

  /** @throws Error the node object has not been seen. */
  get node(): NodeView {
    if (!this.#node) throw new Error(`node ${this.name} is not known`);
    return this.#node;
  }

  get labels(): Labels {
    return this.#node?.metadata.labels ?? {};
  }

  setNode(node: NodeView | undefined): void {
    this.#node = node;
    this.allocatable = amountsOf(node?.status?.allocatable);
    this.allowedPods = this.allocatable.get('pods') ?? 0;
    const images = new Map<string, number>();
    for (const { names, sizeBytes = 0 } of node?.status?.images ?? [])
      for (const name of names ?? []) images.set(name, Number(sizeBytes));
    this.images = images;
  }

  addPod(info: PodInfo): void {
    this.pods.set(info.uid, info);
    change(this.requested, info.requests, 1);
    change(this.nonZeroRequested, info.nonZero, 1);
    let count = this.shapes.get(info.shape.key);
    if (!count) {
      count = { shape: info.shape, total: 0, live: 0 };
      this.shapes.set(info.shape.key, count);
    }
    count.total += 1;
    if (!info.pod.metadata.deletionTimestamp) count.live += 1;
    for (const port of info.hostPorts) this.#usePort(port, 1);
  }

  removePod(uid: string): PodInfo | undefined {
    const info = this.pods.get(uid);
    if (!info) return undefined;
    this.pods.delete(uid);
    change(this.requested, info.requests, -1);
    change(this.nonZeroRequested, info.nonZero, -1);
    const count = this.shapes.get(info.shape.key);
    if (count) {
      count.total -= 1;
      if (!info.pod.metadata.deletionTimestamp) count.live -= 1;
      if (count.total === 0) this.shapes.delete(info.shape.key);
    }
    for (const port of info.hostPorts) this.#usePort(port, -1);
    return info;
  }

  /** Whether a pod of this node holds the port on an overlapping address. */
  portInUse({ protocol, ip, port }: HostPort): boolean {
    const addresses = this.#ports.get(`${protocol}/${port}`);
    if (!addresses) return false;
    return ip === anyIp ? addresses.size > 0 : addresses.has(ip) || addresses.has(anyIp);
  }

  /** A copy on which pods can be added and removed without the original noticing. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.#node = this.#node;
    copy.allocatable = this.allocatable;
    copy.allowedPods = this.allowedPods;
    copy.images = this.images;
    for (const info of this.pods.values()) copy.addPod(info);
    return copy;
  }

  #usePort({ protocol, ip, port }: HostPort, sign: 1 | -1): void {
    const key = `${protocol}/${port}`;
    let addresses = this.#ports.get(key);
    if (!addresses) {
      addresses = new Map();
      this.#ports.set(key, addresses);
    }
    const count = (addresses.get(ip) ?? 0) + sign;
    if (count > 0) addresses.set(ip, count);
    else addresses.delete(ip);
    if (addresses.size === 0) this.#ports.delete(key);
  }
}
