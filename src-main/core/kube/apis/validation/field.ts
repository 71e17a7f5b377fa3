import type { FieldError } from '../kind-strategy.ts';

/** A JSON text with the keys of maps in Go's order and its HTML-safe escapes, as `encoding/json` prints it. */
export function goJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  ).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** A value whose printed form the caller knows: Go structs print in their own field order and spelling. */
export class Printed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Fields with JSON names leave out what is empty below them; those of internal types have Go's names, and do not. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const isLeft = (key: string, item: unknown): boolean =>
    /^[a-z]/.test(key) &&
    typeof item === 'object' &&
    item !== null &&
    Object.keys(item).length === 0;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !isLeft(key, item))
      .map(([key, item]) => [key, withoutEmpty(item)]),
  );
}

function printValue(value: unknown): string {
  if (value instanceof Printed) return value.text;
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'object') return goJson(withoutEmpty(value));
  return JSON.stringify(value);
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Collects field errors in upstream's order; paths are written as upstream prints them (`spec.ports[0].name`).
 * @see k8s.io/apimachinery/pkg/util/validation/field/errors.go
 */
export class FieldErrors {
  readonly list: FieldError[] = [];

  #add(field: string, reason: string, head: string, detail: string): void {
    this.list.push({ reason, message: detail === '' ? head : `${head}: ${detail}`, field });
  }

  required(field: string, detail = ''): void {
    this.#add(field, 'FieldValueRequired', 'Required value', detail);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add(field, 'FieldValueInvalid', `Invalid value: ${printValue(value)}`, detail);
  }

  /** One error for each message. */
  invalidEach(field: string, value: unknown, details: readonly string[]): void {
    for (const detail of details) this.invalid(field, value, detail);
  }

  typeInvalid(field: string, value: unknown, detail: string): void {
    this.#add(field, 'FieldValueTypeInvalid', `Invalid value: ${printValue(value)}`, detail);
  }

  duplicate(field: string, value: unknown): void {
    this.#add(field, 'FieldValueDuplicate', `Duplicate value: ${printValue(value)}`, '');
  }

  notFound(field: string, value: unknown, detail = ''): void {
    this.#add(field, 'FieldValueNotFound', `Not found: ${printValue(value)}`, detail);
  }

  /** `supported` is printed in the order given; upstream mostly sorts it. */
  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    this.#add(
      field,
      'FieldValueNotSupported',
      `Unsupported value: ${printValue(value)}`,
      supported.length === 0
        ? ''
        : `supported values: ${supported.map((item) => JSON.stringify(item)).join(', ')}`,
    );
  }

  forbidden(field: string, detail: string): void {
    this.#add(field, 'FieldValueForbidden', 'Forbidden', detail);
  }

  tooLong(field: string, maxBytes: number): void {
    const detail = `may not be more than ${plural(maxBytes, 'byte')}`;
    this.#add(field, 'FieldValueTooLong', 'Too long', detail);
  }

  tooLongCharacters(field: string, max: number): void {
    const detail = `may not be more than ${plural(max, 'character')}`;
    this.#add(field, 'FieldValueTooLong', 'Too long', detail);
  }

  tooMany(field: string, actual: number, max: number): void {
    const detail = `must have at most ${plural(max, 'item')}`;
    this.#add(field, 'FieldValueTooMany', `Too many: ${actual}`, detail);
  }

  internal(field: string, detail: string): void {
    this.#add(field, 'InternalError', 'Internal error', detail);
  }

  addAll(errors: readonly FieldError[]): void {
    this.list.push(...errors);
  }
}
