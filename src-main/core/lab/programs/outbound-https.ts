import { type ApiRequest, type ApiResponse, ConnectionError, type SendHttps } from '#core/kube';
import { createResolver, type Dialed, isAddress, type ProgramContext } from '#core/machines';

const loopback = new Set(['127.0.0.1', '::1']);

/**
 * The API server's way to aggregated servers and webhooks, from the machine it runs on.
 * @param callComputer reaches servers on the computer itself, where nobody listens on the machine's own loopback.
 * @param frontProxyCertificate PEM; shown to those who are to know the API server by it.
 */
export function outboundHttps(
  context: ProgramContext,
  frontProxyCertificate: string | undefined,
  callComputer: SendHttps | undefined,
): SendHttps {
  const { files, net, clock, random, signal } = context;
  return async (target, request) => {
    const ends = request.signal ?? signal;
    const resolver = createResolver({ files, net, clock, random, signal: ends });
    const { host, port } = target;
    const [address = host] = isAddress(host)
      ? [host]
      : await resolver.lookup(host).catch((error: unknown) => {
          throw new ConnectionError(
            'ENOTFOUND',
            `dial tcp: ${error instanceof Error ? error.message : String(error)}`,
          );
        });
    let dialed: Dialed;
    try {
      dialed = await net.dial(address, port, 'tcp', { signal: ends });
    } catch (error) {
      const isNobody =
        error instanceof ConnectionError && ['ECONNREFUSED', 'EHOSTUNREACH'].includes(error.code);
      if (!callComputer || !isNobody || !loopback.has(address)) throw error;
      return callComputer(target, request);
    }
    return exchange(dialed, target, request, frontProxyCertificate);
  };
}

async function exchange(
  dialed: Dialed,
  target: Parameters<SendHttps>[0],
  request: ApiRequest,
  frontProxyCertificate: string | undefined,
): Promise<ApiResponse> {
  const { listener, peer } = dialed;
  if (listener.kind !== 'http') throw new ConnectionError('ECONNRESET', 'EOF');
  if (!listener.tls)
    throw new ConnectionError('ETLS', 'http: server gave HTTP response to HTTPS client');
  if (target.roots !== undefined) {
    const problem = await dialed.verifyTls?.(target.roots, target.serverName);
    if (problem !== undefined)
      throw new ConnectionError('ETLS', `tls: failed to verify certificate: ${problem}`);
  }
  const { headers, peerCertificate: _, ...rest } = request;
  return listener.handle(
    {
      ...rest,
      headers: { ...headers, host: `${target.serverName}:${target.port}` },
      remoteAddress: `${peer.address}:${peer.port}`,
      ...(target.asFrontProxy && frontProxyCertificate !== undefined
        ? { peerCertificate: frontProxyCertificate }
        : {}),
    },
    peer,
  );
}
