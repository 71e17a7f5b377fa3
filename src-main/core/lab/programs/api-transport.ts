import type { Clock } from '#core/base';
import { type ApiRequest, type ApiResponse, ConnectionError, type Transport } from '#core/kube';
import { type FileSystem, type NetNamespace, isAddress, splitUrl } from '#core/machines';
import type { ClientConfig } from './kubeconfig.ts';

export interface ApiTransportDeps {
  readonly net: NetNamespace;
  readonly files: FileSystem;
  readonly clock: Clock;
  /** Addresses of a name. @throws ConnectionError ENOTFOUND */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Aborted when the program ends. */
  readonly signal: AbortSignal;
}

/**
 * A client's way to an API server over the simulated network, with the credentials of its configuration. Requests
 * stay objects: both ends live in one process.
 */
export function apiTransport(config: ClientConfig, deps: ApiTransportDeps): Transport {
  const { host, port, secure: tls } = splitUrl(config.server);
  const leaf =
    config.clientCertificate === undefined ? undefined : firstCertificate(config.clientCertificate);
  // One verification of a certificate serves until either side changes it.
  let verified = '';

  const connect = async (signal: AbortSignal | undefined) => {
    const addresses = isAddress(host) ? [host] : await deps.resolve(host);
    const dialed = await deps.net.dial(addresses[0] ?? host, port, 'tcp', {
      ...(signal ? { signal } : {}),
      // Short, so that a client that dialled before its Service had rules soon tries again.
      timeoutMs: 3_000,
    });
    if (dialed.listener.kind !== 'http')
      throw new ConnectionError(
        'ECONNRESET',
        `read tcp ${host}:${port}: read: connection reset by peer`,
      );
    const { listener } = dialed;
    if (tls && !listener.tls)
      throw new ConnectionError('ETLS', 'http: server gave HTTP response to HTTPS client');
    if (tls && !config.insecure && listener.tls && verified !== listener.tls.certificate) {
      const problem = await dialed.verifyTls?.(config.ca ?? '', host);
      if (problem !== undefined)
        throw new ConnectionError('ETLS', `tls: failed to verify certificate: ${problem}`);
      verified = listener.tls.certificate;
    }
    return { listener, peer: dialed.peer };
  };

  return {
    send: async (request: ApiRequest): Promise<ApiResponse> => {
      if (deps.signal.aborted) throw new ConnectionError('ECONNRESET', 'context canceled');
      const { listener, peer } = await connect(request.signal ?? deps.signal);
      const token =
        config.token ??
        (config.tokenFile !== undefined && deps.files.exists(config.tokenFile)
          ? deps.files.readText(config.tokenFile).trim()
          : undefined);
      return listener.handle(
        {
          ...request,
          headers: {
            host: `${host}:${port}`,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...request.headers,
          },
          remoteAddress: `${peer.address}:${peer.port}`,
          // TLS hands the certificate over only where the server asks for one.
          ...(leaf !== undefined && listener.tls?.clientCa !== undefined
            ? { peerCertificate: leaf }
            : {}),
          signal: request.signal ?? deps.signal,
        },
        peer,
      );
    },
  };
}

/** The leaf of a PEM file that may also hold a chain and a key. */
function firstCertificate(pem: string): string {
  const match = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(pem);
  return match?.[0] ?? pem;
}
