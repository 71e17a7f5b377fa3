import type { Disposable } from '#core/base';
import { isLoopback } from './addresses.ts';
import {
  type Dialed,
  type DialOptions,
  ListenError,
  type Listener,
  type NetNamespace,
} from './types.ts';

export type Protocol = 'tcp' | 'udp';

interface Socket {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly listener: Listener;
}

type Dialer = (
  address: string,
  port: number,
  protocol: Protocol,
  options: DialOptions,
) => Promise<Dialed>;

const wildcards = new Set(['0.0.0.0', '::', '']);
const firstEphemeralPort = 32768;
const lastEphemeralPort = 60999;

/** Sockets and addresses of one namespace; finding the way to others is the network's. */
export class Namespace implements NetNamespace {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly #sockets = new Set<Socket>();
  readonly #dial: Dialer;
  #nextPort = firstEphemeralPort;

  constructor(name: string, addresses: readonly string[], dial: Dialer) {
    this.name = name;
    this.addresses = addresses;
    this.#dial = dial;
  }

  get address(): string {
    return this.addresses[0] ?? '127.0.0.1';
  }

  listen(
    port: number,
    listener: Listener,
    options: { address?: string; protocol?: Protocol } = {},
  ): Disposable {
    const protocol = options.protocol ?? (listener.kind === 'udp' ? 'udp' : 'tcp');
    const given = options.address ?? '0.0.0.0';
    const address = wildcards.has(given) ? '0.0.0.0' : given === 'localhost' ? '127.0.0.1' : given;
    const actualPort = port === 0 ? this.ephemeralPort(protocol) : port;
    for (const socket of this.#sockets)
      if (
        socket.port === actualPort &&
        socket.protocol === protocol &&
        (socket.address === address || socket.address === '0.0.0.0' || address === '0.0.0.0')
      )
        throw new ListenError(
          `listen ${protocol} ${given}:${actualPort}: bind: address already in use`,
        );
    const socket: Socket = { address, port: actualPort, protocol, listener };
    this.#sockets.add(socket);
    return { dispose: () => void this.#sockets.delete(socket) };
  }

  listeners(): readonly { address: string; port: number; protocol: Protocol }[] {
    return [...this.#sockets]
      .map(({ address, port, protocol }) => ({ address, port, protocol }))
      .sort((a, b) => a.port - b.port);
  }

  dial(
    address: string,
    port: number,
    protocol: Protocol = 'tcp',
    options: DialOptions = {},
  ): Promise<Dialed> {
    return this.#dial(address, port, protocol, options);
  }

  /** What a packet for this local address meets. */
  find(address: string, port: number, protocol: Protocol): Listener | undefined {
    for (const socket of this.#sockets)
      if (
        socket.port === port &&
        socket.protocol === protocol &&
        (socket.address === '0.0.0.0' ||
          socket.address === address ||
          (isLoopback(socket.address) && address === '::1'))
      )
        return socket.listener;
    return undefined;
  }

  /** A free port of the kernel's range for outgoing connections. */
  ephemeralPort(protocol: Protocol): number {
    for (;;) {
      const port = this.#nextPort;
      this.#nextPort = port === lastEphemeralPort ? firstEphemeralPort : port + 1;
      if (!this.find(this.address, port, protocol)) return port;
    }
  }

  /** The namespace is gone, and all its sockets with it. */
  close(): void {
    this.#sockets.clear();
  }
}
