import type { ByteSink, ByteSource, Disposable } from '#core/base';

/**
 * A request to an API server, as HTTP has it but without a socket. Everybody enters here: real clients
 * through the HTTPS listener, controllers and kubelets from inside the process.
 */
export interface ApiRequest {
  /** TRACE stands for every method that Kubernetes has no verb for. */
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'TRACE';
  /** Path and query as on the request line: `/api/v1/pods?limit=500`. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers whose lines count one by one (groups to impersonate); they need not be among `headers`, joined. */
  readonly repeated?: Readonly<Record<string, readonly string[]>>;
  readonly body?: Uint8Array;
  /**
   * In place of `body`, from clients in the same process: the object itself, not to be changed by either
   * side afterwards. Its meaning is that of its JSON.
   */
  readonly object?: object;
  /** PEM of the client certificate whose key the peer has proven to hold. */
  readonly peerCertificate?: string;
  /** Where the request came from, `ip:port`; for audit and logs. */
  readonly remoteAddress?: string;
  /** Aborted when the client goes away. */
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ResponseBody;
  /**
   * The newest revision this answer reveals; an edge outside the process holds the answer back until the
   * store has it on disk. Absent: nothing to wait for.
   */
  readonly durable?: () => Promise<void>;
}

export type ResponseBody =
  | { readonly kind: 'none' }
  /** `encode` gives the JSON text in pieces, so that a long list can be written without one long pause. */
  | { readonly kind: 'object'; readonly object: object; readonly encode: () => Iterable<string> }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Text or bytes that arrive over time: a followed log, a proxied answer. */
  | { readonly kind: 'source'; readonly source: ByteSource; readonly close: () => void }
  | { readonly kind: 'watch'; readonly watch: WatchStream }
  | { readonly kind: 'session'; readonly session: StreamSession };

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface WatchEvent<T = object> {
  readonly type: WatchEventType;
  /** For ERROR a Status. Shared and immutable. */
  readonly object: T;
}

/** The server side of a watch; events come in order of revision, each once. */
export interface WatchStream<T = object> {
  /**
   * Starts the delivery; called once. `onEnd` is called when the server ends the watch (timeout, compaction
   * after an ERROR event, server gone), not after `dispose`.
   */
  start(onEvent: (event: WatchEvent<T>) => void, onEnd: () => void): Disposable;
  /** The event as it is sent: a line of JSON with its break, or a frame. A line is made once for all watchers. */
  encode(event: WatchEvent<T>): string | Uint8Array;
  /** The content type of the answer. */
  readonly contentType: string;
  /** Resolves once the event may be shown outside the process (see `ApiResponse.durable`). */
  durable?(event: WatchEvent<T>): Promise<void>;
}

/** An upgraded connection: exec, attach or port-forward, whatever protocol carries it outside. */
export type StreamSession = CommandSession | PortForwardSession;

/** What exec and attach carry. Streams not asked for are absent. */
export interface CommandSession {
  readonly kind: 'command';
  readonly tty: boolean;
  /** Bytes for the process. */
  readonly stdin?: ByteSink;
  readonly stdout?: ByteSource;
  /** Absent with a tty. */
  readonly stderr?: ByteSource;
  resize(columns: number, rows: number): void;
  /** Resolves when the process ends: a `Status` as the error channel carries it. */
  readonly result: Promise<CommandResult>;
  /** The client went away. */
  close(): void;
}

/** @see k8s.io/apimachinery/pkg/util/remotecommand, the status written on the error stream. */
export type CommandResult =
  | { readonly status: 'Success' }
  | { readonly status: 'NonZeroExitCode'; readonly exitCode: number; readonly message: string }
  | { readonly status: 'Failure'; readonly message: string };

export interface PortForwardSession {
  readonly kind: 'port-forward';
  /**
   * Opens one connection to a port of the pod.
   * @throws Error with the text that the error stream carries.
   */
  open(port: number): Promise<Connection>;
  close(): void;
}

/** A byte stream in both directions. */
export interface Connection {
  readonly input: ByteSource;
  readonly output: ByteSink;
  close(): void;
}

/** Whatever answers API requests: a server in this process, or a connection to one elsewhere. */
export interface Transport {
  /** @throws ConnectionError nobody answers at the address. Failures of the API are responses. */
  send(request: ApiRequest): Promise<ApiResponse>;
}

/** No answer: refused, reset, timed out or unresolvable. The message is Go's (`dial tcp … refused`). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code:
    'ECONNREFUSED' | 'ECONNRESET' | 'ETIMEDOUT' | 'ENOTFOUND' | 'EHOSTUNREACH' | 'ETLS';

  constructor(code: ConnectionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
