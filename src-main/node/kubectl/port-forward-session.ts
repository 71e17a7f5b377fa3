import { readText } from '#core/base';
import type { ApiRequest, ApiResponse, PortForwardSession } from '#core/kube';
import { SpdyClient, socketChannel } from '#node/https';
import { connectionError } from './connection-errors.ts';
import { answerOf, beginRequest, type Server } from './server.ts';

const protocol = 'portforward.k8s.io';

/** Opens a port-forward over SPDY, which every API server takes. A refusal is an ordinary answer. */
export function openPortForward(server: Server, request: ApiRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = beginRequest(server, request, {
      method: 'POST',
      ...server.tls,
      agent: false,
      headers: {
        ...server.headers(request),
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'x-stream-protocol-version': protocol,
      },
    });
    outgoing.on('upgrade', (_, socket, head) => {
      const spdy = new SpdyClient(socketChannel(socket, head));
      request.signal?.addEventListener('abort', () => spdy.close(), { once: true });
      resolve({ status: 101, headers: {}, body: { kind: 'session', session: sessionOver(spdy) } });
    });
    outgoing.on('response', (incoming) => {
      answerOf(incoming, request).then(resolve, reject);
    });
    outgoing.on('error', (error) => reject(connectionError(error, server.url)));
    outgoing.end();
  });
}

/** Each connection is a pair of streams, `error` and `data`. @see k8s.io/client-go/tools/portforward */
function sessionOver(spdy: SpdyClient): PortForwardSession {
  let lastRequest = 0;
  return {
    kind: 'port-forward',
    open: async (port) => {
      const headers = { port: String(port), requestid: String(lastRequest++) };
      const errors = await spdy.open({ ...headers, streamtype: 'error' });
      errors.output.end();
      const data = await spdy.open({ ...headers, streamtype: 'data' });
      const failed = readText(errors.input);
      return {
        ...data,
        input: {
          // A refusal comes on the error stream, and the data stream ends without it.
          read: async () => {
            const bytes = await data.input.read();
            if (bytes) return bytes;
            const problem = await failed;
            if (problem !== '') throw new Error(problem);
            return undefined;
          },
        },
      };
    },
    close: () => spdy.close(),
  };
}
