import {
  bodySource,
  ByteReader,
  type ByteSource,
  type Clock,
  headerLines,
  type Headers,
  readAll,
  readHeaders,
  reasonPhrase,
  utf8,
} from '#core/base';
import { type ApiRequest, ConnectionError } from '#core/kube';
import { isAddress, joinHostPort } from './addresses.ts';
import { openConnection } from './connection.ts';
import { responseSource } from './http1-server.ts';
import type { Dialed, NetNamespace } from './types.ts';

export interface HttpRequest {
  readonly net: NetNamespace;
  readonly clock: Clock;
  readonly url: string;
  readonly method?: ApiRequest['method'];
  /** Names in lower case. `host` is set from the URL unless given. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For the connection alone. */
  readonly connectTimeoutMs?: number;
  /** Until the head of the answer is there. */
  readonly timeoutMs?: number;
  /** Addresses of a name, best first. @throws Error it has none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly tls?: TlsClient;
  readonly signal?: AbortSignal;
  /** Told of each step, for clients that show them. */
  readonly onConnect?: (address: string, port: number) => void;
}

export interface TlsClient {
  /** Takes any certificate. */
  readonly insecure?: boolean;
  /** PEM bundle the server's chain must end in. */
  readonly roots?: string;
  /** In place of the URL's host. */
  readonly serverName?: string;
  /** PEM of the client's certificate. */
  readonly certificate?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case. */
  readonly headers: Readonly<Headers>;
  readonly body: ByteSource;
  /** Gives up what is left of the body. */
  close(): void;
  readonly address: string;
  readonly port: number;
}

/** The server's certificate does not hold, or there is none where TLS was asked for; Go's text. */
export class TlsError extends ConnectionError {
  readonly kind: 'certificate' | 'not-tls' | 'alert';

  constructor(kind: TlsError['kind'], message: string) {
    super('ETLS', message);
    this.kind = kind;
  }
}

/** @returns the whole body. */
export function readBody(answer: HttpAnswer): Promise<Uint8Array> {
  return readAll(answer.body);
}

/**
 * One HTTP exchange over the simulated network.
 *
 * @throws ConnectionError with Go's text: refused, timed out, unresolvable; TlsError; and whatever `resolve` throws.
 */
export async function httpRequest(request: HttpRequest): Promise<HttpAnswer> {
  const { clock, timeoutMs } = request;
  if (timeoutMs === undefined) return exchange(request);
  return within(
    clock,
    timeoutMs,
    exchange(request),
    () =>
      new ConnectionError(
        'ETIMEDOUT',
        'context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      ),
  );
}

/** Rejects with `error()` when the promise takes longer. The promise itself goes on. */
export function within<T>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<T>,
  error: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => reject(error()));
    promise.then(
      (value) => {
        timer.dispose();
        resolve(value);
      },
      (reason: unknown) => {
        timer.dispose();
        reject(reason instanceof Error ? reason : new Error(String(reason)));
      },
    );
  });
}

interface UrlParts {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** As the `Host` header has it: the port only when it is not the scheme's. */
  readonly authority: string;
}

