import {
  isMap,
  type JsonMap,
  type MergeSchema,
  type MergeSchemas,
  shapeOf,
} from './merge-schema.ts';
import { goText } from './patches.ts';
import { itemElement, type ListShape } from './typed-elements.ts';

/** A value that its schema does not allow; the message names the path as upstream does. */
export class TypedValueError extends Error {
  override readonly name = 'TypedValueError';
}

const goTypes: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
  object: 'map',
  array: 'list',
};

const duplicateEntries = 'duplicate entries for key';

/**
 * Checks a configuration before it is applied, or an updated object, which may hold an item twice.
 * @throws TypedValueError for undeclared fields, values of another type and duplicate items.
 */
export function checkTyped(
  value: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
  purpose: 'apply' | 'update',
): void {
  let errors: string[] = [];
  collectErrors(value, node, schemas, '', errors);
  if (purpose === 'update') errors = errors.filter((error) => !error.includes(duplicateEntries));
  if (errors.length === 1) throw new TypedValueError(errors[0] ?? '');
  if (errors.length > 1)
    throw new TypedValueError(`errors:\n${errors.map((error) => `  ${error}`).join('\n')}`);
}

function collectErrors(
  value: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
  path: string,
  errors: string[],
): void {
  if (value === null || value === undefined) return;
  const target = schemas.resolve(node);
  if (target.properties || target.additionalProperties) {
    if (!isMap(value)) {
      errors.push(`${path}: expected map, got ${goValue(value)}`);
      return;
    }
    for (const key of Object.keys(value)) {
      const declared =
        target.properties !== undefined && Object.hasOwn(target.properties, key)
          ? target.properties[key]
          : target.additionalProperties;
      if (declared) collectErrors(value[key], declared, schemas, `${path}.${key}`, errors);
      else if (!target.preserveUnknownFields) {
        errors.push(`${path}.${key}: field not declared in schema`);
        // Upstream looks no further in this map.
        return;
      }
    }
    return;
  }
  if (target.items) {
    if (!Array.isArray(value)) {
      errors.push(`${path}: expected list, got ${goValue(value)}`);
      return;
    }
    const shape = shapeOf(node, schemas);
    const seen = new Set<string>();
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      let at = `${path}[${index}]`;
      if (shape.kind === 'list') {
        const problem = elementProblem(item, shape, node.listMapKeys ?? target.listMapKeys);
        if (problem !== undefined) {
          errors.push(`${path}: element ${index}: ${problem}`);
          return;
        }
        const printed = printedElement(itemElement(shape, item));
        if (seen.has(printed)) errors.push(`${path}: ${duplicateEntries} ${printed}`);
        seen.add(printed);
        at = path + printed;
      }
      collectErrors(item, target.items, schemas, at, errors);
    }
    return;
  }
  const expected = target.type === undefined ? undefined : goTypes[target.type];
  if (target.format === 'quantity' || target.format === 'int-or-string') {
    if (typeof value === 'object')
      errors.push(`${path}: expected any scalar, got ${goValue(value)}`);
  } else if (expected === 'string' && typeof value !== 'string')
    errors.push(`${path}: expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
  else if (expected === 'numeric' && typeof value !== 'number')
    errors.push(`${path}: expected numeric (int or float), got ${goType(value)}`);
  else if (expected === 'boolean' && typeof value !== 'boolean')
    errors.push(`${path}: expected boolean, got ${goValue(value)}`);
}

/** Why an item has no place in a list of its kind. */
function elementProblem(
  item: unknown,
  shape: ListShape,
  listed: readonly string[] | undefined,
): string | undefined {
  if (shape.keys.length === 0) {
    if (item === null)
      return "associative list without keys has an element that's an explicit null";
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
    return isMap(item)
      ? "associative list without keys has an element that's a map type"
      : undefined;
  }
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isMap(item)) return 'associative list with keys may not have non-map elements';
  if (shape.keys.some((key) => item[key] !== undefined || shape.defaults[key] !== undefined))
    return undefined;
  const keys = (listed ?? shape.keys).map((key) => JSON.stringify(key)).join(' ');
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function printedElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('v:')) return `[=${rest}]`;
  const entries = Object.entries(JSON.parse(rest) as JsonMap);
  return `[${entries.map(([name, each]) => `${name}=${printedValue(each)}`).join(',')}]`;
}

/** @see structured-merge-diff/v6/value, ToString */
function printedValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printedValue).join(',')}]`;
  if (!isMap(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, each]) => `${name}=${printedValue(each)}`)
    .join('');
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'map[string]interface {}' : typeof value;
}

function goValue(value: unknown): string {
  return `&{${goText(value)}}`;
}

/** A value as Go's `%#v` prints it. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isMap(value)) return value === null ? 'interface {}(nil)' : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`);
  return `map[string]interface {}{${entries.join(', ')}}`;
}
