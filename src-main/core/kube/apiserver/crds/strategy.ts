import { type DeepReadonly, jsonClone, jsonEqual } from '#core/base';
import type { FieldError, KindStrategy, StrategyContext, TableColumn } from '../../apis/index.ts';
import { humanDuration, isStatusError, type KubeObject } from '../../machinery/index.ts';
import { at, isMap, type JsonMap, mapsOf, numberOf, textAt, textOf } from '../fields/index.ts';
import { customResourceDefinitionStrategy } from './definition.ts';
import { validateEmbedded } from './embedded.ts';
import { invalidValue } from './field-errors.ts';
import { finalizerWarnings } from './finalizer-warnings.ts';
import { compileJsonPath } from './json-path.ts';
import { compileRuleTree } from './rule-programs.ts';
import { validateRules } from './rules.ts';
import { nested } from './scale.ts';
import { applyDefaults, versionSchema } from './schema.ts';
import { validateListTypes, validateSchema } from './validation.ts';

const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/**
 * The strategy of one version of a custom kind.
 * @see apiextensions-apiserver/pkg/registry/customresource/strategy.go
 */
export function customResourceStrategy(
  group: string,
  kind: string,
  version: JsonMap,
): KindStrategy {
  const schema = versionSchema(version);
  const rules = compileRuleTree(schema);
  const hasStatus = isMap(at(version, 'subresources', 'status'));

  const schemaErrors = (object: DeepReadonly<KubeObject>): FieldError[] => [
    ...validateSchema(schema, object),
    ...validateEmbedded(schema, object),
    ...scaleErrors(version, object),
    ...validateListTypes(schema, object),
  ];
  /** What the rules say, unless the object is not what they are about. */
  const withRules = (
    errors: FieldError[],
    object: DeepReadonly<KubeObject>,
    old: DeepReadonly<KubeObject> | undefined,
    warn?: (text: string) => void,
  ): FieldError[] => {
    if (!rules) return errors;
    if (errors.some((error) => blocking.has(error.reason ?? '')))
      return [
        ...errors,
        invalidValue(
          '',
          null,
          'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
        ),
      ];
    return [...errors, ...validateRules(rules, object, old, warn)];
  };
  /** Old faults in fields that did not change are forgiven, as upstream's ratcheting does. */
  const validateChange = (
    object: DeepReadonly<KubeObject>,
    old: DeepReadonly<KubeObject>,
    { warn }: StrategyContext,
  ): FieldError[] => {
    const errors = schemaErrors(object);
    const before = errors.length === 0 ? [] : schemaErrors(old);
    const kept = errors.filter(
      (error) =>
        !(
          before.some((each) => jsonEqual(each, error)) &&
          jsonEqual(valueAt(object, error.field ?? ''), valueAt(old, error.field ?? ''))
        ),
    );
    const isForgiven =
      kept.every((error) => (error.field ?? '') === '<nil>') && kept.length < errors.length;
    return withRules(isForgiven ? [] : kept, object, old, warn);
  };

  return {
    group,
    kind,
    hasGeneration: true,
    defaults: (draft) => applyDefaults(schema, draft),
    prepareForCreate(draft) {
      if (hasStatus) delete draft['status'];
      draft.metadata.generation = 1;
    },
    prepareForUpdate(draft, old) {
      if (hasStatus) {
        if (old['status'] === undefined) delete draft['status'];
        else draft['status'] = jsonClone(old['status']);
      }
      // Without a status subresource the status counts as content, too.
      const content = (object: DeepReadonly<KubeObject>): unknown => {
        const own: Record<string, unknown> = { ...object, metadata: null };
        if (hasStatus) delete own['status'];
        return own;
      };
      const generation = old.metadata.generation ?? 0;
      draft.metadata.generation = jsonEqual(content(draft), content(old))
        ? generation
        : generation + 1;
    },
    prepareForStatusUpdate(draft, old) {
      const status = draft['status'];
      const { managedFields } = draft.metadata;
      for (const field of Object.keys(draft))
        if (field !== 'metadata' && field !== 'apiVersion' && field !== 'kind') delete draft[field];
      for (const [field, value] of Object.entries(old))
        if (field !== 'metadata' && field !== 'apiVersion' && field !== 'kind')
          draft[field] = jsonClone(value);
      const { resourceVersion } = draft.metadata;
      draft.metadata = jsonClone(old.metadata) as KubeObject['metadata'];
      if (resourceVersion !== undefined) draft.metadata.resourceVersion = resourceVersion;
      if (managedFields) draft.metadata.managedFields = managedFields;
      if (status === undefined) delete draft['status'];
      else draft['status'] = status;
    },
    validate: (object) => withRules(schemaErrors(object), object, undefined),
    validateUpdate: validateChange,
    validateStatusUpdate: (object, old, _subresource, context) =>
      validateChange(object, old, context),
    selectableFields(object) {
      const fields: Record<string, string> = {};
      for (const { jsonPath } of mapsOf(version['selectableFields'])) {
        const path = textOf(jsonPath);
        const [value] = compileJsonPath(path)?.(object) ?? [];
        fields[path.replace(/^\./, '')] =
          typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
            ? String(value)
            : '';
      }
      return fields;
    },
    table: customTable(version),
    warnings: finalizerWarnings,
  };
}

