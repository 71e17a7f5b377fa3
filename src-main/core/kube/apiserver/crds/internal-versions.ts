import { jsonEqual } from '#core/base';
import { at, isMap, type JsonMap, mapOf, mapsOf, textOf } from '../fields/index.ts';

// Refusals show a definition as the server holds it: Go's internal types have no JSON names and leave nothing out.

const orNull = (value: unknown): unknown => value ?? null;

/** Versions as upstream holds them: what all have in common stands above them, and not in them. */
export function internalVersions(versions: readonly JsonMap[]): object[] {
  const own = (version: JsonMap, field: string, form: (value: unknown) => unknown): unknown =>
    version[field] === undefined ||
    version[field] === null ||
    versions.every((each) => jsonEqual(each[field], version[field]))
      ? null
      : form(version[field]);
  return versions.map((version) => ({
    Name: textOf(version['name']),
    Served: version['served'] === true,
    Storage: version['storage'] === true,
    Deprecated: version['deprecated'] === true,
    DeprecationWarning: orNull(version['deprecationWarning']),
    Schema: own(version, 'schema', (value) => ({
      OpenAPIV3Schema: schemaOrNull(at(value, 'openAPIV3Schema')),
    })),
    Subresources: own(version, 'subresources', subresources),
    AdditionalPrinterColumns: own(version, 'additionalPrinterColumns', (value) =>
      mapsOf(value).map(column),
    ),
    SelectableFields: own(version, 'selectableFields', (value) =>
      mapsOf(value).map(({ jsonPath }) => ({ JSONPath: textOf(jsonPath) })),
    ),
  }));
}

function subresources(value: unknown): object {
  const scale = at(value, 'scale');
  return {
    Status: isMap(at(value, 'status')) ? {} : null,
    Scale: isMap(scale)
      ? {
          SpecReplicasPath: textOf(scale['specReplicasPath']),
          StatusReplicasPath: textOf(scale['statusReplicasPath']),
          LabelSelectorPath: orNull(scale['labelSelectorPath']),
        }
      : null,
  };
}

function column(value: JsonMap): object {
  return {
    Name: textOf(value['name']),
    Type: textOf(value['type']),
    Format: textOf(value['format']),
    Description: textOf(value['description']),
    Priority: value['priority'] ?? 0,
    JSONPath: textOf(value['jsonPath']),
  };
}

const schemaOrNull = (value: unknown): object | null => (isMap(value) ? schemaOf(value) : null);
const schemas = (value: unknown): object[] | null =>
  Array.isArray(value) ? mapsOf(value).map(schemaOf) : null;

function named(value: unknown): object | null {
  if (!isMap(value)) return null;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, schemaOf(mapOf(value[name]))]),
  );
}

/** A schema, or whether anything is allowed. */
const schemaOrBool = (value: unknown): object | null =>
  typeof value === 'boolean'
    ? { Allows: value, Schema: null }
    : isMap(value)
      ? { Allows: true, Schema: schemaOf(value) }
      : null;

function schemaOf(schema: JsonMap): object {
  const text = (field: string): string => textOf(schema[field]);
  const flag = (field: string): boolean => schema[field] === true;
  const { items, externalDocs } = schema;
  return {
    ID: text('id'),
    Schema: text('$schema'),
    Ref: orNull(schema['$ref']),
    Description: text('description'),
    Type: text('type'),
    Nullable: flag('nullable'),
    Format: text('format'),
    Title: text('title'),
    Default: orNull(schema['default']),
    Maximum: orNull(schema['maximum']),
    ExclusiveMaximum: flag('exclusiveMaximum'),
    Minimum: orNull(schema['minimum']),
    ExclusiveMinimum: flag('exclusiveMinimum'),
    MaxLength: orNull(schema['maxLength']),
    MinLength: orNull(schema['minLength']),
    Pattern: text('pattern'),
    MaxItems: orNull(schema['maxItems']),
    MinItems: orNull(schema['minItems']),
    UniqueItems: flag('uniqueItems'),
    MultipleOf: orNull(schema['multipleOf']),
    Enum: orNull(schema['enum']),
    MaxProperties: orNull(schema['maxProperties']),
    MinProperties: orNull(schema['minProperties']),
    Required: orNull(schema['required']),
    Items: Array.isArray(items)
      ? { Schema: null, JSONSchemas: schemas(items) }
      : isMap(items)
        ? { Schema: schemaOf(items), JSONSchemas: null }
        : null,
    AllOf: schemas(schema['allOf']),
    OneOf: schemas(schema['oneOf']),
    AnyOf: schemas(schema['anyOf']),
    Not: schemaOrNull(schema['not']),
    Properties: named(schema['properties']),
    AdditionalProperties: schemaOrBool(schema['additionalProperties']),
    PatternProperties: named(schema['patternProperties']),
    Dependencies: null,
    AdditionalItems: schemaOrBool(schema['additionalItems']),
    Definitions: named(schema['definitions']),
    ExternalDocs: isMap(externalDocs)
      ? { Description: textOf(externalDocs['description']), URL: textOf(externalDocs['url']) }
      : null,
    Example: orNull(schema['example']),
    XPreserveUnknownFields: orNull(schema['x-kubernetes-preserve-unknown-fields']),
    XEmbeddedResource: flag('x-kubernetes-embedded-resource'),
    XIntOrString: flag('x-kubernetes-int-or-string'),
    XListMapKeys: orNull(schema['x-kubernetes-list-map-keys']),
    XListType: orNull(schema['x-kubernetes-list-type']),
    XMapType: orNull(schema['x-kubernetes-map-type']),
    XValidations: Array.isArray(schema['x-kubernetes-validations'])
      ? mapsOf(schema['x-kubernetes-validations']).map((rule) => ({
          Rule: textOf(rule['rule']),
          Message: textOf(rule['message']),
          MessageExpression: textOf(rule['messageExpression']),
          Reason: orNull(rule['reason']),
          FieldPath: textOf(rule['fieldPath']),
          OptionalOldSelf: orNull(rule['optionalOldSelf']),
        }))
      : null,
  };
}
