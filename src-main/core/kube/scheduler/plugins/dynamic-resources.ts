import { jsonEqual } from '#core/base';
import {
  type AllocationResult,
  type ContainerExtendedResourceRequest,
  podClaimOf,
} from '../../apis/index.ts';
import { controllerOf } from '../../client/index.ts';
import { matchesNodeTerm } from '../../machinery/index.ts';
import { DeviceAllocator, NodeAllocationError } from '../devices/allocator.ts';
import {
  bindClaims,
  bindingState,
  deallocate,
  dropReservation,
  releaseClaim,
} from '../devices/claim-writes.ts';
import { ClaimTracker } from '../devices/claim-tracker.ts';
import { type ClaimsState, isOverdue, type NodeAllocation } from '../devices/claims-state.ts';
import {
  classesOfResources,
  extendedResourceClaim,
  isUnwritten,
  requestsOnNode,
} from '../devices/extended-resources.ts';
import type {
  AllocationView,
  CompileSelector,
  DeviceClaimView,
  DeviceClassView,
} from '../devices/types.ts';
import {
  type CycleState,
  failed,
  normalizeScores,
  type Plugin,
  skip,
  type Status,
  unresolvable,
  unschedulable,
} from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { namespaceOf, type NodeView, type PodView, uidOf } from '../views.ts';
import type { Handle } from './handle.ts';

type Entry = NonNullable<NonNullable<PodView['spec']>['resourceClaims']>[number];

const key = 'DynamicResources';
/** Expressions that are kept ready. */
const maxCompiled = 100;
/** A first alternative scores this, the next one less. */
const maxAlternatives = 8;

const isReservedFor = (pod: PodView, claim: DeviceClaimView): boolean =>
  claim.status?.reservedFor?.some(({ uid }) => uid === uidOf(pod)) ?? false;

/**
 * Pods with claims of devices: finds devices for claims that have none on each node, honours what others have, and
 * writes allocations and reservations before the pod is bound.
 * @see plugins/dynamicresources/dynamicresources.go
 */
