import type { DeepReadonly } from '#core/base';
import type { Namespace } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import {
  isReason,
  keyOf,
  type KubeObject,
  objectKey,
  type ObjectKey,
  type ObjectMeta,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { type DiscoveredResource, discover } from '../shared/discovery.ts';
import { queueController } from '../shared/informer-queue.ts';
import { type ContentReport, updateConditions } from './conditions.ts';

const finalizer = 'kubernetes';
/** How long to wait for finalizers of others, seconds. */
const finalizerEstimateSeconds = 15;
/**
 * A grace period for other API servers to see the deletion. Upstream gives them 5 s; here is one, and what is left is
 * that the deletion can be seen.
 */
const deletionGraceMs = 500;

interface Round {
  readonly report: ContentReport;
  readonly remaining: Map<string, number>;
  readonly finalizers: Map<string, number>;
  estimateSeconds: number;
}

/**
 * Empties namespaces that are being deleted, pods first, and lets go of them when nothing is left.
 *
 * @see k8s.io/kubernetes/pkg/controller/namespace/deletion/namespaced_resources_deleter.go
 */
export function createNamespaceController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, clock } = context;
  const namespaces = informers.for('namespaces');
  const pods = informers.for('pods');
  const resource = client.resource('namespaces');
  const queue = new WorkQueue<ObjectKey>(clock, { baseDelayMs: 5, maxDelayMs: 60_000 });

  async function reconcile(key: ObjectKey): Promise<Result> {
    if (!namespaces.get(key)?.metadata.deletionTimestamp) return {};
    let namespace: Namespace;
    try {
      // Read past the cache: what stands in it may be from before the deletion.
      namespace = mutableCopy<Namespace>(await resource.get(undefined, key));
      if (!namespace.metadata.deletionTimestamp) return {};
      if (namespace.status?.phase !== 'Terminating') {
        namespace.status = { ...namespace.status, phase: 'Terminating' };
        namespace = mutableCopy<Namespace>(await resource.updateStatus(namespace));
      }
    } catch (error) {
      if (isReason(error, 'NotFound')) return {};
      throw error;
    }
    if ((namespace.spec?.finalizers ?? []).length === 0) return {};
    const round = await deleteContent(namespace);
    const errors = [...round.report.discoveryFailures.values(), ...round.report.errors];
    if (errors.length > 0) throw new Error(errors.join(', '));
    if (round.estimateSeconds > 0)
      // As upstream, half of the estimate and a second: things may end sooner.
      return { requeueAfterMs: (Math.floor(round.estimateSeconds / 2) + 1) * 1000 };
    await finalize(key);
    return {};
  }

  async function deleteContent(namespace: Namespace): Promise<Round> {
    const { resources, failures } = await discover(client);
    const deletable = resources.filter(
      ({ namespaced, verbs }) => namespaced && verbs.includes('delete'),
    );
    const round: Round = {
      report: { discoveryFailures: failures, errors: [] },
      remaining: new Map(),
      finalizers: new Map(),
      estimateSeconds: 0,
    };
    const isPods = ({ group, resource: name }: DiscoveredResource): boolean =>
      group === '' && name === 'pods';
    for (const pods of deletable.filter(isPods)) {
      await deleteResource(namespace, pods, round);
      if (round.remaining.size > 0) {
        await writeConditions(namespace, round.report);
        return round;
      }
    }
    for (const other of deletable)
      if (!isPods(other)) await deleteResource(namespace, other, round);
    round.report.totals = { remaining: round.remaining, finalizers: round.finalizers };
    await writeConditions(namespace, round.report);
    return round;
  }

  async function deleteResource(
    namespace: Namespace,
    resource: DiscoveredResource,
    round: Round,
  ): Promise<void> {
    const name = namespace.metadata.name ?? '';
    const objects = client.dynamic(resource);
    const isPods = resource.group === '' && resource.resource === 'pods';
    let estimate = 0;
    try {
      if (resource.verbs.includes('list')) {
        const before = await objects.list({ namespace: name });
        if (before.items.length === 0) return;
        if (isPods) estimate = graceEstimate(before.items, namespace, clock.now());
      }
      if (resource.verbs.includes('deletecollection'))
        await objects.deleteCollection({ namespace: name }, { propagationPolicy: 'Background' });
      else await deleteEach(resource, name);
      if (!resource.verbs.includes('list')) return;
      const { items } = await objects.list({ namespace: name });
      if (items.length === 0) return;
      round.remaining.set(`${resource.resource}.${resource.group}`, items.length);
      let finalizers = 0;
      for (const item of items)
        for (const held of item.metadata.finalizers ?? []) {
          finalizers += 1;
          round.finalizers.set(held, (round.finalizers.get(held) ?? 0) + 1);
        }
      if (estimate === 0 && finalizers > 0) estimate = finalizerEstimateSeconds;
      if (estimate === 0)
        round.report.errors.push(
          `unexpected items still remain in namespace: ${name} for gvr: ${resource.group}/${resource.version}, Resource=${resource.resource}`,
        );
    } catch (error) {
      // The resource went away with its definition, or cannot do what discovery says.
      if (isReason(error, 'NotFound') || isReason(error, 'MethodNotAllowed')) return;
      round.report.errors.push(textOf(error));
    } finally {
      round.estimateSeconds = Math.max(round.estimateSeconds, estimate);
    }
  }

  async function deleteEach(resource: DiscoveredResource, namespace: string): Promise<void> {
    if (!resource.verbs.includes('list')) return;
    const objects = client.dynamic(resource);
    for (const { metadata } of (await objects.list({ namespace })).items) {
      try {
        await objects.delete(namespace, metadata.name ?? '', { propagationPolicy: 'Background' });
      } catch (error) {
        if (!isReason(error, 'NotFound') && !isReason(error, 'MethodNotAllowed')) throw error;
      }
    }
  }

  async function writeConditions(namespace: Namespace, report: ContentReport): Promise<void> {
    if (!updateConditions(namespace, report, clock.now())) return;
    try {
      const updated = await resource.updateStatus(mutableCopy<Namespace>(namespace));
      namespace.metadata = mutableCopy<ObjectMeta>(updated.metadata);
    } catch (error) {
      context.logger.log('debug', 'namespace conditions not written', { error: textOf(error) });
    }
  }

  async function finalize(name: string): Promise<void> {
    for (;;) {
      try {
        const draft = mutableCopy<Namespace>(await resource.get(undefined, name));
        const finalizers = (draft.spec?.finalizers ?? []).filter((held) => held !== finalizer);
        draft.spec = { ...draft.spec, finalizers: finalizers.sort() };
        await resource.updateSubresource(undefined, name, 'finalize', draft);
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (!isReason(error, 'Conflict')) throw error;
      }
    }
  }

  return queueController(context, {
    name: 'namespace-controller',
    queue,
    reconcile,
    workers: options.workers ?? 10,
    handlers: (own) => {
      const add = (namespace: {
        readonly metadata: { readonly name?: string; readonly deletionTimestamp?: string };
      }): void => {
        if (namespace.metadata.deletionTimestamp)
          queue.addAfter(objectKey(namespace.metadata), deletionGraceMs);
      };
      own(namespaces.addHandler({ onAdd: add, onUpdate: (_, namespace) => add(namespace) }));
      // Upstream looks again after half of the longest grace period.
      own(
        pods.addHandler({
          onDelete: ({ metadata: { namespace = '' } }) => {
            const key = keyOf(undefined, namespace);
            if (
              namespaces.get(key)?.metadata.deletionTimestamp &&
              pods.list(namespace).length === 0
            )
              queue.add(key);
          },
        }),
      );
    },
  });
}

/** The longest grace period of running pods, seconds; 0 once it has passed since the deletion. */
function graceEstimate(
  pods: readonly DeepReadonly<KubeObject>[],
  namespace: Namespace,
  nowMs: number,
): number {
  let estimate = 0;
  for (const pod of pods) {
    const { phase } = (pod['status'] ?? {}) as { phase?: string };
    if (phase === 'Succeeded' || phase === 'Failed') continue;
    const { terminationGracePeriodSeconds: grace } = (pod['spec'] ?? {}) as {
      terminationGracePeriodSeconds?: number;
    };
    estimate = Math.max(estimate, grace ?? 0);
  }
  const sinceMs = nowMs - Date.parse(namespace.metadata.deletionTimestamp ?? '');
  return sinceMs >= estimate * 1000 ? 0 : estimate;
}
