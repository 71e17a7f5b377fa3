import { type Clock, sleep, utf8 } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  ConnectionError,
  failure,
  responseText,
  type Status,
  StatusError,
  type Transport,
} from '#core/kube';
import { isJson, type Json, text } from './json-view.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** A body that is sent as it is, in a form that the server guesses. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface ApiOptions {
  readonly transport: Transport;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of several lines. */
  readonly repeated: Readonly<Record<string, readonly string[]>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `https://host:port` of the server, for messages. */
  readonly server: string;
  /** Told the warnings the server sends along. */
  readonly onWarning: (text: string) => void;
  /** Told of each answer, for `-v`. */
  readonly onAnswer: (request: ApiRequest, status: number, elapsedMs: number) => void;
  /** Abandons a request after this long; 0 for never. */
  readonly timeoutMs: number;
}

export interface WatchEventJson {
  readonly type: string;
  readonly object: Json;
}

export function withQuery(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return path;
  const encoded = pairs.map(
    ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`,
  );
  return `${path}${path.includes('?') ? '&' : '?'}${encoded.join('&')}`;
}

/** HTTP verbs on an API server. Failures of the API are StatusErrors; no answer is a ConnectionError. */
export class ApiClient {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get server(): string {
    return this.#options.server;
  }

  /** Another client's request with this one's credentials; every answer is passed on as it is. */
  forward(request: ApiRequest): Promise<ApiResponse> {
    const { transport, headers, repeated, signal } = this.#options;
    return transport.send({
      ...request,
      headers: { ...request.headers, ...headers },
      repeated,
      signal,
    });
  }

  /** One request; answers of 400 and above are thrown. Repeats when the server asks for it. */
  async send(
    method: ApiRequest['method'],
    path: string,
    call: CallOptions = {},
  ): Promise<ApiResponse> {
    const { transport, clock } = this.#options;
    const body =
      call.bytes ?? (call.body === undefined ? undefined : utf8(JSON.stringify(call.body)));
    const request: ApiRequest = {
      method,
      url: withQuery(path, call.query),
      headers: {
        accept: call.accept ?? 'application/json',
        'user-agent': 'kubectl/v1.36.3 (linux/amd64) kubernetes/unknown',
        ...(call.body !== undefined
          ? { 'content-type': call.contentType ?? 'application/json' }
          : {}),
        ...this.#options.headers,
      },
      repeated: this.#options.repeated,
      ...(body ? { body } : {}),
      signal: call.signal ?? this.#options.signal,
    };
    for (let tries = 0; ; tries++) {
      const startMs = clock.now();
      const response = await this.#limited(transport.send(request));
      this.#options.onAnswer(request, response.status, clock.now() - startMs);
      for (const warning of warningsOf(response.headers['warning'] ?? ''))
        this.#options.onWarning(warning);
      if (response.status < 400) return response;
      const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
      const mayRetry = response.status === 429 || response.status >= 500;
      if (!mayRetry || !Number.isFinite(retryAfter) || tries >= 10 || path.endsWith('/eviction'))
        throw await errorOf(response, request, path);
      await sleep(clock, retryAfter * 1000, this.#options.signal);
    }
  }

  async #limited(answer: Promise<ApiResponse>): Promise<ApiResponse> {
    const { timeoutMs, clock } = this.#options;
    if (timeoutMs <= 0) return answer;
    const abort = new AbortController();
    const late = sleep(clock, timeoutMs, abort.signal).then(
      () => {
        throw new ConnectionError(
          'ETIMEDOUT',
          'net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
        );
      },
      () => new Promise<never>(() => undefined),
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      abort.abort();
    }
  }

  /** The object of an answer. */
  async json(method: ApiRequest['method'], path: string, call: CallOptions = {}): Promise<Json> {
    return objectOf(await this.send(method, path, call));
  }

  get(path: string, query?: Query, accept?: string): Promise<Json> {
    return this.json('GET', path, { ...(query ? { query } : {}), ...(accept ? { accept } : {}) });
  }

  /** Follows a watch until the server or the signal ends it, or `onEvent` returns true. */
  async watch(
    path: string,
    query: Query,
    onEvent: (event: WatchEventJson) => boolean | Promise<boolean>,
    call: { accept?: string; signal?: AbortSignal } = {},
  ): Promise<void> {
    const abort = new AbortController();
    const outer = call.signal ?? this.#options.signal;
    const onAbort = (): void => {
      abort.abort(outer.reason);
    };
    if (outer.aborted) return;
    outer.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await this.send('GET', path, {
        query: { ...query, watch: true },
        signal: abort.signal,
        ...(call.accept ? { accept: call.accept } : {}),
      });
      for await (const event of eventsOf(response, abort.signal)) if (await onEvent(event)) return;
    } finally {
      outer.removeEventListener('abort', onAbort);
      abort.abort();
    }
  }
}

/** @throws StatusError the answer is not JSON. */
export async function objectOf(response: ApiResponse): Promise<Json> {
  const { body } = response;
  if (body.kind === 'object') return body.object as Json;
  return parseObject(await responseText(response));
}

function parseObject(source: string): Json {
  if (source === '') return {};
  try {
    const value = JSON.parse(source) as unknown;
    if (isJson(value)) return value;
  } catch {
    // Reported below with the text.
  }
  throw failure(500, 'InternalError', `couldn't decode the answer: ${source.slice(0, 200)}`);
}

async function errorOf(
  response: ApiResponse,
  request: ApiRequest,
  path: string,
): Promise<StatusError> {
  const { body } = response;
  if (body.kind === 'object' && text(body.object, 'kind') === 'Status')
    return new StatusError(body.object as Status);
  const source = (await responseText(response)).trim();
  try {
    const value = JSON.parse(source) as unknown;
    if (text(value, 'kind') === 'Status') return new StatusError(value as Status);
  } catch {
    // A plain text answer, as from a proxy.
  }
  return plainFailure(response.status, source, request.method, path);
}

const plainReasons: Readonly<Record<number, readonly [Status['reason'] & string, string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', 'forbidden'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  429: [
    'TooManyRequests',
    'the server has received too many requests and has asked us to try again later',
  ],
  500: ['InternalError', 'an error on the server has prevented the request from succeeding'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** The resource of a path, and its name: `pods.metrics.k8s.io web`. */
function resourceOf(path: string): string | undefined {
  const match =
    /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/[^/]+\/)?([^/?]+)(?:\/([^/?]+))?/.exec(path);
  if (!match) return undefined;
  const [, group, resource = '', name] = match;
  return [group === undefined ? resource : `${resource}.${group}`, name ?? ''].join(' ').trim();
}

/** @see k8s.io/apimachinery/pkg/api/errors, NewGenericServerResponse */
function plainFailure(status: number, body: string, method: string, path: string): StatusError {
  const [reason, message] = plainReasons[status] ?? [
    '' as const,
    `the server responded with the status code ${status} but did not return more information`,
  ];
  const shown =
    (status === 500 || status === 403) && body !== ''
      ? `${message} ("${body.replaceAll('"', '\\"')}")`
      : message;
  const asked = resourceOf(path);
  const tail = asked === undefined ? '' : ` (${method.toLowerCase()} ${asked})`;
  return failure(status, reason, `${shown}${tail}`, {
    causes: [{ reason: 'UnexpectedServerResponse', message: body }],
  });
}

async function* eventsOf(
  response: ApiResponse,
  signal: AbortSignal,
): AsyncGenerator<WatchEventJson> {
  const { body } = response;
  if (body.kind === 'watch') {
    const queue: WatchEventJson[] = [];
    let wake: () => void = () => undefined;
    let ended = signal.aborted;
    const end = (): void => {
      ended = true;
      wake();
    };
    const running = body.watch.start((event) => {
      queue.push({ type: event.type, object: event.object as Json });
      wake();
    }, end);
    signal.addEventListener('abort', end, { once: true });
    try {
      for (;;) {
        const event = queue.shift();
        if (event) yield event;
        else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      running.dispose();
    }
  }
  if (body.kind !== 'source') return;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const chunk = await body.source.read();
      if (!chunk || signal.aborted) return;
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
    }
  } finally {
    body.close();
  }
}

/** The texts of a `Warning` header: `299 - "text"`, several separated by commas. */
function warningsOf(header: string): string[] {
  const out: string[] = [];
  for (const match of header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g))
    out.push((match[1] ?? '').replace(/\\(.)/g, '$1'));
  return out;
}
