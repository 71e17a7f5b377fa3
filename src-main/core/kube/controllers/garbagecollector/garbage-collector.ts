import { type DeepReadonly, type Disposable, DisposableStore, jsonEqual, sleep } from '#core/base';
import { runController, type ResourceClient, type Result, WorkQueue } from '../../client/index.ts';
import {
  isReason,
  type KubeObject,
  type ObjectKey,
  type OwnerReference,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, textOf } from '../shared/context.ts';
import { type DiscoveredResource, discover } from '../shared/discovery.ts';
import { blockingDependents, type GraphNode, type Identity, OwnerGraph } from './graph.ts';

type View = DeepReadonly<KubeObject>;
type Reference = DeepReadonly<OwnerReference>;

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';
const discoveryPeriodMs = 30_000;
const initialSyncMs = 30_000;
const maxAbsentOwners = 500;

/** Resources that never own nor are owned, and change too often to watch. */
const ignored: ReadonlySet<string> = new Set(['events.', 'events.events.k8s.io']);

/**
 * Deletes objects whose owners are gone, and carries out foreground and orphan deletion.
 *
 * The queues carry uids of graph nodes. Every decision to delete is checked with a live read of the object and
 * of its owners: the graph may lag.
 *
 * @see k8s.io/kubernetes/pkg/controller/garbagecollector
 */
