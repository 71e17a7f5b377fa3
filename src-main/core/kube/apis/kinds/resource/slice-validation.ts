import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  DeviceTaint,
  Quantity,
  ResourceSliceSpec,
} from '../../generated/types.ts';
import { type FieldErrors, Printed } from '../../validation/field.ts';
import {
  immutable,
  qualifiedName as labelKey,
  semanticEqual,
  sortedEntries,
} from '../../validation/meta.ts';
import { canonicalQuantity, compareQuantities, wholeValue } from '../../validation/quantity.ts';
import { formatQuantity, parseQuantity } from '../../../machinery/index.ts';
import { internalJson } from '../core/internal-print.ts';
import { validateNodeSelector } from '../core/pod-scheduling.ts';
import { validateBindingConditions } from './claim-status-validation.ts';
import { validateEffect } from './claim-validation.ts';
import { eachOf, mapOf, setOf } from './collections.ts';
import { driverName, labelName, labelValue, nodeName, poolName, qualifiedName } from './names.ts';

// Rules: pkg/apis/resource/validation/validation.go.

const maxDevices = 128;
/** With taints or counters, whose checking costs more. */
const maxDemandingDevices = 64;
const maxCounterSets = 8;
const maxCounters = 32;
const maxConsumptions = 2;
const maxAttributesAndCapacities = 32;
const maxAttributeLength = 64;
const maxTaints = 16;
const maxOptions = 10;
const keys = { max: Infinity, keyLength: 63 + 1 + 32 };
const counters = { max: maxCounters, keyLength: 63 };
const unsetOrTrue = 'must be either unset or set to true';

/** @see validateResourceSliceSpec */
export function validateSlice(
  errors: FieldErrors,
  spec: ResourceSliceSpec,
  old: ResourceSliceSpec | undefined,
): void {
  const { devices, sharedCounters, perDeviceNodeSelection } = spec;
  driverName(errors, 'spec.driver', spec.driver);
  validatePool(errors, spec);
  if (old) {
    immutable(errors, 'spec.pool.name', spec.pool?.name ?? '', old.pool?.name ?? '');
    immutable(errors, 'spec.driver', spec.driver ?? '', old.driver ?? '');
    immutable(errors, 'spec.nodeName', spec.nodeName, old.nodeName);
  }
  validatePlace(errors, spec);
  if (sharedCounters && devices)
    errors.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  const demanding = devices?.some(
    ({ taints, consumesCounters }) =>
      (taints?.length ?? 0) > 0 || (consumesCounters?.length ?? 0) > 0,
  );
  setOf(
    errors,
    'spec.devices',
    devices,
    demanding ? maxDemandingDevices : maxDevices,
    (device, at) => {
      const before = old?.devices?.find(({ name }) => name === device.name);
      validateDevice(errors, at, device, before, perDeviceNodeSelection ?? false);
    },
    ({ name }) => name ?? '',
  );
  setOf(
    errors,
    'spec.sharedCounters',
    sharedCounters,
    maxCounterSets,
    (set, at) => validateCounterSet(errors, at, set),
    ({ name }) => name ?? '',
  );
}

function validatePool(errors: FieldErrors, { pool }: ResourceSliceSpec): void {
  const { name, resourceSliceCount = 0, generation = 0 } = pool ?? {};
  poolName(errors, 'spec.pool.name', name);
  if (resourceSliceCount <= 0)
    errors.invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero');
  if (generation < 0)
    errors.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero');
}

/** On which nodes the devices are: one of four ways to say it. */
function validatePlace(errors: FieldErrors, spec: ResourceSliceSpec): void {
  const told: string[] = [];
  if (spec.nodeName === '')
    errors.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string');
  else if (spec.nodeName !== undefined) {
    told.push('`nodeName`');
    nodeName(errors, 'spec.nodeName', spec.nodeName);
  }
  if (spec.nodeSelector) {
    told.push('`nodeSelector`');
    validateNodeSelector(errors, 'spec.nodeSelector', spec.nodeSelector);
    const { nodeSelectorTerms: terms } = spec.nodeSelector;
    if (terms?.length !== 1)
      errors.invalid(
        'spec.nodeSelector.nodeSelectorTerms',
        new Printed(
          terms
            ? `[${terms.map((term) => internalJson('NodeSelectorTerm', term)).join(',')}]`
            : 'null',
        ),
        'must have exactly one node selector term',
      );
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const)
    if (spec[field]) told.push(`\`${field}\``);
    else if (spec[field] === false) errors.invalid(`spec.${field}`, false, unsetOrTrue);
  const one =
    'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (told.length === 0) errors.required('spec', one);
  else if (told.length > 1)
    errors.invalid('spec', `{${told.join(', ')}}`, `${one}, but multiple fields are set`);
}