export function dynamicResources(handle: Handle): Plugin {
  const { informers, clock, random } = handle;
  const tracker = new ClaimTracker(informers);
  const classes = informers.for('deviceclasses.resource.k8s.io');
  const slices = informers.for('resourceslices.resource.k8s.io');
  const classOfResource = classesOfResources(informers);
  const classOf = (name: string): DeviceClassView | undefined =>
    classes.list().find(({ metadata }) => metadata.name === name);

  const compiled = new Map<string, ReturnType<CompileSelector>>();
  const compileSelector: CompileSelector = (expression) => {
    const known = compiled.get(expression);
    if (known) return known;
    const selects = handle.compileDeviceSelector(expression);
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(expression, selects);
    return selects;
  };

  const podClaims = (pod: PodView): DeviceClaimView[] | string => {
    const found: DeviceClaimView[] = [];
    for (const entry of pod.spec?.resourceClaims ?? []) {
      const claim = claimOf(pod, entry);
      if (typeof claim === 'string') return claim;
      if (claim) found.push(claim);
    }
    return found;
  };
  /** The claim of an entry, or what is wrong with it; nothing if it needs none. */
  const claimOf = (pod: PodView, entry: Entry): DeviceClaimView | string | undefined => {
    const namespace = namespaceOf(pod);
    const podName = `${namespace}/${pod.metadata.name ?? ''}`;
    const named = podClaimOf(pod, entry);
    if (!named) return `pod "${podName}": ResourceClaim not created yet`;
    const { name, isMade } = named;
    if (name === undefined) return undefined;
    const claim = tracker.get(namespace, name);
    if (!claim) return `resourceclaim.resource.k8s.io "${name}" not found`;
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${name}" is being deleted`;
    if (isMade && controllerOf(claim)?.uid !== uidOf(pod))
      return `ResourceClaim ${namespace}/${name} was not created for Pod ${podName} (Pod is not owner)`;
    return claim;
  };

  /** What keeps a claim without an allocation from getting one on any node. */
  const claimProblem = (claim: DeviceClaimView): string | undefined => {
    const name = `${claim.metadata.namespace ?? ''}/${claim.metadata.name ?? ''}`;
    if (tracker.isPending(claim.metadata.uid ?? ''))
      return `resource claim ${name} is in the process of being allocated`;
    for (const request of claim.spec.devices?.requests ?? []) {
      const asked = request.exactly
        ? [[request.name, request.exactly] as const]
        : (request.firstAvailable ?? []).map(
            (each) => [`${request.name}/${each.name}`, each] as const,
          );
      for (const [requestName, { deviceClassName }] of asked)
        if (!classOf(deviceClassName))
          return `request ${requestName}: device class ${deviceClassName} does not exist`;
    }
    return undefined;
  };

  const preFilter = (state: CycleState, info: PodInfo): Status | undefined => {
    const { pod } = info;
    const fresh = (claims: DeviceClaimView[], ownCount: number): ClaimsState => ({
      claims,
      ownCount,
      unavailable: new Set(),
      nodes: new Map(),
      allocations: new Map(),
    });
    state.write(key, fresh([], 0));
    const own = podClaims(pod);
    if (typeof own === 'string') return unresolvable(own);
    const extended = extendedResourceClaim(info, () => tracker.list(), classOfResource);
    const claims = extended ? [...own, extended] : own;
    if (claims.length === 0) return skip;
    const pending = claims.filter(({ status }) => !status?.allocation);
    for (const claim of pending) {
      const problem = claim === extended ? undefined : claimProblem(claim);
      if (problem !== undefined) return unresolvable(problem);
    }
    const allocator = new DeviceAllocator({
      slices: slices.list(),
      allocated: tracker.allocated(),
      random,
      classOf,
      compileSelector,
    });
    state.write(key, {
      ...fresh(claims, own.length),
      ...(pending.length > 0 ? { allocator } : {}),
      ...(extended ? { extendedUid: extended.metadata.uid ?? '' } : {}),
    });
    return undefined;
  };

  const filter = (state: ClaimsState, info: PodInfo, node: NodeInfo): Status | undefined => {
    const extended = state.claims[state.ownCount];
    let onNode: DeviceClaimView | undefined;
    let mappings: readonly ContainerExtendedResourceRequest[] = [];
    if (extended) {
      // Of an earlier try: it is deleted, and the pod tried again.
      if (extended.spec.devices?.requests)
        return unresolvable('cannot schedule extended resource claim');
      const wanted = requestsOnNode(info, node, classOfResource);
      if (wanted === 'unfit') return unresolvable('cannot fit resource');
      if (!wanted && state.ownCount === 0) return undefined;
      if (wanted) onNode = { ...extended, spec: { devices: { requests: wanted.requests } } };
      mappings = wanted?.mappings ?? [];
    }
    const unavailable = state.claims.flatMap((claim, index) =>
      isAvailable(claim, node.node, clock.now()) ? [] : [index],
    );
    let results: AllocationResult[] = [];
    if (state.allocator) {
      const own = state.claims.slice(0, state.ownCount);
      const pending = own.filter(({ status }) => !status?.allocation);
      if (onNode) pending.push(onNode);
      try {
        const found = state.allocator.allocate(node.node, pending);
        if (!found) return unresolvable('cannot allocate all claims');
        results = found;
      } catch (error) {
        if (error instanceof NodeAllocationError) return unresolvable(error.message);
        return failed(error instanceof Error ? error.message : String(error));
      }
    }
    if (unavailable.length > 0) {
      for (const index of unavailable) state.unavailable.add(index);
      return unresolvable('resourceclaim not available on the node');
    }
    state.nodes.set(node.name, { results, mappings, ...(onNode ? { extended: onNode } : {}) });
    return undefined;
  };

  const postFilter = (state: ClaimsState, pod: PodView): Status => {
    if (state.claims.length === 0) return unschedulable('no new claims to deallocate');
    const report = (error: unknown): void =>
      handle.logger.log('warn', 'claim not released', { error: String(error) });
    for (const index of state.unavailable) {
      const claim = state.claims[index];
      const reserved = claim?.status?.reservedFor ?? [];
      if (!claim || index >= state.ownCount) continue;
      if (reserved.length > 1 || (reserved.length === 1 && !isReservedFor(pod, claim))) continue;
      void deallocate(handle.client, claim).catch(report);
      return unschedulable('deallocation of ResourceClaim completed');
    }
    const extended = state.claims[state.ownCount];
    if (extended && !isUnwritten(extended)) {
      void releaseClaim(handle.client, extended).catch(report);
      return unschedulable('deletion of ResourceClaim completed');
    }
    return unschedulable('still not schedulable');
  };

  const stateOf = (state: CycleState): ClaimsState | undefined => state.read<ClaimsState>(key);
  return {
    name: key,
    events: [
      { resource: 'Node', actions: ['add', 'label', 'allocatable'] },
      {
        resource: 'ResourceClaim',
        actions: ['add', 'update'],
        hint: (pod, { previous, object }) => {
          const [before, now] = [previous, object] as [
            DeviceClaimView | undefined,
            DeviceClaimView,
          ];
          const claims = podClaims(pod);
          if (typeof claims === 'string') return false;
          // What it had may be had by others.
          if (before?.status?.allocation && !now.status?.allocation) return true;
          if (!claims.some(({ metadata }) => metadata.uid === now.metadata.uid)) return false;
          return !before || !jsonEqual(before.status ?? {}, now.status ?? {});
        },
      },
      {
        resource: 'TargetPod',
        actions: ['update'],
        hint: (pod, { object }) =>
          uidOf(object as PodView) === uidOf(pod) &&
          typeof podClaims(object as PodView) !== 'string',
      },
      { resource: 'DeviceClass', actions: ['add', 'update'] },
      { resource: 'ResourceSlice', actions: ['add', 'update'] },
    ],
    preEnqueue: (pod) => {
      const claims = podClaims(pod);
      return typeof claims === 'string' ? unresolvable(claims) : undefined;
    },
    preFilter: (state, info) => {
      const status = preFilter(state, info);
      return status ? { status } : undefined;
    },
    filter: (state, info, node) => {
      const data = stateOf(state);
      return data && data.claims.length > 0 ? filter(data, info, node) : undefined;
    },
    postFilter: (state, { pod }) => {
      const data = stateOf(state);
      // A pod that was refused earlier has no data here; upstream's message for that is the bare lookup error.
      return { status: data ? postFilter(data, pod) : failed('not found') };
    },
    score: (state, _info, node) => {
      const data = stateOf(state);
      const found = data?.nodes.get(node.name);
      return data && found ? alternativeScore(data, found) : 0;
    },
    normalize: (_state, scores) => normalizeScores(scores, false),
    reserve: (state, _info, nodeName) => {
      const data = stateOf(state);
      const found = data?.nodes.get(nodeName);
      if (!data?.allocator) return undefined;
      const pending = data.claims.flatMap(({ status }, index) =>
        status?.allocation ? [] : [index],
      );
      if (!found || found.results.length === 0) {
        // A plugin for devices has what the node gives.
        if (pending.every((index) => index >= data.ownCount)) return undefined;
        return failed('claim allocation not found for node');
      }
      pending.forEach((index, i) => {
        const allocation = found.results[i];
        if (!allocation) return;
        data.allocations.set(index, allocation);
        tracker.setPending(data.claims[index]?.metadata.uid ?? '', allocation);
      });
      return undefined;
    },
    unreserve: (state, { pod }) => {
      const data = stateOf(state);
      if (!data) return;
      data.claims.forEach((claim, index) => {
        const isOwn = index < data.ownCount;
        tracker.removePending((isOwn ? claim.metadata.uid : data.extendedUid) ?? '');
        const undone = isOwn
          ? claim.status?.allocation && isReservedFor(pod, claim)
            ? dropReservation(handle.client, claim, pod)
            : undefined
          : isUnwritten(claim)
            ? undefined
            : releaseClaim(handle.client, claim);
        void undone?.catch((error: unknown) =>
          handle.logger.log('warn', 'claim not released', { error: String(error) }),
        );
      });
    },
    willPreBind: (state) => (stateOf(state)?.claims.length ?? 0) > 0,
    preBind: (state, { pod }, nodeName) => {
      const data = stateOf(state);
      if (!data || data.claims.length === 0) return undefined;
      return bindClaims({ handle, tracker, state: data, pod, nodeName });
    },
  };
}