export function createGarbageCollector(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock, logger } = context;
  const graph = new OwnerGraph();
  const deleteQueue = new WorkQueue<ObjectKey>(clock);
  const orphanQueue = new WorkQueue<ObjectKey>(clock);
  const monitors = new Map<string, Disposable & { readonly resource: DiscoveredResource }>();
  /** `group/kind` → how to reach it. */
  const byKind = new Map<string, DiscoveredResource>();
  /** Owners verified to be absent: their dependents need no further question. */
  const absent = new Set<string>();
  const owned = new DisposableStore();
  let timer: Disposable | undefined;
  let disposed = false;

  const attemptDelete = (node: GraphNode): void => deleteQueue.add(node.identity.uid as ObjectKey);
  const absentKey = (uid: string, namespace: string): string => `${uid}/${namespace}`;

  function noteAbsent(uid: string, namespace: string): void {
    absent.add(absentKey(uid, namespace));
    if (absent.size <= maxAbsentOwners) return;
    for (const oldest of absent) {
      absent.delete(oldest);
      return;
    }
  }

  function identityOf(object: View, resource: DiscoveredResource): Identity {
    return {
      apiVersion:
        resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      kind: resource.kind,
      name: object.metadata.name ?? '',
      uid: object.metadata.uid ?? '',
      namespace: object.metadata.namespace ?? '',
    };
  }

  function onChange(object: View, resource: DiscoveredResource, previous?: View): void {
    const uid = object.metadata.uid ?? '';
    const owners = object.metadata.ownerReferences ?? [];
    const isForeground = startsWith(previous, object, foregroundFinalizer);
    let node = graph.get(uid);
    if (node?.isVirtual) observe(node, identityOf(object, resource));
    if (!node) {
      node = {
        identity: identityOf(object, resource),
        isVirtual: false,
        beingDeleted: false,
        deletingDependents: false,
        owners,
        dependents: new Set(),
      };
      node.deletingDependents = isBeingDeleted(object) && hasFinalizer(object, foregroundFinalizer);
      for (const made of graph.insert(node)) attemptDelete(made);
      checkOwnerScopes(node);
    } else if (!jsonEqual(node.owners, owners)) {
      updateOwners(node, owners);
    }
    if (isBeingDeleted(object)) node.beingDeleted = true;
    if (startsWith(previous, object, orphanFinalizer)) {
      orphanQueue.add(uid as ObjectKey);
    } else if (isForeground) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) attemptDelete(dependent);
      attemptDelete(node);
    }
  }

  /** A virtual node turns out to exist: those who named it wrongly are looked at again. */
  function observe(node: GraphNode, identity: Identity): void {
    node.isVirtual = false;
    node.identity = identity;
    for (const dependent of node.dependents) {
      const isMatch = matchesCoordinates(dependent, identity);
      if (isMatch && !crossesNamespaces(dependent, identity)) continue;
      if (crossesNamespaces(dependent, identity)) reportInvalidNamespace(dependent, identity.uid);
      attemptDelete(dependent);
    }
  }

  function checkOwnerScopes(node: GraphNode): void {
    for (const reference of node.owners) {
      const owner = graph.get(reference.uid);
      if (!owner || owner.isVirtual) continue;
      if (crossesNamespaces(node, owner.identity)) {
        reportInvalidNamespace(node, reference.uid);
        attemptDelete(node);
      } else if (!matchesCoordinates(node, owner.identity)) attemptDelete(node);
    }
  }

  function reportInvalidNamespace(node: GraphNode, ownerUid: string): void {
    const reference = node.owners.find(({ uid }) => uid === ownerUid);
    if (!reference) return;
    const { apiVersion, kind, name, uid, namespace } = node.identity;
    const owner = `[${reference.apiVersion}/${reference.kind}, namespace: ${namespace}, name: ${reference.name}, uid: ${reference.uid}]`;
    recorder.event(
      { apiVersion, kind, name, uid, ...(namespace ? { namespace } : {}) },
      'Warning',
      'OwnerRefInvalidNamespace',
      `ownerRef ${owner} does not exist in namespace "${namespace}"`,
    );
  }

  function updateOwners(node: GraphNode, owners: readonly Reference[]): void {
    const before = node.owners;
    const added = owners.filter(({ uid }) => !before.some((old) => old.uid === uid));
    const removed = before.filter(({ uid }) => !owners.some((now) => now.uid === uid));
    const unblocked = before.filter(
      (old) =>
        old.blockOwnerDeletion === true &&
        !owners.some((now) => now.uid === old.uid && now.blockOwnerDeletion === true),
    );
    node.owners = owners;
    const unblockedNodes = unblocked.flatMap(({ uid }) => graph.get(uid) ?? []);
    for (const made of graph.link(node, added)) attemptDelete(made);
    graph.unlink(node, removed);
    for (const owner of unblockedNodes) attemptDelete(owner);
    if (added.length > 0) checkOwnerScopes(node);
  }

  function onGone(uid: string): void {
    const node = graph.get(uid);
    if (!node) return;
    const { dependents } = node;
    graph.remove(node);
    if (dependents.size > 0) noteAbsent(uid, node.identity.namespace);
    for (const dependent of dependents) attemptDelete(dependent);
    for (const { uid: ownerUid } of node.owners) {
      const owner = graph.get(ownerUid);
      if (owner?.deletingDependents) attemptDelete(owner);
    }
  }

  function resourceOf(apiVersion: string, kind: string): DiscoveredResource {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const resource = byKind.get(`${group}/${kind}`);
    if (!resource) throw new Error(`unable to get REST mapping for ${apiVersion}/${kind}.`);
    return resource;
  }

  function clientOf({ apiVersion, kind }: Pick<Identity, 'apiVersion' | 'kind'>): {
    readonly objects: ResourceClient<KubeObject>;
    readonly namespaced: boolean;
  } {
    const resource = resourceOf(apiVersion, kind);
    return { objects: client.dynamic(resource), namespaced: resource.namespaced };
  }

  async function read(identity: Identity): Promise<View | undefined> {
    try {
      const { objects, namespaced } = clientOf(identity);
      const object = await objects.get(namespaced ? identity.namespace : undefined, identity.name);
      return object.metadata.uid === identity.uid ? object : undefined;
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** The owner as the server has it; undefined when there is none of this uid. */
  async function findOwner(reference: Reference, item: Identity): Promise<View | undefined> {
    if (
      absent.has(absentKey(reference.uid, '')) ||
      absent.has(absentKey(reference.uid, item.namespace))
    )
      return undefined;
    const { objects, namespaced } = clientOf(reference);
    if (namespaced && item.namespace === '')
      // A cluster-scoped object cannot be owned by a namespaced one; such a reference is left alone.
      throw new UnresolvableOwner('cluster-scoped objects cannot refer to namespaced owners');
    try {
      const owner = await objects.get(namespaced ? item.namespace : undefined, reference.name);
      if (owner.metadata.uid === reference.uid) return owner;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    noteAbsent(reference.uid, namespaced ? item.namespace : '');
    return undefined;
  }

  async function processDelete(key: ObjectKey): Promise<Result> {
    const node = graph.get(key);
    if (!node) return {};
    if (node.beingDeleted && !node.deletingDependents) return {};
    const latest = await read(node.identity);
    if (!latest) {
      forgetIdentity(node);
      return {};
    }
    if (node.isVirtual) return { requeueAfterMs: 1000 };
    if (node.deletingDependents) {
      await processForeground(node);
      return {};
    }
    const references = latest.metadata.ownerReferences ?? [];
    if (references.length === 0) return {};
    const solid: Reference[] = [];
    const dangling: Reference[] = [];
    const waiting: Reference[] = [];
    for (const reference of references) {
      let owner: View | undefined;
      try {
        owner = await findOwner(reference, node.identity);
      } catch (error) {
        if (error instanceof UnresolvableOwner) return {};
        throw error;
      }
      if (!owner) dangling.push(reference);
      else if (isBeingDeleted(owner) && hasFinalizer(owner, foregroundFinalizer))
        waiting.push(reference);
      else solid.push(reference);
    }
    if (solid.length > 0) {
      if (dangling.length + waiting.length > 0)
        await dropOwners(
          node,
          [...dangling, ...waiting].map(({ uid }) => uid),
        );
      return {};
    }
    if (waiting.length > 0 && node.dependents.size > 0) {
      // A circle of foreground deletions would wait for itself.
      if ([...node.dependents].some((dependent) => dependent.deletingDependents))
        await unblockOwners(node, latest);
      await remove(node, latest, 'Foreground');
      return {};
    }
    const policy = hasFinalizer(latest, orphanFinalizer)
      ? 'Orphan'
      : hasFinalizer(latest, foregroundFinalizer)
        ? 'Foreground'
        : 'Background';
    await remove(node, latest, policy);
    return {};
  }

  /** The object a node stands for does not exist. */
  function forgetIdentity(node: GraphNode): void {
    if (!node.isVirtual) {
      onGone(node.identity.uid);
      return;
    }
    // Others may know the owner by other coordinates, which have to be tried before it counts as gone.
    const { identity } = node;
    const { dependents } = node;
    noteAbsentFor(identity);
    const other = [...dependents]
      .flatMap((dependent) =>
        dependent.owners
          .filter(({ uid }) => uid === identity.uid)
          .map((reference) => ({ reference, namespace: dependent.identity.namespace })),
      )
      .find(
        ({ reference, namespace }) =>
          !absent.has(absentKey(reference.uid, namespace)) &&
          !absent.has(absentKey(reference.uid, '')),
      );
    for (const dependent of dependents) attemptDelete(dependent);
    if (!other) return;
    node.identity = { ...identity, ...pickReference(other.reference), namespace: other.namespace };
    deleteQueue.addRateLimited(identity.uid as ObjectKey);
  }

  function noteAbsentFor({ apiVersion, kind, uid, namespace }: Identity): void {
    const slash = apiVersion.indexOf('/');
    const resource = byKind.get(`${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}`);
    noteAbsent(uid, resource?.namespaced === false ? '' : namespace);
  }

  async function processForeground(node: GraphNode): Promise<void> {
    const blocking = blockingDependents(node);
    if (blocking.length === 0) {
      await removeFinalizer(node, foregroundFinalizer);
      return;
    }
    for (const dependent of blocking) if (!dependent.deletingDependents) attemptDelete(dependent);
  }

  async function remove(
    node: GraphNode,
    latest: View,
    propagationPolicy: 'Foreground' | 'Background' | 'Orphan',
  ): Promise<void> {
    const { objects, namespaced } = clientOf(node.identity);
    const { name, namespace, uid } = node.identity;
    const { resourceVersion } = latest.metadata;
    try {
      await objects.delete(namespaced ? namespace : undefined, name, {
        propagationPolicy,
        preconditions: { uid, ...(resourceVersion ? { resourceVersion } : {}) },
      });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      onGone(uid);
    }
  }

  async function dropOwners(node: GraphNode, uids: readonly string[]): Promise<void> {
    const { objects, namespaced } = clientOf(node.identity);
    const { name, namespace, uid } = node.identity;
    const where = namespaced ? namespace : undefined;
    try {
      const latest = await objects.get(where, name);
      const left = (latest.metadata.ownerReferences ?? []).filter(
        (reference) => !uids.includes(reference.uid),
      );
      // A merge patch, for custom resources know no strategic one; the version guards the list.
      await objects.patch(where, name, 'merge', {
        metadata: {
          uid,
          resourceVersion: latest.metadata.resourceVersion,
          ownerReferences: left,
        },
      });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  async function unblockOwners(node: GraphNode, latest: View): Promise<void> {
    const { objects, namespaced } = clientOf(node.identity);
    const { name, namespace, uid } = node.identity;
    await objects.patch(namespaced ? namespace : undefined, name, 'merge', {
      metadata: {
        uid,
        ownerReferences: (latest.metadata.ownerReferences ?? []).map((reference) => ({
          ...reference,
          blockOwnerDeletion: false,
        })),
      },
    });
  }

  async function removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    const latest = await read(node.identity);
    if (!latest || !hasFinalizer(latest, finalizer)) return;
    const { objects, namespaced } = clientOf(node.identity);
    const { name, namespace } = node.identity;
    try {
      await objects.patch(namespaced ? namespace : undefined, name, 'merge', {
        metadata: {
          resourceVersion: latest.metadata.resourceVersion,
          finalizers: (latest.metadata.finalizers ?? []).filter((held) => held !== finalizer),
        },
      });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  async function processOrphan(key: ObjectKey): Promise<Result> {
    const node = graph.get(key);
    if (!node) return {};
    for (const dependent of [...node.dependents]) await dropOwners(dependent, [node.identity.uid]);
    await removeFinalizer(node, orphanFinalizer);
    return {};
  }

  /** Watches what discovery offers and stops watching what it no longer does. */
  async function syncMonitors(): Promise<void> {
    const { resources, failures } = await discover(client);
    if (disposed) return;
    const wanted = new Map<string, DiscoveredResource>();
    for (const resource of resources) {
      byKind.set(`${resource.group}/${resource.kind}`, resource);
      const name = `${resource.resource}.${resource.group}`;
      const isWatchable = ['delete', 'list', 'watch'].every((verb) =>
        resource.verbs.includes(verb),
      );
      if (isWatchable && !ignored.has(name)) wanted.set(`${name}/${resource.version}`, resource);
    }
    for (const [key, resource] of wanted) {
      if (monitors.has(key)) continue;
      const handler = informers.forAddress(resource).addHandler({
        onAdd: (object) => onChange(object, resource),
        onUpdate: (previous, object) => onChange(object, resource, previous),
        onDelete: (object) => onGone(object.metadata.uid ?? ''),
      });
      monitors.set(key, { resource, dispose: () => handler.dispose() });
    }
    if (failures.size > 0) return;
    for (const [key, monitor] of monitors) {
      if (wanted.has(key)) continue;
      monitor.dispose();
      informers.stop(monitor.resource);
      monitors.delete(key);
      byKind.delete(`${monitor.resource.group}/${monitor.resource.kind}`);
    }
  }

  function refresh(): void {
    if (disposed) return;
    syncMonitors()
      .catch((error: unknown) =>
        logger.log('warn', 'garbage collector: discovery failed', { error: textOf(error) }),
      )
      .finally(() => {
        if (disposed) return;
        timer = clock.setTimer(discoveryPeriodMs, refresh, { background: true });
      });
  }

  return {
    start: () => {
      void syncMonitors()
        .catch((error: unknown) =>
          logger.log('warn', 'garbage collector: discovery failed', { error: textOf(error) }),
        )
        .then(() =>
          // One resource that does not answer must not keep all garbage.
          Promise.race([
            informers.waitForSync(),
            sleep(clock, initialSyncMs, undefined, { background: true }),
          ]),
        )
        .then(() => {
          if (disposed) return;
          const workers = options.workers ?? 20;
          const common = { clock, logger, workers };
          owned.add(
            runController({
              ...common,
              name: 'garbage-collector-controller',
              queue: deleteQueue,
              reconcile: processDelete,
            }),
          );
          owned.add(
            runController({
              ...common,
              name: 'garbage-collector-controller (orphan)',
              queue: orphanQueue,
              reconcile: processOrphan,
            }),
          );
          timer = clock.setTimer(discoveryPeriodMs, refresh, { background: true });
        });
    },
    dispose: () => {
      disposed = true;
      timer?.dispose();
      for (const monitor of monitors.values()) monitor.dispose();
      deleteQueue.dispose();
      orphanQueue.dispose();
      owned.dispose();
    },
  };
}

/** A reference that can never be resolved; there is no use in trying again. */
class UnresolvableOwner extends Error {
  override readonly name = 'UnresolvableOwner';
}

function pickReference({ apiVersion, kind, name, uid }: Reference): Omit<Identity, 'namespace'> {
  return { apiVersion, kind, name, uid };
}

function isBeingDeleted(object: View): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

function hasFinalizer(object: View, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether a deletion that waits for `finalizer` begins with this change. */
function startsWith(previous: View | undefined, object: View, finalizer: string): boolean {
  const holds = (view: View): boolean => isBeingDeleted(view) && hasFinalizer(view, finalizer);
  return holds(object) && !(previous && holds(previous));
}

function crossesNamespaces(dependent: GraphNode, owner: Identity): boolean {
  return owner.namespace !== '' && dependent.identity.namespace !== owner.namespace;
}

function matchesCoordinates(dependent: GraphNode, owner: Identity): boolean {
  return dependent.owners.some(
    ({ uid, kind, name, apiVersion }) =>
      uid === owner.uid &&
      kind === owner.kind &&
      name === owner.name &&
      groupOf(apiVersion) === groupOf(owner.apiVersion),
  );
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
