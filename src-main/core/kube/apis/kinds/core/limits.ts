import type { DeepReadonly } from '#core/base';

import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutableMessage, sortedEntries } from '../../validation/meta.ts';
import { isQualifiedName } from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities, milliValue } from '../../validation/quantity.ts';
import {
  isOvercommitAllowed,
  isQuotaName,
  validateAmount,
  validateContainerResourceName,
  validateQuotaResourceName,
  validateResourceName,
} from '../../validation/resources.ts';
import { keepSpec, keepStatus } from '../strategy.ts';
import { type ResourceList, view } from './pod-types.ts';

interface LimitItem {
  type?: string;
  max?: ResourceList;
  min?: ResourceList;
  default?: ResourceList;
  defaultRequest?: ResourceList;
  maxLimitRequestRatio?: ResourceList;
}

interface LimitRange {
  spec?: { limits?: LimitItem[] };
}

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

function validateBounds(errors: FieldErrors, at: string, item: LimitItem, name: string): void {
  const { min, max, default: defaults, defaultRequest, maxLimitRequestRatio } = item;
  const [low, high, limit, request, ratio] = [
    min?.[name],
    max?.[name],
    defaults?.[name],
    defaultRequest?.[name],
    maxLimitRequestRatio?.[name],
  ];
  const above = (a: unknown, b: unknown): boolean =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  const refuse = (list: string, value: unknown, detail: string): void => {
    errors.invalid(`${at}.${list}[${name}]`, canonicalQuantity(value), detail);
  };
  const text = canonicalQuantity;
  if (above(low, high)) {
    refuse('min', low, `min value ${text(low)} is greater than max value ${text(high)}`);
  }
  if (above(low, request)) {
    refuse(
      'defaultRequest',
      request,
      `min value ${text(low)} is greater than default request value ${text(request)}`,
    );
  }
  if (above(request, high)) {
    refuse(
      'defaultRequest',
      request,
      `default request value ${text(request)} is greater than max value ${text(high)}`,
    );
  }
  if (above(request, limit)) {
    refuse(
      'defaultRequest',
      request,
      `default request value ${text(request)} is greater than default limit value ${text(limit)}`,
    );
  }
  if (above(low, limit)) {
    refuse('default', low, `min value ${text(low)} is greater than default value ${text(limit)}`);
  }
  if (above(limit, high)) {
    refuse('default', high, `default value ${text(limit)} is greater than max value ${text(high)}`);
  }
  if (ratio !== undefined) {
    if (compareQuantities(ratio, '1') < 0) {
      refuse('maxLimitRequestRatio', ratio, `ratio ${text(ratio)} is less than 1`);
    }
    if (low !== undefined && high !== undefined) {
      const most = milliValue(high) / milliValue(low);
      if (milliValue(ratio) / 1000 > most) {
        refuse(
          'maxLimitRequestRatio',
          ratio,
          `ratio ${text(ratio)} is greater than max/min = ${most.toFixed(6)}`,
        );
      }
    }
  }
  if (
    !isOvercommitAllowed(name) &&
    limit !== undefined &&
    request !== undefined &&
    compareQuantities(limit, request) !== 0
  ) {
    refuse(
      'defaultRequest',
      request,
      `default value ${text(limit)} must equal to defaultRequest value ${text(request)} in ${name}`,
    );
  }
}

function limitRangeErrors(object: DeepReadonly<KubeObject>): FieldError[] {
  const errors = new FieldErrors();
  const types = new Set<string>();
  view<LimitRange>(object).spec?.limits?.forEach((item, index) => {
    const at = `spec.limits[${index}]`;
    const type = item.type ?? '';
    const messages = isQualifiedName(type);
    errors.invalidEach(`${at}.type`, type, messages);
    const standard = ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type);
    if (messages.length === 0 && !type.includes('/') && !standard) {
      errors.invalid(`${at}.type`, type, 'must be a standard limit type or fully qualified');
    }
    if (types.has(type)) errors.duplicate(`${at}.type`, type);
    types.add(type);
    const checkName =
      type === 'Pod' || type === 'Container' ? validateContainerResourceName : validateResourceName;
    const names = new Set<string>();
    for (const list of lists) {
      const amounts = sortedEntries(item[list]);
      if (type === 'Pod' && (list === 'default' || list === 'defaultRequest')) {
        if (amounts.length > 0) {
          errors.forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'");
        }
        continue;
      }
      if (list === 'maxLimitRequestRatio' && type === 'PersistentVolumeClaim') {
        if (item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
          errors.required(
            `${at}.limits`,
            'either minimum or maximum storage value is required, but neither was provided',
          );
        }
      }
      for (const [name] of amounts) {
        checkName(errors, `${at}.${list}[${name}]`, name);
        names.add(name);
      }
    }
    for (const name of [...names].sort()) validateBounds(errors, at, item, name);
  });
  return errors.list;
}

