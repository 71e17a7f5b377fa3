import type { StationView } from '#contract';
import type { HistoryEntry } from './engine-port.ts';

/** Who writes through the API server, as the field managers of the components are called. */
const componentStations: Readonly<Record<string, StationView['station']>> = {
  'kube-controller-manager': 'controller',
  'cloud-controller-manager': 'controller',
  'kube-scheduler': 'scheduler',
  kubelet: 'kubelet',
  'kube-apiserver': 'api-server',
};

/** Heartbeats and the narrative of events would drown what happens. */
const isNoise = (key: string): boolean => /^(leases|events|masterleases)\//.test(key);

/**
 * What one write of the store was on its way, station by station: who asked, the API server that checked it,
 * etcd that holds it.
 */
export function stationsOf(history: readonly HistoryEntry[]): readonly StationView[] {
  return history
    .filter(({ key }) => !isNoise(key))
    .flatMap((entry): StationView[] => {
      const { timeMs, revision, type, manager, subresource } = entry;
      const object = entry.key;
      const action = subresource === '' ? type : `${type} ${subresource}`;
      const origin = componentStations[manager] ?? 'client';
      const at = { timeMs, object, revision };
      const path: StationView[] = [
        { ...at, station: 'api-server', actor: 'kube-apiserver', action },
        { ...at, station: 'etcd', actor: 'etcd', action: type === 'delete' ? 'delete' : 'put' },
      ];
      return origin === 'api-server'
        ? path
        : [{ ...at, station: origin, actor: actorOf(origin, manager), action }, ...path];
    });
}

/** `kubectl-client-side-apply` is kubectl to the reader; an unknown writer is `client`. */
function actorOf(origin: StationView['station'], manager: string): string {
  if (origin !== 'client') return manager;
  if (manager === '') return 'client';
  return manager.startsWith('kubectl') ? 'kubectl' : manager;
}
