import type { AllocationResult, ContainerExtendedResourceRequest } from '../../apis/index.ts';
import type { DeviceAllocator } from './allocator.ts';
import type { AllocationView, DeviceClaimView } from './types.ts';

/** What a node would give to a pod. */
export interface NodeAllocation {
  /** In the order of the claims that have none yet. */
  readonly results: readonly AllocationResult[];
  /** The claim for extended resources with what it asks of this node. */
  readonly extended?: DeviceClaimView;
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

/** What is known of a pod's claims in one cycle. */
export interface ClaimsState {
  /** The pod's own, and after these the one for its extended resources. */
  readonly claims: DeviceClaimView[];
  readonly ownCount: number;
  readonly allocator?: DeviceAllocator;
  /** Allocated claims that a node was refused for, by index. */
  readonly unavailable: Set<number>;
  readonly nodes: Map<string, NodeAllocation>;
  /** What `reserve` decided, by index. */
  readonly allocations: Map<number, AllocationView>;
  /** Under which the claim for extended resources was taken for pending. */
  readonly extendedUid?: string;
}

/** How long devices may take to be ready for a pod. */
export const bindingTimeoutMs = 600_000;

/** Whether devices took too long to become ready. */
export function isOverdue(
  { allocationTimestamp, devices }: AllocationView,
  nowMs: number,
): boolean {
  if (allocationTimestamp === undefined) return false;
  const waits = devices?.results?.some(({ bindingConditions }) => bindingConditions) ?? false;
  return waits && Date.parse(allocationTimestamp) + bindingTimeoutMs < nowMs;
}
