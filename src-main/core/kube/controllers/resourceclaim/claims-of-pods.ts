import type { DeepReadonly } from '#core/base';
import { podClaimOf, type ResourceClaim } from '../../apis/index.ts';
import { controllerOf, type Informers } from '../../client/index.ts';
import { keyOf, type ObjectKey } from '../../machinery/index.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';

export type ClaimView = DeepReadonly<ResourceClaim>;
export type Entry = NonNullable<NonNullable<PodView['spec']>['resourceClaims']>[number];

/** Pods by the keys of the claims they name, and claims by the uid of the pod they were made for. */
const claimIndex = 'resourceClaim';
const ownerIndex = 'podOwner';

/** The name of the claim of a pod's entry; undefined while it is not noted, or needs none. */
export const claimNameOf = (pod: PodView, entry: Entry): string | undefined =>
  podClaimOf(pod, entry)?.name;

/** Keys of all claims of a pod that are known by name, with the one for its extended resources. */
export function claimKeysOf(pod: PodView): ObjectKey[] {
  const { namespace } = pod.metadata;
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  const names = (pod.spec?.resourceClaims ?? []).map((entry) => claimNameOf(pod, entry));
  return [...names, extended].flatMap((name) => (name ? [keyOf(namespace, name)] : []));
}

const ownerKeysOf = (claim: ClaimView): string[] => [controllerOf(claim)?.uid ?? ''];

/** Whether a pod that is gone or done has no more use for its claims. @see podNeedsClaims, isPodDone */
export const isDone = (pod: PodView): boolean =>
  isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec?.nodeName);

export const isReservedFor = ({ status }: ClaimView, uid: string | undefined): boolean =>
  status?.reservedFor?.some((consumer) => consumer.uid === uid) ?? false;

/** Which claims belong to which pods, as the informers know it. */
export class ClaimsOfPods {
  readonly #informers: Informers;

  constructor(informers: Informers) {
    this.#informers = informers;
    informers.for('pods').addIndex(claimIndex, claimKeysOf);
    informers.for('resourceclaims.resource.k8s.io').addIndex(ownerIndex, ownerKeysOf);
  }

  podsOf(claim: ClaimView): readonly PodView[] {
    const { namespace, name = '' } = claim.metadata;
    return this.#informers.for('pods').byIndex(claimIndex, keyOf(namespace, name));
  }

  /** Claims that were made for a pod. */
  madeFor(pod: PodView): readonly ClaimView[] {
    return this.#informers
      .for('resourceclaims.resource.k8s.io')
      .byIndex(ownerIndex, pod.metadata.uid ?? '-');
  }
}
