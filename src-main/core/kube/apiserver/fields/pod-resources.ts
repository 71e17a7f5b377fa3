import { addInto, maxInto, type Quantity, resourceListOf } from './quantity.ts';
import { at, mapsOf, textAt } from './view.ts';

const isSidecar = (container: unknown): boolean => textAt(container, 'restartPolicy') === 'Always';

/**
 * What a pod asks for (`requests`) or may use (`limits`) in sum: containers and sidecars together, or the
 * largest step of the init containers; pod-level resources win for cpu and memory.
 * @see k8s.io/component-helpers/resource/helpers.go, PodRequests and PodLimits
 */
export function podResources(
  pod: unknown,
  side: 'requests' | 'limits',
  options: { readonly overhead?: boolean } = {},
): Record<string, Quantity> {
  const total: Record<string, Quantity> = {};
  for (const container of mapsOf(at(pod, 'spec', 'containers')))
    addInto(total, resourceListOf(at(container, 'resources', side)));
  const sidecars: Record<string, Quantity> = {};
  const init: Record<string, Quantity> = {};
  for (const container of mapsOf(at(pod, 'spec', 'initContainers'))) {
    const own = resourceListOf(at(container, 'resources', side));
    if (isSidecar(container)) {
      addInto(total, own);
      addInto(sidecars, own);
      maxInto(init, sidecars);
    } else {
      addInto(own, sidecars);
      maxInto(init, own);
    }
  }
  maxInto(total, init);
  const podLevel = resourceListOf(at(pod, 'spec', 'resources', side));
  for (const name of ['cpu', 'memory']) {
    const quantity = podLevel[name];
    if (quantity) total[name] = quantity;
  }
  if (options.overhead) {
    const overhead = resourceListOf(at(pod, 'spec', 'overhead'));
    if (side === 'requests') addInto(total, overhead);
    else
      for (const [name, quantity] of Object.entries(overhead))
        if (total[name] && total[name].nanos !== 0n) addInto(total, { [name]: quantity });
  }
  return total;
}
