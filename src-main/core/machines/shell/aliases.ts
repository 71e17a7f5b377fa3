import type { ScriptNode } from 'just-bash';
import { parse } from './parser.ts';
import type { Shell, SimpleCommand } from './types.ts';

/** The statements an alias stands for, with the arguments given to its last command. @param expanding aliases that led here. */
export function expandAlias(
  shell: Shell,
  command: SimpleCommand,
  expanding: ReadonlySet<string>,
): ScriptNode['statements'] | undefined {
  const [part] = command.name?.parts ?? [];
  if (part?.type !== 'Literal' || command.name?.parts.length !== 1) return undefined;
  if (!shell.options.has('expand_aliases')) return undefined;
  const name = part.value;
  const value = shell.aliases.get(name);
  if (value === undefined || expanding.has(name)) return undefined;
  const statements = [...parse(value).statements];
  const last = statements.pop();
  const pipeline = last?.pipelines.at(-1);
  const tail = pipeline?.commands.at(-1);
  if (!last || !pipeline || tail?.type !== 'SimpleCommand') return undefined;
  const merged: SimpleCommand = {
    ...tail,
    assignments: [...command.assignments, ...tail.assignments],
    args: [...tail.args, ...command.args],
    redirections: [...tail.redirections, ...command.redirections],
    ...(command.line === undefined ? {} : { line: command.line }),
  };
  // An alias may name itself (`ls='ls --color'`), or another one.
  const [first] = merged.name?.parts ?? [];
  const same = first?.type === 'Literal' && first.value === name;
  const head: SimpleCommand =
    same && merged.name
      ? { ...merged, name: { ...merged.name, parts: [{ type: 'SingleQuoted', value: name }] } }
      : merged;
  return [
    ...statements,
    {
      ...last,
      pipelines: [
        ...last.pipelines.slice(0, -1),
        { ...pipeline, commands: [...pipeline.commands.slice(0, -1), head] },
      ],
    },
  ];
}
