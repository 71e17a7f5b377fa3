import { type ComponentHealth, ConnectionError, responseText } from '#core/kube';
import type { ProgramContext } from '#core/machines';
import { nodeTransport } from './node-transport.ts';

/** Components that upstream expects on the API server's own machine, at their default ports. */
const beside = [
  ['controller-manager', 10257],
  ['scheduler', 10259],
] as const;

/**
 * Asks the components on this machine for their health, and whether etcd answers.
 * @see pkg/registry/core/rest/storage_core.go, serversToValidate
 */
export async function componentHealth(
  context: ProgramContext,
  etcdAlive: () => boolean,
): Promise<readonly ComponentHealth[]> {
  const probed = await Promise.all(beside.map(([name, port]) => probe(context, name, port)));
  const etcd = etcdAlive()
    ? { name: 'etcd-0', healthy: true, message: 'ok' }
    : { name: 'etcd-0', healthy: false, error: 'context deadline exceeded' };
  return [...probed, etcd];
}

async function probe(
  context: ProgramContext,
  name: string,
  port: number,
): Promise<ComponentHealth> {
  const target = { node: '', address: '127.0.0.1', port, scheme: 'https' } as const;
  try {
    const response = await nodeTransport(context, target, undefined).send({
      method: 'GET',
      url: '/healthz',
      headers: {},
    });
    const text = await responseText(response);
    const { status } = response;
    return status >= 200 && status < 400
      ? { name, healthy: true, message: text }
      : { name, healthy: false, message: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return {
      name,
      healthy: false,
      message: `Get "https://127.0.0.1:${port}/healthz": ${error.message}`,
    };
  }
}
