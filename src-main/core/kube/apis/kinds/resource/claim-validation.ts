import type { StrategyContext } from '../../kind-strategy.ts';
import type {
  DeviceClaim,
  DeviceClassSpec,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
} from '../../generated/types.ts';
import { type FieldErrors, goJson } from '../../validation/field.ts';
import { qualifiedName as labelKey } from '../../validation/meta.ts';
import { isExtendedResourceName } from '../../validation/resources.ts';
import { eachOf, setOf } from './collections.ts';
import {
  className,
  driverName,
  fullyQualifiedName,
  labelName,
  labelValue,
  named,
} from './names.ts';

// Rules: pkg/apis/resource/validation/validation.go.

const maxRequests = 32;
const maxConstraints = 32;
export const maxConfigs = 32;
const maxSelectors = 32;
const maxAlternatives = 8;
const maxExpressionLength = 10 * 1024;
const maxParametersLength = 10 * 1024;

type CheckSelector = StrategyContext['checkDeviceSelector'];

/** Names of requests with those of their alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNamesOf(claim: DeviceClaim | undefined): RequestNames {
  return new Map(
    (claim?.requests ?? []).map(({ name = '', firstAvailable }) => [
      name,
      new Set((firstAvailable ?? []).map((alternative) => alternative.name)),
    ]),
  );
}

/** @see validateDeviceClaim */
export function validateDeviceClaim(
  errors: FieldErrors,
  path: string,
  claim: DeviceClaim | undefined,
  check: CheckSelector,
): void {
  const names = requestNamesOf(claim);
  setOf(
    errors,
    `${path}.requests`,
    claim?.requests,
    maxRequests,
    (request, at) => validateRequest(errors, at, request, check),
    ({ name }) => name ?? '',
  );
  eachOf(errors, `${path}.constraints`, claim?.constraints, maxConstraints, (constraint, at) =>
    validateConstraint(errors, at, constraint, names),
  );
  eachOf(errors, `${path}.config`, claim?.config, maxConfigs, (config, at) => {
    validateRequestRefs(errors, `${at}.requests`, config.requests, names);
    validateConfiguration(errors, at, config.opaque);
  });
}

function validateRequest(
  errors: FieldErrors,
  path: string,
  request: DeviceRequest,
  check: CheckSelector,
): void {
  labelName(errors, `${path}.name`, request.name);
  const { exactly, firstAvailable = [] } = request;
  const either = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0)
    errors.invalid(path, null, `${either}, but multiple fields are set`);
  else if (exactly) validateDetails(errors, `${path}.exactly`, exactly, check);
  else if (firstAvailable.length > 0)
    setOf(
      errors,
      `${path}.firstAvailable`,
      firstAvailable,
      maxAlternatives,
      (alternative, at) => {
        labelName(errors, `${at}.name`, alternative.name);
        validateDetails(errors, at, alternative, check);
      },
      ({ name }) => name ?? '',
    );
  else errors.required(path, either);
}

function validateDetails(
  errors: FieldErrors,
  path: string,
  request: ExactDeviceRequest | DeviceSubRequest,
  check: CheckSelector,
): void {
  const { allocationMode = '', count = 0 } = request;
  className(errors, `${path}.deviceClassName`, request.deviceClassName);
  validateSelectors(errors, `${path}.selectors`, request.selectors, check);
  if (allocationMode === 'All') {
    if (count !== 0)
      errors.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.invalid(`${path}.count`, count, 'must be greater than zero');
  } else
    errors.notSupported(`${path}.allocationMode`, named(allocationMode), ['All', 'ExactCount']);
  request.tolerations?.forEach((toleration, index) =>
    validateToleration(errors, `${path}.tolerations[${index}]`, toleration),
  );
}

function validateSelectors(
  errors: FieldErrors,
  path: string,
  selectors: readonly DeviceSelector[] | undefined,
  check: CheckSelector,
): void {
  eachOf(errors, path, selectors, maxSelectors, ({ cel }, at) => {
    if (!cel) {
      errors.required(`${at}.cel`);
      return;
    }
    const expression = cel.expression ?? '';
    if (expression.length > maxExpressionLength) {
      errors.tooLong(`${at}.cel.expression`, maxExpressionLength);
      return;
    }
    const fault = check?.(expression);
    if (fault === 'too complex')
      errors.forbidden(`${at}.cel.expression`, 'too complex, exceeds cost limit');
    else if (fault) errors.invalid(`${at}.cel.expression`, expression, fault.problem);
  });
}

