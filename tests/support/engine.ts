import type {
  ClusterSpec,
  ClusterState,
  Engine,
  EngineEventName,
  EngineEvents,
  EngineSource,
} from '#core/app';
import { notFound } from '#core/kube';

/** An engine of recorded answers: what the app asked is in `calls`, what it is told comes by `emit`. */
export interface FakeEngine extends EngineSource {
  readonly calls: readonly (readonly [method: string, ...args: unknown[]])[];
  emit<E extends EngineEventName>(name: E, payload: EngineEvents[E]): void;
}

export function clusterState(clusterId: string, changes: Partial<ClusterState> = {}): ClusterState {
  return {
    clusterId,
    name: clusterId,
    topology: 'base+1cp',
    purpose: 'playground',
    kubernetesVersion: 'v1.36.3',
    state: 'ready',
    machines: ['base', 'controlplane'],
    speed: 1,
    nowMs: 0,
    revision: 1,
    kubeconfig: `/data/clusters/${clusterId}.kubeconfig`,
    server: 'https://127.0.0.1:1',
    ...changes,
  };
}

/** @param answers methods that answer something else than the least. */
export function fakeEngine(answers: Partial<Engine> = {}): FakeEngine {
  const calls: [string, ...unknown[]][] = [];
  const listeners: [string, (payload: never) => void][] = [];
  const clusters = new Map<string, ClusterState>();
  const find = (id: string): ClusterState => {
    const state = clusters.get(id);
    if (!state) throw notFound({ group: '', resource: 'clusters' }, id);
    return state;
  };
  let lastTerminal = 100;
  const least: Partial<Engine> = {
    create: async ({ clusterId, name, topology, purpose }: ClusterSpec) => {
      const state = clusterState(clusterId, { name, topology, purpose });
      clusters.set(clusterId, state);
      return state;
    },
    list: async () => [...clusters.values()],
    get: async (id) => find(id),
    remove: async (id) => {
      find(id);
      clusters.delete(id);
    },
    setSpeed: async (id, speed) => {
      const state = { ...find(id), speed };
      clusters.set(id, state);
      return state;
    },
    openTerminal: async () => ++lastTerminal,
    writeTerminal: async () => undefined,
    resizeTerminal: async () => undefined,
    closeTerminal: async () => undefined,
    answerEdit: async () => undefined,
  };
  const methods: Record<string, unknown> = { ...least, ...answers };
  const engine = new Proxy({} as Engine, {
    get: (_, method: string) =>
      method === 'then'
        ? undefined
        : async (...args: unknown[]) => {
            calls.push([method, ...args]);
            const answer = methods[method];
            if (typeof answer !== 'function') throw new Error(`no answer for ${method}`);
            return (answer as (...args: unknown[]) => unknown)(...args);
          },
  });
  return {
    engine,
    calls,
    on: (name, listener) => void listeners.push([name, listener]),
    emit: (name, payload) => {
      for (const [wanted, listener] of listeners) if (wanted === name) listener(payload as never);
    },
  };
}
