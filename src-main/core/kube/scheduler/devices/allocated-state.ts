import type { Consumed } from './capacity.ts';
import { parseQuantity } from '../../machinery/index.ts';
import { type AllocationView, deviceIdOf } from './types.ts';

/** What of the cluster's devices is taken. */
export interface AllocatedState {
  /** Devices that nobody else can have. */
  readonly devices: ReadonlySet<string>;
  /** Devices that are shared, with what is taken of their capacities. */
  readonly shared: ReadonlyMap<string, Consumed>;
}

/** @see pkg/scheduler/framework/plugins/dynamicresources/allocateddevices.go, foreachAllocatedDevice */
export function allocatedState(allocations: Iterable<AllocationView>): AllocatedState {
  const devices = new Set<string>();
  const shared = new Map<string, Map<string, bigint>>();
  for (const allocation of allocations)
    for (const result of allocation.devices?.results ?? []) {
      // With admin access a device is looked at, not taken.
      if (result.adminAccess) continue;
      const id = deviceIdOf(result.driver, result.pool, result.device);
      if (result.shareID === undefined) {
        devices.add(id);
        continue;
      }
      const taken = shared.get(id) ?? new Map<string, bigint>();
      shared.set(id, taken);
      for (const [name, amount] of Object.entries(result.consumedCapacity ?? {}))
        taken.set(name, (taken.get(name) ?? 0n) + parseQuantity(String(amount)).nano);
    }
  return { devices, shared };
}
