import { quoted } from '#core/base';
import { at, mapsOf, textAt } from '../fields/index.ts';
import type { ServerState } from '../types.ts';

/**
 * Where requests for a Service go: its cluster address, which the rules of kube-proxy lead to an endpoint.
 * @throws Error with upstream's text.
 * @see k8s.io/apiserver/pkg/util/proxy/proxy.go, ResolveCluster
 */
export function resolveService(
  state: ServerState,
  namespace: string,
  name: string,
  port: number,
): { readonly host: string; readonly port: number } {
  const service = state.get('', 'services', namespace, name);
  if (!service) throw new Error(`service ${quoted(name)} not found`);
  const type = textAt(service, 'spec', 'type') || 'ClusterIP';
  const clusterIp = textAt(service, 'spec', 'clusterIP');
  if (type === 'ExternalName') return { host: textAt(service, 'spec', 'externalName'), port };
  if (type === 'ClusterIP' && clusterIp === 'None')
    throw new Error('cannot route to service with ClusterIP "None"');
  if (!mapsOf(at(service, 'spec', 'ports')).some((each) => each['port'] === port))
    throw new Error(`no service port ${port} found for service ${quoted(name)}`);
  return { host: clusterIp, port };
}
