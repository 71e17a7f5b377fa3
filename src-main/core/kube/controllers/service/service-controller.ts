import { DisposableStore } from '#core/base';
import { runController, WorkQueue } from '../../client/index.ts';
import { isReason, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, textOf } from '../shared/context.ts';
import type { NodeView } from '../shared/nodes.ts';
import {
  cleanupFinalizer,
  hasCleanupFinalizer,
  isIncluded,
  type LoadBalancer,
  needsCleanup,
  needsUpdate,
  sameNodes,
  type ServiceView,
  takesPart,
  wantsLoadBalancer,
} from './load-balancer.ts';

const backOff = { baseDelayMs: 5_000, maxDelayMs: 300_000 };
const allNodes = 'nodes' as ObjectKey;

/**
 * Gives Services of type LoadBalancer what a cloud has for them, and takes it back when they no longer want it.
 *
 * @see k8s.io/cloud-provider/controllers/service/controller.go
 */
export function createServiceController(
  context: ControllerContext,
  options: { readonly loadBalancer: LoadBalancer },
): Controller {
  const { client, informers, recorder, clock, logger } = context;
  const { loadBalancer } = options;
  const services = informers.for('services');
  const nodes = informers.for('nodes');
  const queue = new WorkQueue<ObjectKey>(clock, backOff);
  const nodeQueue = new WorkQueue<ObjectKey>(clock, backOff);
  /** Services that have a load balancer or want one, as they were synced last, and the nodes behind each. */
  const synced = new Map<ObjectKey, ServiceView>();
  const nodesOf = new Map<ObjectKey, readonly NodeView[]>();
  const owned = new DisposableStore();
  let disposed = false;

  async function patch(service: ServiceView, change: object): Promise<void> {
    const { namespace, name = '' } = service.metadata;
    const options = { subresource: 'status' };
    await client.resource('services').patch(namespace, name, 'strategic', change, options);
  }

  async function ensure(service: ServiceView): Promise<readonly string[]> {
    recorder.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    if (!hasCleanupFinalizer(service))
      try {
        await patch(service, { metadata: { finalizers: [cleanupFinalizer] } });
      } catch (error) {
        throw new Error(`failed to add load balancer cleanup finalizer: ${textOf(error)}`, {
          cause: error,
        });
      }
    const backends = nodes.list().filter(takesPart);
    if (backends.length === 0) tellUnavailable(service);
    nodesOf.set(objectKey(service.metadata), backends);
    let addresses: readonly string[];
    try {
      addresses = loadBalancer.ensure(service, backends);
    } catch (error) {
      throw new Error(`failed to ensure load balancer: ${textOf(error)}`, { cause: error });
    }
    recorder.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
    return addresses;
  }

  async function cleanUp(service: ServiceView): Promise<void> {
    if (loadBalancer.exists(service)) {
      recorder.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
      loadBalancer.delete(service);
    }
    if (hasCleanupFinalizer(service))
      try {
        await patch(service, {
          metadata: { '$deleteFromPrimitiveList/finalizers': [cleanupFinalizer] },
        });
      } catch (error) {
        throw new Error(`failed to remove load balancer cleanup finalizer: ${textOf(error)}`, {
          cause: error,
        });
      }
    recorder.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  async function writeStatus(service: ServiceView, addresses: readonly string[]): Promise<void> {
    const present = (service.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '');
    if (present.join() === addresses.join()) return;
    const ingress = addresses.length > 0 ? addresses.map((ip) => ({ ip })) : null;
    try {
      await patch(service, { status: { loadBalancer: { ingress } } });
    } catch (error) {
      // It may go as soon as nothing holds it any more.
      if (!isReason(error, 'NotFound'))
        throw new Error(`failed to update load balancer status: ${textOf(error)}`, {
          cause: error,
        });
    }
  }

  /** A Service that went, or was replaced, without the finalizer that would have kept it. */
  function forget(service: ServiceView): void {
    if (!wantsLoadBalancer(service)) return;
    recorder.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    loadBalancer.delete(service);
    recorder.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  async function sync(key: ObjectKey): Promise<void> {
    const service = services.get(key);
    const known = synced.get(key);
    if (known && known.metadata.uid !== service?.metadata.uid) {
      forget(known);
      synced.delete(key);
      nodesOf.delete(key);
    }
    if (!service) return;
    synced.set(key, service);
    try {
      if (!wantsLoadBalancer(service) || needsCleanup(service)) {
        await cleanUp(service);
        await writeStatus(service, []);
        synced.delete(key);
        nodesOf.delete(key);
      } else await writeStatus(service, await ensure(service));
    } catch (error) {
      const message = `Error syncing load balancer: ${textOf(error)}`;
      recorder.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
      throw error;
    }
  }

  function tellUnavailable(service: ServiceView): void {
    const message = 'There are no available nodes for LoadBalancer';
    recorder.event(service, 'Warning', 'UnAvailableLoadBalancer', message);
  }

  /** Every load balancer whose nodes are not those of its last sync. */
  function syncNodes(): void {
    const backends = nodes.list().filter(takesPart);
    for (const [key, service] of synced) {
      if (!wantsLoadBalancer(service)) continue;
      const former = (nodesOf.get(key) ?? []).filter(takesPart);
      nodesOf.set(key, backends);
      if (sameNodes(former, backends)) continue;
      loadBalancer.update(service, backends);
      if (backends.length === 0) tellUnavailable(service);
      else
        recorder.event(
          service,
          'Normal',
          'UpdatedLoadBalancer',
          'Updated load balancer with new hosts',
        );
    }
  }

  function listen(): void {
    const add = ({ metadata }: ServiceView): void => queue.add(objectKey(metadata));
    owned.add(
      services.addHandler({
        onAdd: (service) => {
          if (wantsLoadBalancer(service) || needsCleanup(service)) add(service);
        },
        onUpdate: (previous, service) => {
          if (needsUpdate(previous, service) || needsCleanup(service)) add(service);
        },
        onDelete: (service) => {
          if (synced.has(objectKey(service.metadata))) add(service);
        },
      }),
    );
    owned.add(
      nodes.addHandler({
        onAdd: () => nodeQueue.add(allNodes),
        onUpdate: (previous, node) => {
          if (
            isIncluded(previous) !== isIncluded(node) ||
            previous.spec?.providerID !== node.spec?.providerID
          )
            nodeQueue.add(allNodes);
        },
        onDelete: () => nodeQueue.add(allNodes),
      }),
    );
  }

  return {
    start: () => {
      listen();
      void informers.waitForSync().then(() => {
        if (disposed) return;
        const common = { name: 'service', workers: 1, clock, logger };
        owned.add(
          runController({
            ...common,
            queue,
            reconcile: async (key) => {
              await sync(key);
              return {};
            },
          }),
        );
        owned.add(
          runController({
            ...common,
            queue: nodeQueue,
            reconcile: () => {
              syncNodes();
              return Promise.resolve({});
            },
          }),
        );
      });
    },
    dispose: () => {
      disposed = true;
      queue.dispose();
      nodeQueue.dispose();
      owned.dispose();
    },
  };
}
