import type { DeepReadonly } from '#core/base';
import type {
  AllocationResult,
  Device,
  DeviceAttribute,
  DeviceCapacity,
  DeviceClass,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceSlice,
} from '../../apis/index.ts';

export type DeviceView = DeepReadonly<Device>;
export type SliceView = DeepReadonly<ResourceSlice>;
export type DeviceClassView = DeepReadonly<DeviceClass>;
export type DeviceClaimView = DeepReadonly<ResourceClaim>;
export type RequestView = DeepReadonly<DeviceRequest>;
/** A request, or one of its alternatives. */
export type RequestDetails = DeepReadonly<ExactDeviceRequest | DeviceSubRequest>;
export type AttributeView = DeepReadonly<DeviceAttribute>;
export type CapacityView = DeepReadonly<DeviceCapacity>;
export type AllocationView = DeepReadonly<AllocationResult>;

/**
 * Compiles the expression of a selector.
 * @returns whether a device is selected; throws when that cannot be told
 * @throws Error the expression is malformed
 */
export type CompileSelector = (
  expression: string,
) => (device: {
  readonly driver: string;
  readonly allowMultipleAllocations?: boolean;
  readonly attributes?: NonNullable<DeviceView['attributes']>;
  readonly capacity?: NonNullable<DeviceView['capacity']>;
}) => boolean;

/** What tells a device from others, as messages write it. */
export const deviceIdOf = (driver: string, pool: string, device: string): string =>
  `${driver}/${pool}/${device}`;
