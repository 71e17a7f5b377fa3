import type { FieldError } from '../../apis/index.ts';
import { at, isMap, type JsonMap, mapOf, mapsOf, textOf } from '../fields/index.ts';
import { duplicate, invalidValue, required, tooMany } from './field-errors.ts';

const maxFields = 8;

/** @see apiextensions-apiserver ValidateCustomResourceSelectableFields */
export function selectableErrors(version: JsonMap, path: string): FieldError[] {
  const schema = at(version, 'schema', 'openAPIV3Schema');
  const fields = mapsOf(version['selectableFields']);
  if (!isMap(schema) || fields.length === 0) return [];
  const errors: FieldError[] = [];
  const found = new Set<string>();
  fields.forEach((field, index) => {
    const own = `${path}.selectableFields[${index}].jsonPath`;
    const jsonPath = textOf(field['jsonPath']);
    if (jsonPath === '') {
      errors.push(required(own));
      return;
    }
    const target = resolve(jsonPath, schema);
    if (typeof target === 'string') {
      errors.push(invalidValue(own, jsonPath, `is an invalid path: ${target}`));
      return;
    }
    if (target.steps[0] === 'metadata')
      errors.push(invalidValue(own, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(textOf(target.schema['type'])))
      errors.push(
        invalidValue(
          own,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    const name = target.steps.join('.');
    if (found.has(name)) errors.push(duplicate(own, jsonPath));
    found.add(name);
  });
  if (found.size > maxFields)
    errors.push(tooMany(`${path}.selectableFields`, found.size, maxFields));
  return errors;
}

/** Follows a path of names through a schema. @returns what is wrong with it, if something is. */
function resolve(jsonPath: string, root: JsonMap): { steps: string[]; schema: JsonMap } | string {
  const tokens = jsonPath.match(/[.[\]]|[^.[\]]+/g) ?? [];
  const steps: string[] = [];
  let schema = root;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token === '[') return 'array notation is not allowed';
    if (token !== '.') return `expected [ or . but got: ${token}`;
    const name = tokens[++at];
    if (name === undefined) return 'unexpected end of JSON path';
    const properties = schema['properties'];
    const next = isMap(properties) ? mapOf(properties)[name] : schema['additionalProperties'];
    if (!isMap(next)) return 'does not refer to a valid field';
    steps.push(name);
    schema = next;
  }
  return { steps, schema };
}
