import type { ClusterSpec, ClusterState, Engine, RunResult } from '#core/app';
import { utf8 } from '#core/base';
import { notFound, type Transport } from '#core/kube';

/** What was asked of the engine, in order: `create cards`, `reset cards clean`, `run cards node01: crictl ps`. */
export interface ApiEngine {
  readonly engine: Engine;
  readonly calls: string[];
  /** What the next command answers. */
  result: RunResult;
}

/** An engine of any number of clusters that all have one real API server, and no machines. */
export function apiEngine(transport: Transport): ApiEngine {
  const states = new Map<string, ClusterState>();
  const calls: string[] = [];
  const find = (clusterId: string): ClusterState => {
    const state = states.get(clusterId);
    if (!state) throw notFound({ group: '', resource: 'clusters' }, clusterId);
    return state;
  };
  const self: ApiEngine = {
    calls,
    result: { exitCode: 0, stdout: '', stderr: '' },
    engine: {
      create: (spec: ClusterSpec) => {
        calls.push(`create ${spec.clusterId}`);
        const state: ClusterState = {
          clusterId: spec.clusterId,
          name: spec.name,
          topology: spec.topology,
          purpose: spec.purpose,
          kubernetesVersion: 'v1.36.3',
          state: 'ready',
          machines: [],
          speed: 1,
          nowMs: 0,
          revision: 1,
          kubeconfig: '',
          server: '',
        };
        states.set(spec.clusterId, state);
        return Promise.resolve(state);
      },
      get: (clusterId: string) => Promise.resolve().then(() => find(clusterId)),
      settle: () => Promise.resolve({ settled: true }),
      mark: (clusterId: string, name: string) => {
        calls.push(`mark ${clusterId} ${name}`);
        return Promise.resolve();
      },
      reset: (clusterId: string, name: string) => {
        calls.push(`reset ${clusterId} ${name}`);
        return Promise.resolve(find(clusterId));
      },
      run: (clusterId: string, host: string, command: string) => {
        calls.push(`run ${clusterId} ${host}: ${command}`);
        return Promise.resolve(self.result);
      },
      request: async (_clusterId, { method, url, headers, body }) => {
        const response = await transport.send({
          method,
          url,
          headers: { accept: 'application/json', ...headers },
          ...(body === undefined ? {} : { body: utf8(body) }),
        });
        const text =
          response.body.kind === 'object'
            ? JSON.stringify(response.body.object)
            : response.body.kind === 'bytes'
              ? new TextDecoder().decode(response.body.bytes)
              : '';
        return { status: response.status, body: text };
      },
    } as Partial<Engine> as Engine,
  };
  return self;
}

/** Makes what pods in `default` need and a controller would have made. */
export async function addDefaultServiceAccount(transport: Transport): Promise<void> {
  await transport.send({
    method: 'POST',
    url: '/api/v1/namespaces/default/serviceaccounts',
    headers: { 'content-type': 'application/json' },
    body: utf8(
      JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
    ),
  });
}
