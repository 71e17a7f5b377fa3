import { goJson, quoted } from '#core/base';
import type { FieldError } from '../../apis/index.ts';

/** Field errors in apimachinery's words. @see k8s.io/apimachinery/pkg/util/validation/field/errors.go */

/** A field's path as messages print it; the object itself is `<nil>`. */
export const shownPath = (path: string): string => (path === '' ? '<nil>' : path);

export function invalidValue(path: string, value: unknown, detail: string): FieldError {
  return {
    reason: 'FieldValueInvalid',
    field: shownPath(path),
    message: `Invalid value: ${shown(value)}: ${detail}`,
  };
}

/** For rules on objects and lists, whose value is left out. */
export function invalidField(path: string, detail: string): FieldError {
  return {
    reason: 'FieldValueInvalid',
    field: shownPath(path),
    message: `Invalid value: ${detail}`,
  };
}

export function wrongType(path: string, type: string, detail: string): FieldError {
  return {
    reason: 'FieldValueTypeInvalid',
    field: shownPath(path),
    message: `Invalid value: ${JSON.stringify(type)}: ${detail}`,
  };
}

export function required(path: string, detail = ''): FieldError {
  return {
    reason: 'FieldValueRequired',
    field: shownPath(path),
    message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  };
}

export function forbiddenField(path: string, detail: string): FieldError {
  return {
    reason: 'FieldValueForbidden',
    field: shownPath(path),
    message: `Forbidden: ${detail}`,
  };
}

export function duplicate(path: string, value: unknown): FieldError {
  return {
    reason: 'FieldValueDuplicate',
    field: shownPath(path),
    message: `Duplicate value: ${shown(value)}`,
  };
}

export function notSupported(
  path: string,
  value: unknown,
  supported: readonly unknown[],
): FieldError {
  return {
    reason: 'FieldValueNotSupported',
    field: shownPath(path),
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(', ')}`,
  };
}

export function tooLong(path: string, max: number): FieldError {
  return {
    reason: 'FieldValueTooLong',
    field: shownPath(path),
    message: `Too long: may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`,
  };
}

export function tooMany(path: string, count: number, max: number): FieldError {
  return {
    reason: 'FieldValueTooMany',
    field: shownPath(path),
    message: `Too many: ${count}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : goJson(value);
}