/** @throws Error the URL cannot be read. */
export function splitUrl(text: string): UrlParts {
  const match = /^(https?):\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?([/?][^#]*)?/i.exec(
    text,
  );
  if (!match?.[2]) throw new Error(`unsupported protocol scheme: ${text}`);
  const secure = match[1]?.toLowerCase() === 'https';
  const host = match[2].replace(/^\[|\]$/g, '');
  const standard = secure ? 443 : 80;
  const port = match[3] ? Number(match[3]) : standard;
  const rest = match[4] ?? '/';
  return {
    secure,
    host,
    port,
    path: rest.startsWith('/') ? rest : `/${rest}`,
    authority: port === standard ? match[2] : `${match[2]}:${port}`,
  };
}

async function exchange(request: HttpRequest): Promise<HttpAnswer> {
  const target = splitUrl(request.url);
  const addresses = isAddress(target.host)
    ? [target.host]
    : target.host === 'localhost'
      ? ['127.0.0.1']
      : await request.resolve(target.host);
  const dialed = await dialFirst(request, addresses, target.port);
  const { listener } = dialed.dialed;
  request.onConnect?.(dialed.address, target.port);
  const headers: Headers = { host: target.authority, ...request.headers };
  const speaksTls = (listener.kind === 'http' || listener.kind === 'object') && listener.tls;
  if (target.secure && !speaksTls)
    throw new TlsError('not-tls', 'http: server gave HTTP response to HTTPS client');
  if (speaksTls && target.secure) await verify(dialed.dialed, request, target.host);
  const where = { address: dialed.address, port: target.port };
  if (listener.kind !== 'http')
    return overBytes(dialed.dialed, request, target.path, headers, where);
  if (speaksTls && !target.secure) return plainToTls(where);
  return direct(dialed.dialed, listener, request, target.path, headers, where);
}

/** Tries the addresses in turn; the last failure is the answer. */
async function dialFirst(
  { net, connectTimeoutMs, signal }: HttpRequest,
  addresses: readonly string[],
  port: number,
): Promise<{ address: string; dialed: Dialed }> {
  let failure: Error | undefined;
  for (const address of addresses) {
    try {
      const dialed = await net.dial(address, port, 'tcp', {
        ...(connectTimeoutMs === undefined ? {} : { timeoutMs: connectTimeoutMs }),
        ...(signal ? { signal } : {}),
      });
      return { address, dialed };
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      if (signal?.aborted) break;
    }
  }
  throw failure ?? new ConnectionError('ENOTFOUND', 'no addresses');
}

async function verify(dialed: Dialed, { tls }: HttpRequest, host: string): Promise<void> {
  if (tls?.insecure) return;
  const text = await dialed.verifyTls?.(tls?.roots ?? '', tls?.serverName ?? host);
  if (text !== undefined)
    throw new TlsError('certificate', `tls: failed to verify certificate: ${text}`);
}

function plainToTls(where: { address: string; port: number }): HttpAnswer {
  const text = utf8('Client sent an HTTP request to an HTTPS server.\n');
  return {
    ...where,
    status: 400,
    reason: 'Bad Request',
    headers: {},
    ...asBody(text),
  };
}

function asBody(bytes: Uint8Array): Pick<HttpAnswer, 'body' | 'close'> {
  const { source, close } = responseSource({
    status: 200,
    headers: {},
    body: { kind: 'bytes', bytes },
  });
  return { body: source, close };
}

async function direct(
  dialed: Dialed,
  listener: Extract<Dialed['listener'], { kind: 'http' }>,
  request: HttpRequest,
  path: string,
  headers: Headers,
  where: { address: string; port: number },
): Promise<HttpAnswer> {
  const method = request.method ?? 'GET';
  const response = await listener.handle(
    {
      method,
      url: path,
      headers,
      remoteAddress: joinHostPort(dialed.peer.address, dialed.peer.port),
      ...(request.body ? { body: request.body } : {}),
      ...(request.signal ? { signal: request.signal } : {}),
      ...(request.tls?.certificate ? { peerCertificate: request.tls.certificate } : {}),
    },
    dialed.peer,
  );
  await response.durable?.();
  const { source, close } = responseSource(response);
  const answerHeaders: Headers = { ...response.headers };
  if (response.body.kind === 'bytes')
    answerHeaders['content-length'] ??= String(response.body.bytes.length);
  if (method === 'HEAD') close();
  return {
    ...where,
    status: response.status,
    reason: reasonPhrase(response.status),
    headers: answerHeaders,
    body: method === 'HEAD' ? { read: () => Promise.resolve(undefined) } : source,
    close,
  };
}

/** Speaks HTTP/1.1 to a listener that takes bytes. */
async function overBytes(
  dialed: Dialed,
  request: HttpRequest,
  path: string,
  headers: Headers,
  where: { address: string; port: number },
): Promise<HttpAnswer> {
  const connection = openConnection(dialed);
  const method = request.method ?? 'GET';
  const sent: Headers = { ...headers, connection: 'close' };
  if (request.body) sent['content-length'] = String(request.body.length);
  await connection.output.write(utf8(`${method} ${path} HTTP/1.1\r\n${headerLines(sent)}\r\n`));
  if (request.body) await connection.output.write(request.body);
  const reader = new ByteReader(connection.input);
  const line = await reader.readLine();
  if (line === undefined) {
    connection.close();
    throw new ConnectionError('ECONNRESET', 'EOF');
  }
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(line);
  if (!match) {
    connection.close();
    throw new ConnectionError('ECONNRESET', `malformed HTTP response ${JSON.stringify(line)}`);
  }
  const answered = await readHeaders(reader);
  return {
    ...where,
    status: Number(match[1]),
    reason: match[2] ?? '',
    headers: answered,
    body:
      method === 'HEAD'
        ? { read: () => Promise.resolve(undefined) }
        : bodySource(reader, answered, true),
    close: () => connection.close(),
  };
}
