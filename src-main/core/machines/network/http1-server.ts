import {
  bodySource,
  ByteReader,
  type ByteSource,
  emptySource,
  encodeChunk,
  headerLines,
  type Headers,
  lastChunk,
  readHeaders,
  reasonPhrase,
  utf8,
} from '#core/base';
import type { ApiRequest, ApiResponse, Connection } from '#core/kube';
import type { Listener, Peer } from './types.ts';

type HttpListener = Extract<Listener, { kind: 'http' }>;

const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

/** Answers HTTP/1.1 requests of one byte stream, one after another, until an end closes it. */
export async function serveHttp1(
  connection: Connection,
  listener: HttpListener,
  peer: Peer,
): Promise<void> {
  const reader = new ByteReader(connection.input);
  try {
    if (listener.tls) {
      // In bytes nobody holds the keys for a handshake: what comes is taken for plain HTTP, as Go's server tells it.
      await reader.readLine();
      await connection.output.write(
        utf8('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
      );
      return;
    }
    while (await serveOne(connection, reader, listener, peer));
  } catch {
    // The client went away, or sent what is no HTTP and was told so.
  } finally {
    connection.close();
  }
}

async function serveOne(
  connection: Connection,
  reader: ByteReader,
  listener: HttpListener,
  peer: Peer,
): Promise<boolean> {
  let line = await reader.readLine();
  if (line === '') line = await reader.readLine();
  if (line === undefined) return false;
  const [method = '', target = '', version = ''] = line.split(' ');
  if (
    !methods.has(method) ||
    !/^HTTP\/1\.[01]$/.test(version) ||
    !/^(\/|\*|https?:)/.test(target)
  ) {
    await connection.output.write(
      utf8(
        'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request',
      ),
    );
    return false;
  }
  const headers = await readHeaders(reader);
  const body = await readBody(bodySource(reader, headers, false));
  const abort = new AbortController();
  const request: ApiRequest = {
    method: method as ApiRequest['method'],
    url: target.replace(/^https?:\/\/[^/]*/, '') || '/',
    headers,
    remoteAddress: `${peer.address}:${peer.port}`,
    signal: abort.signal,
    ...(body.length > 0 ? { body } : {}),
  };
  const response = await listener.handle(request, peer);
  const keepAlive =
    version === 'HTTP/1.1'
      ? headers['connection']?.toLowerCase() !== 'close'
      : headers['connection']?.toLowerCase() === 'keep-alive';
  try {
    await writeResponse(connection, response, method, version === 'HTTP/1.1', keepAlive);
  } catch (error) {
    abort.abort(error);
    throw error;
  }
  return keepAlive;
}

async function readBody(source: ByteSource): Promise<Uint8Array> {
  return new ByteReader(source).readRest();
}

async function writeResponse(
  connection: Connection,
  response: ApiResponse,
  method: string,
  chunkedAllowed: boolean,
  keepAlive: boolean,
): Promise<void> {
  const { output } = connection;
  const headers: Headers = { ...response.headers };
  const bytes = wholeBody(response);
  const bodiless = response.status === 204 || response.status === 304 || response.status < 200;
  const chunked = bytes === undefined && chunkedAllowed;
  if (bytes && !bodiless) headers['content-length'] ??= String(bytes.length);
  if (chunked) headers['transfer-encoding'] = 'chunked';
  headers['connection'] ??= keepAlive ? 'keep-alive' : 'close';
  await output.write(
    utf8(
      `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\r\n${headerLines(headers)}\r\n`,
    ),
  );
  const { source, close } = bytes
    ? { source: emptySource, close: nothing }
    : responseSource(response);
  if (method === 'HEAD' || bodiless) {
    close();
    return;
  }
  if (bytes) {
    await output.write(bytes);
    return;
  }
  try {
    for (let part = await source.read(); part; part = await source.read())
      await output.write(chunked ? encodeChunk(part) : part);
    if (chunked) await output.write(lastChunk);
    else connection.close();
  } catch (error) {
    close();
    throw error;
  }
}

const nothing = (): void => undefined;

/** The body when it is all there. */
function wholeBody({ body }: ApiResponse): Uint8Array | undefined {
  switch (body.kind) {
    case 'none':
      return new Uint8Array(0);
    case 'bytes':
      return body.bytes;
    case 'object':
      return utf8([...body.encode()].join(''));
    case 'source':
    case 'watch':
    case 'session':
      return undefined;
  }
}

/** An answer's body as a stream of bytes; `close` tells the server that nobody reads on. */
export function responseSource(response: ApiResponse): { source: ByteSource; close: () => void } {
  const { body } = response;
  const whole = wholeBody(response);
  if (whole) return { source: once(whole), close: nothing };
  if (body.kind === 'source') return { source: body.source, close: body.close };
  if (body.kind !== 'watch') return { source: emptySource, close: nothing };
  const { watch } = body;
  const lines: Uint8Array[] = [];
  let ended = false;
  let wake = nothing;
  const subscription = watch.start(
    (event) => {
      const piece = watch.encode(event);
      lines.push(typeof piece === 'string' ? utf8(piece) : piece);
      wake();
    },
    () => {
      ended = true;
      wake();
    },
  );
  return {
    source: {
      read: async () => {
        while (lines.length === 0 && !ended)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        return lines.shift();
      },
    },
    close: () => {
      ended = true;
      subscription.dispose();
      wake();
    },
  };
}

function once(bytes: Uint8Array): ByteSource {
  let given = bytes.length === 0;
  return {
    read: () => {
      if (given) return Promise.resolve(undefined);
      given = true;
      return Promise.resolve(bytes);
    },
  };
}
