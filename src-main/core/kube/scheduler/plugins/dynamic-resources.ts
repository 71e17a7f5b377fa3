import { failed, type Plugin, skip, unresolvable, unschedulable } from '../framework.ts';
import type { Informers } from '../../client/index.ts';
import { keyOf } from '../../machinery/index.ts';
import { namespaceOf } from '../views.ts';

const key = 'PreFilterDynamicResources';

/**
 * Pods with resource claims. A claim that has been allocated is honoured on any node; devices are not modelled,
 * so that one which has not cannot be had anywhere.
 * @see plugins/dynamicresources/dynamicresources.go
 */
export function dynamicResources(informers: Informers): Plugin {
  const claims = informers.for('resourceclaims.resource.k8s.io');
  return {
    name: 'DynamicResources',
    events: [
      { resource: 'Node', actions: ['add', 'label', 'taint'] },
      { resource: 'ResourceClaim', actions: ['add', 'update'] },
      { resource: 'TargetPod', actions: ['update'] },
    ],
    preFilter: (state, { pod }) => {
      const wanted = pod.spec?.resourceClaims ?? [];
      let pending = 0;
      for (const { name, resourceClaimName, resourceClaimTemplateName } of wanted) {
        const status = pod.status?.resourceClaimStatuses?.find((entry) => entry.name === name);
        if (resourceClaimTemplateName !== undefined && status === undefined)
          return {
            status: unresolvable(
              `pod "${namespaceOf(pod)}/${pod.metadata.name ?? ''}": resource claim "${name}" not created yet`,
            ),
          };
        const claimName = resourceClaimName ?? status?.resourceClaimName;
        if (claimName === undefined) continue;
        const claim = claims.get(keyOf(namespaceOf(pod), claimName));
        if (!claim)
          return {
            status: unresolvable(`resourceclaim.resource.k8s.io "${claimName}" not found`),
          };
        if (!claim.status?.allocation) pending += 1;
      }
      state.write(key, { claims: wanted.length, pending });
      return wanted.length === 0 ? { status: skip } : undefined;
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
