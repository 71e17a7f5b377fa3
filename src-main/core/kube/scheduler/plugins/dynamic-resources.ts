import { failed, type Plugin, skip, unresolvable, unschedulable } from '../framework.ts';
import type { Informers } from '../../client/index.ts';
import { keyOf } from '../../machinery/index.ts';
import { namespaceOf, type PodView } from '../views.ts';

type Entry = NonNullable<NonNullable<PodView['spec']>['resourceClaims']>[number];

const key = 'PreFilterDynamicResources';

/**
 * Pods with resource claims. A claim that has been allocated is honoured on any node; devices are not modelled,
 * so that one which has not cannot be had anywhere.
 * @see plugins/dynamicresources/dynamicresources.go
 */
export function dynamicResources(informers: Informers): Plugin {
  const claims = informers.for('resourceclaims.resource.k8s.io');
  /** Names of the claims that a pod's entries stand for; undefined while one is still to be made. */
  const nameOf = (pod: PodView, entry: Entry): string | undefined =>
    entry.resourceClaimName ??
    pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name)?.resourceClaimName;
  const claimNames = (pod: PodView): string[] =>
    (pod.spec?.resourceClaims ?? []).flatMap((entry) => nameOf(pod, entry) ?? []);
  const problem = (pod: PodView): string | undefined => {
    for (const entry of pod.spec?.resourceClaims ?? []) {
      const name = nameOf(pod, entry);
      if (name === undefined)
        return `pod "${namespaceOf(pod)}/${pod.metadata.name ?? ''}": resource claim "${entry.name}" not created yet`;
      if (!claims.get(keyOf(namespaceOf(pod), name)))
        return `resourceclaim.resource.k8s.io "${name}" not found`;
    }
    return undefined;
  };
  return {
    name: 'DynamicResources',
    events: [
      { resource: 'Node', actions: ['add', 'label', 'taint'] },
      { resource: 'ResourceClaim', actions: ['add', 'update'] },
      { resource: 'TargetPod', actions: ['update'] },
    ],
    preEnqueue: (pod) => {
      const missing = problem(pod);
      return missing === undefined ? undefined : unresolvable(missing);
    },
    preFilter: (state, { pod }) => {
      const missing = problem(pod);
      if (missing !== undefined) return { status: unresolvable(missing) };
      const names = claimNames(pod);
      const pending = names.filter(
        (name) => !claims.get(keyOf(namespaceOf(pod), name))?.status?.allocation,
      ).length;
      state.write(key, { claims: names.length, pending });
      return names.length === 0 ? { status: skip } : undefined;
    },
    filter: (state) =>
      (state.read<{ pending?: number }>(key)?.pending ?? 0) > 0
        ? unresolvable('cannot allocate all claims')
        : undefined,
    postFilter: (state) => {
      const data = state.read<{ claims?: number }>(key);
      // A pod that was refused earlier has no data here; upstream's message for that is the bare lookup error.
      if (!data) return { status: failed('not found') };
      return {
        status: unschedulable(
          data.claims === 0 ? 'no new claims to deallocate' : 'still not schedulable',
        ),
      };
    },
  };
}