/** Whether what a claim has can be used on a node, and is not lost to its driver. */
function isAvailable(
  { status, metadata }: DeviceClaimView,
  node: NodeView,
  nowMs: number,
): boolean {
  const allocation = status?.allocation;
  if (!allocation) return true;
  const { name, labels } = node.metadata;
  const terms = allocation.nodeSelector?.nodeSelectorTerms;
  if (terms && !terms.some((term) => matchesNodeTerm(term, { name, labels }))) return false;
  const ready = bindingState({ status, name: metadata.name ?? '' });
  if (ready === 'ready') return true;
  return ready === 'waiting' && !isOverdue(allocation, nowMs);
}

/** More for alternatives that were named first. @see computeScore */
function alternativeScore({ claims }: ClaimsState, { results }: NodeAllocation): number {
  let score = 0;
  let next = 0;
  for (const { spec, status } of claims) {
    const allocation: AllocationView | undefined = status?.allocation ?? results[next++];
    const chosen = new Set(allocation?.devices?.results?.map(({ request }) => request));
    for (const { name, firstAvailable = [] } of spec.devices?.requests ?? [])
      firstAvailable.forEach((alternative, index) => {
        if (chosen.has(`${name}/${alternative.name}`)) score += maxAlternatives - index;
      });
  }
  return score;
}
