import { assignArray } from '../assignments.ts';
import { ShellError } from '../flow.ts';
import { parse } from '../parser.ts';
import { serializeFunction } from '../source.ts';
import type { Builtin, Shell } from '../types.ts';
import { elements, quoteDouble, quoteWord, toArray, type Variable } from '../variables.ts';
import { quoteAlias } from './control.ts';

function flagsOf(variable: Variable): string {
  return (
    [
      variable.kind === 'array' ? 'a' : '',
      variable.kind === 'map' ? 'A' : '',
      variable.integer ? 'i' : '',
      variable.nameref ? 'n' : '',
      variable.readonly ? 'r' : '',
      variable.exported ? 'x' : '',
    ].join('') || '-'
  );
}

function declaration(name: string, variable: Variable): string {
  const head = `declare -${flagsOf(variable)} ${name}`;
  if (variable.kind === 'scalar')
    return variable.value === undefined ? head : `${head}=${quoteValue(variable.value)}`;
  const items = elements(variable).map(
    ([key, value]) => `[${/^\w+$/.test(key) ? key : quoteDouble(key)}]=${quoteValue(value)}`,
  );
  return `${head}=(${items.join(' ')}${variable.kind === 'map' && items.length > 0 ? ' ' : ''})`;
}

function quoteValue(value: string): string {
  return /[\x00-\x1f]/.test(value) ? quoteWord(value) : quoteDouble(value);
}

interface Flags {
  readonly on: string;
  readonly off: string;
  readonly words: readonly string[];
}

function flags(args: readonly string[]): Flags {
  let on = '';
  let off = '';
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      at++;
      break;
    }
    if (/^-[a-zA-Z]+$/.test(arg)) on += arg.slice(1);
    else if (/^\+[a-zA-Z]+$/.test(arg)) off += arg.slice(1);
    else break;
  }
  return { on, off, words: args.slice(at) };
}

/** `name`, `name=value`, `name+=value`, `name=(…)`, with the attributes of the letters. */
async function declareWord(
  shell: Shell,
  builtin: string,
  word: string,
  { on, off }: Flags,
  local: boolean,
): Promise<number> {
  const match = /^([^=+[]+)(\[[^\]]*\])?(\+?=)?([^]*)$/.exec(word);
  const name = match?.[1] ?? word;
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    await shell.complain(
      shell.flavour === 'bash'
        ? `${builtin}: \`${word}': not a valid identifier`
        : `${builtin}: ${name}: bad variable name`,
    );
    if (shell.flavour !== 'bash') throw new ShellError('', { status: 2, fatal: true });
    return 1;
  }
  const variable =
    local && !on.includes('g') ? shell.variables.local(name) : shell.variables.declare(name);
  if (variable.readonly && match?.[3]) throw new ShellError(`${name}: readonly variable`);
  if (on.includes('A') && variable.kind !== 'map') {
    variable.kind = 'map';
    variable.value = undefined;
  }
  if (on.includes('a')) toArray(variable);
  if (on.includes('i')) variable.integer = true;
  if (on.includes('l')) variable.lower = true;
  if (on.includes('u')) variable.upper = true;
  if (on.includes('n')) variable.nameref = true;
  if (off.includes('x')) variable.exported = false;
  if (off.includes('i')) variable.integer = false;
  if (match?.[3]) {
    const value = match[4] ?? '';
    const append = match[3] === '+=';
    if (on.includes('n')) variable.value = value;
    else if (value.startsWith('(') && value.endsWith(')'))
      await assignList(shell, name, value, append);
    else await shell.assignText(`${name}${match[2] ?? ''}`, value, append);
  }
  if (on.includes('x')) variable.exported = true;
  if (on.includes('r')) variable.readonly = true;
  return 0;
}

async function assignList(
  shell: Shell,
  name: string,
  value: string,
  append: boolean,
): Promise<void> {
  const command = parse(`${name}=${value}`).statements[0]?.pipelines[0]?.commands[0];
  const assignment = command?.type === 'SimpleCommand' ? command.assignments[0] : undefined;
  await assignArray(shell, name, assignment?.array ?? [], append);
}

