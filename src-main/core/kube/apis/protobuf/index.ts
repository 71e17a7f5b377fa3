export { decodeMessage, decodeProtobuf } from './decode.ts';
export { encodeMessage, encodeProtobuf, hasProtobuf } from './encode.ts';
export { protobufContentType } from './envelope.ts';
export { ProtobufError } from './error.ts';
export {
  decodeWatchFrame,
  encodeWatchFrame,
  FrameSplitter,
  protobufWatchContentType,
} from './frames.ts';
export { WireWriter } from './writer.ts';
