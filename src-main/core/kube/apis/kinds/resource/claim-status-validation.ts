import type { DeepReadonly } from '#core/base';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../../generated/types.ts';
import { interfaceAddressFault } from '../../validation/addresses.ts';
import { type FieldErrors, Printed } from '../../validation/field.ts';
import { immutableMessage, qualifiedName as labelKey } from '../../validation/meta.ts';
import { internalEqual, internalJson } from '../core/internal-print.ts';
import { validateNodeSelector } from '../core/pod-scheduling.ts';
import {
  maxConfigs,
  requestNamesOf,
  type RequestNames,
  validateConfiguration,
  validateParameters,
  validateRequestRef,
  validateRequestRefs,
} from './claim-validation.ts';
import { eachOf, setOf } from './collections.ts';
import { driverName, labelName, named, poolName, shareId } from './names.ts';

// Rules: pkg/apis/resource/validation/validation.go.

const maxConsumers = 256;
const maxResults = 32;
const maxDeviceConditions = 8;
const maxBindingConditions = 4;
const maxAddresses = 16;

/** What tells one allocated device, or one share of it, from others: as upstream prints it. */
interface DeviceId {
  readonly Driver: string;
  readonly Pool: string;
  readonly Device: string;
  readonly ShareID: string;
}

type Identified = Partial<
  Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>
>;

const deviceIdOf = ({ driver, pool, device, shareID }: Identified): DeviceId => ({
  Driver: driver ?? '',
  Pool: pool ?? '',
  Device: device ?? '',
  ShareID: shareID ?? '',
});

/** The same as one text. */
export const deviceKeyOf = (device: DeepReadonly<Identified>): string =>
  JSON.stringify(deviceIdOf(device));

const printed = (id: DeviceId): Printed => new Printed(JSON.stringify(id));

/** @see validateResourceClaimStatusUpdate */
export function validateClaimStatus(
  errors: FieldErrors,
  claim: ResourceClaim,
  old: ResourceClaim,
): void {
  const { allocation, reservedFor = [], devices } = claim.status ?? {};
  const names = requestNamesOf(claim.spec?.devices);
  setOf(
    errors,
    'status.reservedFor',
    reservedFor,
    maxConsumers,
    (consumer, at) => validateConsumer(errors, at, consumer),
    ({ uid }) => uid ?? '',
  );
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKeyOf));
  setOf(
    errors,
    'status.devices',
    devices,
    Infinity,
    (device, at) => validateDeviceStatus(errors, at, device, allocated),
    (device) => printed(deviceIdOf(device)),
  );
  if (reservedFor.length > 0) {
    const before = new Set((old.status?.reservedFor ?? []).map((each) => consumerKey(each)));
    if (!allocation)
      errors.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set');
    else if (
      claim.metadata.deletionTimestamp &&
      reservedFor.some((each) => !before.has(consumerKey(each)))
    )
      errors.forbidden(
        'status.reservedFor',
        'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      );
  }
  const former = old.status?.allocation;
  if (allocation && former) {
    if (!internalEqual('AllocationResult', allocation, former))
      errors.invalid(
        'status.allocation',
        new Printed(internalJson('AllocationResult', allocation)),
        immutableMessage,
      );
  } else if (allocation) validateAllocation(errors, 'status.allocation', allocation, names);
}

const consumerKey = ({ apiGroup, resource, name, uid }: ResourceClaimConsumerReference): string =>
  JSON.stringify([apiGroup ?? '', resource ?? '', name ?? '', uid ?? '']);

function validateConsumer(
  errors: FieldErrors,
  path: string,
  consumer: ResourceClaimConsumerReference,
): void {
  for (const field of ['resource', 'name', 'uid'] as const)
    if (!consumer[field]) errors.required(`${path}.${field}`);
}

function validateAllocation(
  errors: FieldErrors,
  path: string,
  { devices, nodeSelector }: AllocationResult,
  names: RequestNames,
): void {
  eachOf(errors, `${path}.devices.results`, devices?.results, maxResults, (result, at) => {
    validateRequestRef(errors, `${at}.request`, result.request ?? '', names);
    driverName(errors, `${at}.driver`, result.driver);
    poolName(errors, `${at}.pool`, result.pool);
    labelName(errors, `${at}.device`, result.device);
    validateBindingConditions(errors, at, result);
    if (result.shareID !== undefined) shareId(errors, `${at}.shareID`, result.shareID);
  });
  eachOf(errors, `${path}.devices.config`, devices?.config, 2 * maxConfigs, (config, at) => {
    const { source = '' } = config;
    if (source === '') errors.required(`${at}.source`);
    else if (source !== 'FromClaim' && source !== 'FromClass')
      errors.notSupported(`${at}.source`, named(source), ['FromClaim', 'FromClass']);
    validateRequestRefs(errors, `${at}.requests`, config.requests, names);
    validateConfiguration(errors, at, config.opaque);
  });
  if (nodeSelector) validateNodeSelector(errors, `${path}.nodeSelector`, nodeSelector);
}

