import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { ConnectionError, type SendHttps } from '#core/kube';
import { connectionError } from '#node/kubectl';

const loopback = new Set(['localhost', '127.0.0.1', '::1']);
/** More than a webhook may take. */
const longestMs = 30_000;
/** More than any answer of a webhook needs. */
const mostBytes = 3 * 1024 * 1024;

/**
 * Sends a request to a server on this computer, over TLS that is checked with the target's roots; to no other place.
 * A webhook that somebody develops beside the lab is reached by it.
 */
export const callLoopback: SendHttps = (target, request) => {
  const { host, port, roots, serverName, timeoutMs = longestMs } = target;
  if (!loopback.has(host.toLowerCase()))
    return Promise.reject(
      new ConnectionError('EHOSTUNREACH', `dial tcp ${host}:${port}: connect: no route to host`),
    );
  const name = host.includes(':') ? `[${host}]` : host;
  const url = new URL(`https://${name}:${port}`);
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host,
        port,
        path: request.url,
        method: request.method,
        headers: {
          ...request.headers,
          ...(request.body ? { 'content-length': request.body.length } : {}),
        },
        // A bundle of nothing vouches for nobody; it is not the computer's own list of authorities.
        ...(roots === undefined
          ? { rejectUnauthorized: false }
          : { ca: roots === '' ? [] : roots }),
        ...(/^[\d.]+$|:/.test(serverName) ? {} : { servername: serverName }),
        agent: false,
        signal: AbortSignal.any([
          AbortSignal.timeout(timeoutMs),
          ...(request.signal ? [request.signal] : []),
        ]),
      },
      (incoming) => {
        let seen = 0;
        incoming.on('data', (chunk: Buffer) => {
          seen += chunk.length;
          if (seen > mostBytes) incoming.destroy(new Error('http: response body too large'));
        });
        buffer(incoming).then((bytes) => {
          const headers: Record<string, string> = {};
          for (const [field, value] of Object.entries(incoming.headers))
            headers[field] = Array.isArray(value) ? value.join(', ') : (value ?? '');
          resolve({
            status: incoming.statusCode ?? 0,
            headers,
            body: { kind: 'bytes', bytes: new Uint8Array(bytes) },
          });
        }, reject);
      },
    );
    outgoing.on('error', (error) => {
      const isLate = error.name === 'TimeoutError' || error.name === 'AbortError';
      reject(isLate ? new Error('context deadline exceeded') : connectionError(error, url));
    });
    outgoing.end(request.body);
  });
};
