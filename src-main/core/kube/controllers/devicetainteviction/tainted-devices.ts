import type { DeepReadonly } from '#core/base';
import type { ResourceClaim, ResourceSlice } from '../../apis/index.ts';
import { tolerates } from '../../machinery/index.ts';
import { timeMs } from '../shared/pods.ts';

export type SliceView = DeepReadonly<ResourceSlice>;

type DeviceView = NonNullable<SliceView['spec']['devices']>[number];
type DeviceTaintView = NonNullable<DeviceView['taints']>[number];
type Allocation = NonNullable<NonNullable<DeepReadonly<ResourceClaim>['status']>['allocation']>;
type AllocatedDevice = NonNullable<NonNullable<Allocation['devices']>['results']>[number];

export const poolKey = (driver: string, pool: string): string => JSON.stringify([driver, pool]);

/** Pools whose devices a claim was given. */
export function poolKeysOf(allocation: Allocation | undefined): string[] {
  const keys = allocatedDevices(allocation).map(({ driver, pool }) => poolKey(driver, pool));
  return [...new Set(keys)];
}

const allocatedDevices = (allocation: Allocation | undefined): readonly AllocatedDevice[] =>
  allocation?.devices?.results ?? [];

const noExecute = ({ taints }: DeviceView): readonly DeviceTaintView[] =>
  (taints ?? []).filter(({ effect }) => effect === 'NoExecute');

export const hasEvictingTaints = (slice: SliceView): boolean =>
  (slice.spec.devices ?? []).some((device) => noExecute(device).length > 0);

/** Only the newest generation of a pool tells of its devices. */
function taintsOf(name: string, slices: readonly SliceView[]): readonly DeviceTaintView[] {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation));
  for (const { spec } of slices) {
    if (spec.pool.generation !== newest) continue;
    const device = spec.devices?.find((each) => each.name === name);
    if (device) return noExecute(device);
  }
  return [];
}

/** When a taint ends the use of a device; undefined if it is tolerated for ever. */
function endMs(taint: DeviceTaintView, { tolerations = [] }: AllocatedDevice): number | undefined {
  const addedMs = timeMs(taint.timeAdded);
  if (addedMs === undefined) return undefined;
  const matching = tolerations.filter(
    (toleration) => toleration.effect === 'NoExecute' && tolerates(toleration, taint),
  );
  if (matching.length === 0) return addedMs;
  const seconds = matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity);
  const shortest = Math.max(0, Math.min(...seconds));
  const forEver = matching.some(({ tolerationSeconds }) => tolerationSeconds === undefined);
  return forEver ? undefined : addedMs + shortest * 1000;
}

/**
 * When pods that use a claim have to leave; undefined if none of its devices has a NoExecute taint that is not tolerated
 * for ever.
 *
 * @see k8s.io/kubernetes/pkg/controller/devicetainteviction/device_taint_eviction.go, claimEvictionTime
 */
export function claimEvictionMs(
  allocation: Allocation | undefined,
  slicesOf: (pool: string) => readonly SliceView[],
): number | undefined {
  const ends = allocatedDevices(allocation).flatMap((device) =>
    taintsOf(device.device, slicesOf(poolKey(device.driver, device.pool))).flatMap(
      (taint) => endMs(taint, device) ?? [],
    ),
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
