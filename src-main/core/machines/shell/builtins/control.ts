import { fromUtf8 } from '#core/base';
import { launch, runExternal } from '../external-command.ts';
import { FileError } from '../../filesystem/index.ts';
import {
  findInPath,
  parseSignal,
  type Signal,
  signalTable,
  SpawnError,
} from '../../process/index.ts';
import { ShellError, ShellFlow } from '../flow.ts';
import { serializeFunction } from '../source.ts';
import type { Builtin, Shell } from '../types.ts';
import { quoteWord } from '../variables.ts';
import { specialBuiltins } from './special.ts';

function count(shell: Shell, name: string, args: readonly string[], fallback: number): number {
  const [text] = args;
  if (text === undefined) return fallback;
  if (!/^[-+]?\d+$/.test(text)) {
    throw new ShellError(
      shell.flavour === 'bash'
        ? `${name}: ${text}: numeric argument required`
        : `${name}: Illegal number: ${text}`,
      { status: 2 },
    );
  }
  return Number(text);
}

const loopExit =
  (kind: 'break' | 'continue'): Builtin =>
  async (shell, args) => {
    if (shell.loopDepth === 0) {
      if (shell.flavour === 'bash')
        await shell.complain(`${kind}: only meaningful in a \`for', \`while', or \`until' loop`);
      return 0;
    }
    throw new ShellFlow(kind, Math.max(1, count(shell, kind, args, 1)));
  };

const source: Builtin = async (shell, args) => {
  const [path, ...rest] = args;
  if (path === undefined) {
    await shell.complain('.: filename argument required\n.: usage: . filename [arguments]');
    return 2;
  }
  let full = shell.resolve(path);
  if (!path.includes('/'))
    for (const directory of (shell.variables.get('PATH') ?? '').split(':'))
      if (shell.files.exists(`${directory}/${path}`)) {
        full = `${directory}/${path}`;
        break;
      }
  let text: string;
  try {
    text = fromUtf8(shell.files.readFile(full));
  } catch (error) {
    if (error instanceof FileError)
      throw new ShellError(
        shell.flavour === 'bash'
          ? `${path}: ${error.message}`
          : `.: cannot open ${path}: No such file`,
        { status: shell.flavour === 'bash' ? 1 : 2, fatal: shell.flavour !== 'bash' },
      );
    throw error;
  }
  const { positional, line } = shell;
  if (rest.length > 0) shell.positional = rest;
  shell.functionDepth++;
  try {
    shell.lastStatus = 0;
    return await shell.interpreter.runText(text);
  } catch (error) {
    if (error instanceof ShellFlow && error.kind === 'return') return error.value;
    throw error;
  } finally {
    shell.functionDepth--;
    shell.line = line;
    if (rest.length > 0) shell.positional = positional;
  }
};

const exit: Builtin = async (shell, args) => {
  const [text] = args;
  if (text !== undefined && !/^[-+]?\d+$/.test(text)) {
    await shell.complain(
      shell.flavour === 'bash'
        ? `exit: ${text}: numeric argument required`
        : `exit: Illegal number: ${text}`,
    );
    throw new ShellFlow('exit', 2);
  }
  if (shell.interactive) await shell.errorText(shell.arg0.startsWith('-') ? 'logout\n' : 'exit\n');
  throw new ShellFlow('exit', text === undefined ? shell.lastStatus : Number(text) & 0xff);
};

const trap: Builtin = async (shell, args) => {
  const listing = args.length === 0 || args[0] === '-p';
  if (listing) {
    for (const [name, command] of shell.traps)
      await shell.out(
        `trap -- ${quoteWord(command).startsWith("'") ? quoteWord(command) : `'${command}'`} ${name}\n`,
      );
    return 0;
  }
  if (args[0] === '-l') {
    await shell.out(
      signalTable()
        .map(([number, name]) => `${String(number).padStart(2)}) ${name}\n`)
        .join(''),
    );
    return 0;
  }
  const words = args[0] === '--' ? args.slice(1) : args;
  const [command = '', ...rest] = words;
  const names = rest.length === 0 ? [command] : rest;
  const action = rest.length === 0 ? '-' : command;
  let status = 0;
  for (const text of names) {
    const name = ['EXIT', '0'].includes(text.toUpperCase())
      ? 'EXIT'
      : ['ERR', 'DEBUG', 'RETURN'].includes(text.toUpperCase())
        ? text.toUpperCase()
        : parseSignal(text);
    if (!name) {
      await shell.complain(
        shell.flavour === 'bash'
          ? `trap: ${text}: invalid signal specification`
          : `trap: ${text}: bad trap`,
      );
      status = 1;
      continue;
    }
    setTrap(shell, name, action === '-' || /^\d+$/.test(action) ? undefined : action);
  }
  return status;
};

const handlers = new WeakMap<Shell, Map<string, { dispose(): void }>>();

function setTrap(shell: Shell, name: string, command: string | undefined): void {
  const own = handlers.get(shell) ?? new Map<string, { dispose(): void }>();
  handlers.set(shell, own);
  own.get(name)?.dispose();
  own.delete(name);
  if (command === undefined) shell.traps.delete(name);
  else shell.traps.set(name, command);
  if (['EXIT', 'ERR', 'DEBUG', 'RETURN'].includes(name)) return;
  const signal = name as Signal;
  shell.context.process.ignoreSignal?.(signal, command === '');
  if (command)
    own.set(
      name,
      shell.context.process.onSignal(signal, () => shell.signalled(signal)),
    );
}

