import type { ScriptNode } from 'just-bash';
import { serializeScript } from './parser.ts';

/** The source text of a statement. */
export function serialize(statement: ScriptNode['statements'][number]): string {
  return (
    statement.sourceText ?? serializeScript({ type: 'Script', statements: [statement] })
  ).trim();
}