/** Conditions a driver sets before, or instead of, a pod's binding. @see validateDeviceBindingParameters */
export function validateBindingConditions(
  errors: FieldErrors,
  path: string,
  holder: {
    readonly bindingConditions?: readonly string[];
    readonly bindingFailureConditions?: readonly string[];
  },
): void {
  const { bindingConditions: wanted = [], bindingFailureConditions: failures = [] } = holder;
  const [wantedPath, failuresPath] = [
    `${path}.bindingConditions`,
    `${path}.bindingFailureConditions`,
  ];
  eachOf(errors, wantedPath, wanted, maxBindingConditions, (name, at) =>
    labelKey(errors, at, name),
  );
  eachOf(errors, failuresPath, failures, maxBindingConditions, (name, at) =>
    labelKey(errors, at, name),
  );
  wanted.forEach((name, index) => {
    if (wanted.indexOf(name) < index) errors.duplicate(`${wantedPath}[${index}]`, name);
  });
  failures.forEach((name, index) => {
    const at = `${failuresPath}[${index}]`;
    if (failures.indexOf(name) < index) errors.duplicate(at, name);
    if (wanted.includes(name))
      errors.invalid(at, name, 'bindingFailureConditions must not overlap with bindingConditions');
  });
  if (wanted.length === 0 && failures.length > 0)
    errors.invalid(
      wantedPath,
      holder.bindingConditions ?? null,
      'bindingConditions are required to use bindingFailureConditions',
    );
  if (failures.length === 0 && wanted.length > 0)
    errors.invalid(
      failuresPath,
      holder.bindingFailureConditions ?? null,
      'bindingFailureConditions are required to use bindingConditions',
    );
}

function validateDeviceStatus(
  errors: FieldErrors,
  path: string,
  device: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
): void {
  driverName(errors, `${path}.driver`, device.driver);
  poolName(errors, `${path}.pool`, device.pool);
  labelName(errors, `${path}.device`, device.device);
  if (device.shareID !== undefined) shareId(errors, `${path}.shareID`, device.shareID);
  if (!allocated.has(deviceKeyOf(device)))
    errors.invalid(path, printed(deviceIdOf(device)), 'must be an allocated device in the claim');
  const conditions = device.conditions ?? [];
  if (conditions.length > maxDeviceConditions)
    errors.tooMany(`${path}.conditions`, conditions.length, maxDeviceConditions);
  conditions.forEach((condition, index) => {
    const { type = '' } = condition;
    if (conditions.findIndex((each) => (each.type ?? '') === type) < index)
      errors.duplicate(`${path}.conditions[${index}].type`, type);
    validateCondition(errors, `${path}.conditions[${index}]`, condition);
  });
  if (device.data !== undefined && device.data !== null)
    validateParameters(errors, `${path}.data`, device.data);
  if (device.networkData) validateNetworkData(errors, `${path}.networkData`, device.networkData);
}

const reasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonFault = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonFormat}')`;
const statuses = ['False', 'True', 'Unknown'];

/** @see k8s.io/apimachinery/pkg/apis/meta/v1/validation, ValidateCondition */
function validateCondition(
  errors: FieldErrors,
  path: string,
  condition: NonNullable<AllocatedDeviceStatus['conditions']>[number],
): void {
  const { type = '', status = '', observedGeneration = 0, reason = '', message = '' } = condition;
  labelKey(errors, `${path}.type`, type);
  if (!statuses.includes(status)) errors.notSupported(`${path}.status`, named(status), statuses);
  if (observedGeneration < 0)
    errors.invalid(
      `${path}.observedGeneration`,
      observedGeneration,
      'must be greater than or equal to zero',
    );
  if (!condition.lastTransitionTime) errors.required(`${path}.lastTransitionTime`);
  if (reason === '') errors.required(`${path}.reason`);
  else {
    if (!new RegExp(`^${reasonFormat}$`).test(reason))
      errors.invalid(`${path}.reason`, reason, reasonFault);
    if (reason.length > 1024) errors.tooLong(`${path}.reason`, 1024);
  }
  if (message.length > 32 * 1024) errors.tooLong(`${path}.message`, 32 * 1024);
}

function validateNetworkData(errors: FieldErrors, path: string, data: NetworkDeviceData): void {
  const { interfaceName = '', hardwareAddress = '', ips } = data;
  if (interfaceName.length > 256) errors.tooLong(`${path}.interfaceName`, 256);
  if (hardwareAddress.length > 128) errors.tooLong(`${path}.hardwareAddress`, 128);
  setOf(
    errors,
    `${path}.ips`,
    ips,
    maxAddresses,
    (address, at) => {
      const fault = interfaceAddressFault(address);
      if (fault !== undefined) errors.invalid(at, address, fault);
    },
    (address) => address,
  );
}