/** How a name would be run: the order that `type` and `command -v` show. */
function describe(
  shell: Shell,
  name: string,
): { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string } | undefined {
  const alias = shell.options.has('expand_aliases') ? shell.aliases.get(name) : undefined;
  if (alias !== undefined) return { kind: 'alias', text: alias };
  if (keywords.has(name)) return { kind: 'keyword', text: name };
  if (shell.functions.has(name)) return { kind: 'function', text: name };
  if (shell.builtins[name]) return { kind: 'builtin', text: name };
  try {
    if (name.includes('/')) {
      const stat = shell.files.stat(shell.resolve(name));
      return stat.kind === 'file' && (stat.mode & 0o111) !== 0
        ? { kind: 'file', text: name }
        : undefined;
    }
    const path = findInPath(shell.files, name, {
      cwd: shell.cwd,
      searchPath: shell.variables.get('PATH') ?? '/usr/bin:/bin',
    });
    return { kind: 'file', text: path };
  } catch (error) {
    if (error instanceof SpawnError || error instanceof FileError) return undefined;
    throw error;
  }
}

const keywords = new Set(
  'if then else elif fi case esac for select while until do done in function time { } ! [[ ]]'.split(
    ' ',
  ),
);

const type: Builtin = async (shell, args) => {
  let status = 0;
  const short = args[0] === '-t';
  const path = args[0] === '-p' || args[0] === '-P';
  for (const name of args.filter((arg) => !/^-[atpPf]+$/.test(arg))) {
    const found = describe(shell, name);
    if (!found) {
      status = 1;
      if (!short && !path)
        await (shell.flavour === 'bash'
          ? shell.complain(`type: ${name}: not found`)
          : shell.out(`${name}: not found\n`));
      if (shell.flavour !== 'bash') status = 127;
    } else if (short) await shell.out(`${found.kind}\n`);
    else if (path) await shell.out(found.kind === 'file' ? `${found.text}\n` : '');
    else if (shell.flavour !== 'bash') await shell.out(`${dashType(name, found)}\n`);
    else {
      const definition = shell.functions.get(name);
      const texts = {
        alias: `${name} is aliased to \`${found.text}'`,
        keyword: `${name} is a shell keyword`,
        function: `${name} is a function\n${definition ? serializeFunction(definition) : ''}`,
        builtin: `${name} is a shell builtin`,
        file: `${name} is ${found.text}`,
      };
      await shell.out(`${texts[found.kind]}\n`);
    }
  }
  return status;
};

function dashType(name: string, found: { kind: string; text: string }): string {
  switch (found.kind) {
    case 'builtin':
      return `${name} is a ${specialBuiltins.has(name) ? 'special ' : ''}shell builtin`;
    case 'file':
      return `${name} is ${found.text}`;
    case 'alias':
      return `${name} is an alias for ${found.text}`;
    case 'function':
      return `${name} is a shell function`;
    default:
      return `${name} is a shell keyword`;
  }
}

const command: Builtin = async (shell, args) => {
  const [first = '', ...rest] = args;
  if (first === '-v' || first === '-V') {
    if (first === '-V') return type(shell, rest);
    let status = 0;
    for (const name of rest) {
      const found = describe(shell, name);
      if (!found) status = shell.flavour === 'bash' ? 1 : 127;
      else if (found.kind === 'alias') await shell.out(`alias ${name}=${quoteAlias(found.text)}\n`);
      else await shell.out(`${found.text}\n`);
    }
    return status;
  }
  const words = first === '-p' || first === '--' ? rest : args;
  if (words.length === 0) return 0;
  if (shell.builtins[words[0] ?? '']) return shell.interpreter.call(words, { functions: false });
  await runExternal(shell, words, { assignments: [], redirections: [] }, false);
  return shell.lastStatus;
};

export function quoteAlias(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}

function onPath(shell: Shell, name: string): boolean {
  try {
    findInPath(shell.files, name, {
      cwd: shell.cwd,
      searchPath: shell.variables.get('PATH') ?? '/usr/bin:/bin',
    });
    return true;
  } catch (error) {
    // A file that may not be run is found, and complained about, when it is started.
    if (error instanceof SpawnError) return error.code === 'EACCES';
    throw error;
  }
}

const exec: Builtin = async (shell, args) => {
  const options: string[] = [];
  let words = [...args];
  while (words[0]?.startsWith('-') && words[0] !== '-') {
    options.push(words[0]);
    words = words.slice(words[0] === '-a' ? 2 : 1);
  }
  if (words.length === 0) return 0;
  const { traps } = shell;
  for (const [name] of traps) setTrap(shell, name, undefined);
  if (!(words[0] ?? '').includes('/') && !onPath(shell, words[0] ?? '')) {
    await shell.complain(`exec: ${words[0] ?? ''}: not found`);
    throw new ShellFlow('exit', 127);
  }
  const status = await launch(shell, words, shell.variables.environment(), true);
  throw new ShellFlow('exit', status);
};

export const controlBuiltins: Readonly<Record<string, Builtin>> = {
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  break: loopExit('break'),
  continue: loopExit('continue'),
  return: async (shell, args) => {
    if (shell.functionDepth === 0 && shell.flavour === 'bash') {
      await shell.complain("return: can only `return' from a function or sourced script");
      return 2;
    }
    throw new ShellFlow('return', count(shell, 'return', args, shell.lastStatus) & 0xff);
  },
  exit,
  logout: exit,
  '.': source,
  source,
  eval: async (shell, args) => {
    shell.lastStatus = 0;
    return shell.interpreter.runText(args.join(' '));
  },
  exec,
  trap,
  type,
  command,
  builtin: (shell, args) => {
    if (!shell.builtins[args[0] ?? ''])
      throw new ShellError(`builtin: ${args[0] ?? ''}: not a shell builtin`);
    return shell.interpreter.call(args, { functions: false });
  },
  hash: () => 0,
  times: async (shell) => {
    await shell.out('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n');
    return 0;
  },
};
