import { type DeepReadonly, jsonEqual } from '#core/base';
import type { ResourceQuota } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import {
  formatQuantity,
  objectKey,
  type ObjectKey,
  type KubeObject,
  parseQuantity,
  splitKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { type DiscoveredResource, discover } from '../shared/discovery.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import type { PodView } from '../shared/pods.ts';
import { inScope, resourceOfName, type Usage, usageOf } from './usage.ts';

type QuotaView = DeepReadonly<ResourceQuota>;

/** `--resource-quota-sync-period`. */
const resyncMs = 5 * 60_000;

/**
 * Keeps `status.used` of quotas true: admission only ever adds, this controller takes away what is gone.
 *
 * @see k8s.io/kubernetes/pkg/controller/resourcequota
 */
export function createResourceQuotaController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const quotas = informers.for('resourcequotas');
  const pods = informers.for('pods');
  const services = informers.for('services');
  const claims = informers.for('persistentvolumeclaims');
  const queue = new WorkQueue<ObjectKey>(clock);
  const found = new Map<string, DiscoveredResource>();
  const watched = new Set<string>(['pods.', 'services.', 'persistentvolumeclaims.']);

  /** Nothing for a resource that is not served. */
  async function objectsOf(
    resource: string,
    group: string,
    namespace: string | undefined,
  ): Promise<readonly DeepReadonly<KubeObject>[] | undefined> {
    const name = `${resource}.${group}`;
    if (!found.has(name))
      for (const item of (await discover(client)).resources)
        found.set(`${item.resource}.${item.group}`, item);
    const address = found.get(name);
    if (!address) return undefined;
    const informer = informers.forAddress(address);
    await informer.waitForSync();
    if (!watched.has(name)) {
      watched.add(name);
      informer.addHandler({ onAdd: enqueueFor, onDelete: enqueueFor });
    }
    return informer.list(namespace);
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const quota = quotas.get(key);
    if (!quota) return {};
    const { namespace } = splitKey(key);
    const hard = quota.spec?.hard ?? {};
    const total: Usage = {};
    const counted = new Set<string>();
    const unserved = new Set<string>();
    for (const name of Object.keys(hard)) {
      const { resource, group } = resourceOfName(name);
      const id = `${resource}.${group}`;
      if (counted.has(id)) continue;
      counted.add(id);
      const objects = await objectsOf(resource, group, namespace);
      if (!objects) unserved.add(id);
      for (const object of objects ?? []) {
        if (!isInScope(quota, id, object)) continue;
        for (const [what, amount] of Object.entries(usageOf(resource, group, object)))
          total[what] = (total[what] ?? 0n) + amount;
      }
    }
    const used: Record<string, string> = {};
    for (const [name, limit] of Object.entries(hard)) {
      const { resource, group } = resourceOfName(name);
      const before = quota.status?.used?.[name];
      // What cannot be counted stays as it was.
      if (!unserved.has(`${resource}.${group}`))
        used[name] = formatAmount(total[name] ?? 0n, limit);
      else if (before !== undefined) used[name] = before;
    }
    const status = { hard: { ...hard }, used };
    if (!jsonEqual(quota.status, status)) {
      const draft = mutableCopy<ResourceQuota>(quota);
      await client.resource('resourcequotas').updateStatus({ ...draft, status });
    }
    return { requeueAfterMs: resyncMs };
  }

  function enqueueFor(object: { readonly metadata: { readonly namespace?: string } }): void {
    for (const quota of quotas.list(object.metadata.namespace))
      queue.add(objectKey(quota.metadata));
  }

  return queueController(context, {
    name: 'resourcequota-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(enqueueSelf(quotas, queue));
      own(
        pods.addHandler({
          onUpdate: (previous, pod) => {
            if (previous.status?.phase !== pod.status?.phase) enqueueFor(pod);
          },
          onAdd: enqueueFor,
          onDelete: enqueueFor,
        }),
      );
      own(
        services.addHandler({
          onAdd: enqueueFor,
          onUpdate: (_, service) => enqueueFor(service),
          onDelete: enqueueFor,
        }),
      );
      own(
        claims.addHandler({
          onAdd: enqueueFor,
          onUpdate: (_, claim) => enqueueFor(claim),
          onDelete: enqueueFor,
        }),
      );
    },
  });
}

function isInScope(quota: QuotaView, id: string, object: DeepReadonly<KubeObject>): boolean {
  const requirements = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  return (
    id === 'pods.' &&
    requirements.every((requirement) => inScope(object as unknown as PodView, requirement))
  );
}

/** In the suffix family of the limit, as upstream's arithmetic keeps it for a zero. */
function formatAmount(nano: bigint, limit: string): string {
  return nano === 0n ? '0' : formatQuantity({ nano, format: parseQuantity(limit).format });
}