async function print(shell: Shell, builtin: string, names: readonly string[]): Promise<number> {
  let status = 0;
  for (const name of names) {
    const variable = shell.variables.findDirect(name);
    if (variable) await shell.out(`${declaration(name, variable)}\n`);
    else {
      await shell.complain(`${builtin}: ${name}: not found`);
      status = 1;
    }
  }
  return status;
}

const declare =
  (builtin: string): Builtin =>
  async (shell, args) => {
    const parsed = flags(args);
    const local =
      builtin === 'local' ||
      (shell.variables.inFunction && builtin !== 'readonly' && builtin !== 'export');
    if (builtin === 'local' && shell.functionDepth === 0)
      throw new ShellError('local: can only be used in a function');
    if (parsed.on.includes('f') || parsed.on.includes('F')) {
      const names = parsed.words.length > 0 ? parsed.words : [...shell.functions.keys()].sort();
      for (const name of names) {
        const definition = shell.functions.get(name);
        if (!definition) return 1;
        await shell.out(
          parsed.on.includes('F')
            ? `${parsed.words.length > 0 ? '' : 'declare -f '}${name}\n`
            : `${serializeFunction(definition)}\n`,
        );
      }
      return 0;
    }
    const all = shell.variables.all().filter(([, variable]) => {
      if (builtin === 'export') return variable.exported;
      if (builtin === 'readonly') return variable.readonly;
      return true;
    });
    if (parsed.words.length === 0) {
      for (const [name, variable] of all)
        await shell.out(
          shell.flavour === 'bash'
            ? `${declaration(name, variable)}\n`
            : `${builtin} ${name}=${quoteAlias(variable.value ?? '')}\n`,
        );
      return 0;
    }
    if (parsed.on.includes('p')) return print(shell, builtin, parsed.words);
    const implied = { export: parsed.on.includes('n') ? '' : 'x', readonly: 'r' }[builtin] ?? '';
    const effective: Flags =
      builtin === 'export' && parsed.on.includes('n')
        ? { on: '', off: 'x', words: parsed.words }
        : { on: parsed.on + implied, off: parsed.off, words: parsed.words };
    let status = 0;
    for (const word of effective.words)
      status = (await declareWord(shell, builtin, word, effective, local)) || status;
    return status;
  };

const unset: Builtin = async (shell, args) => {
  const { on, words } = flags(args);
  for (const word of words) {
    const indexed = /^(\w+)\[(.*)\]$/.exec(word);
    if (indexed) {
      const [, name = '', index = ''] = indexed;
      const variable = shell.variables.find(name);
      const key = await shell.expander.index(name, index);
      variable?.items.delete(Number(key));
      variable?.entries.delete(key);
    } else if (on.includes('f') || (!on.includes('v') && !shell.variables.find(word))) {
      shell.functions.delete(word);
      shell.variables.unset(word);
    } else shell.variables.unset(word);
  }
  return 0;
};

export const variableBuiltins: Readonly<Record<string, Builtin>> = {
  export: declare('export'),
  readonly: declare('readonly'),
  declare: declare('declare'),
  typeset: declare('declare'),
  local: declare('local'),
  unset,
  let: async (shell, args) => {
    let value = 0n;
    for (const arg of args) value = await shell.arithmeticText(arg);
    return value === 0n ? 1 : 0;
  },
  alias: async (shell, args) => {
    let status = 0;
    const names = args.filter((arg) => arg !== '-p');
    for (const word of names.length > 0 ? names : [...shell.aliases.keys()].sort()) {
      const at = word.indexOf('=');
      if (at > 0) {
        shell.aliases.set(word.slice(0, at), word.slice(at + 1));
        continue;
      }
      const value = shell.aliases.get(word);
      if (value === undefined) {
        await shell.complain(`alias: ${word}: not found`);
        status = 1;
      } else
        await shell.out(
          `${shell.flavour === 'bash' ? 'alias ' : ''}${word}=${quoteAlias(value)}\n`,
        );
    }
    return status;
  },
  unalias: async (shell, args) => {
    if (args[0] === '-a') {
      shell.aliases.clear();
      return 0;
    }
    let status = 0;
    for (const name of args)
      if (!shell.aliases.delete(name)) {
        await shell.complain(`unalias: ${name}: not found`);
        status = 1;
      }
    return status;
  },
};