function validateDevice(
  errors: FieldErrors,
  path: string,
  device: Device,
  old: Device | undefined,
  perDeviceNodeSelection: boolean,
): void {
  const { attributes, capacity, taints, consumesCounters } = device;
  labelName(errors, `${path}.name`, device.name);
  const size = Object.keys(attributes ?? {}).length + Object.keys(capacity ?? {}).length;
  if (size > maxAttributesAndCapacities)
    errors.invalid(
      path,
      size,
      `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`,
    );
  mapOf(
    errors,
    `${path}.attributes`,
    attributes,
    keys,
    (name, at) => qualifiedName(errors, at, name),
    (attribute, at) => validateAttribute(errors, at, attribute),
  );
  mapOf(
    errors,
    `${path}.capacity`,
    capacity,
    keys,
    (name, at) => qualifiedName(errors, at, name),
    ({ value, requestPolicy }, at) => {
      if (!requestPolicy) return;
      if (device.allowMultipleAllocations)
        validatePolicy(errors, `${at}.requestPolicy`, value, requestPolicy);
      else errors.forbidden(`${at}.requestPolicy`, 'allowMultipleAllocations must be true');
    },
  );
  if (!old || !semanticEqual(old.taints, taints))
    eachOf(errors, `${path}.taints`, taints, maxTaints, (taint, at) =>
      validateTaint(errors, at, taint),
    );
  setOf(
    errors,
    `${path}.consumesCounters`,
    consumesCounters,
    maxConsumptions,
    (consumption, at) => validateConsumption(errors, at, consumption),
    ({ counterSet }) => counterSet ?? '',
  );
  validateDevicePlace(errors, path, device, perDeviceNodeSelection);
  validateBindingConditions(errors, path, device);
}

