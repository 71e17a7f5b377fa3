import { decodeProtobuf, encodeProtobuf, hasProtobuf, ProtobufError } from '../apis/index.ts';
import type { KubeObject } from '../machinery/index.ts';

/** Kubernetes' binary form of built-in kinds. */
export interface ProtobufCodec {
  /** @throws ProtobufError the bytes are not an object. */
  decode(
    bytes: Uint8Array,
    assumed: { readonly apiVersion: string; readonly kind: string },
  ): object;
  /** Undefined when the object has no binary form: JSON is sent then. */
  encode(object: object): Uint8Array | undefined;
}

export const protobufCodec: ProtobufCodec = {
  decode: decodeProtobuf,
  encode(object) {
    const { apiVersion, kind } = object as KubeObject;
    if (!hasProtobuf(apiVersion, kind)) return undefined;
    try {
      return encodeProtobuf(object as KubeObject);
    } catch (error) {
      if (error instanceof ProtobufError) return undefined;
      throw error;
    }
  },
};
