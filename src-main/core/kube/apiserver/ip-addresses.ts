import { defer, type Clock, type DeepReadonly, type Disposable, DisposableStore } from '#core/base';
import { isReason, type KubeObject } from '../machinery/index.ts';
import { prefixEnd, type Store } from '../storage/index.ts';
import type { Loopback } from './loopback.ts';
import type { StoredObject } from './stored-object.ts';
import type { ServerState } from './types.ts';

const servicePrefix = '/registry/services/specs/';
const path = '/apis/networking.k8s.io/v1/ipaddresses';
const manager = 'ipallocator.k8s.io';

interface ParentReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/**
 * Keeps an IPAddress for each cluster IP of a Service, as the allocator of a real server does in the same breath.
 *
 * @see k8s.io/kubernetes/pkg/registry/core/service/ipallocator/ipallocator.go
 */
export function runIpAddresses(options: {
  readonly store: Store<StoredObject>;
  readonly state: ServerState;
  readonly loopback: Loopback;
  readonly clock: Clock;
}): Disposable {
  const { store, state, loopback, clock } = options;
  const owned = new DisposableStore();
  let isPending = false;
  let isRunning = false;

  async function reconcile(): Promise<void> {
    const wanted = new Map<string, ParentReference>();
    for (const service of state.list('', 'services')) {
      const { name = '', namespace = '' } = service.metadata;
      for (const ip of clusterIpsOf(service))
        wanted.set(ip, { resource: 'services', namespace, name });
    }
    for (const address of state.list('networking.k8s.io', 'ipaddresses')) {
      const { name = '', labels } = address.metadata;
      const parent = wanted.get(name);
      if (parent && isSame(parentOf(address), parent)) wanted.delete(name);
      else if (labels?.['ipaddress.kubernetes.io/managed-by'] === manager)
        await loopback.request('DELETE', `${path}/${name}`).catch(ignoreRace);
    }
    for (const [name, parentRef] of wanted)
      await loopback.request('POST', path, addressOf(name, parentRef)).catch(ignoreRace);
  }

  async function run(): Promise<void> {
    isRunning = true;
    try {
      while (isPending) {
        isPending = false;
        await reconcile();
      }
    } finally {
      isRunning = false;
    }
  }

  function schedule(): void {
    isPending = true;
    if (!isRunning) owned.add(defer(clock, () => void run().catch(() => undefined)));
  }

  owned.add(
    store.watch(servicePrefix, prefixEnd(servicePrefix), {
      onEvents: (events) => {
        const isChanged = events.some(
          ({ kv, previous }) =>
            clusterIpsOf(kv?.value.object).join() !== clusterIpsOf(previous?.value.object).join(),
        );
        if (isChanged) schedule();
      },
    }),
  );
  schedule();
  return owned;
}

function clusterIpsOf(service: DeepReadonly<KubeObject> | undefined): readonly string[] {
  const spec = service?.['spec'] as { readonly clusterIPs?: readonly string[] } | undefined;
  return (spec?.clusterIPs ?? []).filter((ip) => ip !== '' && ip !== 'None');
}

function parentOf(address: DeepReadonly<KubeObject>): ParentReference {
  const spec = address['spec'] as { readonly parentRef?: ParentReference } | undefined;
  return spec?.parentRef ?? {};
}

function isSame(a: ParentReference, b: ParentReference): boolean {
  return a.resource === b.resource && a.namespace === b.namespace && a.name === b.name;
}

function addressOf(name: string, parentRef: ParentReference): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name,
      labels: {
        'ipaddress.kubernetes.io/ip-family': name.includes(':') ? 'IPv6' : 'IPv4',
        'ipaddress.kubernetes.io/managed-by': manager,
      },
    },
    spec: { parentRef },
  };
}

/** Another round puts right what a change in between made of this one. */
function ignoreRace(error: unknown): void {
  if (!isReason(error, 'NotFound') && !isReason(error, 'AlreadyExists')) throw error;
}
