import type { DeepReadonly } from '#core/base';
import type { OwnerReference } from '../../machinery/index.ts';

type Reference = DeepReadonly<OwnerReference>;

/** Who an object is; its kind and version as the graph's informers see it. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
}

export interface GraphNode {
  identity: Identity;
  /** Known only from references to it, not seen itself. */
  isVirtual: boolean;
  beingDeleted: boolean;
  /** In foreground deletion: waits for its dependents to go. */
  deletingDependents: boolean;
  owners: readonly Reference[];
  readonly dependents: Set<GraphNode>;
}

/**
 * Who depends on whom, by uid. A reference to an owner not seen yet makes a virtual node for it; whether the
 * owner is really absent has to be asked of the server.
 *
 * @see k8s.io/kubernetes/pkg/controller/garbagecollector/graph_builder.go
 */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  nodes(): IterableIterator<GraphNode> {
    return this.#nodes.values();
  }

  /** @returns virtual owners this object was the first to name. */
  insert(node: GraphNode): GraphNode[] {
    this.#nodes.set(node.identity.uid, node);
    return this.link(node, node.owners);
  }

  /** Adds a node as a dependent of its owners. @returns virtual owners made for it. */
  link(node: GraphNode, owners: readonly Reference[]): GraphNode[] {
    const made: GraphNode[] = [];
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid);
      if (!owner) {
        owner = {
          identity: {
            apiVersion: reference.apiVersion,
            kind: reference.kind,
            name: reference.name,
            uid: reference.uid,
            namespace: node.identity.namespace,
          },
          isVirtual: true,
          beingDeleted: false,
          deletingDependents: false,
          owners: [],
          dependents: new Set(),
        };
        this.#nodes.set(reference.uid, owner);
        made.push(owner);
      }
      owner.dependents.add(node);
    }
    return made;
  }

  unlink(node: GraphNode, owners: readonly Reference[]): void {
    for (const { uid } of owners) {
      const owner = this.#nodes.get(uid);
      owner?.dependents.delete(node);
      if (owner?.isVirtual && owner.dependents.size === 0) this.#nodes.delete(uid);
    }
  }

  remove(node: GraphNode): void {
    this.#nodes.delete(node.identity.uid);
    this.unlink(node, node.owners);
  }
}

/** Dependents that hold back the end of their owner in foreground deletion. */
export function blockingDependents(node: GraphNode): GraphNode[] {
  return [...node.dependents].filter((dependent) =>
    dependent.owners.some(
      (owner) => owner.uid === node.identity.uid && owner.blockOwnerDeletion === true,
    ),
  );
}
