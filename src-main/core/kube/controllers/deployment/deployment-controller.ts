import { jsonEqual } from '#core/base';
import { claimObjects, controllerOf, type Result, WorkQueue } from '../../client/index.ts';
import type { Deployment, ReplicaSet } from '../../apis/index.ts';
import {
  isEmptySelector,
  matchesSelector,
  objectKey,
  type ObjectKey,
  splitKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { enqueueSelf, ownerKey, queueController } from '../shared/informer-queue.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';
import type { DeploymentView, SetView } from './revisions.ts';
import { Rollout } from './rollout.ts';

/**
 * Rolls Deployments out by making and scaling ReplicaSets. Rollback is the client's work.
 *
 * @see k8s.io/kubernetes/pkg/controller/deployment/deployment_controller.go
 */
export function createDeploymentController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock } = context;
  const deployments = informers.for('deployments.apps');
  const sets = informers.for('replicasets.apps');
  const pods = informers.for('pods');
  const queue = new WorkQueue<ObjectKey>(clock);

  function enqueueSelecting(set: SetView): void {
    for (const deployment of deployments.list(set.metadata.namespace))
      if (selects(deployment, set)) queue.add(objectKey(deployment.metadata));
  }

  function onSet(set: SetView): void {
    const key = ownerKey(set, 'Deployment');
    if (key) queue.add(key);
    else if (!set.metadata.deletionTimestamp && !controllerOf(set)) enqueueSelecting(set);
  }

  /** A Recreate rollout goes on when the last old pod is gone. */
  function onPodDeleted(pod: PodView): void {
    const setKey = ownerKey(pod, 'ReplicaSet');
    const set = setKey && sets.get(setKey);
    const key = set && ownerKey(set, 'Deployment');
    const deployment = key && deployments.get(key);
    if (deployment?.spec?.strategy?.type !== 'Recreate') return;
    if (podsOf(deployment).length === 0) queue.add(key as ObjectKey);
  }

  function podsOf(deployment: DeploymentView): readonly PodView[] {
    const uids = new Set(
      sets
        .list(deployment.metadata.namespace)
        .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
        .map((set) => set.metadata.uid),
    );
    return pods
      .list(deployment.metadata.namespace)
      .filter((pod) => uids.has(controllerOf(pod)?.uid));
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cached = deployments.get(key);
    if (!cached) return {};
    const { namespace, name } = splitKey(key);
    const deployment = mutableCopy<Deployment>(cached);
    if (isEmptySelector(deployment.spec?.selector)) {
      recorder.event(
        cached,
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
        deployment.status = {
          ...deployment.status,
          ...(deployment.metadata.generation === undefined
            ? {}
            : { observedGeneration: deployment.metadata.generation }),
        };
        await client.resource('deployments.apps').updateStatus(deployment);
      }
      return {};
    }
    const owned = await claimObjects<ReplicaSet>(sets.list(namespace), {
      controller: cached,
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      client: client.resource('replicasets.apps'),
      matches: (set) => selects(cached, set),
      fresh: () => client.resource('deployments.apps').get(namespace, name),
    });
    const rollout = new Rollout(context, deployment, owned);
    if (deployment.metadata.deletionTimestamp) {
      await rollout.statusOnly();
      return {};
    }
    await rollout.checkPaused();
    if (deployment.spec?.paused || (await rollout.isScalingEvent())) {
      await rollout.scaleOnly();
      return {};
    }
    const again =
      deployment.spec?.strategy?.type === 'Recreate'
        ? await rollout.recreate((newSet) =>
            podsOf(cached).some(
              (pod) => controllerOf(pod)?.uid !== newSet?.metadata.uid && !isPodTerminal(pod),
            ),
          )
        : await rollout.rollingUpdate();
    return again === undefined ? {} : { requeueAfterMs: again };
  }

  return queueController(context, {
    name: 'deployment-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    maxRetries: 15,
    handlers: (own) => {
      own(enqueueSelf(deployments, queue));
      own(
        sets.addHandler({
          onAdd: onSet,
          onUpdate: (previous, set) => {
            const before = ownerKey(previous, 'Deployment');
            if (before && !jsonEqual(controllerOf(previous), controllerOf(set))) queue.add(before);
            if (
              controllerOf(set) ||
              !jsonEqual(previous.metadata.labels, set.metadata.labels) ||
              before
            )
              onSet(set);
          },
          onDelete: onSet,
        }),
      );
      own(pods.addHandler({ onDelete: onPodDeleted }));
    },
  });
}

function selects(deployment: DeploymentView, set: SetView): boolean {
  return (
    !isEmptySelector(deployment.spec?.selector) &&
    matchesSelector(deployment.spec?.selector ?? {}, set.metadata.labels)
  );
}
