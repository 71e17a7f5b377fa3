import type { WordNode } from 'just-bash';
import { ShellError } from './flow.ts';
import { serializeWord } from './parser.ts';
import type { Shell, SimpleCommand } from './types.ts';
import { toArray } from './variables.ts';

/** Builtins whose arguments may be assignments. */
export const declarations = new Set(['export', 'declare', 'typeset', 'local', 'readonly', 'alias']);

/** Carries out one assignment, of a text or of an array. */
export async function assign(
  shell: Shell,
  assignment: SimpleCommand['assignments'][number],
): Promise<void> {
  if (!assignment.array) {
    const text = assignment.value ? await shell.expander.text(assignment.value) : '';
    return shell.assignText(assignment.name, text, assignment.append);
  }
  await assignArray(shell, assignment.name, assignment.array, assignment.append);
}

/** Gives an array its elements, `[key]=value` among them. @throws ShellError it is readonly. */
export async function assignArray(
  shell: Shell,
  name: string,
  words: readonly WordNode[],
  append: boolean,
): Promise<void> {
  const variable = shell.variables.declare(name);
  if (variable.readonly) throw new ShellError(`${name}: readonly variable`, { fatal: true });
  const items: [string | undefined, string][] = [];
  for (const word of words) {
    const keyed = splitKey(word);
    if (keyed) {
      const key = await shell.expander.index(name, await shell.expander.text(keyed.key));
      items.push([key, await shell.expander.text(keyed.value)]);
    } else for (const value of await shell.expander.words([word])) items.push([undefined, value]);
  }
  if (variable.kind !== 'map') toArray(variable);
  if (!append) {
    variable.items.clear();
    variable.entries.clear();
  }
  let next = append ? Math.max(-1, ...variable.items.keys()) + 1 : 0;
  for (const [key, value] of items) {
    if (variable.kind === 'map') variable.entries.set(key ?? value, value);
    else {
      if (key !== undefined) next = Number(key);
      variable.items.set(next++, value);
    }
  }
}

/** `X=1 builtin`: set while it runs. @returns what sets them back. */
export async function assignTemporarily(shell: Shell, command: SimpleCommand): Promise<() => void> {
  const saved = command.assignments.map(({ name }) => {
    const variable = shell.variables.find(name);
    return { name, value: shell.variables.get(name), exported: variable?.exported ?? false };
  });
  for (const assignment of command.assignments) {
    await assign(shell, assignment);
    const variable = shell.variables.find(assignment.name);
    if (variable) variable.exported = true;
  }
  return () => {
    for (const { name, value, exported } of saved)
      if (value === undefined) shell.variables.unset(name);
      else shell.variables.set(name, value).exported = exported;
  };
}

/** Arguments of `export`, `local` …: what looks like an assignment is expanded as one. */
export async function declarationWords(shell: Shell, args: readonly WordNode[]): Promise<string[]> {
  const words: string[] = [];
  for (const word of args) {
    const [first] = word.parts;
    if (first?.type === 'Literal' && /^[A-Za-z_]\w*(\[[^\]]*\])?\+?=/.test(first.value)) {
      words.push(
        /^[A-Za-z_]\w*\+?=\(/.test(first.value)
          ? serializeWord(word).replace(/\\([ ()])/g, '$1')
          : await shell.expander.text(word),
      );
    } else words.push(...(await shell.expander.words([word])));
  }
  return words;
}

/** `[key]=value` inside an array's parentheses, which the grammar reads as a pattern. */
function splitKey(word: WordNode): { key: WordNode; value: WordNode } | undefined {
  const [first, ...rest] = word.parts;
  if (first?.type !== 'Glob' && first?.type !== 'Literal') return undefined;
  const text = first.type === 'Glob' ? first.pattern : first.value;
  const whole = /^\[([^\]]*)\](=?)(.*)$/s.exec(text);
  if (!whole) {
    // `["a b"]=…`: the key is in parts of its own.
    if (text !== '[') return undefined;
    const close = rest.findIndex((part) => part.type === 'Literal' && part.value.startsWith(']='));
    const end = rest[close];
    if (end?.type !== 'Literal') return undefined;
    return {
      key: { type: 'Word', parts: rest.slice(0, close) },
      value: {
        type: 'Word',
        parts: [{ type: 'Literal', value: end.value.slice(2) }, ...rest.slice(close + 1)],
      },
    };
  }
  const [, key = '', equals, more = ''] = whole;
  const next = rest[0];
  if (!equals && !(next?.type === 'Literal' && next.value.startsWith('='))) return undefined;
  const value = equals
    ? [{ type: 'Literal' as const, value: more }, ...rest]
    : [
        { type: 'Literal' as const, value: (next as { value: string }).value.slice(1) },
        ...rest.slice(1),
      ];
  return {
    key: { type: 'Word', parts: [{ type: 'Literal', value: key.replace(/^(["'])(.*)\1$/, '$2') }] },
    value: { type: 'Word', parts: value },
  };
}