export const limitRangeStrategy: KindStrategy = {
  group: '',
  kind: 'LimitRange',
  createOnUpdate: true,
  unconditionalUpdate: true,
  defaults(draft) {
    for (const item of view<LimitRange>(draft).spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      item.default = { ...item.max, ...item.default };
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
    }
  },
  validate: limitRangeErrors,
  validateUpdate: limitRangeErrors,
};

interface ScopeRequirement {
  scopeName?: string;
  operator?: string;
  values?: string[];
}

interface Quota {
  spec?: {
    hard?: ResourceList;
    scopes?: string[];
    scopeSelector?: { matchExpressions?: ScopeRequirement[] };
  };
  status?: { hard?: ResourceList; used?: ResourceList };
}

const scopeNames = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
const computeQuota = new Set([
  'pods',
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);

function scopeFits(scope: string, resource: string): boolean {
  if (!isQuotaName(resource) || !scopeNames.includes(scope)) return true;
  if (scope === 'BestEffort') return resource === 'pods';
  if (scope === 'VolumeAttributesClass') {
    return resource === 'persistentvolumeclaims' || resource === 'requests.storage';
  }
  return computeQuota.has(resource);
}

/** A selector of scopes as the API server holds it. */
const internalRows = (
  rows: readonly { scopeName?: string; operator?: string; values?: string[] }[],
): Printed =>
  new Printed(
    JSON.stringify({
      MatchExpressions: rows.map(({ scopeName = '', operator = '', values }) => ({
        ScopeName: scopeName,
        Operator: operator,
        Values: values ?? null,
      })),
    }),
  );

const conflicting = (scopes: ReadonlySet<string>): boolean =>
  (scopes.has('BestEffort') && scopes.has('NotBestEffort')) ||
  (scopes.has('Terminating') && scopes.has('NotTerminating'));

function validateScopeSelector(
  errors: FieldErrors,
  rows: readonly ScopeRequirement[],
  hard: readonly string[],
): void {
  const path = 'spec.scopeSelector.matchExpressions';
  for (const { scopeName = '', operator = '', values = [] } of rows) {
    if (!scopeNames.includes(scopeName)) {
      errors.invalid(`${path}.scopeName`, scopeName, 'unsupported scope');
    }
    for (const name of hard) {
      if (!scopeFits(scopeName, name)) {
        errors.invalid(path, internalRows(rows), 'unsupported scope applied to resource');
      }
    }
    const plain = !['PriorityClass', 'VolumeAttributesClass'].includes(scopeName);
    if (plain && scopeNames.includes(scopeName) && operator !== 'Exists') {
      errors.invalid(
        `${path}.operator`,
        operator,
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      );
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.required(
          `${path}.values`,
          "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        );
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.invalid(
          `${path}.values`,
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        );
      }
    } else errors.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
  if (conflicting(new Set(rows.map(({ scopeName }) => scopeName ?? '')))) {
    errors.invalid(path, null, 'conflicting scopes');
  }
}

function validateQuotaSpec(errors: FieldErrors, { spec = {} }: Quota): void {
  for (const [name, amount] of sortedEntries(spec.hard)) {
    validateQuotaResourceName(errors, `spec.hard[${name}]`, name);
    validateAmount(errors, `spec.hard[${name}]`, name, amount);
  }
  const scopes = spec.scopes ?? [];
  const hard = Object.keys(spec.hard ?? {}).sort();
  for (const scope of scopes) {
    if (!scopeNames.includes(scope)) errors.invalid('spec.scopes', scopes, 'unsupported scope');
    for (const name of hard) {
      if (!scopeFits(scope, name)) {
        errors.invalid('spec.scopes', scopes, 'unsupported scope applied to resource');
      }
    }
  }
  if (conflicting(new Set(scopes))) errors.invalid('spec.scopes', scopes, 'conflicting scopes');
  validateScopeSelector(errors, spec.scopeSelector?.matchExpressions ?? [], hard);
}

export const resourceQuotaStrategy: KindStrategy = {
  group: '',
  kind: 'ResourceQuota',
  unconditionalUpdate: true,
  defaults(draft) {
    draft['spec'] ??= {};
    draft['status'] ??= {};
  },
  prepareForCreate(draft) {
    draft['status'] = {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate(object) {
    const errors = new FieldErrors();
    validateQuotaSpec(errors, view<Quota>(object));
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const scopes = view<Quota>(object).spec?.scopes ?? [];
    const before = view<Quota>(old).spec?.scopes ?? [];
    validateQuotaSpec(errors, view<Quota>(object));
    if ([...scopes].sort().join() !== [...before].sort().join()) {
      errors.invalid('spec.scopes', view<Quota>(object).spec?.scopes, immutableMessage);
    }
    return errors.list;
  },
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const { status } = view<Quota>(object);
    for (const list of ['hard', 'used'] as const) {
      for (const [name, amount] of sortedEntries(status?.[list])) {
        validateQuotaResourceName(errors, `status.${list}[${name}]`, name);
        validateAmount(errors, `status.${list}[${name}]`, name, amount);
      }
    }
    return errors.list;
  },
};
