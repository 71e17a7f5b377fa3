import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { type ApiRequest, failure, type StatusError } from '#core/kube';

/** @see k8s.io/apiserver/pkg/server/config.go, MaxRequestBodyBytes */
const bodyLimit = 3 * 1024 * 1024;
const drainLimit = 64 * 1024 * 1024;

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Headers of which a second one would let two readers see two requests. */
const singleHeaders = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'impersonate-user',
  'sec-websocket-key',
  'transfer-encoding',
  'upgrade',
]);

const peerCertificates = new WeakMap<TLSSocket, string>();

/**
 * The request as the API server takes it.
 * @param body absent for one that has none.
 * @throws StatusError 400 for a request that could be read in two ways.
 */
export function apiRequestOf(
  request: IncomingMessage,
  body: Uint8Array | undefined,
  signal: AbortSignal,
): ApiRequest {
  const { method = '', url = '' } = request;
  if (!url.startsWith('/')) throw failure(400, 'BadRequest', 'the request target is not a path');
  const certificate = peerCertificateOf(request);
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  return {
    method: methods.has(method) ? (method as ApiRequest['method']) : 'TRACE',
    url,
    ...headersOf(request),
    ...(body && body.length > 0 ? { body } : {}),
    ...(certificate === undefined ? {} : { peerCertificate: certificate }),
    remoteAddress: `${remoteAddress}:${remotePort}`,
    signal,
  };
}

function headersOf({ rawHeaders }: IncomingMessage): Pick<ApiRequest, 'headers' | 'repeated'> {
  const headers: Record<string, string> = {};
  const repeated: Record<string, string[]> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    const before = headers[name];
    if (before !== undefined && singleHeaders.has(name))
      throw failure(400, 'BadRequest', `the request has more than one ${name} header`);
    headers[name] = before === undefined ? value : `${before}, ${value}`;
    if (isRepeated(name)) (repeated[name] ??= []).push(value);
  }
  return Object.keys(repeated).length > 0 ? { headers, repeated } : { headers };
}

/** Groups and extra data to impersonate, a value a line: a comma may be part of one. */
function isRepeated(name: string): boolean {
  return name === 'impersonate-group' || name.startsWith('impersonate-extra-');
}

/** More certificates than anybody's chain has are not read. */
const longestChain = 8;

/** PEM of a client's certificate and of those it sent along; undefined when it showed none. */
function chainOf(socket: TLSSocket): string | undefined {
  const seen = new Set<string>();
  let pem = '';
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw && !seen.has(next.fingerprint256) && seen.size < longestChain) {
    const { fingerprint256, raw, issuerCertificate }: DetailedPeerCertificate = next;
    // Who signed itself vouches for nobody: the server has roots of its own.
    const isRoot = issuerCertificate?.fingerprint256 === fingerprint256;
    if (pem === '' || !isRoot) pem += new X509Certificate(raw).toString();
    seen.add(fingerprint256);
    next = issuerCertificate;
  }
  return pem === '' ? undefined : pem;
}

/** PEM of what the peer proved to hold; the handshake fails without the key, so there is no more to check. */
function peerCertificateOf({ socket }: IncomingMessage): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = peerCertificates.get(socket);
  if (known !== undefined) return known;
  const pem = chainOf(socket);
  if (pem !== undefined) peerCertificates.set(socket, pem);
  return pem;
}

/**
 * Reads the body.
 * @throws StatusError 413 for one above 3 MiB. The rest of it is read all the same, up to 64 MiB: a client
 *   that is still sending would see its connection reset instead of the answer.
 */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= bodyLimit) parts.push(part);
    else parts.length = 0;
    if (size > drainLimit) throw tooLarge();
  }
  if (size > bodyLimit) throw tooLarge();
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

function tooLarge(): StatusError {
  const message = `Request entity too large: limit is ${bodyLimit}`;
  return failure(413, 'RequestEntityTooLarge', message);
}
