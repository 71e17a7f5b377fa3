export {
  BrokenPipeError,
  BytePipe,
  type ByteSink,
  type ByteSource,
  readAll,
  readText,
} from './byte-stream.ts';
export { byteCharacter, decodeBytes, encodeBytes } from './byte-text.ts';
export { concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from './bytes.ts';
export { type Clock, defer, SimClock, sleep, type TimerOptions } from './clock.ts';
export { type Deferred, deferred } from './deferred.ts';
export { type Disposable, DisposableStore } from './disposable.ts';
export { Emitter, type Event } from './emitter.ts';
export {
  bodySource,
  ByteReader,
  emptySource,
  encodeChunk,
  headerLines,
  type Headers,
  lastChunk,
  readHeaders,
  reasonPhrase,
} from './http1.ts';
export {
  type DeepReadonly,
  defineKey,
  jsonClone,
  jsonEqual,
  shareEqual,
  type JsonObject,
  type JsonPrimitive,
  type JsonValue,
} from './json.ts';
export { type Logger, type LogLevel, silentLogger } from './logger.ts';
export { hex, nameSuffix, type Random, seededRandom, uuid } from './random.ts';
export { byBytes, goJson, quoted, quotedList, splitOnce } from './text.ts';
export { Turns } from './turns.ts';
export { hmacSha256, sha256Hex } from './sha256.ts';
