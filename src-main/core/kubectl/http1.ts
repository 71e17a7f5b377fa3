import {
  ByteReader,
  concatBytes,
  encodeChunk,
  lastChunk,
  readHeaders,
  reasonPhrase,
  utf8,
} from '#core/base';
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
  const reader = new ByteReader(connection.input);
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

async function readRequest(reader: ByteReader): Promise<Http1Request | undefined> {
  const first = await reader.readLine();
  if (first === undefined) return undefined;
  const [method = '', url = ''] = first.split(' ');
  const headers = await readHeaders(reader);
  let body = await reader.readExactly(Number(headers['content-length'] ?? '0'));
  if (headers['transfer-encoding']?.includes('chunked')) {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const size = Number.parseInt((await reader.readLine()) ?? '0', 16);
      chunks.push(await reader.readExactly(size));
      await reader.readLine();
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
  await output.write(utf8(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines.join('')}\r\n`));
  if (headOnly) return;
  const chunk = (bytes: Uint8Array): Promise<void> => output.write(encodeChunk(bytes));
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
  if (streams) await output.write(lastChunk);
}
