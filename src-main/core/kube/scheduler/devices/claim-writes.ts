import { jsonClone, sleep } from '#core/base';
import type { ResourceClaim } from '../../apis/index.ts';
import type { KubeClient } from '../../client/index.ts';
import { formatTime, isReason } from '../../machinery/index.ts';
import { failed, type Status } from '../framework.ts';
import { bindingTimeoutMs, type ClaimsState, isOverdue } from './claims-state.ts';
import type { Handle } from '../plugins/handle.ts';
import { namespaceOf, type PodView, uidOf } from '../views.ts';
import type { ClaimTracker } from './claim-tracker.ts';
import { isUnwritten, writtenClaim } from './extended-resources.ts';
import type { AllocationView, DeviceClaimView } from './types.ts';

/** Holds a claim while it is allocated. */
const finalizer = 'resource.kubernetes.io/delete-protection';
const pollMs = 5000;
/** Tries after conflicts, as client-go's default. */
const maxTries = 5;

const resource = 'resourceclaims.resource.k8s.io';
const nameOf = ({ metadata }: DeviceClaimView): string =>
  `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const copyOf = (claim: DeviceClaimView): ResourceClaim => jsonClone(claim) as ResourceClaim;

/** Runs a write of the newest claim, again after conflicts. */
async function retried<T>(
  client: KubeClient,
  claim: DeviceClaimView,
  lost: (error: string) => string,
  write: (claim: ResourceClaim) => Promise<T>,
): Promise<T> {
  let current = claim;
  for (let tries = 1; ; tries++)
    try {
      return await write(copyOf(current));
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (tries >= maxTries || !(isReason(error, 'Conflict') || isReason(cause, 'Conflict')))
        throw error;
      try {
        current = await client
          .resource(resource)
          .get(claim.metadata.namespace, claim.metadata.name ?? '');
      } catch (missing) {
        throw new Error(lost(textOf(missing)), { cause: missing });
      }
    }
}

/** What a pod's binding needs. */
export interface Binding {
  readonly handle: Handle;
  readonly tracker: ClaimTracker;
  readonly state: ClaimsState;
  readonly pod: PodView;
  readonly nodeName: string;
}

/**
 * Writes allocations and reservations, and waits until the devices are ready for the pod.
 * @see plugins/dynamicresources/dynamicresources.go, PreBind
 */
export async function bindClaims(binding: Binding): Promise<Status | undefined> {
  const { handle, state, pod, nodeName } = binding;
  try {
    for (const [index, claim] of state.claims.entries())
      if (!claim.status?.reservedFor?.some(({ uid }) => uid === uidOf(pod)))
        state.claims[index] = await bindClaim(binding, index);
    const waits = state.claims.some(({ status }) =>
      status?.allocation?.devices?.results?.some(
        ({ bindingConditions = [] }) => bindingConditions.length > 0,
      ),
    );
    if (!waits) return undefined;
    const text = `waiting for binding conditions for device on node ${nodeName}`;
    handle.events.record(pod, undefined, 'Normal', 'BindingConditionsPending', 'Scheduling', text);
    await devicesReady(binding);
    return undefined;
  } catch (error) {
    return failed(textOf(error));
  }
}

/** @see bindClaim */
async function bindClaim(binding: Binding, index: number): Promise<DeviceClaimView> {
  const { handle, tracker, state, pod, nodeName } = binding;
  const claims = handle.client.resource(resource);
  const allocation = state.allocations.get(index);
  const decided = state.claims[index];
  if (!decided) throw new Error(`no claim #${index}`);
  const isExtended = index >= state.ownCount;
  // A plugin for devices has what the node gives.
  if (isExtended && !allocation && !decided.spec.devices?.requests) return decided;
  const pendingUid = (isExtended ? state.extendedUid : decided.metadata.uid) ?? '';
  let claim = decided;
  try {
    if (isExtended && isUnwritten(claim)) {
      const requests = state.nodes.get(nodeName)?.extended?.spec.devices?.requests;
      if (!requests) throw new Error(`extended resource claim not found for node ${nodeName}`);
      claim = await claims.create(writtenClaim(claim, requests)).catch((error: unknown) => {
        throw new Error(
          `create claim for extended resources ${namespaceOf(pod)}/: ${textOf(error)}`,
        );
      });
      // To be deleted if the binding fails.
      state.claims[index] = claim;
    }
    const bound = await retried(
      handle.client,
      claim,
      (why) => `get updated claim ${nameOf(claim)} after conflict: ${why}`,
      (current) => writeBinding(binding, current, allocation),
    );
    tracker.wrote(bound);
    if (isExtended) await notePodClaim(binding, bound);
    return bound;
  } finally {
    if (allocation) tracker.removePending(pendingUid);
  }
}

