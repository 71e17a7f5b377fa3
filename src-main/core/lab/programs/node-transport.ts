import type { ApiServerConfig, Transport } from '#core/kube';
import type { ProgramContext } from '#core/machines';
import { apiTransport } from './api-transport.ts';

/**
 * The API server's way to kubelets and pods, with its kubelet client certificate. Serving certificates of kubelets are
 * not checked unless `--kubelet-certificate-authority` is set, as upstream.
 */
export function nodeTransport(
  context: ProgramContext,
  target: Parameters<NonNullable<ApiServerConfig['connect']>>[0],
  certificate: string | undefined,
): Transport {
  const { net, files, clock, signal } = context;
  return apiTransport(
    {
      server: `${target.scheme}://${target.address}:${target.port}`,
      insecure: true,
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    },
    { net, files, clock, signal, resolve: (host) => Promise.resolve([host]) },
  );
}
