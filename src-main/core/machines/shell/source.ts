import { serialize } from './serialize.ts';
import type { FunctionNode } from './types.ts';

/** A function's definition as `type` and `declare -f` print it. */
export function serializeFunction(definition: FunctionNode): string {
  const body =
    definition.body.type === 'Group'
      ? definition.body.body.map((statement) => `    ${serialize(statement)}`)
      : [
          `    ${serialize({ type: 'Statement', pipelines: [{ type: 'Pipeline', commands: [definition.body], negated: false }], operators: [], background: false })}`,
        ];
  return `${definition.name} () \n{ \n${body.map((line, index) => (index < body.length - 1 ? `${line};` : line)).join('\n')}\n}`;
}
