import type { FieldError } from '../../apis/index.ts';
import { maxCardinality, type SchemaType, schemaType } from '../cel/index.ts';
import { isMap, type JsonMap, mapOf, mapsOf, numberOf, textOf } from '../fields/index.ts';
import { jsonText } from '../json-text.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';
import { fieldPathOf } from './field-path.ts';
import { type CompiledRule, compileRules } from './rule-programs.ts';

/** What one rule, and what all rules of a definition, may be estimated to cost. */
const ruleLimit = 10_000_000;
const definitionLimit = 100_000_000;
const mostCost = 2 ** 64;

const reasons = [
  'FieldValueDuplicate',
  'FieldValueForbidden',
  'FieldValueInvalid',
  'FieldValueRequired',
];

interface Faults {
  /** What is wrong with rules as they are written. */
  readonly schema: FieldError[];
  /** What is wrong with what they say. */
  readonly cel: FieldError[];
}

/** Where a schema stands among the others of its definition. */
interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  /** How often its values may stand in one object; undefined: without a bound. */
  readonly cardinality: number | undefined;
  /** The path of an atomic object above it: its parts have no old values. */
  readonly uncorrelated?: string;
}

interface Total {
  cost: number;
  readonly dearest: { readonly path: string; readonly cost: number }[];
}

/**
 * What keeps the `x-kubernetes-validations` of a definition's schema from being taken.
 * @param isStructural rules are compiled over the schema's types, which only a structural schema has.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/{validation,cel_validation}.go
 */
export function validateRuleDefinitions(
  schema: JsonMap,
  path: string,
  isStructural: boolean,
): FieldError[] {
  const total: Total = { cost: 0, dearest: [] };
  const place: Place = { path, isRoot: true, cardinality: 1 };
  const { schema: own, cel } = check(schema, place, isStructural ? total : undefined);
  if (total.cost <= definitionLimit) return [...own, ...cel];
  const shares = total.dearest.map((each) =>
    forbiddenField(
      each.path,
      'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
    ),
  );
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
  return [
    ...own,
    ...cel,
    ...shares,
    forbiddenField(path, costText(what, total.cost, definitionLimit)),
  ];
}

/** @param total undefined: rules are not compiled. */
function check(schema: JsonMap, place: Place, total: Total | undefined): Faults {
  const faults: Faults = { schema: [], cel: [] };
  const { path } = place;
  const factor = cardinalityOf(schema);
  const cardinality =
    place.cardinality === undefined || factor === undefined
      ? undefined
      : product(place.cardinality, factor);
  const visit = (part: unknown, name: string, uncorrelated = place.uncorrelated): void => {
    if (!isMap(part)) return;
    const own: Place = {
      path: `${path}.${name}`,
      isRoot: part['x-kubernetes-embedded-resource'] === true,
      cardinality,
      ...(uncorrelated === undefined ? {} : { uncorrelated }),
    };
    const found = check(part, own, total);
    faults.schema.push(...found.schema);
    faults.cel.push(...found.cel);
  };
  visit(schema['additionalProperties'], 'additionalProperties');
  for (const [name, property] of Object.entries(mapOf(schema['properties'])).sort(([a], [b]) =>
    a < b ? -1 : 1,
  ))
    visit(property, `properties[${name}]`);
  const isListOfKeys = textOf(schema['x-kubernetes-list-type']) === 'map';
  visit(schema['items'], 'items', isListOfKeys ? place.uncorrelated : (place.uncorrelated ?? path));
  const rules = mapsOf(schema['x-kubernetes-validations']);
  rules.forEach((rule, index) =>
    faults.schema.push(
      ...wordingErrors(rule, schema, `${path}.x-kubernetes-validations[${index}]`),
    ),
  );
  if (rules.length === 0 || faults.schema.length > 0 || !total) return faults;
  const type = schemaType(schema, place.isRoot);
  if (!type)
    faults.cel.push({
      reason: 'InternalError',
      field: `${path}.x-kubernetes-validations`,
      message:
        'Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
    });
  else
    compileRules(rules, schema, type).forEach((compiled, index) =>
      faults.cel.push(
        ...compiledErrors(
          compiled,
          `${path}.x-kubernetes-validations[${index}]`,
          place,
          type,
          total,
        ),
      ),
    );
  return faults;
}

const product = (a: number, b: number): number =>
  a === 0 || b === 0 ? 0 : Math.min(a * b, mostCost);