async function writeBinding(
  { handle, pod }: Binding,
  current: ResourceClaim,
  allocation: AllocationView | undefined,
): Promise<DeviceClaimView> {
  const claims = handle.client.resource(resource);
  const name = nameOf(current);
  const wrap =
    (what: string) =>
    (error: unknown): never => {
      throw new Error(`${what} claim ${name}: ${textOf(error)}`, { cause: error });
    };
  let claim = current;
  if (claim.metadata.deletionTimestamp)
    throw new Error(`claim ${name} got deleted in the meantime`);
  if (allocation) {
    if (claim.status?.allocation)
      throw new Error(`claim ${name} got allocated elsewhere in the meantime`);
    if (!claim.metadata.finalizers?.includes(finalizer)) {
      claim.metadata.finalizers = [...(claim.metadata.finalizers ?? []), finalizer];
      claim = copyOf(await claims.update(claim).catch(wrap('add finalizer to')));
    }
    const written = jsonClone(allocation) as NonNullable<ResourceClaim['status']>['allocation'];
    claim.status = { ...claim.status, ...(written ? { allocation: written } : {}) };
  }
  if (!claim.status?.allocation)
    throw new Error(`claim ${name} got deallocated elsewhere in the meantime`);
  claim.status.reservedFor = [
    ...(claim.status.reservedFor ?? []),
    { resource: 'pods', name: pod.metadata.name ?? '', uid: uidOf(pod) },
  ];
  claim.status.allocation.allocationTimestamp ??= formatTime(handle.clock.now());
  return claims
    .updateStatus(claim)
    .catch(wrap(allocation ? 'add allocation and reservation to' : 'add reservation to'));
}

/** Tells in the pod which claim its extended resources come from. */
async function notePodClaim(
  { handle, state, pod, nodeName }: Binding,
  claim: DeviceClaimView,
): Promise<void> {
  const { namespace, name = '' } = pod.metadata;
  const requestMappings = state.nodes.get(nodeName)?.mappings ?? [];
  const status = {
    extendedResourceClaimStatus: { requestMappings, resourceClaimName: claim.metadata.name ?? '' },
  };
  try {
    await handle.client
      .resource('pods')
      .patch(namespace, name, 'strategic', { status }, { subresource: 'status' });
  } catch (error) {
    throw new Error(
      `update pod ${namespaceOf(pod)}/${name} ExtendedResourceClaimStatus: ${textOf(error)}`,
      { cause: error },
    );
  }
}

async function devicesReady({ handle, tracker, state }: Binding): Promise<void> {
  const { clock } = handle;
  const endMs = clock.now() + bindingTimeoutMs;
  for (;;) {
    let waiting: string | undefined;
    for (const [index, { metadata }] of state.claims.entries()) {
      const name = metadata.name ?? '';
      const claim = tracker.get(metadata.namespace ?? '', name);
      if (!claim) throw new Error(`resourceclaim.resource.k8s.io "${name}" not found`);
      state.claims[index] = claim;
      const ready = bindingState({ status: claim.status, name });
      if (ready === 'ready') continue;
      if (ready !== 'waiting') throw new Error(ready.failure);
      if (claim.status?.allocation && isOverdue(claim.status.allocation, clock.now()))
        throw new Error(`device binding timeout: claim=${name}`);
      waiting = name;
      break;
    }
    if (waiting === undefined) return;
    if (clock.now() >= endMs) throw new Error('device binding timeout: context deadline exceeded');
    await sleep(clock, pollMs, undefined, { background: true });
  }
}

/**
 * Whether the drivers have told all that their devices wait for.
 * @see isClaimReadyForBinding
 */
export function bindingState({
  status,
  name,
}: {
  readonly status?: DeviceClaimView['status'];
  readonly name: string;
}): 'ready' | 'waiting' | { readonly failure: string } {
  if (!status?.allocation) return 'waiting';
  for (const result of status.allocation.devices?.results ?? []) {
    const { bindingConditions = [], bindingFailureConditions = [] } = result;
    if (bindingConditions.length === 0) continue;
    const device = status.devices?.find(
      (each) =>
        each.device === result.device && each.driver === result.driver && each.pool === result.pool,
    );
    if (!device) return 'waiting';
    const isTrue = (type: string) =>
      device.conditions?.find((each) => each.type === type && each.status === 'True');
    for (const type of bindingFailureConditions) {
      const condition = isTrue(type);
      if (condition)
        return {
          failure: `device binding failed: claim=${name}, reason=${condition.reason}, message=${JSON.stringify(condition.message)}`,
        };
    }
    if (!bindingConditions.every(isTrue)) return 'waiting';
  }
  return 'ready';
}

/** Gives back the devices of a claim. */
export async function deallocate(client: KubeClient, claim: DeviceClaimView): Promise<void> {
  await client.resource(resource).updateStatus({ ...copyOf(claim), status: {} });
}

/** Takes a pod out of those a claim is reserved for, whatever else changed. */
export async function dropReservation(
  client: KubeClient,
  { metadata }: DeviceClaimView,
  pod: PodView,
): Promise<void> {
  await client.resource(resource).patch(
    metadata.namespace,
    metadata.name ?? '',
    'strategic',
    {
      metadata: { uid: metadata.uid },
      status: { reservedFor: [{ $patch: 'delete', uid: uidOf(pod) }] },
    },
    { subresource: 'status' },
  );
}

/** Deletes a claim that nobody but the scheduler wanted. @see deleteClaim */
export async function releaseClaim(client: KubeClient, claim: DeviceClaimView): Promise<void> {
  const { namespace, name = '' } = claim.metadata;
  await retried(
    client,
    claim,
    (why) => `get resourceclaim ${nameOf(claim)}: ${why}`,
    (current) => {
      current.metadata.finalizers = (current.metadata.finalizers ?? []).filter(
        (each) => each !== finalizer,
      );
      return client.resource(resource).update(current);
    },
  );
  await client.resource(resource).delete(namespace, name);
}
