import { jsonEqual } from '#core/base';
import type { FieldError } from '../../apis/index.ts';
import { type CelVariables, celValue, optionalCelValue, withObjectMeta } from '../cel/index.ts';
import { at, isMap, type JsonMap, listOf, textOf, textsOf } from '../fields/index.ts';
import { forbiddenField, invalidField, invalidValue, required, shownPath } from './field-errors.ts';
import type { CompiledRule, RuleTree } from './rule-programs.ts';

/** What the rules of one object may cost together. */
const objectBudget = 10_000_000;
const maxMessageBytes = 5 * 1024;
const noBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';

interface Run {
  readonly errors: FieldError[];
  /** Takes what a rule would refuse, were the value not the old one. */
  readonly warn: (text: string) => void;
  left: number;
}

/** The old value that a value comes from, and the nearest above it that has one. */
interface Correlation {
  readonly own?: { readonly value: unknown; readonly old: unknown; readonly isRoot: boolean };
  readonly nearest?: { readonly value: unknown; readonly old: unknown };
}

/**
 * Runs the rules of a schema; transition rules when there is an old value to compare with. What a rule refuses that
 * was there before is a warning.
 * @param old undefined: the object is new.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go
 */
export function validateRules(
  tree: RuleTree,
  value: unknown,
  old: unknown,
  warn: (text: string) => void = () => undefined,
  path = '',
  correlated = true,
): FieldError[] {
  const run: Run = { errors: [], warn, left: objectBudget };
  const isUpdate = correlated && old !== undefined;
  walk(tree, value, old, path, isUpdate ? { own: { value, old, isRoot: true } } : {}, run);
  return run.errors;
}

function walk(
  tree: RuleTree,
  value: unknown,
  old: unknown,
  path: string,
  correlation: Correlation,
  run: Run,
): void {
  if (value === undefined || value === null) return;
  runRules(tree, value, old ?? undefined, path, correlation, run);
  for (const part of tree.allOf) {
    if (run.left < 0) return;
    const nearest = correlation.nearest;
    walk(part, value, old, path, nearest ? { nearest } : {}, run);
  }
  if (Array.isArray(value)) walkList(tree, value, old, path, correlation, run);
  else if (isMap(value)) walkMap(tree, value, old, path, correlation, run);
}

function walkMap(
  tree: RuleTree,
  value: JsonMap,
  old: unknown,
  path: string,
  correlation: Correlation,
  run: Run,
): void {
  for (const name of Object.keys(value).sort()) {
    const own = tree.properties.get(name) ?? tree.additional;
    if (!own) continue;
    if (run.left < 0) return;
    const isProperty = tree.properties.has(name);
    const child = isProperty ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
    walk(own, value[name], at(old, name), child, childOf(correlation, name), run);
  }
}

function walkList(
  tree: RuleTree,
  value: readonly unknown[],
  old: unknown,
  path: string,
  correlation: Correlation,
  run: Run,
): void {
  const { items } = tree;
  if (!items) return;
  value.forEach((item, index) => {
    if (run.left < 0) return;
    const oldItem = sameItem(tree.schema, old, item);
    const { own } = correlation;
    const next: Correlation = !own
      ? correlation
      : {
          nearest: own,
          ...(oldItem === undefined ? {} : { own: { value: item, old: oldItem, isRoot: false } }),
        };
    walk(items, item, oldItem, `${path}[${index}]`, next, run);
  });
}

function childOf(correlation: Correlation, name: string): Correlation {
  const { own, nearest } = correlation;
  if (!own) return correlation;
  // Old and new come in the same version: its change cannot be seen.
  if (!nearest && own.isRoot && (name === 'apiVersion' || name === 'kind')) return {};
  const [value, old] = [at(own.value, name), at(own.old, name)];
  return {
    nearest: own,
    ...(value === undefined || old === undefined ? {} : { own: { value, old, isRoot: false } }),
  };
}

/** The old item that is the same one: by the keys of a map list; other lists have no identity. */
function sameItem(schema: JsonMap, old: unknown, item: unknown): unknown {
  if (textOf(schema['x-kubernetes-list-type']) !== 'map') return undefined;
  const keys = textsOf(schema['x-kubernetes-list-map-keys']);
  return listOf(old).findLast((other) =>
    keys.every((key) => jsonEqual(at(other, key), at(item, key))),
  );
}

/** Whether a value is what it was, so that its faults are forgiven. */
function isUnchanged({ own, nearest }: Correlation): boolean {
  const compared = own ?? nearest;
  return compared !== undefined && jsonEqual(compared.value, compared.old);
}

