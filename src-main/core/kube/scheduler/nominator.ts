import { type PodInfo, podInfoOf } from './pod-info.ts';
import { type PodView, uidOf } from './views.ts';

/**
 * Pods that wait for room on a node they were promised.
 * @see k8s.io/kubernetes/pkg/scheduler/backend/queue/nominator.go
 */
export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();

  on(nodeName: string): readonly PodInfo[] {
    const pods = this.#byNode.get(nodeName);
    return pods ? [...pods.values()] : [];
  }

  has(uid: string): boolean {
    return this.#nodeOf.has(uid);
  }

  /** @param nodeName what was decided just now; absent: what the pod's status says. */
  set(pod: PodView, nodeName = pod.status?.nominatedNodeName): void {
    this.delete(uidOf(pod));
    if (!nodeName) return;
    this.#nodeOf.set(uidOf(pod), nodeName);
    let pods = this.#byNode.get(nodeName);
    if (!pods) {
      pods = new Map();
      this.#byNode.set(nodeName, pods);
    }
    pods.set(uidOf(pod), podInfoOf(pod));
  }

  /** Follows an update; a nomination made since the last write to the API server stays. */
  update(previous: PodView, pod: PodView): void {
    const decided = this.#nodeOf.get(uidOf(pod));
    const unchanged =
      (previous.status?.nominatedNodeName ?? '') === (pod.status?.nominatedNodeName ?? '');
    if (decided === undefined && !pod.status?.nominatedNodeName) return;
    this.set(pod, unchanged ? decided : pod.status?.nominatedNodeName);
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    const pods = this.#byNode.get(nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
  }
}
