import { NodeInfo } from './node-info.ts';
import { type PodInfo, podInfoOf } from './pod-info.ts';
import { namespaceOf, type NodeView, type PodView, uidOf } from './views.ts';

interface Placed {
  readonly info: PodInfo;
  readonly nodeName: string;
  /** Bound in our own mind only; the API server has not told us yet. */
  readonly assumed: boolean;
}

function zoneOf(node: NodeView): string {
  const labels = node.metadata.labels ?? {};
  const region =
    labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'];
  const zone =
    labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'];
  return `${region ?? ''}:\0:${zone ?? ''}`;
}

/**
 * Nodes and the pods on them, with pods that were assumed to be placed before the API server said so.
 * @see k8s.io/kubernetes/pkg/scheduler/backend/cache/cache.go
 */
export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, Placed>();
  readonly #claimUse = new Map<string, number>();
  readonly #imageNodes = new Map<string, number>();
  #order: readonly NodeInfo[] | undefined;

  /** Known nodes, one of each zone in turn. @see backend/cache/node_tree.go */
  get nodes(): readonly NodeInfo[] {
    this.#order ??= this.#interleave();
    return this.#order;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.known ? info : undefined;
  }

  /** On how many nodes an image is. */
  nodesWithImage(name: string): number {
    return this.#imageNodes.get(name) ?? 0;
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed ?? false;
  }

  isPlaced(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** Whether a pod with a place mounts the claim. */
  isClaimUsed(namespace: string, claim: string): boolean {
    return (this.#claimUse.get(`${namespace}/${claim}`) ?? 0) > 0;
  }

  setNode(node: NodeView): void {
    const name = node.metadata.name ?? '';
    const info = this.#infoOf(name);
    // Only these two decide about the order of nodes.
    if (!info.known || zoneOf(info.node) !== zoneOf(node)) this.#order = undefined;
    this.#countImages(info, -1);
    info.setNode(node);
    this.#countImages(info, 1);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    this.#countImages(info, -1);
    info.setNode(undefined);
    if (info.pods.size === 0) this.#nodes.delete(name);
    this.#order = undefined;
  }

  /** A pod that has its place, as the API server says; takes the place of what was assumed. */
  setPod(pod: PodView): void {
    this.removePod(uidOf(pod));
    this.#place(podInfoOf(pod), pod.spec?.nodeName ?? '', false);
  }

  assume(info: PodInfo, nodeName: string): void {
    this.#place(info, nodeName, true);
  }

  removePod(uid: string): void {
    const placed = this.#pods.get(uid);
    if (!placed) return;
    this.#pods.delete(uid);
    const node = this.#nodes.get(placed.nodeName);
    node?.removePod(uid);
    if (node && !node.known && node.pods.size === 0) this.#nodes.delete(placed.nodeName);
    this.#useClaims(placed.info, -1);
  }

  #place(info: PodInfo, nodeName: string, assumed: boolean): void {
    this.#pods.set(info.uid, { info, nodeName, assumed });
    this.#infoOf(nodeName).addPod(info);
    this.#useClaims(info, 1);
  }

  #infoOf(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }

  #useClaims({ claims, pod }: PodInfo, sign: 1 | -1): void {
    for (const claim of claims) {
      const key = `${namespaceOf(pod)}/${claim}`;
      const count = (this.#claimUse.get(key) ?? 0) + sign;
      if (count > 0) this.#claimUse.set(key, count);
      else this.#claimUse.delete(key);
    }
  }

  #countImages(info: NodeInfo, sign: 1 | -1): void {
    for (const name of info.images.keys()) {
      const count = (this.#imageNodes.get(name) ?? 0) + sign;
      if (count > 0) this.#imageNodes.set(name, count);
      else this.#imageNodes.delete(name);
    }
  }

  #interleave(): NodeInfo[] {
    const zones = new Map<string, NodeInfo[]>();
    let most = 0;
    for (const info of this.#nodes.values()) {
      if (!info.known) continue;
      const key = zoneOf(info.node);
      const zone = zones.get(key) ?? [];
      zone.push(info);
      zones.set(key, zone);
      most = Math.max(most, zone.length);
    }
    const order: NodeInfo[] = [];
    for (let i = 0; i < most; i++)
      for (const zone of zones.values()) {
        const info = zone[i];
        if (info) order.push(info);
      }
    return order;
  }
}