const effects = ['NoExecute', 'NoSchedule', 'None'];

/** @see validateDeviceToleration */
function validateToleration(
  errors: FieldErrors,
  path: string,
  { key = '', operator = '', value = '', effect = '' }: DeviceToleration,
): void {
  if (key !== '') labelKey(errors, `${path}.key`, key);
  if (operator === 'Exists') {
    if (value !== '') errors.invalid(`${path}.value`, value, 'must be empty for operator `Exists`');
  } else if (operator === 'Equal') labelValue(errors, `${path}.value`, value);
  else if (operator === '') errors.required(`${path}.operator`);
  else errors.notSupported(`${path}.operator`, named(operator), ['Equal', 'Exists']);
  if (effect !== '') validateEffect(errors, `${path}.effect`, effect);
}

export function validateEffect(errors: FieldErrors, path: string, effect: string): void {
  if (!effects.includes(effect)) errors.notSupported(path, named(effect), effects);
}

function validateConstraint(
  errors: FieldErrors,
  path: string,
  { requests, matchAttribute, distinctAttribute }: DeviceConstraint,
  names: RequestNames,
): void {
  validateRequestRefs(errors, `${path}.requests`, requests, names);
  if (matchAttribute !== undefined)
    fullyQualifiedName(errors, `${path}.matchAttribute`, matchAttribute);
  else if (distinctAttribute !== undefined)
    fullyQualifiedName(errors, `${path}.distinctAttribute`, distinctAttribute);
  else
    errors.required(
      path,
      'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
    );
}

/** Names of requests, or of a request and one of its alternatives. */
export function validateRequestRefs(
  errors: FieldErrors,
  path: string,
  refs: readonly string[] | undefined,
  names: RequestNames,
): void {
  setOf(
    errors,
    path,
    refs,
    maxRequests,
    (name, at) => validateRequestRef(errors, at, name, names),
    (name) => name,
  );
}

/** @see validateRequestNameRef */
export function validateRequestRef(
  errors: FieldErrors,
  path: string,
  name: string,
  names: RequestNames,
): void {
  const unknown =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const segments = name.split('/');
  if (segments.length > 2) {
    errors.invalid(path, name, unknown);
    return;
  }
  for (const segment of segments) labelName(errors, path, segment);
  const [request = '', alternative] = segments;
  const alternatives = names.get(request);
  const known = alternatives && (alternative === undefined || alternatives.has(alternative));
  if (!known) errors.invalid(path, name, unknown);
}

/** @see validateDeviceConfiguration */
export function validateConfiguration(
  errors: FieldErrors,
  path: string,
  opaque: OpaqueDeviceConfiguration | undefined,
): void {
  if (!opaque) {
    errors.required(`${path}.opaque`);
    return;
  }
  driverName(errors, `${path}.opaque.driver`, opaque.driver);
  validateParameters(errors, `${path}.opaque.parameters`, opaque.parameters);
}

/** A JSON object that is none of ours. @see validateRawExtension */
export function validateParameters(errors: FieldErrors, path: string, value: unknown): void {
  if (value === undefined || value === null) errors.required(path);
  else if (goJson(value).length > maxParametersLength) errors.tooLong(path, maxParametersLength);
  else if (typeof value !== 'object' || Array.isArray(value))
    errors.invalid(path, '<value omitted>', 'must be a valid JSON object');
}

/** @see validateDeviceClassSpec */
export function validateDeviceClass(
  errors: FieldErrors,
  { selectors, config, extendedResourceName }: DeviceClassSpec,
  check: CheckSelector,
): void {
  validateSelectors(errors, 'spec.selectors', selectors, check);
  eachOf(errors, 'spec.config', config, maxConfigs, ({ opaque }, at) =>
    validateConfiguration(errors, at, opaque),
  );
  if (extendedResourceName !== undefined && !isExtendedResourceName(extendedResourceName))
    errors.invalid(
      'spec.extendedResourceName',
      extendedResourceName,
      'must be a valid extended resource name',
    );
}