/** The value a field error is about; the whole object when its path cannot be followed. */
function valueAt(object: unknown, path: string): unknown {
  const [value] = compileJsonPath(path === '<nil>' ? '' : `.${path}`)?.(object) ?? [];
  return value;
}

/** @see customresource/validator.go, ValidateScaleSpec and ValidateScaleStatus */
function scaleErrors(version: JsonMap, object: unknown): FieldError[] {
  const scale = at(version, 'subresources', 'scale');
  const selectorPath = textAt(scale, 'labelSelectorPath');
  return [
    ...replicasErrors(object, textAt(scale, 'specReplicasPath')),
    ...replicasErrors(object, textAt(scale, 'statusReplicasPath')),
    ...readErrors(object, selectorPath, 'string', ''),
  ];
}

function replicasErrors(object: unknown, path: string): FieldError[] {
  const errors = readErrors(object, path, 'int64', 0);
  if (path === '' || errors.length > 0) return errors;
  const replicas = numberOf(nested(object, path, 'int64')) ?? 0;
  if (replicas < 0) return [invalidValue(path, replicas, 'should be a non-negative integer')];
  if (replicas > 2 ** 31 - 1)
    return [invalidValue(path, replicas, 'should be less than or equal to 2147483647')];
  return [];
}

function readErrors(
  object: unknown,
  path: string,
  expected: 'int64' | 'string',
  shown: number | string,
): FieldError[] {
  if (path === '') return [];
  try {
    nested(object, path, expected);
    return [];
  } catch (error) {
    if (!isStatusError(error)) throw error;
    return [invalidValue(path, shown, error.message)];
  }
}

const nameColumn = customResourceDefinitionStrategy.table?.columns[0];
const createdColumn = customResourceDefinitionStrategy.table?.columns[1];

/** @see apiextensions-apiserver/pkg/registry/customresource/tableconvertor */
function customTable(version: JsonMap): NonNullable<KindStrategy['table']> {
  const declared = mapsOf(version['additionalPrinterColumns']);
  const columns: TableColumn[] = nameColumn ? [nameColumn] : [];
  const paths: string[] = [];
  for (const column of declared) {
    columns.push({
      name: textOf(column['name']),
      type: textOf(column['type']) as TableColumn['type'],
      format: textOf(column['format']),
      description:
        textOf(column['description']) ||
        `Custom resource definition column (in JSONPath format): ${textOf(column['jsonPath'])}`,
      priority: numberOf(column['priority']) ?? 0,
    });
    paths.push(textOf(column['jsonPath']));
  }
  if (declared.length === 0 && createdColumn) {
    columns.push({ ...createdColumn, name: 'Age' });
    paths.push('.metadata.creationTimestamp');
  }
  const readers = paths.map((path) => compileJsonPath(path));
  return {
    columns,
    cells: (object, { nowMs }) => [
      object.metadata.name ?? '',
      ...readers.map((read, index) =>
        cell(read?.(object)[0], columns[index + 1]?.type ?? 'string', nowMs),
      ),
    ],
  };
}

function cell(value: unknown, type: TableColumn['type'], nowMs: number): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      if (typeof value !== 'string') return null;
      const ms = Date.parse(value);
      return Number.isNaN(ms) ? '<invalid>' : humanDuration(nowMs - ms);
    }
    case 'string':
      // The JSONPath printer writes lists and objects as JSON.
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
