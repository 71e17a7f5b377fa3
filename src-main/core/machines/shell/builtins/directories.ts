import { FileError, resolvePath } from '../../filesystem/index.ts';
import { ShellError } from '../flow.ts';
import type { Builtin, Shell } from '../types.ts';

function change(shell: Shell, name: string, target: string, physical: boolean): void {
  const path = resolvePath(shell.cwd, target);
  try {
    const stat = shell.files.stat(target === '' ? shell.cwd : path);
    if (stat.kind !== 'directory') throw new ShellError(`${name}: ${target}: Not a directory`);
    shell.files.exists(`${path}/.`);
    if (shell.context.user.uid !== 0) shell.files.lstat(`${path}/.`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ShellError(
      shell.flavour === 'dash'
        ? `${name}: can't cd to ${target}`
        : `${name}: ${target}: ${error.message}`,
      { status: shell.flavour === 'dash' ? 2 : 1 },
    );
  }
  const previous = shell.cwd;
  shell.cwd = physical ? shell.files.realpath(path) : path;
  shell.variables.set('OLDPWD', previous).exported = true;
  shell.variables.set('PWD', shell.cwd).exported = true;
}

const cd: Builtin = async (shell, args) => {
  const physical = args.includes('-P');
  const words = args.filter((arg) => arg !== '-P' && arg !== '-L' && arg !== '--');
  if (words.length > 1 && shell.flavour === 'bash') throw new ShellError('cd: too many arguments');
  const [target] = words;
  if (target === undefined) {
    const home = shell.variables.get('HOME');
    if (home === undefined) throw new ShellError('cd: HOME not set');
    change(shell, 'cd', home, physical);
    return 0;
  }
  if (target === '-') {
    const old = shell.variables.get('OLDPWD');
    if (old === undefined) throw new ShellError('cd: OLDPWD not set');
    change(shell, 'cd', old, physical);
    await shell.out(`${shell.cwd}\n`);
    return 0;
  }
  for (const base of target.startsWith('/') || target.startsWith('.')
    ? []
    : (shell.variables.get('CDPATH') ?? '').split(':'))
    if (base !== '' && shell.files.exists(resolvePath(resolvePath(shell.cwd, base), target))) {
      change(shell, 'cd', resolvePath(resolvePath(shell.cwd, base), target), physical);
      await shell.out(`${shell.cwd}\n`);
      return 0;
    }
  change(shell, 'cd', target, physical);
  return 0;
};

async function show(shell: Shell): Promise<void> {
  const home = shell.variables.get('HOME') ?? '';
  const short = (path: string): string =>
    home !== '' && (path === home || path.startsWith(`${home}/`))
      ? `~${path.slice(home.length)}`
      : path;
  await shell.out(`${[shell.cwd, ...shell.directories].map(short).join(' ')}\n`);
}

export const directoryBuiltins: Readonly<Record<string, Builtin>> = {
  cd,
  pwd: async (shell, args) => {
    await shell.out(`${args.includes('-P') ? shell.files.realpath(shell.cwd) : shell.cwd}\n`);
    return 0;
  },
  pushd: async (shell, args) => {
    const [target] = args;
    const previous = shell.cwd;
    if (target === undefined) {
      const next = shell.directories.shift();
      if (next === undefined) throw new ShellError('pushd: no other directory');
      change(shell, 'pushd', next, false);
    } else change(shell, 'pushd', target, false);
    shell.directories.unshift(previous);
    await show(shell);
    return 0;
  },
  popd: async (shell) => {
    const next = shell.directories.shift();
    if (next === undefined) throw new ShellError('popd: directory stack empty');
    change(shell, 'popd', next, false);
    await show(shell);
    return 0;
  },
  dirs: async (shell, args) => {
    if (args[0] === '-c') shell.directories = [];
    else await show(shell);
    return 0;
  },
  umask: async (shell, args) => {
    const [text] = args.filter((arg) => arg !== '-p');
    if (text === '-S') {
      const bits = (shift: number): string => {
        const allowed = ~(shell.umask >> shift) & 7;
        return `${allowed & 4 ? 'r' : ''}${allowed & 2 ? 'w' : ''}${allowed & 1 ? 'x' : ''}`;
      };
      await shell.out(`u=${bits(6)},g=${bits(3)},o=${bits(0)}\n`);
      return 0;
    }
    if (text === undefined) {
      await shell.out(`${shell.umask.toString(8).padStart(4, '0')}\n`);
      return 0;
    }
    if (!/^[0-7]+$/.test(text)) throw new ShellError(`umask: ${text}: octal number out of range`);
    shell.umask = parseInt(text, 8) & 0o777;
    const { uid, gid, groups } = shell.context.user;
    shell.files = shell.context.files.as({ uid, gid, groups, umask: shell.umask });
    return 0;
  },
};
