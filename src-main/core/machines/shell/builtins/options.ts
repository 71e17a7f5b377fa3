import { ShellError } from '../flow.ts';
import type { Builtin, Shell } from '../types.ts';
import { quoteWord, scalar } from '../variables.ts';

const letters: Readonly<Record<string, string>> = {
  a: 'allexport',
  e: 'errexit',
  f: 'noglob',
  h: 'hashall',
  m: 'monitor',
  n: 'noexec',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
  B: 'braceexpand',
  C: 'noclobber',
  E: 'errtrace',
};
const names = [
  ...Object.values(letters),
  'pipefail',
  'posix',
  'emacs',
  'vi',
  'history',
  'ignoreeof',
  'physical',
];

/** One option of `set`. @throws ShellError it is unknown. */
export function setOption(shell: Shell, name: string, on: boolean): void {
  if (!names.includes(name))
    throw new ShellError(
      shell.flavour === 'bash'
        ? `set: ${name}: invalid option name`
        : `set: Illegal option -o ${name}`,
      { status: 2 },
    );
  if (on) shell.options.add(name);
  else shell.options.delete(name);
}

/** Options as `set` takes them; what is left are positional parameters. */
export function parseOptions(shell: Shell, args: readonly string[]): string[] | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') return args.slice(i + 1);
    if (arg === '-') return args.slice(i + 1);
    if (!/^[-+]./.test(arg)) return args.slice(i);
    const on = arg.startsWith('-');
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = args[++i];
        if (name !== undefined) setOption(shell, name, on);
        continue;
      }
      const name = letters[letter];
      if (!name)
        throw new ShellError(
          shell.flavour === 'bash' ? `set: ${arg}: invalid option` : `set: Illegal option ${arg}`,
          { status: 2 },
        );
      setOption(shell, name, on);
    }
  }
  return undefined;
}

const set: Builtin = async (shell, args) => {
  if (args.length === 0) {
    for (const [name, variable] of shell.variables.all()) {
      const value = scalar(variable);
      if (variable.kind === 'scalar' && value !== undefined)
        await shell.out(`${name}=${quoteWord(value)}\n`);
    }
    return 0;
  }
  if (args.length === 1 && (args[0] === '-o' || args[0] === '+o')) {
    for (const name of [...names].sort())
      await shell.out(
        args[0] === '-o'
          ? `${name.padEnd(15)}\t${shell.options.has(name) ? 'on' : 'off'}\n`
          : `set ${shell.options.has(name) ? '-' : '+'}o ${name}\n`,
      );
    return 0;
  }
  const rest = parseOptions(shell, args);
  if (rest) shell.positional = rest;
  return 0;
};

const shopt: Builtin = async (shell, args) => {
  const flags = args.filter((arg) => arg.startsWith('-')).join('');
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  let status = 0;
  for (const name of wanted) {
    if (flags.includes('s')) shell.options.add(name);
    else if (flags.includes('u')) shell.options.delete(name);
    else {
      const on = shell.options.has(name);
      if (!on) status = 1;
      if (!flags.includes('q')) await shell.out(`${name.padEnd(15)}\t${on ? 'on' : 'off'}\n`);
    }
  }
  return status;
};

const shift: Builtin = (shell, args) => {
  const count = args[0] === undefined ? 1 : Number(args[0]);
  if (count > shell.positional.length) {
    if (shell.flavour !== 'bash')
      throw new ShellError("shift: can't shift that many", { status: 2, fatal: true });
    return 1;
  }
  shell.positional = shell.positional.slice(count);
  return 0;
};

const getopts: Builtin = async (shell, args) => {
  const [spec = '', name = '', ...rest] = args;
  const words = rest.length > 0 ? rest : shell.positional;
  const index = Number(shell.variables.get('OPTIND') ?? 1);
  if (positions.get(shell)?.index !== index) positions.set(shell, { index, at: 1 });
  const position = positions.get(shell) as { index: number; at: number };
  const word = words[index - 1];
  if (word === undefined || !/^-./.test(word) || word === '--') {
    if (word === '--') shell.variables.set('OPTIND', String(index + 1));
    shell.variables.set(name, '?');
    return 1;
  }
  const letter = word[position.at] ?? '';
  const last = position.at + 1 >= word.length;
  const advance = (by: number): void => {
    shell.variables.set('OPTIND', String(index + by));
    positions.set(shell, { index: index + by, at: 1 });
  };
  const known = letter !== ':' && spec.includes(letter);
  const takes = known && spec[spec.indexOf(letter) + 1] === ':';
  const silent = spec.startsWith(':');
  shell.variables.unset('OPTARG');
  if (!takes) {
    if (last) advance(1);
    else position.at++;
    if (known) shell.variables.set(name, letter);
    else {
      shell.variables.set(name, '?');
      if (silent) shell.variables.set('OPTARG', letter);
      else await shell.errorText(`${shell.arg0}: illegal option -- ${letter}\n`);
    }
    return 0;
  }
  const inline = word.slice(position.at + 1);
  const value = inline !== '' ? inline : words[index];
  advance(inline !== '' ? 1 : 2);
  if (value === undefined) {
    shell.variables.set(name, silent ? ':' : '?');
    if (silent) shell.variables.set('OPTARG', letter);
    else await shell.errorText(`${shell.arg0}: option requires an argument -- ${letter}\n`);
    return 0;
  }
  shell.variables.set(name, letter);
  shell.variables.set('OPTARG', value);
  return 0;
};

/** Where `getopts` stands inside a bundle of letters. */
const positions = new WeakMap<Shell, { index: number; at: number }>();

const limits: readonly (readonly [string, string, string])[] = [
  ['c', 'core file size              (blocks, -c)', '0'],
  ['f', 'file size                   (blocks, -f)', 'unlimited'],
  ['n', 'open files                          (-n)', '1048576'],
  ['s', 'stack size                  (kbytes, -s)', '8192'],
  ['u', 'max user processes                  (-u)', 'unlimited'],
  ['v', 'virtual memory              (kbytes, -v)', 'unlimited'],
];

export const optionBuiltins: Readonly<Record<string, Builtin>> = {
  set,
  shopt,
  shift,
  getopts,
  history: async (shell, args) => {
    if (args[0] === '-c') {
      shell.history.length = 0;
      return 0;
    }
    const from = args[0] === undefined ? 0 : Math.max(0, shell.history.length - Number(args[0]));
    for (const [index, line] of shell.history.slice(from).entries())
      await shell.out(`${String(from + index + 1).padStart(5)}  ${line}\n`);
    return 0;
  },
  ulimit: async (shell, args) => {
    const flags = (args[0] ?? '-f').replace(/^-[HS]?/, '');
    if (args[1] !== undefined) return 0;
    if (flags === 'a') for (const [, text, value] of limits) await shell.out(`${text} ${value}\n`);
    else
      await shell.out(
        `${limits.find(([letter]) => letter === (flags || 'f'))?.[2] ?? 'unlimited'}\n`,
      );
    return 0;
  },
  bind: () => 0,
  complete: () => 0,
  compopt: () => 0,
  compgen: () => 1,
};
