import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { findPageFile, securityHeaders } from '#node/page';
import { isAppUrl } from './locks.ts';

/** Answers a request of the page for one of its own files. */
export async function answerPageRequest(root: string, url: string): Promise<Response> {
  const refuse = (status: number): Response =>
    new Response(null, { status, headers: securityHeaders });
  if (!isAppUrl(url)) return refuse(403);
  const file = await findPageFile(root, new URL(url).pathname);
  if (!file) return refuse(404);
  const body = Readable.toWeb(createReadStream(file.path)) as ReadableStream<Uint8Array>;
  return new Response(body, {
    headers: {
      ...securityHeaders,
      'content-type': file.contentType,
      'content-length': String(file.size),
      'cache-control': file.cacheControl,
    },
  });
}
