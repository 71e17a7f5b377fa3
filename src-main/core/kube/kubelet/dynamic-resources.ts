import type { DeepReadonly } from '#core/base';
import { podClaimOf, type ResourceClaim } from '../apis/index.ts';
import { controllerOf } from '../client/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { isPluginRegistered } from './plugin-registry.ts';
import { specOf, uidOf, type PodView } from './pods.ts';

type Entry = NonNullable<NonNullable<PodView['spec']>['resourceClaims']>[number];

/**
 * Prepares the devices of a pod's claims: what is allocated and reserved, and by drivers that have registered. What a
 * driver would do to the containers is not modelled.
 *
 * @throws Error in upstream's words
 * @see pkg/kubelet/cm/dra/manager.go, PrepareResources
 */
export async function prepareDynamicResources(
  context: KubeletContext,
  pod: PodView,
): Promise<void> {
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  const entries: readonly Entry[] = [
    ...(specOf(pod).resourceClaims ?? []),
    ...(extended === undefined ? [] : [{ name: '', resourceClaimName: extended }]),
  ];
  for (const entry of entries) {
    try {
      await prepareClaim(context, pod, entry);
    } catch (error) {
      throw new Error(`prepare dynamic resources: ${errorText(error)}`, { cause: error });
    }
  }
}

async function prepareClaim(context: KubeletContext, pod: PodView, entry: Entry): Promise<void> {
  const { namespace = '', name: podName = '' } = pod.metadata;
  const named = podClaimOf(pod, entry);
  if (!named) throw new Error(`pod "${namespace}/${podName}": ResourceClaim not created yet`);
  const { name, isMade } = named;
  if (name === undefined) return;
  const claim = await claimOf(context, namespace, name);
  if (isMade && controllerOf(claim)?.uid !== uidOf(pod))
    throw new Error(
      `ResourceClaim ${namespace}/${name} was not created for Pod ${namespace}/${podName} (Pod is not owner)`,
    );
  if (!claim.status?.reservedFor?.some(({ uid }) => uid === uidOf(pod)))
    throw new Error(
      `pod ${podName} (${uidOf(pod)}) is not allowed to use ResourceClaim ${name} (${claim.metadata.uid ?? ''})`,
    );
  if (!claim.status.allocation) throw new Error(`ResourceClaim ${name}: not allocated`);
  for (const { driver } of claim.status.allocation.devices?.results ?? [])
    if (!isPluginRegistered(context, driver))
      throw new Error(`DRA driver ${driver} is not registered`);
}

async function claimOf(
  { api }: KubeletContext,
  namespace: string,
  name: string,
): Promise<DeepReadonly<ResourceClaim>> {
  try {
    if (!api) throw new Error('no API server');
    return await api.client.resource('resourceclaims.resource.k8s.io').get(namespace, name);
  } catch (error) {
    throw new Error(`fetch ResourceClaim ${name}: ${errorText(error)}`, { cause: error });
  }
}
