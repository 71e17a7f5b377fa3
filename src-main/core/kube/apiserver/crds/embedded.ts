import type { FieldError } from '../../apis/index.ts';
import {
  dns1035LabelErrors,
  type ObjectMeta,
  pathSegmentErrors,
  validateObjectMeta,
} from '../../machinery/index.ts';
import { at, isMap, type JsonMap, textOf } from '../fields/index.ts';
import { invalidValue, required } from './field-errors.ts';

/**
 * What the objects that a schema embeds lack of being objects.
 * @see apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go
 */
export function validateEmbedded(schema: JsonMap, value: unknown, path = ''): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return isMap(items)
      ? value.flatMap((item, index) => validateEmbedded(items, item, `${path}[${index}]`))
      : [];
  }
  if (!isMap(value)) return [];
  const own =
    path !== '' && schema['x-kubernetes-embedded-resource'] === true ? typeErrors(value, path) : [];
  const below = Object.entries(value).flatMap(([name, each]) => {
    const child = at(schema, 'properties', name) ?? schema['additionalProperties'];
    return isMap(child)
      ? validateEmbedded(child, each, path === '' ? name : `${path}.${name}`)
      : [];
  });
  return [...own, ...below];
}

function typeErrors(value: JsonMap, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const apiVersion = textOf(value['apiVersion']);
  if (apiVersion === '') errors.push(required(`${path}.apiVersion`));
  else if (apiVersion.split('/').length > 2)
    errors.push(
      invalidValue(
        `${path}.apiVersion`,
        apiVersion,
        `unexpected GroupVersion string: ${apiVersion}`,
      ),
    );
  const kind = textOf(value['kind']);
  if (kind === '') errors.push(required(`${path}.kind`));
  else
    for (const problem of dns1035LabelErrors(kind.toLowerCase()))
      errors.push(
        invalidValue(
          `${path}.kind`,
          kind,
          `may have mixed case, but should otherwise match: ${problem}`,
        ),
      );
  errors.push(...metadataErrors(value['metadata'], path));
  return errors;
}

/** Metadata is checked as that of any object, but for the name, which may be anything that fits a path. */
function metadataErrors(value: unknown, path: string): FieldError[] {
  if (!isMap(value)) return [];
  const meta = { ...value, name: textOf(value['name']) || 'fakename' } as ObjectMeta;
  const hasNamespace = textOf(value['namespace']) !== '';
  return validateObjectMeta(meta, hasNamespace, pathSegmentErrors).map((error) => ({
    ...error,
    field: `${path}.${error.field ?? ''}`,
  }));
}
