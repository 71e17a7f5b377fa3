import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import zlib from 'node:zlib';
import { type ApiResponse, failure, type Status, statusOf } from '#core/kube';
import { writeWatch } from './watches.ts';

/** Shorter answers are not worth compressing. @see responsewriters/writers.go, defaultGzipThresholdBytes */
const gzipThreshold = 128 * 1024;
/** Pieces of text are gathered to this size before they are written. */
const chunkBytes = 64 * 1024;
/** Longest stretch of encoding before the event loop gets its turn, ms. */
const turnMs = 8;

/**
 * Writes an answer, once the store has on disk what it reveals.
 * @param acceptsGzip whether the client takes compressed bodies.
 */
export async function writeResponse(
  response: ServerResponse,
  answer: ApiResponse,
  acceptsGzip: boolean,
): Promise<void> {
  const { body } = answer;
  try {
    await answer.durable?.();
  } catch (error) {
    discard(answer);
    writeStatus(response, statusOf(error));
    return;
  }
  switch (body.kind) {
    case 'none':
      response.writeHead(answer.status, answer.headers).end();
      return;
    case 'bytes':
      response
        .writeHead(answer.status, { ...answer.headers, 'content-length': body.bytes.length })
        .end(body.bytes);
      return;
    case 'object':
      await writeText(response, answer, body.encode(), acceptsGzip);
      return;
    case 'source': {
      response.on('close', () => body.close());
      response.writeHead(answer.status, answer.headers);
      response.flushHeaders();
      for (let bytes = await body.source.read(); bytes; bytes = await body.source.read()) {
        if (response.destroyed) return;
        await write(response, bytes);
      }
      response.end();
      return;
    }
    case 'watch':
      writeWatch(response, answer, body.watch);
      return;
    case 'session':
      discard(answer);
      writeStatus(response, failure(400, 'BadRequest', 'Upgrade request required').status);
      return;
  }
}

/** Lets go of what an answer holds, when nobody will read it. */
export function discard({ body }: Pick<ApiResponse, 'body'>): void {
  if (body.kind === 'session') body.session.close();
  else if (body.kind === 'source') body.close();
  else if (body.kind === 'watch')
    body.watch
      .start(
        () => undefined,
        () => undefined,
      )
      .dispose();
}

export function writeStatus(response: ServerResponse, status: Status): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = `${JSON.stringify(status)}\n`;
  response
    .writeHead(status.code ?? 500, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}

/** Small texts go whole; long ones in chunks, compressed when the client takes that. */
async function writeText(
  response: ServerResponse,
  { status, headers }: ApiResponse,
  pieces: Iterable<string>,
  acceptsGzip: boolean,
): Promise<void> {
  let text = '';
  let sink: NodeJS.WritableStream | undefined;
  let turnStart = performance.now();
  for (const piece of pieces) {
    text += piece;
    const limit = sink ? chunkBytes : gzipThreshold;
    if (text.length > limit) {
      sink ??= openSink(response, status, headers, acceptsGzip);
      await write(sink, text);
      text = '';
    }
    if (performance.now() - turnStart < turnMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnStart = performance.now();
    if (response.destroyed) return;
  }
  if (sink) {
    sink.end(text);
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

function openSink(
  response: ServerResponse,
  status: number,
  headers: ApiResponse['headers'],
  acceptsGzip: boolean,
): NodeJS.WritableStream {
  if (!acceptsGzip) return response.writeHead(status, headers);
  const vary = headers['vary'];
  response.writeHead(status, {
    ...headers,
    'content-encoding': 'gzip',
    vary: vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding`,
  });
  const gzip = zlib.createGzip({ level: 1 });
  gzip.pipe(response);
  response.on('close', () => gzip.destroy());
  return gzip;
}

/** Writes and waits while the client is behind; a client that is gone counts as done. */
async function write(sink: NodeJS.WritableStream, data: string | Uint8Array): Promise<void> {
  if (sink.write(data)) return;
  const stop = new AbortController();
  const until = (event: string): Promise<unknown> =>
    once(sink, event, { signal: stop.signal }).catch(() => undefined);
  await Promise.race([until('drain'), until('close')]);
  stop.abort();
}
