import type { AttachableVolume } from './attachable-volumes.ts';

/** What is known of one volume on one node. */
export interface Attachment {
  readonly node: string;
  readonly uniqueName: string;
  /** Absent: known by its name alone, from a node's status. */
  volume?: AttachableVolume;
  /** `uncertain`: an attach or detach has failed half-way. */
  state: 'attached' | 'uncertain';
  /** In the node's `status.volumesAttached`. */
  reported: boolean;
  /** In the node's `status.volumesInUse`; assumed until the node says otherwise. */
  mounted: boolean;
  detachRequestedMs?: number;
}

/** Which volumes are attached where. @see pkg/controller/volume/attachdetach/cache/actual_state_of_world.go */
export class ActualState {
  readonly #attachments = new Map<string, Attachment>();
  /** Nodes whose status does not yet say what is true. */
  readonly #outdated = new Set<string>();

  get(uniqueName: string, node: string): Attachment | undefined {
    return this.#attachments.get(`${node}/${uniqueName}`);
  }

  all(): readonly Attachment[] {
    return [...this.#attachments.values()];
  }

  /** Nodes that have the volume for certain. */
  nodesOf(uniqueName: string): string[] {
    return this.all().flatMap((item) =>
      item.uniqueName === uniqueName && item.state === 'attached' ? [item.node] : [],
    );
  }

  markAttached(uniqueName: string, node: string, volume?: AttachableVolume): void {
    const item = this.#ensure(uniqueName, node, volume);
    item.state = 'attached';
    delete item.detachRequestedMs;
    this.report(item, true);
  }

  markUncertain(uniqueName: string, node: string, volume?: AttachableVolume): void {
    const item = this.#ensure(uniqueName, node, volume);
    item.state = 'uncertain';
    this.report(item, false);
  }

  remove(uniqueName: string, node: string): void {
    const item = this.get(uniqueName, node);
    if (!item) return;
    this.report(item, false);
    this.#attachments.delete(`${node}/${uniqueName}`);
  }

  report(item: Attachment, reported: boolean): void {
    if (item.reported === reported) return;
    item.reported = reported;
    this.#outdated.add(item.node);
  }

  setMounted(node: string, inUse: readonly string[]): void {
    for (const item of this.all())
      if (item.node === node) item.mounted = inUse.includes(item.uniqueName);
  }

  outdate(node: string): void {
    if (this.all().some((item) => item.node === node)) this.#outdated.add(node);
  }

  takeOutdated(): string[] {
    const nodes = [...this.#outdated];
    this.#outdated.clear();
    return nodes;
  }

  reportedOn(node: string): string[] {
    return this.all()
      .flatMap((item) => (item.node === node && item.reported ? [item.uniqueName] : []))
      .sort();
  }

  #ensure(uniqueName: string, node: string, volume: AttachableVolume | undefined): Attachment {
    let item = this.get(uniqueName, node);
    if (!item) {
      item = { node, uniqueName, state: 'uncertain', reported: false, mounted: true };
      this.#attachments.set(`${node}/${uniqueName}`, item);
    }
    if (volume) item.volume = volume;
    return item;
  }
}
