import type { DeepReadonly } from '#core/base';
import type { ConfigMap, Secret } from '../apis/index.ts';
import { addressOf, type Informer } from '../client/index.ts';
import { isReason, objectKey } from '../machinery/index.ts';
import type { KubeletContext } from './context.ts';
import { allContainers, isStaticPod, podKey, specOf, uidOf, type PodView } from './pods.ts';

type Kind = 'configmaps' | 'secrets';
const singular = { configmaps: 'configmap', secrets: 'secret' } as const;

/** A ConfigMap or Secret that a pod names does not exist: `configmap "x" not found`. */
export class ReferenceNotFoundError extends Error {
  override readonly name = 'ReferenceNotFoundError';
}

interface Entry {
  readonly informer: Informer<ConfigMap | Secret>;
  readonly pods: Set<string>;
}

/**
 * ConfigMaps and Secrets that pods of this node refer to, each watched alone as the Node authorizer asks, and
 * no longer than a pod needs it.
 *
 * @see pkg/kubelet/util/manager/watch_based_manager.go
 */
export class ReferencedObjects {
  readonly #context: KubeletContext;
  readonly #entries = new Map<string, Entry>();
  readonly #byPod = new Map<string, ReadonlySet<string>>();
  readonly #onChange: (podUid: string) => void;

  /** @param onChange told of each pod whose ConfigMap or Secret changed. */
  constructor(context: KubeletContext, onChange: (podUid: string) => void) {
    this.#context = context;
    this.#onChange = onChange;
  }

  registerPod(pod: PodView): void {
    if (!this.#context.api || isStaticPod(pod)) return;
    const uid = uidOf(pod);
    const wanted = references(pod);
    const present = this.#byPod.get(uid);
    for (const key of wanted) if (!present?.has(key)) this.#hold(key, uid);
    for (const key of present ?? []) if (!wanted.has(key)) this.#release(key, uid);
    this.#byPod.set(uid, wanted);
  }

  unregisterPod(uid: string): void {
    for (const key of this.#byPod.get(uid) ?? []) this.#release(key, uid);
    this.#byPod.delete(uid);
  }

  configMap(namespace: string, name: string): Promise<DeepReadonly<ConfigMap>> {
    return this.#read('configmaps', namespace, name);
  }

  secret(namespace: string, name: string): Promise<DeepReadonly<Secret>> {
    return this.#read('secrets', namespace, name);
  }

  /** @throws ReferenceNotFoundError; StatusError when it may not be read; ConnectionError */
  async #read(
    kind: Kind,
    namespace: string,
    name: string,
  ): Promise<DeepReadonly<ConfigMap | Secret>> {
    const { api } = this.#context;
    if (!api)
      throw new Error(
        `couldn't get ${kind === 'secrets' ? 'secret' : 'configMap'} ${namespace}/${name}, no kubeClient defined`,
      );
    const entry = this.#entries.get(`${kind}/${namespace}/${name}`);
    if (entry?.informer.hasSynced) {
      const found = entry.informer.get(objectKey({ namespace, name }));
      if (found) return found;
    }
    try {
      return await api.client.resource(kind).get(namespace, name);
    } catch (error) {
      if (isReason(error, 'NotFound'))
        throw new ReferenceNotFoundError(`${singular[kind]} "${name}" not found`);
      throw error;
    }
  }

  #hold(key: string, uid: string): void {
    const present = this.#entries.get(key);
    if (present) {
      present.pods.add(uid);
      return;
    }
    const [kind, namespace = '', name = ''] = key.split('/') as [Kind, string?, string?];
    const informer = this.#context.api?.informers.for(kind, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    if (!informer) return;
    const pods = new Set([uid]);
    const changed = (): void => {
      for (const pod of pods) this.#onChange(pod);
    };
    // What is there at first is read by the sync itself.
    informer.addHandler({
      onAdd: () => {
        if (informer.hasSynced) changed();
      },
      onUpdate: changed,
    });
    this.#entries.set(key, { informer, pods });
  }

  #release(key: string, uid: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.pods.delete(uid);
    if (entry.pods.size > 0) return;
    this.#entries.delete(key);
    const [kind, namespace = '', name = ''] = key.split('/') as [Kind, string?, string?];
    this.#context.api?.informers.stop(addressOf(kind), {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
  }
}

/** `kind/namespace/name` of everything the pod refers to. */
function references(pod: PodView): ReadonlySet<string> {
  const found = new Set<string>();
  const namespace = podKey(pod).split('/')[0] ?? '';
  const add = (kind: Kind, name: string | undefined): void => {
    if (name) found.add(`${kind}/${namespace}/${name}`);
  };
  const spec = specOf(pod);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const { container } of allContainers(pod)) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('configmaps', configMapRef?.name);
      add('secrets', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configmaps', valueFrom?.configMapKeyRef?.name);
      add('secrets', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const { configMap, secret, projected } of spec.volumes ?? []) {
    add('configmaps', configMap?.name);
    add('secrets', secret?.secretName);
    for (const source of projected?.sources ?? []) {
      add('configmaps', source.configMap?.name);
      add('secrets', source.secret?.name);
    }
  }
  return found;
}
