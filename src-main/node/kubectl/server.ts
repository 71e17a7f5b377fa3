import { readFileSync } from 'node:fs';
import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
} from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { ByteSource } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import type { ConnectionConfig } from '#core/kubectl';

/** Where requests go, and with what. */
export interface Server {
  readonly url: URL;
  /** For Node's TLS: certificates as PEM, and whether they are checked. */
  readonly tls: Readonly<Record<string, unknown>>;
  headers(request: ApiRequest): OutgoingHttpHeaders;
}

/** What a kubeconfig says of a server, as Node's clients take it. */
export function serverOf(config: ConnectionConfig): Server {
  const url = new URL(config.server);
  const token = (): string | undefined =>
    config.tokenFile === undefined ? config.token : readFileSync(config.tokenFile, 'utf8').trim();
  const authorization = (): string | undefined => {
    const bearer = token();
    if (bearer !== undefined) return `Bearer ${bearer}`;
    if (config.username === undefined) return undefined;
    return `Basic ${Buffer.from(`${config.username}:${config.password ?? ''}`).toString('base64')}`;
  };
  const serverName = config.tlsServerName ?? (isIP(url.hostname) ? undefined : url.hostname);
  return {
    url,
    tls: {
      ...(config.ca === undefined ? {} : { ca: config.ca }),
      ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
      ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: !config.insecure,
    },
    headers: (request) => {
      const value = authorization();
      const repeated = Object.entries(request.repeated ?? {}).map(
        ([name, values]) => [name, [...values]] as const,
      );
      return {
        ...request.headers,
        ...Object.fromEntries(repeated),
        ...(value === undefined ? {} : { authorization: value }),
      };
    },
  };
}

/** `/api` behind the path that the server's address may have. */
export function pathOf({ url }: Server, request: ApiRequest): string {
  return `${url.pathname.replace(/\/$/, '')}${request.url}`;
}

/** As sockets take it: an IPv6 address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/** Opens a request to the server; who opens it listens and ends it. */
export function beginRequest(
  server: Server,
  request: ApiRequest,
  options: RequestOptions,
): ClientRequest {
  const { url } = server;
  return (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: hostOf(url),
    port: portOf(url),
    path: pathOf(server, request),
    method: request.method,
    ...(request.signal ? { signal: request.signal } : {}),
    ...options,
  });
}

/** An answer; one that goes on (a watch, a followed log, a proxied body) comes as it arrives. */
export async function answerOf(
  incoming: IncomingMessage,
  request: ApiRequest,
): Promise<ApiResponse> {
  const status = incoming.statusCode ?? 0;
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const goesOn =
    /[?&](watch|follow)=true/.test(request.url) || /\/proxy(\/|\?|$)/.test(request.url);
  if (goesOn && status < 400)
    return {
      status,
      headers,
      body: { kind: 'source', source: chunksOf(incoming), close: () => incoming.destroy() },
    };
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return {
    status,
    headers,
    body: { kind: 'bytes', bytes: new Uint8Array(Buffer.concat(parts)) },
  };
}

function chunksOf(incoming: IncomingMessage): ByteSource {
  const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return {
    read: async () => {
      try {
        const next = await chunks.next();
        return next.done ? undefined : new Uint8Array(next.value);
      } catch {
        // Aborted, or the server went away in the middle: the end of what can be read.
        return undefined;
      }
    },
  };
}
