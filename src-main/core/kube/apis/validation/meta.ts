import { jsonEqual } from '#core/base';

import type { LabelSelector } from '../../machinery/index.ts';
import { type FieldErrors, Printed } from './field.ts';
import {
  inRange,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isPercent,
  isQualifiedName,
} from './names.ts';

export const immutableMessage = 'field is immutable';
export const notAnOperator = 'not a valid selector operator';
export const nonNegativeMessage = 'must be greater than or equal to 0';

const sorted = <T>(map: Record<string, T> | undefined): [string, T][] =>
  Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** Entries of a map by key: upstream walks maps in any order, we always in this one. */
export const sortedEntries = sorted;

export function nonNegative(errors: FieldErrors, path: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.invalid(path, value, nonNegativeMessage);
}

export function positive(errors: FieldErrors, path: string, value: number): void {
  if (value <= 0) errors.invalid(path, value, 'must be greater than zero');
}

export function dnsLabel(errors: FieldErrors, path: string, value: string): void {
  errors.invalidEach(path, value, isDns1123Label(value));
}

export function dnsSubdomain(errors: FieldErrors, path: string, value: string): void {
  errors.invalidEach(path, value, isDns1123Subdomain(value));
}

export function qualifiedName(errors: FieldErrors, path: string, value: string): void {
  errors.invalidEach(path, value, isQualifiedName(value));
}

export function immutable(
  errors: FieldErrors,
  path: string,
  value: unknown,
  old: unknown,
  printed = value,
): void {
  if (!semanticEqual(value, old)) errors.invalid(path, printed, immutableMessage);
}

/**
 * Equality as upstream's `apiequality.Semantic`: nothing, null, an empty list and an empty map are all alike.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  return jsonEqual(prune(a), prune(b));
}

/** The same of objects as they are decoded, which hold no empty maps: a struct without fields is there all the same. */
export function contentEqual(a: unknown, b: unknown): boolean {
  return jsonEqual(a, b) || jsonEqual(prune(a, true), prune(b, true));
}

function prune(value: unknown, keepsStructs = false): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value))
    return value.length === 0 ? undefined : value.map((item) => prune(item, keepsStructs));
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, prune(item, keepsStructs)] as const)
    .filter(([, item]) => item !== undefined);
  return entries.length === 0 && !keepsStructs ? undefined : Object.fromEntries(entries);
}

export function validateLabels(
  errors: FieldErrors,
  path: string,
  labels: Record<string, string> | undefined,
): void {
  for (const [key, value] of sorted(labels)) {
    errors.invalidEach(path, key, isQualifiedName(key));
    errors.invalidEach(path, value, isLabelValue(value));
  }
}

export function validateAnnotations(
  errors: FieldErrors,
  path: string,
  annotations: Record<string, string> | undefined,
): void {
  let size = 0;
  for (const [key, value] of sorted(annotations)) {
    errors.invalidEach(path, key, isQualifiedName(key.toLowerCase()));
    size += key.length + value.length;
  }
  if (size > 262_144) errors.tooLong(path, 262_144);
}

/** An operator on the set of a label's values, and that it has as many values as it takes. */
export function validateSetOperator(
  errors: FieldErrors,
  path: string,
  operator: string,
  values: readonly string[],
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.forbidden(
        `${path}.values`,
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      );
    }
  } else errors.invalid(`${path}.operator`, operator, notAnOperator);
}

/** @see k8s.io/apimachinery/pkg/apis/meta/v1/validation */
export function validateLabelSelector(
  errors: FieldErrors,
  path: string,
  selector: LabelSelector | undefined,
): void {
  if (!selector) return;
  validateLabels(errors, `${path}.matchLabels`, selector.matchLabels);
  selector.matchExpressions?.forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    validateSetOperator(errors, at, operator, values);
    qualifiedName(errors, `${at}.key`, key);
    values.forEach((value, i) => {
      errors.invalidEach(`${at}.values[${i}]`, value, isLabelValue(value));
    });
  });
}

/** Whether upstream could make a `labels.Selector` of it: operators it knows, each with values or none, keys and values that are labels. */
export function isReadableSelector(selector: LabelSelector | undefined): boolean {
  const wellFormed = (key: string, values: readonly string[]): boolean =>
    isQualifiedName(key).length === 0 && values.every((value) => isLabelValue(value).length === 0);
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => wellFormed(key, [value])) &&
    (selector?.matchExpressions ?? []).every(
      ({ key, operator, values = [] }) =>
        wellFormed(key, values) &&
        (((operator === 'In' || operator === 'NotIn') && values.length > 0) ||
          ((operator === 'Exists' || operator === 'DoesNotExist') && values.length === 0)),
    )
  );
}

/** A `LabelSelector` as Go prints it: fields in order, absent ones left out. */
export function printSelector(selector: LabelSelector | undefined): Printed {
  if (!selector) return new Printed('null');
  const parts: string[] = [];
  const { matchLabels, matchExpressions } = selector;
  if (matchLabels && Object.keys(matchLabels).length > 0) {
    parts.push(`"matchLabels":${JSON.stringify(Object.fromEntries(sorted(matchLabels)))}`);
  }
  if (matchExpressions && matchExpressions.length > 0) {
    const rows = matchExpressions.map(({ key, operator, values }) =>
      JSON.stringify({ key, operator, ...(values && values.length > 0 ? { values } : {}) }),
    );
    parts.push(`"matchExpressions":[${rows.join(',')}]`);
  }
  return new Printed(`{${parts.join(',')}}`);
}

/** A whole number or a percentage, not negative. */
export function positiveIntOrPercent(
  errors: FieldErrors,
  path: string,
  value: number | string | undefined,
): void {
  if (typeof value === 'string') errors.invalidEach(path, value, isPercent(value));
  else nonNegative(errors, path, value ?? 0);
}

/** A percentage above 100. */
export function notMoreThan100Percent(
  errors: FieldErrors,
  path: string,
  value: number | string | undefined,
): void {
  if (percentOf(value) > 100) errors.invalid(path, value, 'must not be greater than 100%');
}

const percentOf = (value: unknown): number =>
  typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : 0;

/** The number an `IntOrString` stands for when zero is asked: percentages count as their number. */
export const intOrPercentValue = (value: number | string | undefined): number =>
  typeof value === 'number' ? value : percentOf(value);

export function portNumber(errors: FieldErrors, path: string, value: number): void {
  errors.invalidEach(path, value, inRange(value, 1, 65_535));
}
