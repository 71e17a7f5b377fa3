import { decodeBytes, type DeepReadonly, encodeBytes, utf8 } from '#core/base';
import { decodeProtobuf, encodeProtobuf, hasProtobuf, ProtobufError } from '../apis/index.ts';
import type { KubeObject } from '../machinery/index.ts';
import type { StoreCodec } from '../storage/index.ts';
import { jsonText, sortedKeys } from './json-text.ts';

/**
 * One revision of an object as the store keeps it: shared by every get, list and watch, never changed.
 * `json()` encodes once, as long as it is the newest.
 */
export class StoredObject {
  readonly object: DeepReadonly<KubeObject>;
  #json: string | undefined;

  constructor(object: DeepReadonly<KubeObject>, json?: string) {
    this.object = object;
    this.#json = json;
  }

  json(): string {
    return (this.#json ??= jsonText(this.object));
  }

  /** Lets go of the text; whoever asks again has it made again. */
  forgetJson(): void {
    this.#json = undefined;
  }
}

/** A value that is no API object (`etcdctl put foo bar`, `compact_rev_key`): only its text counts. */
export function plainValue(text: string): StoredObject {
  return new StoredObject({ apiVersion: '', kind: '', metadata: {} }, text);
}

/** An object as it is kept and shown: Go writes custom ones, which are maps to it, with their keys in order. */
export function storedForm(
  { custom }: { readonly custom: boolean },
  object: DeepReadonly<KubeObject>,
): StoredObject {
  return new StoredObject(custom ? (sortedKeys(object) as KubeObject) : object);
}

/** How a store writes these values to its log. */
export const storedObjectCodec: StoreCodec<StoredObject> = {
  encode: (value) => value.json(),
  decode: (text) => {
    const object = text.startsWith('{"') ? objectOf(text) : undefined;
    return object ? new StoredObject(object, text) : plainValue(text);
  },
  // Of a value that is no object the text is all there is.
  superseded: (value) => {
    if (value.object.kind !== '') value.forgetJson();
  },
};

/** Groups whose servers keep JSON, as they do with custom resources: CRDs and APIServices. */
const jsonGroups = /^(?:apiextensions|apiregistration)\.k8s\.io\//;

/** The bytes a kube-apiserver has under the key: `k8s\0` and protobuf, or JSON; never the resourceVersion. */
export function etcdBytesOf(value: StoredObject): Uint8Array {
  const { apiVersion, kind } = value.object;
  if (kind === '') return encodeBytes(value.json());
  const { resourceVersion: _revision, ...metadata } = value.object.metadata;
  const object = { ...value.object, metadata } as KubeObject;
  if (!jsonGroups.test(apiVersion) && hasProtobuf(apiVersion, kind))
    try {
      return encodeProtobuf(object);
    } catch (error) {
      if (!(error instanceof ProtobufError)) throw error;
    }
  return utf8(`${JSON.stringify(object)}\n`);
}

/** What the bytes of a client of etcd are to the API server that finds them, at the revision of the write. */
export function storedObjectOf(bytes: Uint8Array, revision: number): StoredObject {
  const text = decodeBytes(bytes);
  const object = text.startsWith('{') ? objectOf(text) : binaryObject(bytes);
  if (!object?.kind || !object.apiVersion || typeof object.metadata !== 'object')
    return plainValue(text);
  return new StoredObject({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(revision) },
  });
}

function objectOf(text: string): KubeObject | undefined {
  try {
    return JSON.parse(text) as KubeObject;
  } catch {
    // A value that only looks like an object.
    return undefined;
  }
}

function binaryObject(bytes: Uint8Array): KubeObject | undefined {
  try {
    return decodeProtobuf(bytes) as unknown as KubeObject;
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}
