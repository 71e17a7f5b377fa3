/** Bytes or objects that are not the wire form of the kind they claim to be. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}
