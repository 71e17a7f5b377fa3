import { type ByteSource, concatBytes, fromUtf8, utf8 } from '#core/base';
import type { ApiRequest, ApiResponse, Connection } from '#core/kube';

/** What a client of the proxy asks. */
export interface Http1Request {
  readonly method: ApiRequest['method'];
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Answers the HTTP/1.1 requests of one connection, one after another.
 * @param handle never rejects.
 */
export async function serveConnection(
  connection: Connection,
  handle: (request: Http1Request) => Promise<ApiResponse>,
): Promise<void> {
  const reader = new LineReader(connection.input);
  try {
    for (;;) {
      const request = await readRequest(reader);
      if (!request) return;
      await writeResponse(connection, await handle(request), request.method === 'HEAD');
      if (request.headers['connection']?.toLowerCase() === 'close') return;
    }
  } catch {
    // The client went away.
  } finally {
    connection.close();
  }
}

class LineReader {
  readonly #source: ByteSource;
  #rest = new Uint8Array();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async #more(): Promise<boolean> {
    const chunk = await this.#source.read();
    if (!chunk) return false;
    this.#rest = concatBytes([this.#rest, chunk]);
    return true;
  }

  /** Without its line break; undefined at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(10);
      if (end >= 0) {
        const line = fromUtf8(this.#rest.subarray(0, end)).replace(/\r$/, '');
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  async bytes(count: number): Promise<Uint8Array> {
    while (this.#rest.length < count) if (!(await this.#more())) throw new Error('unexpected EOF');
    const out = this.#rest.slice(0, count);
    this.#rest = this.#rest.slice(count);
    return out;
  }
}

async function readRequest(reader: LineReader): Promise<Http1Request | undefined> {
  const first = await reader.line();
  if (first === undefined) return undefined;
  const [method = '', url = ''] = first.split(' ');
  const headers: Record<string, string> = {};
  for (let line = await reader.line(); line; line = await reader.line()) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  let body = await reader.bytes(Number(headers['content-length'] ?? '0'));
  if (headers['transfer-encoding']?.includes('chunked')) {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const size = Number.parseInt((await reader.line()) ?? '0', 16);
      chunks.push(await reader.bytes(size));
      await reader.line();
      if (size === 0) break;
    }
    body = concatBytes(chunks);
  }
  return { method: method as ApiRequest['method'], url, headers, body };
}

async function writeResponse(
  { output }: Connection,
  { status, headers, body }: ApiResponse,
  headOnly: boolean,
): Promise<void> {
  const streams = body.kind === 'source' || body.kind === 'watch';
  const content =
    body.kind === 'bytes'
      ? body.bytes
      : body.kind === 'object'
        ? utf8([...body.encode()].join(''))
        : new Uint8Array();
  const own = new Set(['content-length', 'transfer-encoding', 'connection']);
  const lines = Object.entries(headers)
    .filter(([name]) => !own.has(name))
    .map(
      ([name, value]) => `${name.replace(/(^|-)\w/g, (part) => part.toUpperCase())}: ${value}\r\n`,
    );
  lines.push(streams ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${content.length}\r\n`);
  await output.write(utf8(`HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n${lines.join('')}\r\n`));
  if (headOnly) return;
  const chunk = (bytes: Uint8Array): Promise<void> =>
    output.write(concatBytes([utf8(`${bytes.length.toString(16)}\r\n`), bytes, utf8('\r\n')]));
  if (body.kind === 'source') {
    for (let part = await body.source.read(); part; part = await body.source.read())
      if (part.length > 0) await chunk(part);
  } else if (body.kind === 'watch') {
    const { watch } = body;
    await new Promise<void>((resolve) => {
      const running = watch.start((event) => {
        const piece = watch.encode(event);
        chunk(typeof piece === 'string' ? utf8(piece) : piece).catch(() => {
          running.dispose();
          resolve();
        });
      }, resolve);
    });
  } else if (content.length > 0) await output.write(content);
  if (streams) await output.write(utf8('0\r\n\r\n'));
}

/** Phrases of the statuses that an API server answers with. */
export const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  301: 'Moved Permanently',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
