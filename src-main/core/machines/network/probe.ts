import { type Clock, fromUtf8, sleep } from '#core/base';
import { ConnectionError, type ProbeAnswer, type ProbeTarget } from '#core/kube';
import { joinHostPort } from './addresses.ts';
import { httpRequest, readBody, within } from './http-client.ts';
import { type Dialed, type GrpcHealth, grpcHealthService, type NetNamespace } from './types.ts';

const maxBodyBytes = 10 * 1024;

/**
 * A kubelet's probe from the node's own namespace. Certificates are not checked.
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
    case 'grpc':
      return probeGrpc(net, clock, target, resolve);
  }
}

/** @see pkg/probe/grpc/grpc.go */
async function probeGrpc(
  net: NetNamespace,
  clock: Clock,
  { host, port, service, timeoutMs }: Extract<ProbeTarget, { kind: 'grpc' }>,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<ProbeAnswer> {
  const startedMs = clock.now();
  try {
    const { listener } = await dial(net, host, port, timeoutMs, resolve);
    if (listener.kind === 'object' && !listener.tls && listener.service === grpcHealthService) {
      const status = (listener.object as GrpcHealth).check(service);
      if (status === 'SERVING') return { kind: 'ok' };
      return {
        kind: 'error',
        error:
          status === undefined
            ? 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service'
            : `service unhealthy (responded with "${status}")`,
      };
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
  }
  // gRPC dials again until its time is over, also when what it reached speaks something else.
  await sleep(clock, Math.max(0, startedMs + timeoutMs - clock.now()));
  return {
    kind: 'error',
    error: `timeout: failed to connect service "${joinHostPort(host, port)}" within ${timeoutMs / 1000}s: context deadline exceeded`,
  };
}

async function dial(
  net: NetNamespace,
  host: string,
  port: number,
  timeoutMs: number,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<Dialed> {
  const address = /^[\d.]+$/.test(host) ? host : ((await resolve(host))[0] ?? host);
  return net.dial(address, port, 'tcp', { timeoutMs });
}

async function probeTcp(
  net: NetNamespace,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<ProbeAnswer> {
  try {
    await dial(net, host, port, timeoutMs, resolve);
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
