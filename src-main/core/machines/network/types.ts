import type { ApiRequest, ApiResponse, Connection } from '#core/kube';
import type { Disposable } from '#core/base';

/**
 * What answers at a port. Programs of this process meet on objects rather than bytes wherever both ends can:
 * an `http` listener is called directly; a client that has only bytes (port-forward, `nc`) is given the
 * HTTP/1.1 reading of it by the network.
 */
export type Listener =
  | { readonly kind: 'tcp'; accept(connection: Connection, peer: Peer): void }
  | {
      readonly kind: 'http';
      /** Present when the port speaks TLS. */
      readonly tls?: ServerTls;
      handle(request: ApiRequest, peer: Peer): Promise<ApiResponse>;
    }
  /**
   * A service of this process with an interface of its own (`etcd`), found by its name; `grpcHealthService` is a
   * `GrpcHealth`.
   */
  | {
      readonly kind: 'object';
      readonly service: string;
      readonly object: unknown;
      readonly tls?: ServerTls;
    }
  | {
      readonly kind: 'udp';
      handle(datagram: Uint8Array, peer: Peer): Promise<Uint8Array | undefined>;
    };

/** The service of gRPC that probes ask. */
export const grpcHealthService = 'grpc.health.v1.Health';

/** @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export interface GrpcHealth {
  /** @returns undefined: no such service. */
  check(service: string): 'SERVING' | 'NOT_SERVING' | undefined;
}

export interface ServerTls {
  /** PEM chain, leaf first. */
  readonly certificate: string;
  /** PEM bundle that client certificates are checked against; absent: none are asked for. */
  readonly clientCa?: string;
}

export interface Peer {
  /** The source address as the listener sees it (after any NAT). */
  readonly address: string;
  readonly port: number;
}

/** A network namespace: a machine's own, or a pod sandbox's. */
export interface NetNamespace {
  readonly name: string;
  /** First address, without prefix length. */
  readonly address: string;
  readonly addresses: readonly string[];
  /** @throws ListenError EADDRINUSE. `address` undefined or 0.0.0.0: all of this namespace's. */
  listen(
    port: number,
    listener: Listener,
    options?: { address?: string; protocol?: 'tcp' | 'udp' },
  ): Disposable;
  /** What listens here: for `ss`, `netstat`. */
  listeners(): readonly {
    readonly address: string;
    readonly port: number;
    readonly protocol: 'tcp' | 'udp';
  }[];
  /**
   * Finds what answers at `address:port` from here: loopback, local addresses, Service addresses (by the rules
   * kube-proxy has written), pods (by routes and network policies), nodes, the outside.
   * @throws ConnectionError refused, timed out, unreachable.
   */
  dial(
    address: string,
    port: number,
    protocol?: 'tcp' | 'udp',
    options?: DialOptions,
  ): Promise<Dialed>;
}

export interface DialOptions {
  /** How long the client waits for an answer to its SYN; absent: as long as the kernel tries (127 s). */
  readonly timeoutMs?: number;
  /** Gives up the wait: the program was killed. */
  readonly signal?: AbortSignal;
}

export interface Dialed {
  readonly listener: Listener;
  /** What the listener sees of us. */
  readonly peer: Peer;
  /** After translation. */
  readonly destination: { readonly address: string; readonly port: number };
  /**
   * Checks what a TLS listener presents against a PEM bundle and a name, as a client of it does.
   * @returns Go's x509 text when it does not hold; undefined when it does, or when there is no TLS.
   */
  verifyTls?(roots: string, serverName: string): Promise<string | undefined>;
}

/** The port is taken. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'EADDRINUSE';
}
