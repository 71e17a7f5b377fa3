import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type ApiRequest, type ApiResponse, ConnectionError, type Transport } from '#core/kube';
import type { ConnectionConfig } from '#core/kubectl';
import { openCommand } from './command-session.ts';
import { connectionError } from './connection-errors.ts';
import { openPortForward } from './port-forward-session.ts';
import { answerOf, beginRequest, type Server, serverOf } from './server.ts';

/** A connection to any API server, by what a kubeconfig says of it. */
export function httpsTransport(config: ConnectionConfig): Transport {
  const server = serverOf(config);
  const agent =
    server.url.protocol === 'https:'
      ? new HttpsAgent({ keepAlive: true, ...server.tls })
      : new HttpAgent({ keepAlive: true });
  return {
    send: (request) => {
      if (config.proxy !== undefined)
        return Promise.reject(
          new ConnectionError('EHOSTUNREACH', 'proxy-url of a kubeconfig is not supported here'),
        );
      const path = request.url.split('?')[0] ?? '';
      if (/\/pods\/[^/]+\/(exec|attach)$/.test(path)) return openCommand(server, request);
      if (/\/pods\/[^/]+\/portforward$/.test(path)) return openPortForward(server, request);
      return send(server, agent, request);
    },
  };
}

function send(
  server: Server,
  agent: HttpAgent | HttpsAgent,
  request: ApiRequest,
): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = beginRequest(server, request, {
      agent,
      headers: {
        ...server.headers(request),
        ...(request.body ? { 'content-length': String(request.body.length) } : {}),
      },
    });
    outgoing.on('response', (incoming) => {
      answerOf(incoming, request).then(resolve, reject);
    });
    outgoing.on('error', (error) => reject(connectionError(error, server.url)));
    outgoing.end(request.body);
  });
}
