import { encodeProtobuf, hasProtobuf, ProtobufError } from '../apis/index.ts';
import type { KubeObject } from '../machinery/index.ts';

/** An object in Kubernetes' binary form; undefined when it has none: JSON is sent then. */
export function binaryForm(object: object): Uint8Array | undefined {
  // Documents that are older than API versions name none.
  const { apiVersion = '', kind } = object as Partial<KubeObject>;
  if (kind === undefined || !hasProtobuf(apiVersion, kind)) return undefined;
  try {
    return encodeProtobuf({ ...object, apiVersion, kind });
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}
