import { fromUtf8 } from '#core/base';
import { basename, FileError } from '../filesystem/index.ts';
import {
  isElf,
  type Program,
  type ProgramContext,
  sharedInput,
  terminalOf,
} from '../process/index.ts';
import { setOption } from './builtins/options.ts';
import { CommandLines, nextLine } from './command-lines.ts';
import { ShellError } from './flow.ts';
import { interact } from './interactive.ts';
import { loadParser } from './parser.ts';
import { ShellProcess } from './shell.ts';
import type { Flavour, Shell } from './types.ts';

interface Invocation {
  readonly flags: ReadonlySet<string>;
  readonly options: readonly (readonly [string, boolean])[];
  readonly command: string | undefined;
  readonly rest: readonly string[];
}

const optionNames: Readonly<Record<string, string>> = {
  a: 'allexport',
  e: 'errexit',
  f: 'noglob',
  n: 'noexec',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
  C: 'noclobber',
};

function parseInvocation(args: readonly string[]): Invocation {
  const flags = new Set<string>();
  const options: [string, boolean][] = [];
  let wantsCommand = false;
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--' || arg === '-') {
      at++;
      break;
    }
    if (arg.startsWith('--')) {
      flags.add(arg);
      if (arg === '--rcfile' || arg === '--init-file') at++;
      continue;
    }
    if (!/^[-+]./.test(arg)) break;
    for (const letter of arg.slice(1)) {
      if (letter === 'c') wantsCommand = true;
      else if (letter === 'o' || letter === 'O') {
        options.push([args[++at] ?? '', arg.startsWith('-')]);
      } else if (optionNames[letter]) options.push([optionNames[letter], arg.startsWith('-')]);
      else flags.add(letter);
    }
  }
  return {
    flags,
    options,
    command: wantsCommand ? args[at] : undefined,
    rest: args.slice(wantsCommand ? at + 1 : at),
  };
}

/** A shell as a program: `bash`, `sh`, `dash` or `ash`, by flavour. */
export function shellProgram(flavour: Flavour): Program {
  return async (context) => {
    await loadParser();
    const { flags, options, command, rest } = parseInvocation(context.argv.slice(1));
    const shell = new ShellProcess(context, flavour);
    const name = context.argv[0] ?? flavour;
    if (flags.has('--version')) {
      await shell.out(
        flavour === 'bash'
          ? 'GNU bash, version 5.2.21(1)-release (x86_64-pc-linux-gnu)\nCopyright (C) 2022 Free Software Foundation, Inc.\nLicense GPLv3+: GNU GPL version 3 or later <http://gnu.org/licenses/gpl.html>\n\nThis is free software; you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n'
          : '',
      );
      return 0;
    }
    prepare(shell, flavour);
    return shell.toEnd(async () => {
      for (const [option, on] of options) applyOption(shell, option, on);
      const login = flags.has('l') || flags.has('--login') || name.startsWith('-');
      if (command !== undefined) {
        shell.fromString = true;
        shell.arg0 = rest[0] ?? name;
        shell.positional = [...rest.slice(1)];
        if (login) await profile(shell);
        if (flags.has('i')) await runCommands(shell);
        return runString(shell, command);
      }
      const script = flags.has('s') ? undefined : rest[0];
      if (script !== undefined) return runFile(shell, script, rest.slice(1));
      shell.positional = [...rest];
      const tty = terminalOf(context.stdin);
      if (flags.has('i') || (tty && terminalOf(context.stderr))) {
        if (login) await profile(shell);
        else await runCommands(shell);
        return interact(shell, tty);
      }
      if (login) await profile(shell);
      return runInput(shell, context);
    });
  };
}

function applyOption(shell: Shell, option: string, on: boolean): void {
  try {
    setOption(shell, option, on);
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    if (on) shell.options.add(option);
  }
}

function prepare(shell: Shell, flavour: Flavour): void {
  const { variables, context } = shell;
  const set = (name: string, value: string): void => {
    if (variables.get(name) === undefined) variables.set(name, value);
  };
  variables.set('IFS', ' \t\n');
  variables.set('OPTIND', '1');
  variables.set('PWD', shell.cwd).exported = true;
  set('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  if (flavour === 'bash') {
    variables.set('BASH', '/usr/bin/bash');
    variables.set('BASH_VERSION', '5.2.21(1)-release');
    variables.set('SHLVL', String(Number(variables.get('SHLVL') ?? 0) + 1)).exported = true;
    variables.set('OSTYPE', 'linux-gnu');
    variables.set('HOSTTYPE', 'x86_64');
    variables.set('MACHTYPE', 'x86_64-pc-linux-gnu');
    set('HOME', context.user.home);
    set('PS4', '+ ');
    shell.options.add('extglob');
  }
}

async function profile(shell: Shell): Promise<void> {
  await sourceIfThere(shell, '/etc/profile');
  const home = shell.variables.get('HOME') ?? '/';
  const names =
    shell.flavour === 'bash' ? ['.bash_profile', '.bash_login', '.profile'] : ['.profile'];
  for (const name of names)
    if (shell.files.exists(`${home}/${name}`)) {
      await sourceIfThere(shell, `${home}/${name}`);
      break;
    }
}

async function runCommands(shell: Shell): Promise<void> {
  if (shell.flavour !== 'bash') return;
  shell.options.add('expand_aliases');
  shell.interactive = true;
  await sourceIfThere(shell, '/etc/bash.bashrc');
  await sourceIfThere(shell, `${shell.variables.get('HOME') ?? '/'}/.bashrc`);
}

async function sourceIfThere(shell: Shell, path: string): Promise<void> {
  if (shell.files.exists(path)) await shell.interpreter.call(['.', path], { functions: false });
}

async function runString(shell: Shell, text: string): Promise<number> {
  return shell.interpreter.runText(text);
}

async function runFile(shell: Shell, script: string, args: readonly string[]): Promise<number> {
  const path = shell.resolve(script);
  let content: Uint8Array;
  try {
    content = shell.files.readFile(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const dash = shell.flavour === 'dash';
    await shell.errorText(
      dash
        ? `${shell.arg0}: 0: cannot open ${script}: ${error.code === 'ENOENT' ? 'No such file' : error.message}\n`
        : `${shell.arg0}: ${script}: ${error.message}\n`,
    );
    return dash ? 2 : error.code === 'ENOENT' ? 127 : 126;
  }
  if (isElf(content)) {
    await shell.errorText(`${basename(shell.arg0)}: ${script}: cannot execute binary file\n`);
    return 126;
  }
  shell.arg0 = script;
  shell.positional = [...args];
  return shell.interpreter.runText(fromUtf8(content));
}

/** A script on standard input: a command is run when it is whole, and may read what follows it. */
async function runInput(shell: Shell, context: ProgramContext): Promise<number> {
  const input = sharedInput(context.stdin);
  const lines = new CommandLines();
  let read = 0;
  let before = 0;
  for (;;) {
    const line = await nextLine(input);
    const commands = line === undefined ? { text: lines.pending, isFaulty: true } : lines.add(line);
    read += 1;
    if (!commands) continue;
    // Messages count lines from the script's first one.
    if (commands.text.trim() !== '')
      await shell.interpreter.runText('\n'.repeat(before) + commands.text);
    if (commands.isFaulty) return shell.lastStatus;
    before = read;
  }
}
