import { BytePipe, readText } from '#core/base';
import { FileError } from '../filesystem/index.ts';
import { nullSink, nullSource, SpawnError } from '../process/index.ts';
import { builtins } from './builtins/index.ts';
import type { Shell } from './types.ts';

/** Programs that answer `__complete`, as every cobra command line tool does. */
const cobra = new Set(['kubectl', 'helm', 'kubeadm', 'crictl', 'etcdctl']);

/** Candidates for the last word of `before`. */
export async function complete(
  shell: Shell,
  before: string,
): Promise<{ from: number; candidates: readonly string[] }> {
  const start =
    Math.max(
      ...[' ', '\t', ';', '|', '&', '(', '=', '>', '<'].map((char) => before.lastIndexOf(char)),
    ) + 1;
  const word = before.slice(start);
  const command = /([^;|&(]*)$/.exec(before)?.[1]?.trimStart() ?? '';
  const words = command.split(/\s+/);
  if (words.length <= 1 && !word.includes('/'))
    return { from: start, candidates: commands(shell, word) };
  const offered = /[<>]\s*\S*$/.test(before) ? undefined : await ask(shell, words);
  const found = offered?.filter((candidate) => candidate.startsWith(word)) ?? [];
  return { from: start, candidates: found.length > 0 ? found : paths(shell, word) };
}

function commands(shell: Shell, word: string): string[] {
  const names = new Set([
    ...shell.aliases.keys(),
    ...shell.functions.keys(),
    ...Object.keys(builtins),
  ]);
  for (const directory of (shell.variables.get('PATH') ?? '').split(':'))
    for (const name of list(shell, directory)) names.add(name);
  return [...names].filter((name) => name.startsWith(word)).sort();
}

function list(shell: Shell, path: string): readonly string[] {
  try {
    return shell.files.readdir(path);
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

function paths(shell: Shell, word: string): string[] {
  const slash = word.lastIndexOf('/') + 1;
  const directory = word.slice(0, slash);
  const name = word.slice(slash);
  const full = shell.resolve(
    directory.replace(/^~\//, `${shell.variables.get('HOME') ?? ''}/`) || '.',
  );
  return list(shell, full)
    .filter((entry) => entry.startsWith(name) && (name.startsWith('.') || !entry.startsWith('.')))
    .map((entry) => {
      const path = `${full === '/' ? '' : full}/${entry}`;
      const isDirectory = shell.files.exists(path) && shell.files.stat(path).kind === 'directory';
      return `${directory}${entry}${isDirectory ? '/' : ''}`;
    });
}

/** What the program itself offers; undefined when it offers nothing. */
async function ask(shell: Shell, words: readonly string[]): Promise<string[] | undefined> {
  const alias = shell.aliases.get(words[0] ?? '')?.split(/\s+/) ?? [words[0] ?? ''];
  const [program = ''] = alias;
  if (!cobra.has(program)) return undefined;
  const stdout = new BytePipe();
  try {
    const child = shell.context.process.spawn(
      [program, '__complete', ...alias.slice(1), ...words.slice(1)],
      {
        env: shell.variables.environment(),
        cwd: shell.cwd,
        stdin: nullSource,
        stdout,
        stderr: nullSink,
        group: 'new',
      },
    );
    const text = await readText(stdout);
    if ((await child.exit) !== 0) return undefined;
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line) => line.replace(/\t.*$/, ''));
  } catch (error) {
    if (error instanceof SpawnError) return undefined;
    throw error;
  }
}
