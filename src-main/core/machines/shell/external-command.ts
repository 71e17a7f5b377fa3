import { BadInterpreterError, isElf, SpawnError, type SpawnOptions } from '../process/index.ts';
import { waitInForeground } from './foreground.ts';
import { redirect } from './redirect.ts';
import type { Shell, SimpleCommand } from './types.ts';

const badDescriptor = {
  write: (): Promise<void> => Promise.reject(new Error('write error: Bad file descriptor')),
  end: (): void => undefined,
};

/** Runs a program file; complains as the shell does when it cannot. */
export async function runExternal(
  shell: Shell,
  words: readonly string[],
  command: Pick<SimpleCommand, 'assignments' | 'redirections'>,
  takeOver: boolean,
): Promise<void> {
  const env = shell.variables.environment();
  for (const assignment of command.assignments)
    env[assignment.name] = assignment.value ? await shell.expander.text(assignment.value) : '';
  shell.lastArgument = words.at(-1) ?? '';
  const restore = await redirect(shell, command.redirections);
  try {
    shell.lastStatus = await launch(shell, words, env, takeOver);
  } finally {
    restore();
  }
}

/** Starts a program and waits for it. @param takeOver the shell has nothing left to do: the program becomes its process. */
export async function launch(
  shell: Shell,
  words: readonly string[],
  env: Record<string, string>,
  takeOver: boolean,
): Promise<number> {
  const { process } = shell.context;
  const closed = { read: () => Promise.resolve(undefined) };
  const options: SpawnOptions = {
    env: { ...env, _: words[0] ?? '' },
    cwd: shell.cwd,
    umask: shell.umask,
    stdin: shell.descriptors.get(0)?.source ?? closed,
    stdout: shell.descriptors.get(1)?.sink ?? badDescriptor,
    stderr: shell.descriptors.get(2)?.sink ?? badDescriptor,
  };
  try {
    // Inside a process of its own the program takes it over, unless a trap still has to run.
    if (takeOver && process.exec && shell.traps.size === 0)
      return await process.exec(words, options);
    const child = process.spawn(words, shell.interactive ? { ...options, group: 'new' } : options);
    const [status = 0] = await waitInForeground(shell, [child], () => words.join(' '));
    return status;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    return spawnFailed(shell, words, error);
  }
}

async function spawnFailed(
  shell: Shell,
  words: readonly string[],
  error: SpawnError,
): Promise<number> {
  const name = words[0] ?? '';
  if (error.code === 'ENOEXEC') {
    const path = name.includes('/') ? shell.resolve(name) : name;
    const content = shell.files.readFile(path);
    if (!isElf(content)) {
      const child = shell.fork(async (inner) => {
        inner.arg0 = name;
        inner.positional = words.slice(1);
        return inner.interpreter.runText(new TextDecoder().decode(content));
      });
      return child.exit;
    }
    await shell.complain(`${name}: cannot execute binary file: Exec format error`);
    return 126;
  }
  if (error instanceof BadInterpreterError) {
    await shell.complain(
      shell.flavour === 'bash'
        ? `${name}: cannot execute: required file not found`
        : `${name}: not found`,
    );
    return 127;
  }
  const missing = error.code === 'ENOENT';
  if (shell.flavour !== 'bash')
    await shell.complain(missing ? `${name}: not found` : `${name}: Permission denied`);
  else
    await shell.complain(
      missing && !name.includes('/') ? `${name}: command not found` : `${name}: ${error.message}`,
    );
  return missing ? 127 : 126;
}
