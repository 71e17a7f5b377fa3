import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** Sends a file of `root`, or 404. Paths cannot leave `root`. */
export async function sendFile(
  root: string,
  urlPath: string,
  response: ServerResponse,
): Promise<void> {
  const relative = normalize(urlPath === '/' ? '/index.html' : urlPath);
  const path = join(root, relative);
  const info =
    path.startsWith(root + sep) && !relative.includes('\0')
      ? await stat(path).catch(() => undefined)
      : undefined;
  if (!info?.isFile()) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  response.writeHead(200, {
    'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
    'content-length': info.size,
    // Vite names assets by their content; the page itself must stay fresh.
    'cache-control': relative.includes('/assets/')
      ? 'private, max-age=31536000, immutable'
      : 'no-store',
  });
  createReadStream(path).pipe(response);
}
