import type { DeepReadonly } from '#core/base';
import type { Pod } from '../../generated/types.ts';

type ClaimEntry = NonNullable<NonNullable<DeepReadonly<Pod>['spec']>['resourceClaims']>[number];

/** The claim that an entry of a pod's `resourceClaims` stands for. */
interface PodClaim {
  /** None: the entry needs no claim. */
  readonly name: string | undefined;
  /** It is made from a template for the pod, and counts only if the pod owns it. */
  readonly isMade: boolean;
}

/**
 * @returns undefined while a claim from a template has not been made
 * @see k8s.io/dynamic-resource-allocation/resourceclaim/claim.go, Name
 */
export function podClaimOf(pod: DeepReadonly<Pod>, entry: ClaimEntry): PodClaim | undefined {
  if (entry.resourceClaimName !== undefined)
    return { name: entry.resourceClaimName, isMade: false };
  const noted = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
  return noted && { name: noted.resourceClaimName, isMade: true };
}