function runRules(
  tree: RuleTree,
  value: unknown,
  old: unknown,
  path: string,
  correlation: Correlation,
  run: Run,
): void {
  if (tree.rules.length === 0) return;
  const type = textOf(tree.schema['type']);
  const fail = (detail: string): void => {
    run.errors.push(invalidValue(path, type, detail));
  };
  const stop = (detail: string): void => {
    fail(detail);
    run.left = -1;
  };
  if (run.left <= 0) {
    stop(noBudget);
    return;
  }
  const schema = tree.isRoot ? withObjectMeta(tree.schema) : tree.schema;
  const self = celValue(value, schema);
  const oldSelf = old === undefined ? undefined : celValue(old, schema);
  for (const compiled of tree.rules) {
    if (run.left < 0) return;
    const { rule, program, usesOldSelf, error } = compiled;
    if (error !== undefined) fail(`rule compile error: ${error}`);
    const isOptional = rule['optionalOldSelf'] === true;
    if (!program || (usesOldSelf && old === undefined && !isOptional)) continue;
    const variables = { self, oldSelf: isOptional ? optionalCelValue(oldSelf) : oldSelf };
    const result = program.run(variables);
    if (result.cost > run.left) {
      stop(noBudget);
      return;
    }
    run.left -= result.cost;
    if ('error' in result) failedRun(result.error, shownRule(rule), fail, stop);
    else if (result.value !== true)
      refuse(compiled, variables, value, path, type, correlation, run);
  }
}

const shownRule = (rule: JsonMap): string =>
  (textOf(rule['message']) === '' ? textOf(rule['rule']) : textOf(rule['message'])).trim();

function failedRun(
  error: string,
  rule: string,
  fail: (detail: string) => void,
  stop: (detail: string) => void,
): void {
  if (error.startsWith('no such overload'))
    fail(
      `'${error}': call arguments did not match a supported operator, function or macro signature for rule: ${rule}`,
    );
  else if (error.startsWith('operation cancelled: actual cost limit exceeded'))
    stop(
      `'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`,
    );
  else fail(`${error} evaluating rule: ${rule}`);
}

/** Tells of a value that does not keep a rule. */
function refuse(
  { rule, message, usesOldSelf, fieldPath }: CompiledRule,
  variables: CelVariables,
  value: unknown,
  path: string,
  type: string,
  correlation: Correlation,
  run: Run,
): void {
  const field = fieldPath === '' ? path : path === '' ? fieldPath : `${path}.${fieldPath}`;
  const add = (error: FieldError): void => {
    if (!usesOldSelf && isUnchanged(correlation))
      run.warn(`${error.field ?? ''}: ${error.message ?? ''}`);
    else run.errors.push(error);
  };
  let detail: string | undefined;
  if (message) {
    const result = message.run(variables);
    const tooDear =
      result.cost > run.left
        ? 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
        : 'error' in result &&
            result.error.startsWith('operation cancelled: actual cost limit exceeded')
          ? `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(textOf(rule['messageExpression']))}`
          : undefined;
    if (tooDear !== undefined) {
      add(invalidValue(field, type, tooDear));
      run.left = -1;
      return;
    }
    run.left -= result.cost;
    if ('value' in result) detail = usableMessage(result.value);
  }
  add(refusal(rule, field, value, type, detail ?? ruleMessage(rule)));
}

const ruleMessage = (rule: JsonMap): string =>
  textOf(rule['message']) === ''
    ? `failed rule: ${shownRule(rule)}`
    : textOf(rule['message']).trim();

/** Nothing, several lines and long texts are no message. */
function usableMessage(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const isUsable =
    text !== '' && !text.includes('\n') && new TextEncoder().encode(text).length <= maxMessageBytes;
  return isUsable ? text : undefined;
}

function refusal(
  rule: JsonMap,
  field: string,
  value: unknown,
  type: string,
  detail: string,
): FieldError {
  const isWhole = type === 'object' || type === 'array';
  switch (textOf(rule['reason'])) {
    case 'FieldValueForbidden':
      return forbiddenField(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return {
        reason: 'FieldValueDuplicate',
        field: shownPath(field),
        message: isWhole ? 'Duplicate value' : `Duplicate value: ${JSON.stringify(value)}`,
      };
    default:
      return isWhole ? invalidField(field, detail) : invalidValue(field, value, detail);
  }
}