/** How many values a schema's parts have for one of its own; undefined: without a bound. */
function cardinalityOf(schema: JsonMap): number | undefined {
  const limited = (max: unknown): number | undefined => {
    const value = numberOf(max);
    return value === undefined ? undefined : Math.max(0, value);
  };
  switch (textOf(schema['type'])) {
    case 'object':
      return schema['additionalProperties'] === undefined ? 1 : limited(schema['maxProperties']);
    case 'array':
      return limited(schema['maxItems']);
    default:
      return 1;
  }
}

const hasLines = (text: string): boolean => /[\n\r]/.test(text);

function wordingErrors(rule: JsonMap, schema: JsonMap, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const [expression, message, messageExpression, fieldPath] = [
    'rule',
    'message',
    'messageExpression',
    'fieldPath',
  ].map((field) => textOf(rule[field])) as [string, string, string, string];
  if (expression.trim() === '') errors.push(required(`${path}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '')
    errors.push(invalidValue(`${path}.message`, message, 'must be non-empty if specified'));
  else if (hasLines(message.trim()))
    errors.push(invalidValue(`${path}.message`, message, 'must not contain line breaks'));
  else if (hasLines(expression.trim()) && message.trim() === '')
    errors.push(
      required(`${path}.message`, 'message must be specified if rule contains line breaks'),
    );
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(
      required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'),
    );
  const reason = rule['reason'];
  if (reason !== undefined && reason !== null && !reasons.includes(textOf(reason)))
    errors.push(notSupported(`${path}.reason`, reason, reasons));
  if (fieldPath === '') return errors;
  if (fieldPath.trim() === '')
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified'));
  if (hasLines(fieldPath))
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, 'must not contain line breaks'));
  if (fieldPathOf(fieldPath, schema) === undefined)
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, 'must be a valid path'));
  return errors;
}

function compiledErrors(
  compiled: CompiledRule,
  path: string,
  place: Place,
  type: SchemaType,
  total: Total,
): FieldError[] {
  const errors: FieldError[] = [];
  const { rule, error, messageError, message } = compiled;
  const cost = product(compiled.maxCost, place.cardinality ?? maxCardinality(type));
  if (cost > ruleLimit)
    errors.push(forbiddenField(`${path}.rule`, costText('estimated rule cost', cost, ruleLimit)));
  observe(total, `${path}.rule`, cost);
  if (error !== undefined) errors.push(invalidRule(`${path}.rule`, rule, error));
  if (messageError !== undefined)
    errors.push(invalidRule(`${path}.messageExpression`, rule, messageError));
  else if (message) {
    const own = compiled.messageMaxCost;
    if (own > ruleLimit)
      errors.push(
        forbiddenField(
          `${path}.messageExpression`,
          costText('estimated messageExpression cost', own, ruleLimit),
        ),
      );
    observe(total, `${path}.messageExpression`, own);
  }
  const optional = rule['optionalOldSelf'];
  if (compiled.usesOldSelf) {
    if (place.uncorrelated !== undefined)
      errors.push(
        invalidValue(
          `${path}.rule`,
          rule['rule'],
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelated}`,
        ),
      );
  } else if (optional !== undefined && optional !== null)
    errors.push(
      invalidValue(
        `${path}.optionalOldSelf`,
        optional,
        'may not be set if oldSelf is not used in rule',
      ),
    );
  return errors;
}

/** A rule as upstream's type for it prints. */
function invalidRule(field: string, rule: JsonMap, detail: string): FieldError {
  const shown = jsonText({
    Rule: textOf(rule['rule']),
    Message: textOf(rule['message']),
    MessageExpression: textOf(rule['messageExpression']),
    Reason: rule['reason'] ?? null,
    FieldPath: textOf(rule['fieldPath']),
    OptionalOldSelf: rule['optionalOldSelf'] ?? null,
  });
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown}: ${detail}` };
}

/** Rules below one percent of the limit are not told of; the four dearest are. */
function observe(total: Total, path: string, cost: number): void {
  total.cost = Math.min(total.cost + cost, mostCost);
  if (cost < definitionLimit / 100) return;
  total.dearest.push({ path, cost });
  total.dearest.sort((a, b) => b.cost - a.cost);
  total.dearest.length = Math.min(total.dearest.length, 4);
}

function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown =
    factor > 100
      ? 'more than 100x'
      : factor < 1.5
        ? `${factor.toFixed(6)}x`
        : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
