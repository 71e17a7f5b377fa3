import type { Informer, Informers } from '../../client/index.ts';
import { keyOf, type ObjectKey, objectKey, type ObjectMeta } from '../../machinery/index.ts';
import type { DeepReadonly } from '#core/base';
import type { ClaimView, ClassView, VolumeView } from '../views.ts';

type Named = { readonly metadata: DeepReadonly<ObjectMeta> };

/**
 * An informer's view with changes laid over it that are decided but not yet written. What the server says
 * later takes their place.
 * @see pkg/scheduler/util/assumecache/assume_cache.go
 */
class AssumeCache<T extends Named> {
  readonly #informer: Informer<unknown>;
  readonly #assumed = new Map<ObjectKey, T>();

  constructor(informer: Informer<unknown>) {
    this.#informer = informer;
    const forget = (object: unknown): void => {
      this.#assumed.delete(objectKey((object as Named).metadata));
    };
    informer.addHandler({
      onAdd: forget,
      onUpdate: (_, object) => forget(object),
      onDelete: forget,
    });
  }

  get(key: ObjectKey): T | undefined {
    return this.#assumed.get(key) ?? this.stored(key);
  }

  /** Without what was assumed. */
  stored(key: ObjectKey): T | undefined {
    return this.#informer.get(key) as T | undefined;
  }

  list(): T[] {
    return (this.#informer.list() as readonly T[]).map(
      (object) => this.#assumed.get(objectKey(object.metadata)) ?? object,
    );
  }

  assume(object: T): void {
    this.#assumed.set(objectKey(object.metadata), object);
  }

  restore(object: T): void {
    this.#assumed.delete(objectKey(object.metadata));
  }
}

/** Claims, volumes and classes as the volume plugins see them. */
export class VolumeCaches {
  readonly claims: AssumeCache<ClaimView>;
  readonly volumes: AssumeCache<VolumeView>;
  readonly #classes: (name: string) => ClassView | undefined;

  constructor(informers: Informers) {
    this.claims = new AssumeCache(informers.for('persistentvolumeclaims'));
    this.volumes = new AssumeCache(informers.for('persistentvolumes'));
    const classes = informers.for('storageclasses.storage.k8s.io');
    this.#classes = (name) => classes.get(keyOf(undefined, name));
  }

  claim(namespace: string, name: string): ClaimView | undefined {
    return this.claims.get(keyOf(namespace, name));
  }

  volume(name: string): VolumeView | undefined {
    return this.volumes.get(keyOf(undefined, name));
  }

  class(name: string): ClassView | undefined {
    return this.#classes(name);
  }
}
