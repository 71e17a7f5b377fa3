import { type Clock, fromUtf8 } from '#core/base';
import { ConnectionError, type ProbeAnswer, type ProbeTarget } from '#core/kube';
import { joinHostPort } from './addresses.ts';
import { httpRequest, readBody, within } from './http-client.ts';
import type { NetNamespace } from './types.ts';

const maxBodyBytes = 10 * 1024;

/**
 * A kubelet's probe from the node's own namespace. Certificates are not checked; gRPC health is not spoken by any
 * program, so only the connection is tried.
 *
 * @param resolve addresses of a name, for a probe with a host of its own.
 * @see k8s.io/kubernetes/pkg/probe
 */
export async function probe(
  net: NetNamespace,
  clock: Clock,
  target: ProbeTarget,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<ProbeAnswer> {
  switch (target.kind) {
    case 'http':
      return probeHttp(net, clock, target, resolve);
    case 'tcp':
      return probeTcp(net, target, resolve);
    case 'grpc': {
      const answer = await probeTcp(net, target, resolve);
      if (answer.kind !== 'error') return answer;
      return {
        kind: 'error',
        error: `timeout: failed to connect service "${joinHostPort(target.host, target.port)}" within ${target.timeoutMs / 1000}s: context deadline exceeded`,
      };
    }
  }
}

async function probeTcp(
  net: NetNamespace,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<ProbeAnswer> {
  try {
    const address = /^[\d.]+$/.test(host) ? host : ((await resolve(host))[0] ?? host);
    await net.dial(address, port, 'tcp', { timeoutMs });
    return { kind: 'ok' };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const text = error.code === 'ENOTFOUND' ? `dial tcp: ${error.message}` : error.message;
    return { kind: 'error', error: text };
  }
}

async function probeHttp(
  net: NetNamespace,
  clock: Clock,
  target: Extract<ProbeTarget, { kind: 'http' }>,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<ProbeAnswer> {
  const { scheme, host, port, path, timeoutMs } = target;
  const url = `${scheme}://${joinHostPort(host, port)}${path.startsWith('/') ? path : `/${path}`}`;
  const headers: Record<string, string> = {
    'user-agent': 'kube-probe/1.36',
    accept: '*/*',
    connection: 'close',
  };
  for (const { name, value } of target.headers) headers[name.toLowerCase()] = value;
  const late = (): Error =>
    new ConnectionError(
      'ETIMEDOUT',
      'context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    );
  try {
    // The dial gets no time of its own: the client's one time-out covers everything, and its text is that one's.
    const exchange = httpRequest({
      net,
      clock,
      url,
      headers,
      resolve,
      tls: { insecure: true },
      connectTimeoutMs: timeoutMs + 1,
    }).then(async (answer) => ({
      status: answer.status,
      body: fromUtf8((await readBody(answer)).subarray(0, maxBodyBytes)),
    }));
    return { kind: 'http', ...(await within(clock, timeoutMs, exchange, late)) };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const text = error.code === 'ENOTFOUND' ? `dial tcp: ${error.message}` : error.message;
    return { kind: 'error', error: `Get "${url}": ${text}` };
  }
}
