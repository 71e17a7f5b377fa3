import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  celValue,
  compileTyped,
  jsonOf,
  nameType,
  ruleDeclarations,
  schemaType,
  sizesOf,
} from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';

/** What cel-go, set up as a kube-apiserver v1.36.3 does for rules of a schema, made of an expression. */
interface Answer {
  readonly expression: string;
  readonly issues?: string;
  readonly type?: string;
  /** Least and most cost. */
  readonly estimate?: readonly [number, number];
  readonly cost?: number;
  readonly error?: string;
  readonly value?: unknown;
}
interface Recording {
  readonly schema: Record<string, unknown>;
  readonly self: unknown;
  readonly oldSelf: unknown;
  readonly answers: readonly Answer[];
}

const recording = JSON.parse(
  readFileSync(new URL('expressions.json', import.meta.url), 'utf8'),
) as Recording;
const { schema, self, oldSelf } = recording;
const type = schemaType(schema, false);
if (!type) throw new Error('the schema has no type');
const declarations = ruleDeclarations(nameType(type, 'selfType'), false);
const variables = { self: celValue(self, schema), oldSelf: celValue(oldSelf, schema) };

/** Numbers beyond 2^53 are told only so far. */
const roughly = (cost: number): number => (cost > 1e15 ? Infinity : cost);

function answer(expression: string): Answer {
  const program = compileTyped(expression, declarations);
  if ('issues' in program) {
    const prefix = program.stage === 'instantiation' ? 'program instantiation failed: ' : '';
    return { expression, issues: prefix + program.issues };
  }
  const { min, max } = program.estimate(sizesOf(type as NonNullable<typeof type>));
  const result = program.run(variables);
  const told = { expression, type: program.type.text, estimate: [min, max] as const };
  if ('error' in result) return { ...told, cost: result.cost, error: result.error };
  return { ...told, cost: result.cost, value: jsonValue(result.value) };
}

function jsonValue(value: unknown): unknown {
  try {
    return jsonOf(value);
  } catch {
    // What JSON cannot hold was not recorded either.
    return undefined;
  }
}

test.each(recording.answers.map((each) => [each.expression, each] as const))(
  '%s',
  (expression, expected) => {
    const { estimate, value, ...own } = answer(expression);
    const { estimate: wantedEstimate, value: wantedValue, ...wanted } = expected;
    expect(own).toEqual(wanted);
    expect(estimate?.map(roughly)).toEqual(wantedEstimate?.map(roughly));
    if (wantedValue !== undefined) expect(value).toEqual(wantedValue);
  },
);
