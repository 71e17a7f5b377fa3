import { jsonClone } from '#core/base';
import type { Node, Pod } from '../apis/index.ts';
import type { Informer } from '../client/index.ts';
import { isReason, isStatusError, objectKey } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { configHash, configMirror, isStaticPod, podKey, uidOf, type PodView } from './pods.ts';

export interface MirrorDeps {
  readonly context: KubeletContext;
  /** The API's pods of this node. */
  readonly pods: Informer<Pod> | undefined;
  readonly nodes: Informer<Node> | undefined;
}

/** Whether the API's pod shows this version of the static pod. */
export function isMirrorOf(mirror: PodView, pod: PodView): boolean {
  return mirror.metadata.annotations?.[configMirror] === pod.metadata.annotations?.[configHash];
}

/** The pod as the API is to show it. */
function mirrorOf(pod: PodView, node: { name: string; uid: string }): Pod {
  const copy = jsonClone(pod) as Pod;
  const hash = pod.metadata.annotations?.[configHash] ?? '';
  copy.metadata = {
    ...copy.metadata,
    annotations: { ...copy.metadata.annotations, [configMirror]: hash },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true },
    ],
  };
  delete copy.metadata.uid;
  delete copy.status;
  return copy;
}

/**
 * Keeps the mirror of a static pod in the API: made when absent, replaced when it shows another version.
 * @see pkg/kubelet/kubelet.go, tryReconcileMirrorPods
 */
export async function reconcileMirrorPod(deps: MirrorDeps, pod: PodView): Promise<void> {
  const { context, pods, nodes } = deps;
  const { api, log } = context;
  if (!api || !isStaticPod(pod) || pods?.hasSynced !== true) return;
  const { name = '', namespace } = pod.metadata;
  const key = objectKey({ ...(namespace === undefined ? {} : { namespace }), name });
  const mirror = pods.get(key);
  if (mirror) {
    if (mirror.metadata.deletionTimestamp === undefined && isMirrorOf(mirror, pod)) return;
    log('I', 'kubelet.go:3331', 'Trying to delete pod', {
      pod: podKey(mirror),
      podUID: uidOf(mirror),
    });
    if (!(await deleteMirrorPod(context, mirror))) return;
    log('I', 'kubelet.go:3337', "Deleted mirror pod as it didn't match the static Pod", {
      pod: podKey(mirror),
    });
  }
  const node = nodes?.get(objectKey({ name: context.nodeName }));
  if (!node) {
    log(
      'E',
      'kubelet.go:3343',
      'No need to create a mirror pod, since failed to get node info from the cluster',
      { err: `node ${JSON.stringify(context.nodeName)} not found`, node: context.nodeName },
    );
    return;
  }
  log('I', 'kubelet.go:3348', 'Creating a mirror pod for static pod', { pod: podKey(pod) });
  try {
    await api.client
      .resource('pods')
      .create(mirrorOf(pod, { name: context.nodeName, uid: node.metadata.uid ?? '' }));
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return;
    log('E', 'kubelet.go:3351', 'Failed creating a mirror pod', {
      err: errorText(error),
      pod: podKey(pod),
    });
  }
}

/** @returns whether it is gone. */
export async function deleteMirrorPod(context: KubeletContext, mirror: PodView): Promise<boolean> {
  const { name = '', namespace, uid } = mirror.metadata;
  try {
    await context.api?.client.resource('pods').delete(namespace, name, {
      gracePeriodSeconds: 0,
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound') || (isStatusError(error) && isReason(error, 'Conflict')))
      return true;
    context.log('E', 'mirror_client.go:139', 'Failed deleting a mirror pod', {
      err: errorText(error),
      pod: podKey(mirror),
    });
    return false;
  }
}