function validateDevicePlace(
  errors: FieldErrors,
  path: string,
  device: Device,
  perDeviceNodeSelection: boolean,
): void {
  const { nodeName: name, nodeSelector, allNodes } = device;
  if (!perDeviceNodeSelection) {
    if (name !== undefined || nodeSelector || allNodes !== undefined)
      errors.invalid(
        path,
        null,
        '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      );
    return;
  }
  const told: string[] = [];
  if (name === '') errors.invalid(`${path}.nodeName`, '', 'must not be empty');
  else if (name !== undefined) {
    told.push('`nodeName`');
    nodeName(errors, `${path}.nodeName`, name);
  }
  if (nodeSelector) {
    told.push('`nodeSelector`');
    validateNodeSelector(errors, `${path}.nodeSelector`, nodeSelector);
  }
  if (allNodes) told.push('`allNodes`');
  else if (allNodes === false) errors.invalid(`${path}.allNodes`, false, unsetOrTrue);
  const one =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (told.length === 0) errors.required(path, one);
  else if (told.length > 1) errors.invalid(path, `{${told.join(', ')}}`, one);
}

const numeric = '(0|[1-9]\\d*)';
const preRelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semver = new RegExp(
  `^${numeric}\\.${numeric}\\.${numeric}(-${preRelease}(\\.${preRelease})*)?(\\+${build}(\\.${build})*)?$`,
);

function validateAttribute(errors: FieldErrors, path: string, attribute: DeviceAttribute): void {
  const { string, version } = attribute;
  const told = (['bool', 'int', 'string', 'version'] as const).filter(
    (field) => attribute[field] !== undefined,
  );
  if (string !== undefined && string.length > maxAttributeLength)
    errors.tooLong(`${path}.string`, maxAttributeLength);
  if (version !== undefined) {
    if (!semver.test(version))
      errors.invalid(
        `${path}.version`,
        version,
        'must be a string compatible with semver.org spec 2.0.0',
      );
    if (version.length > maxAttributeLength) errors.tooLong(`${path}.version`, maxAttributeLength);
  }
  if (told.length !== 1)
    errors.invalid(
      path,
      told.length === 0 ? '' : new Printed(internalJson('DeviceAttribute', attribute)),
      'exactly one value must be specified',
    );
}

/** How much of a capacity a request may take. @see validateRequestPolicy */
function validatePolicy(
  errors: FieldErrors,
  path: string,
  capacity: Quantity,
  policy: CapacityRequestPolicy,
): void {
  const { default: byDefault, validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange) {
    errors.forbidden(
      path,
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
    );
    return;
  }
  const kind = validValues.length > 0 ? 'validValues' : validRange ? 'validRange' : undefined;
  if (!kind) return;
  if (!byDefault) errors.required(`${path}.default`, `required when ${kind} is defined`);
  else if (validRange) validateRange(errors, `${path}.validRange`, byDefault, capacity, validRange);
  else validateValues(errors, `${path}.validValues`, byDefault, capacity, validValues);
}

function validateValues(
  errors: FieldErrors,
  path: string,
  byDefault: Quantity,
  capacity: Quantity,
  values: readonly Quantity[],
): void {
  const limit = canonicalQuantity(capacity);
  values.forEach((value, index) => {
    if (index > 0 && compareQuantities(values[index - 1], value) > 0)
      errors.invalid(
        `${path}[${index}]`,
        canonicalQuantity(value),
        'values must be sorted in ascending order',
      );
  });
  setOf(
    errors,
    path,
    values,
    maxOptions,
    (value, at) => {
      if (compareQuantities(value, capacity) > 0)
        errors.invalid(
          at,
          canonicalQuantity(value),
          `option is larger than capacity value: ${limit}`,
        );
    },
    (value) => String(wholeValue(value)),
  );
  if (
    values.length > maxOptions ||
    !values.some((value) => compareQuantities(value, byDefault) === 0)
  )
    errors.invalid(
      path,
      canonicalQuantity(byDefault),
      'default value is not valid according to the requestPolicy',
    );
}

function validateRange(
  errors: FieldErrors,
  path: string,
  byDefault: Quantity,
  capacity: Quantity,
  { min, max, step }: Partial<CapacityRequestPolicyRange>,
): void {
  if (!min) {
    errors.required(`${path}.min`, 'required when validRange is defined');
    return;
  }
  const text = canonicalQuantity;
  const limit = text(capacity);
  if (compareQuantities(min, capacity) > 0)
    errors.invalid(`${path}.min`, text(min), `min is larger than capacity value: ${limit}`);
  if (compareQuantities(byDefault, min) < 0)
    errors.invalid(`${path}.min`, text(byDefault), `default is less than min: ${text(min)}`);
  if (max) {
    if (compareQuantities(min, max) > 0)
      errors.invalid(`${path}.max`, text(min), `min is larger than max: ${text(max)}`);
    if (compareQuantities(max, capacity) > 0)
      errors.invalid(`${path}.max`, text(max), `max is larger than capacity value: ${limit}`);
    if (compareQuantities(byDefault, max) > 0)
      errors.invalid(`${path}.max`, text(byDefault), `default is more than max: ${text(max)}`);
  }
  if (!step) return;
  const at = `${path}.step`;
  const sum = sumOf(min, step);
  if (compareQuantities(sum, capacity) > 0)
    errors.invalid(at, text(step), `one step ${sum} is larger than capacity value: ${limit}`);
  for (const value of max ? [byDefault, max] : [byDefault])
    if ((wholeValue(value) - wholeValue(min)) % wholeValue(step) !== 0)
      errors.invalid(
        at,
        text(value),
        `value is not a multiple of a given step (${text(step)}) from (${text(min)})`,
      );
}

/** In the notation of the first. */
function sumOf(a: Quantity, b: Quantity): string {
  const { nano, format } = parseQuantity(String(a));
  return formatQuantity({ nano: nano + parseQuantity(String(b)).nano, format });
}

function validateCounterSet(errors: FieldErrors, path: string, set: CounterSet): void {
  if (!set.name) errors.required(`${path}.name`);
  else labelName(errors, `${path}.name`, set.name);
  validateCounters(errors, `${path}.counters`, set.counters);
}

function validateConsumption(
  errors: FieldErrors,
  path: string,
  consumption: DeviceCounterConsumption,
): void {
  if (!consumption.counterSet) errors.required(`${path}.counterSet`);
  else labelName(errors, `${path}.counterSet`, consumption.counterSet);
  validateCounters(errors, `${path}.counters`, consumption.counters);
}

function validateCounters(
  errors: FieldErrors,
  path: string,
  map: CounterSet['counters'] | undefined,
): void {
  if (sortedEntries(map).length === 0) errors.required(path);
  else mapOf(errors, path, map, counters, (name, at) => labelName(errors, at, name));
}

/** @see validateDeviceTaint */
function validateTaint(errors: FieldErrors, path: string, taint: DeviceTaint): void {
  const { key = '', value = '', effect = '' } = taint;
  labelKey(errors, `${path}.key`, key);
  if (value !== '') labelValue(errors, `${path}.value`, value);
  if (effect === '') errors.required(`${path}.effect`);
  else validateEffect(errors, `${path}.effect`, effect);
}
