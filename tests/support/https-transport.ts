import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { ConnectionError, type ApiRequest, type ApiResponse, type Transport } from '#core/kube';

/** What a TLS client needs; PEM texts. */
export interface HttpsTarget {
  readonly server: string;
  readonly ca?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
}

/** A connection to a real API server over HTTPS, for tests that compare answers. */
export function httpsTransport(target: HttpsTarget): Transport & { close(): void } {
  const agent = new Agent({
    keepAlive: true,
    ca: target.ca,
    cert: target.clientCertificate,
    key: target.clientKey,
  });
  return {
    send: (request) => send(target, agent, request),
    close: () => agent.destroy(),
  };
}

function send(target: HttpsTarget, agent: Agent, request: ApiRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      `${target.server}${request.url}`,
      {
        method: request.method,
        agent,
        headers: {
          ...request.headers,
          ...Object.fromEntries(
            Object.entries(request.repeated ?? {}).map(([name, values]) => [name, [...values]]),
          ),
          ...(request.body ? { 'content-length': String(request.body.length) } : {}),
          ...(target.token ? { authorization: `Bearer ${target.token}` } : {}),
        },
        ...(request.signal ? { signal: request.signal } : {}),
      },
      (incoming) => void answer(incoming, request, resolve, reject),
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ECONNREFUSED'
          ? new ConnectionError(
              'ECONNREFUSED',
              `dial tcp ${new URL(target.server).host}: connect: connection refused`,
            )
          : error,
      );
    });
    outgoing.end(request.body);
  });
}

async function answer(
  incoming: IncomingMessage,
  request: ApiRequest,
  resolve: (response: ApiResponse) => void,
  reject: (error: Error) => void,
): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const status = incoming.statusCode ?? 0;
  if (/[?&](watch|follow)=true/.test(request.url) && status < 400) {
    const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    resolve({
      status,
      headers,
      body: {
        kind: 'source',
        source: {
          read: async () => {
            try {
              const next = await chunks.next();
              return next.done ? undefined : new Uint8Array(next.value);
            } catch {
              return undefined;
            }
          },
        },
        close: () => incoming.destroy(),
      },
    });
    return;
  }
  try {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    resolve({
      status,
      headers,
      body: { kind: 'bytes', bytes: new Uint8Array(Buffer.concat(parts)) },
    });
  } catch (error) {
    reject(error instanceof Error ? error : new Error(String(error)));
  }
}
