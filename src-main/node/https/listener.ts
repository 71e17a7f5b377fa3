import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectionError, StatusError, statusOf, type Transport } from '#core/kube';
import type { Logger } from '#core/base';
import { PortTakenError } from './errors.ts';
import { apiRequestOf, readBody } from './requests.ts';
import { discard, writeResponse, writeStatus } from './responses.ts';
import { plainResponse, SessionUpgrader, wantsSession } from './upgrades.ts';

export interface ServeApiOptions {
  /** Answers the requests. */
  readonly transport: Transport;
  /** PEM of the serving certificate, intermediates after it, and of its key. */
  readonly certificate: string;
  readonly privateKey: string;
  /** 0, or absent, takes a free one. */
  readonly port?: number;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  readonly logger?: Logger;
  /** Longest wait for a handshake, for headers, and for a whole request, ms. Absent: 10, 32 and 60 seconds. */
  readonly patienceMs?: number;
}

/** The API server's socket. */
export interface ApiListener {
  readonly host: string;
  /** The same for the whole life of the listener. */
  readonly port: number;
  /** Closes the port and every connection: from now on clients are refused, as when the program is down. */
  suspend(): Promise<void>;
  /** Opens the same port again. @throws PortTakenError somebody took it in the meantime. */
  resume(): Promise<void>;
  /** Serves with another certificate from the next handshake on. */
  setSecureContext(context: { readonly certificate: string; readonly privateKey: string }): void;
  close(): Promise<void>;
}

/**
 * Opens HTTPS on the loopback address in front of an API server.
 *
 * An answer leaves only when the store has on disk what it reveals. When the transport throws ConnectionError
 * the client's connection is broken off without an answer; who runs the server program suspends the listener,
 * so that later clients are refused.
 *
 * @throws PortTakenError
 */
export async function serveApi(options: ServeApiOptions): Promise<ApiListener> {
  const listener = new HttpsListener(options);
  await listener.resume();
  return listener;
}

class HttpsListener implements ApiListener {
  readonly host: string;
  readonly #transport: Transport;
  readonly #logger: Logger | undefined;
  readonly #server: https.Server;
  readonly #upgrader = new SessionUpgrader();
  readonly #sockets = new Set<Duplex>();
  #port: number;

  constructor(options: ServeApiOptions) {
    this.host = options.host ?? '127.0.0.1';
    this.#port = options.port ?? 0;
    this.#transport = options.transport;
    this.#logger = options.logger;
    this.#server = https.createServer({
      cert: options.certificate,
      key: options.privateKey,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      // Whether the certificate is anybody's is the API server's to say; anonymous clients may come too.
      requestCert: true,
      rejectUnauthorized: false,
      // Commands of exec are in the URL; Go allows a megabyte of headers.
      maxHeaderSize: 1024 * 1024,
      // A client that sends its request drop by drop does not hold a connection for ever.
      headersTimeout: options.patienceMs ?? 32_000,
      requestTimeout: options.patienceMs ?? 60_000,
      connectionsCheckingInterval: Math.min(options.patienceMs ?? 10_000, 10_000),
      keepAliveTimeout: 90_000,
      handshakeTimeout: options.patienceMs ?? 10_000,
      shouldUpgradeCallback: wantsSession,
    });
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on(
      'upgrade',
      (request, socket, head) => void this.#upgrade(request, socket, head),
    );
    this.#server.on('connection', (socket: Duplex) => this.#track(socket));
    this.#server.on('secureConnection', (socket) => this.#track(socket));
    this.#server.on('tlsClientError', (error) =>
      this.#logger?.log('debug', `TLS handshake error: ${error.message}`),
    );
  }

  get port(): number {
    return this.#port;
  }

  resume(): Promise<void> {
    if (this.#server.listening) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const taken = error.code === 'EADDRINUSE';
        reject(taken ? new PortTakenError(this.host, this.#port, { cause: error }) : error);
      };
      this.#server.once('error', onError);
      this.#server.listen(this.#port, this.host, () => {
        this.#server.off('error', onError);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  suspend(): Promise<void> {
    if (!this.#server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  setSecureContext({
    certificate,
    privateKey,
  }: {
    readonly certificate: string;
    readonly privateKey: string;
  }): void {
    this.#server.setSecureContext({ cert: certificate, key: privateKey, minVersion: 'TLSv1.2' });
  }

  close(): Promise<void> {
    return this.suspend();
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      const body = await readBody(request);
      const answer = await this.#transport.send(apiRequestOf(request, body, gone.signal));
      if (gone.signal.aborted) discard(answer);
      else await writeResponse(response, answer, acceptsGzip(request));
    } catch (error) {
      this.#failed(request, response, error);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    socket.on('close', onClose).on('error', () => socket.destroy());
    try {
      const answer = await this.#transport.send(apiRequestOf(request, undefined, gone.signal));
      if (gone.signal.aborted) {
        discard(answer);
        return;
      }
      if (answer.body.kind !== 'session') {
        if (await this.#upgrader.serveAnswer(request, socket, head, answer)) return;
        await writeResponse(plainResponse(request, socket), answer, acceptsGzip(request));
        return;
      }
      const { session } = answer.body;
      const refusal = await this.#upgrader.serve(request, socket, head, session);
      if (!refusal) return;
      session.close();
      plainResponse(request, socket)
        .writeHead(refusal.status, { 'content-type': 'text/plain; charset=utf-8' })
        .end(`${refusal.text}\n`);
    } catch (error) {
      if (error instanceof ConnectionError) socket.destroy();
      else this.#failed(request, plainResponse(request, socket), error);
    }
  }

  #failed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (error instanceof ConnectionError || response.destroyed) {
      request.socket.destroy();
      return;
    }
    if (!(error instanceof StatusError))
      this.#logger?.log('error', `${request.method} ${request.url} failed`, { error });
    // What is left of a request that was refused half-read cannot be told from the next one.
    if (!request.complete) response.shouldKeepAlive = false;
    writeStatus(response, statusOf(error));
  }
}

function acceptsGzip({ headers }: IncomingMessage): boolean {
  const accepted = headers['accept-encoding'];
  return (
    typeof accepted === 'string' && accepted.split(',').some((coding) => coding.trim() === 'gzip')
  );
}
