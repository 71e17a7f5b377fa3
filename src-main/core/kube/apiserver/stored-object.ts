import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../machinery/index.ts';
import type { StoreCodec } from '../storage/index.ts';

/**
 * One revision of an object as the store keeps it: shared by every get, list and watch, never changed.
 * `json()` encodes once.
 */
export class StoredObject {
  readonly object: DeepReadonly<KubeObject>;
  #json: string | undefined;

  constructor(object: DeepReadonly<KubeObject>, json?: string) {
    this.object = object;
    this.#json = json;
  }

  json(): string {
    return (this.#json ??= JSON.stringify(this.object));
  }
}

/** How a store writes these values to its log. */
export const storedObjectCodec: StoreCodec<StoredObject> = {
  encode: (value) => value.json(),
  decode: (text) => new StoredObject(JSON.parse(text) as KubeObject, text),
};
