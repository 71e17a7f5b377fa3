import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { CoreFrame, FramePort, RendererFrame } from '#contract';
import type { Disposable } from '#core/base';
import { securityHeaders } from '#node/page';
import { webSocketPort } from '#node/rpc';
import { Access } from './access.ts';
import { sendFile } from './static-files.ts';

export interface WebServerOptions {
  /** Folder of the built page. */
  readonly pageRoot: string;
  /** 0 lets the system choose. */
  readonly port: number;
  onConnection(port: FramePort<CoreFrame, RendererFrame>): void;
}

export interface WebServer extends Disposable {
  /** Holds the one-time launch token. */
  readonly launchUrl: string;
  readonly port: number;
}

/** The port is taken by another program. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/** Serves the page and its WebSocket on 127.0.0.1, and nothing else. @throws PortTakenError */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const access = new Access();
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const refuse = (status: number, why: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${why}\n`);
    };
    if (!access.hostAllowed(request)) return refuse(403, 'this host name is not allowed');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(405, 'only GET is served');
    if (!access.originAllowed(request, false)) return refuse(403, 'this origin is not allowed');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const token = url.searchParams.get('token');
    if (token !== null && !access.hasSession(request)) {
      if (!access.redeem(token))
        return refuse(
          403,
          'this launch link is wrong or was used already: start Kijabi again for a new one',
        );
      response
        .writeHead(303, { location: '/', 'set-cookie': access.cookie, 'cache-control': 'no-store' })
        .end();
      return;
    }
    if (!access.hasSession(request))
      return refuse(401, 'open Kijabi by the link that it printed when it started');
    if (token !== null) {
      response.writeHead(303, { location: '/' }).end();
      return;
    }
    void sendFile(options.pageRoot, url.pathname, response);
  });
  // A client that is slow to send its headers holds no more than its own socket.
  server.headersTimeout = 10_000;

  const sockets = new WebSocketServer({ noServer: true, maxPayload: 8 * 1024 * 1024 });
  server.on('upgrade', (request, socket, head) => {
    const allowed =
      access.hostAllowed(request) &&
      access.originAllowed(request, true) &&
      access.hasSession(request) &&
      request.url === '/rpc';
    if (!allowed) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      options.onConnection(webSocketPort(webSocket));
    });
  });

  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  access.setPort(port);
  return {
    port,
    launchUrl: `http://127.0.0.1:${port}/?token=${access.launchToken}`,
    dispose: () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new PortTakenError(
              `port ${port} is taken by another program: stop it, or choose another with --port`,
            )
          : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
