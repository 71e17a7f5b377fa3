import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { BytePipe, type ByteSource } from '#core/base';
import type { ApiResponse, StreamSession } from '#core/kube';
import { type ByteChannel, socketChannel, webSocketChannel } from './byte-channel.ts';
import { discard } from './responses.ts';
import { serveSpdyCommand } from './spdy-command.ts';
import { servePortForward } from './spdy-port-forward.ts';
import { readerProtocols, sendSource, sendWatch } from './websocket-answers.ts';
import { serveWebSocketCommand } from './websocket-command.ts';

/** v5 is kube-apiserver's; the others go to the kubelet, which also takes a client that names none. */
const webSocketProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
/** @see k8s.io/apimachinery/pkg/util/remotecommand, SupportedStreamingProtocols: v5 is for WebSockets alone. */
const spdyCommandProtocols = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];
const spdyPortForwardProtocols = ['portforward.k8s.io'];

/** Whether the request asks for one of the upgrades that a session can have; others are read as plain HTTP. */
export function wantsSession({ headers }: IncomingMessage): boolean {
  return /^(websocket|spdy\/3\.1)$/i.test(headers.upgrade ?? '');
}

/** An HTTP response on the socket of an upgrade that was not granted; the connection ends with it. */
export function plainResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('finish', () => {
    response.detachSocket(socket as Socket);
    socket.end();
  });
  return response;
}

/** Answers upgrade requests with sessions, in the protocol that the client asks for. */
export class SessionUpgrader {
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
  });

  /** Carries the session until its end. @returns a refusal as text when no protocol fits. */
  async serve(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    session: StreamSession,
  ): Promise<Refusal | undefined> {
    return /^websocket$/i.test(request.headers.upgrade ?? '')
      ? this.#serveWebSocket(request, socket, head, session)
      : serveSpdy(request, socket, head, session);
  }

  async #serveWebSocket(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    session: StreamSession,
  ): Promise<Refusal | undefined> {
    const offered = offeredBy(request.headers['sec-websocket-protocol']);
    const accepted = session.kind === 'command' ? webSocketProtocols : [tunnelProtocol];
    const isOpen = offered.length === 0 && session.kind === 'command';
    const protocol = isOpen ? '' : chooseOf(offered, accepted);
    if (protocol === undefined) return refusalOf(offered, accepted, 400);
    const webSocket = await this.#accept(request, socket, head, protocol);
    if (!webSocket) session.close();
    else if (session.kind === 'command') await serveWebSocketCommand(webSocket, session, protocol);
    else await servePortForward(webSocketChannel(webSocket), session);
    return undefined;
  }

  /**
   * Carries an answer that is no session, if it is one that WebSockets are for: a log, or a watch.
   * @returns false: it is to be answered as plain HTTP.
   */
  async serveAnswer(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { status, body }: ApiResponse,
  ): Promise<boolean> {
    if (status !== 200 || !/^websocket$/i.test(request.headers.upgrade ?? '')) return false;
    const offered = offeredBy(request.headers['sec-websocket-protocol']);
    const protocol = offered.length === 0 ? '' : chooseOf(offered, readerProtocols);
    if (body.kind === 'watch') {
      const webSocket = await this.#accept(request, socket, head, offered[0] ?? '');
      if (webSocket) await sendWatch(webSocket, body.watch);
      else discard({ body });
      return true;
    }
    const isLog = /^[^?]*\/log(?:$|\?)/.test(request.url ?? '');
    if (!isLog || protocol === undefined || (body.kind !== 'source' && body.kind !== 'bytes'))
      return false;
    const webSocket = await this.#accept(request, socket, head, protocol);
    if (webSocket)
      await sendSource(
        webSocket,
        body.kind === 'source' ? body.source : sourceOf(body.bytes),
        protocol,
      );
    discard({ body });
    return true;
  }

  /**
   * @param protocol empty: none. ws would refuse one with a `/` as no token; it is added behind its back.
   * @returns undefined when the handshake failed; ws has answered then.
   */
  #accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    protocol: string,
  ): Promise<WebSocket | undefined> {
    return new Promise((resolve) => {
      const addProtocol = (headers: string[]): void => {
        if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
      };
      delete request.headers['sec-websocket-protocol'];
      this.#webSockets.once('headers', addProtocol);
      socket.once('close', () => resolve(undefined));
      this.#webSockets.handleUpgrade(request, socket, head, resolve);
      // ws answers within the call, so that no other handshake can meet the listener.
      this.#webSockets.off('headers', addProtocol);
    });
  }
}

function sourceOf(bytes: Uint8Array): ByteSource {
  const pipe = new BytePipe();
  if (bytes.length > 0) void pipe.write(bytes);
  pipe.end();
  return pipe;
}

/** Why an upgrade cannot be granted, as plain HTTP. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

async function serveSpdy(
  { headers }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  session: StreamSession,
): Promise<Refusal | undefined> {
  const offered = offeredBy(headers['x-stream-protocol-version']);
  const accepted = session.kind === 'command' ? spdyCommandProtocols : spdyPortForwardProtocols;
  const protocol = chooseOf(offered, accepted);
  if (protocol === undefined) return refusalOf(offered, accepted, 403);
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  const channel: ByteChannel = socketChannel(socket, head);
  if (session.kind === 'command') await serveSpdyCommand(channel, session, protocol);
  else await servePortForward(channel, session);
  return undefined;
}

function offeredBy(header: string | readonly string[] | undefined): readonly string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  return text
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/** The client's first that the server knows. @see httpstream.go, negotiateProtocol */
function chooseOf(offered: readonly string[], accepted: readonly string[]): string | undefined {
  return offered.find((protocol) => accepted.includes(protocol));
}

function refusalOf(
  offered: readonly string[],
  accepted: readonly string[],
  status: number,
): Refusal {
  return {
    status,
    text: `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${accepted.join(' ')}]`,
  };
}
