import type { ObjectTableView, ResourceKindView, RpcClient } from '#contract';
import { Loader, messageOf } from '../../lib/loading/index.ts';
import { kindKey } from './kind-list.ts';

export interface ObjectAddress {
  readonly namespace: string | null;
  readonly name: string;
}

/** The object, or the new manifests, in the editor. */
export interface OpenText {
  /** Null: manifests that are not in the cluster yet. */
  readonly object: ObjectAddress | null;
  /** As the cluster has it. */
  readonly yaml: string;
}

const podKind: ResourceKindView = {
  group: '',
  version: 'v1',
  resource: 'pods',
  kind: 'Pod',
  namespaced: true,
  shortNames: ['po'],
};

/** Kinds, the table of one of them, and one object as YAML. */
export class ObjectBrowser {
  readonly kinds: Loader<readonly ResourceKindView[]>;
  readonly namespaces: Loader<readonly string[]>;
  readonly table: Loader<ObjectTableView>;
  kindQuery = $state('');
  nameQuery = $state('');
  wide = $state(false);
  #kind = $state.raw<ResourceKindView>(podKind);
  #namespace = $state<string | null>(null);
  #open = $state.raw<OpenText | null>(null);
  #draft = $state('');
  #busy = $state(false);
  #error = $state<string | null>(null);
  #stale = $state(false);
  readonly #rpc: RpcClient;
  readonly #clusterId: string;

  constructor(rpc: RpcClient, clusterId: string) {
    this.#rpc = rpc;
    this.#clusterId = clusterId;
    this.kinds = new Loader(() => rpc.call('clusters.kinds', { clusterId }));
    this.namespaces = new Loader(async () => {
      const { rows } = await rpc.call('clusters.objects', {
        clusterId,
        group: '',
        version: 'v1',
        resource: 'namespaces',
        namespace: null,
      });
      return rows.map(({ name }) => name);
    });
    this.table = new Loader(() =>
      rpc.call('clusters.objects', {
        ...this.#resource(),
        namespace: this.#kind.namespaced ? this.#namespace : null,
      }),
    );
  }

  get kind(): ResourceKindView {
    return this.#kind;
  }
  get namespace(): string | null {
    return this.#namespace;
  }
  get open(): OpenText | null {
    return this.#open;
  }
  get draft(): string {
    return this.#draft;
  }
  get isChanged(): boolean {
    return this.#open !== null && this.#draft !== this.#open.yaml;
  }
  get busy(): boolean {
    return this.#busy;
  }
  get error(): string | null {
    return this.#error;
  }
  /** The object changed in the cluster while its text was being edited. */
  get stale(): boolean {
    return this.#stale;
  }
  /** Rows whose name holds the words looked for. */
  get rows(): ObjectTableView['rows'] {
    const wanted = this.nameQuery.trim().toLowerCase();
    const rows = this.table.value?.rows ?? [];
    return wanted === ''
      ? rows
      : rows.filter(({ name, namespace }) => `${namespace}/${name}`.includes(wanted));
  }

  async load(): Promise<void> {
    await Promise.all([this.kinds.load(), this.namespaces.load(), this.table.load()]);
  }

  /** What changes by itself: the table, and the object in the editor unless it was changed there. */
  async refresh(): Promise<void> {
    await Promise.all([this.table.load(), this.namespaces.load(), this.#refreshOpen()]);
  }

  selectKind(kind: ResourceKindView): void {
    if (kindKey(kind) === kindKey(this.#kind)) return;
    this.#kind = kind;
    this.closeText();
    void this.table.load();
  }

  selectNamespace(namespace: string | null): void {
    this.#namespace = namespace;
    void this.table.load();
  }

  async openObject(object: ObjectAddress): Promise<void> {
    this.#error = null;
    this.#busy = true;
    try {
      this.#show({ object, yaml: await this.#read(object) });
    } catch (error) {
      this.#error = messageOf(error);
    }
    this.#busy = false;
  }

  openNew(): void {
    this.#error = null;
    this.#show({ object: null, yaml: '' });
  }

  edit(text: string): void {
    this.#draft = text;
  }

  discard(): void {
    if (this.#open) this.#draft = this.#open.yaml;
  }

  closeText(): void {
    this.#open = null;
    this.#error = null;
  }

  /** @returns what was applied; undefined when the server refused it, see `error`. */
  async apply(): Promise<readonly string[] | undefined> {
    const open = this.#open;
    if (open === null || this.#busy) return undefined;
    this.#busy = true;
    this.#error = null;
    try {
      const { applied } = await this.#rpc.call('clusters.apply', {
        clusterId: this.#clusterId,
        yaml: this.#draft,
      });
      if (open.object) this.#show({ object: open.object, yaml: await this.#read(open.object) });
      else this.closeText();
      void this.table.load();
      return applied;
    } catch (error) {
      this.#error = messageOf(error);
      return undefined;
    } finally {
      this.#busy = false;
    }
  }

  #show(open: OpenText): void {
    this.#open = open;
    this.#draft = open.yaml;
    this.#stale = false;
  }

  async #refreshOpen(): Promise<void> {
    const open = this.#open;
    if (!open?.object || this.#busy) return;
    try {
      const yaml = await this.#read(open.object);
      if (this.#open !== open || yaml === open.yaml) return;
      if (this.isChanged) this.#stale = true;
      else this.#show({ object: open.object, yaml });
    } catch (error) {
      // Deleted meanwhile: its last text stays, with the server's word.
      if (this.#open === open) this.#error = messageOf(error);
    }
  }

  async #read({ namespace, name }: ObjectAddress): Promise<string> {
    const { yaml } = await this.#rpc.call('clusters.object', {
      ...this.#resource(),
      namespace,
      name,
    });
    return yaml;
  }

  #resource() {
    const { group, version, resource } = this.#kind;
    return { clusterId: this.#clusterId, group, version, resource };
  }
}
