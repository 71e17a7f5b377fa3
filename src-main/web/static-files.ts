import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { findPageFile } from '#node/page';

/** Sends a file of `root`, or 404. Paths cannot leave `root`. */
export async function sendFile(
  root: string,
  urlPath: string,
  response: ServerResponse,
): Promise<void> {
  const file = await findPageFile(root, urlPath);
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  response.writeHead(200, {
    'content-type': file.contentType,
    'content-length': file.size,
    'cache-control': file.cacheControl,
  });
  if (response.req.method === 'HEAD') response.end();
  else createReadStream(file.path).pipe(response);
}
