import {
  type CelProgram,
  compileTyped,
  nameType,
  ruleDeclarations,
  type SchemaType,
  schemaType,
  sizesOf,
} from '../cel/index.ts';
import { isMap, type JsonMap, mapOf, mapsOf, textOf } from '../fields/index.ts';
import { fieldPathOf } from './field-path.ts';

/** One of the `x-kubernetes-validations` of a schema, compiled over the types of its values. */
export interface CompiledRule {
  readonly rule: JsonMap;
  /** Undefined: the rule is empty, or does not compile. */
  readonly program?: CelProgram;
  readonly usesOldSelf: boolean;
  /** The most that an evaluation may cost. */
  readonly maxCost: number;
  readonly error?: string;
  readonly message?: CelProgram;
  readonly messageError?: string;
  readonly messageMaxCost: number;
  /** The field that failures are told of, below that of the schema. */
  readonly fieldPath: string;
}

/** The root of a schema, and objects within it that are whole ones, have a kind and a name. */
const isWhole = (schema: JsonMap): boolean => schema['x-kubernetes-embedded-resource'] === true;

/**
 * Compiles rules over the values of a schema. Expressions are checked against the schema's types.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go
 */
export function compileRules(
  rules: readonly JsonMap[],
  schema: JsonMap,
  type: SchemaType,
): CompiledRule[] {
  const named = nameType(type, 'selfType');
  return rules.map((rule) => compileRule(rule, schema, type, named));
}

function compileRule(
  rule: JsonMap,
  schema: JsonMap,
  type: SchemaType,
  named: ReturnType<typeof nameType>,
): CompiledRule {
  const none = { rule, usesOldSelf: false, maxCost: 0, messageMaxCost: 0, fieldPath: '' };
  const expression = textOf(rule['rule']);
  if (expression.trim() === '') return none;
  const isOptional = rule['optionalOldSelf'] === true;
  const compile = (text: string): ReturnType<typeof compileTyped> =>
    compileTyped(text, ruleDeclarations(named, isOptional));
  const program = compile(expression);
  if ('issues' in program)
    return {
      ...none,
      error: `${program.stage === 'compilation' ? 'compilation' : 'program instantiation'} failed: ${program.issues}`,
    };
  if (program.type.text !== 'bool')
    return { ...none, error: 'cel expression must evaluate to a bool' };
  const sizes = sizesOf(type);
  const own: CompiledRule = {
    ...none,
    program,
    usesOldSelf: program.uses('oldSelf'),
    maxCost: program.estimate(sizes).max,
    fieldPath: fieldPathOf(textOf(rule['fieldPath']), schema) ?? '',
  };
  const messageExpression = textOf(rule['messageExpression']);
  if (messageExpression === '') return own;
  const message = compile(messageExpression);
  if ('issues' in message)
    return {
      ...own,
      messageError: `messageExpression ${message.stage} failed: ${message.issues}`,
    };
  if (message.type.text !== 'string')
    return { ...own, messageError: 'messageExpression must evaluate to a string' };
  return { ...own, message, messageMaxCost: message.estimate(sizes).max };
}

/** The rules of a schema and of all within it, where there are any. */
export interface RuleTree {
  readonly schema: JsonMap;
  /** The schema is of a whole object. */
  readonly isRoot: boolean;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly items?: RuleTree;
  readonly additional?: RuleTree;
  /** Rules that stand in the parts of `allOf`. */
  readonly allOf: readonly RuleTree[];
}

/** Compiles all rules within a schema; undefined: it has none. */
export function compileRuleTree(schema: JsonMap, isRoot = true): RuleTree | undefined {
  return holdsRules(schema) ? treeOf(schema, schema, isRoot) : undefined;
}

function holdsRules(schema: JsonMap): boolean {
  if (mapsOf(schema['x-kubernetes-validations']).length > 0) return true;
  const parts = [
    ...Object.values(mapOf(schema['properties'])),
    ...mapsOf(schema['allOf']),
    schema['items'],
    schema['additionalProperties'],
  ];
  return parts.some((part) => isMap(part) && holdsRules(part));
}

/** @param from the schema that the rules stand in: of an `allOf` one of its parts. */
function treeOf(from: JsonMap, schema: JsonMap, isRoot: boolean): RuleTree | undefined {
  const type = schemaType(schema, isRoot);
  const rules = mapsOf(from['x-kubernetes-validations']);
  const child = (own: unknown, node: unknown): RuleTree | undefined =>
    isMap(own) && isMap(node) ? treeOf(own, node, isWhole(node)) : undefined;
  const properties = new Map<string, RuleTree>();
  for (const [name, property] of Object.entries(mapOf(from['properties']))) {
    const tree = child(property, mapOf(schema['properties'])[name]);
    if (tree) properties.set(name, tree);
  }
  const items = child(from['items'], schema['items']);
  const additional = child(from['additionalProperties'], schema['additionalProperties']);
  const allOf = mapsOf(from['allOf'])
    .map((part) => treeOf(part, schema, isRoot))
    .filter((tree) => tree !== undefined);
  const hasOwn = rules.length > 0 && type !== undefined;
  if (!hasOwn && properties.size === 0 && !items && !additional && allOf.length === 0)
    return undefined;
  return {
    schema,
    isRoot,
    rules: hasOwn ? compileRules(rules, schema, type) : [],
    properties,
    ...(items ? { items } : {}),
    ...(additional ? { additional } : {}),
    allOf,
  };
}
