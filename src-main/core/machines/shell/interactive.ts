import { utf8 } from '#core/base';
import { sharedInput, type Tty } from '../process/index.ts';
import { CommandLines, nextLine } from './command-lines.ts';
import { complete } from './completion.ts';
import { ShellFlow } from './flow.ts';
import { LineEditor, type LineResult } from './line-editor.ts';
import { expandPrompt } from './prompt.ts';
import type { Shell } from './types.ts';

const historyLimit = 2000;

/** The prompt loop of an interactive shell. Without a terminal (`-i` on a pipe) lines are read as they are. */
export async function interact(shell: Shell, tty: Tty | undefined): Promise<number> {
  shell.interactive = true;
  shell.options.add('expand_aliases');
  const { process, stdin, stdout } = shell.context;
  const input = sharedInput(stdin);
  if (tty && process.group !== undefined) tty.foregroundGroup = process.group;
  // An interactive shell outlives the keyboard's signals and SIGTERM.
  for (const signal of ['SIGTERM', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGQUIT'] as const)
    process.onSignal(signal, () => undefined);
  process.onSignal('SIGINT', () => shell.interrupt());
  const editor =
    tty &&
    new LineEditor({
      tty,
      input,
      history: shell.history,
      show: (bytes) => stdout.write(bytes),
      complete: (before) => complete(shell, before),
    });
  const readLine = async (prompt: string): Promise<LineResult> => {
    if (editor) return editor.read(prompt);
    await shell.errorText(prompt);
    const text = await nextLine(input);
    return text === undefined ? { kind: 'end' } : { kind: 'line', text };
  };
  const lines = new CommandLines();
  for (;;) {
    const isFresh = lines.pending === '';
    if (isFresh) await reportJobs(shell);
    const line = await readLine(await promptText(shell, isFresh ? 'PS1' : 'PS2'));
    if (line.kind === 'interrupt') {
      lines.clear();
      shell.lastStatus = 130;
      continue;
    }
    if (line.kind !== 'line') {
      if (!isFresh) await shell.errorText(`${shell.arg0}: syntax error: unexpected end of file\n`);
      await stdout.write(utf8(shell.arg0.startsWith('-') ? 'logout\n' : 'exit\n'));
      return shell.lastStatus;
    }
    if (isFresh && line.text.trim() === '') continue;
    const commands = lines.add(line.text);
    if (!commands) continue;
    const source = commands.text;
    if (shell.history.at(-1) !== source) shell.history.push(source);
    if (shell.history.length > historyLimit) shell.history.shift();
    await runLine(shell, source);
  }
}

async function runLine(shell: Shell, source: string): Promise<void> {
  shell.line = 1;
  shell.loopDepth = 0;
  try {
    await shell.interpreter.runText(source);
  } catch (error) {
    if (!(error instanceof ShellFlow) || error.kind === 'exit') throw error;
    if (error.kind === 'abort') shell.lastStatus = error.value;
  }
  shell.interrupted = false;
}

async function promptText(shell: Shell, name: 'PS1' | 'PS2'): Promise<string> {
  const fallback =
    name === 'PS2'
      ? '> '
      : shell.flavour === 'bash'
        ? '\\s-\\v\\$ '
        : shell.flavour === 'ash'
          ? '\\w \\$ '
          : shell.context.user.uid === 0
            ? '# '
            : '$ ';
  const decoded = expandPrompt(shell, shell.variables.get(name) ?? fallback);
  if (!/[$`]\S/.test(decoded)) return decoded;
  const status = shell.lastStatus;
  const text = await shell.expander.quotedText(decoded.replace(/\\(?![$`"\\])/g, '\\\\'));
  shell.lastStatus = status;
  return text;
}

/** Jobs that ended since the last prompt. */
async function reportJobs(shell: Shell): Promise<void> {
  for (const job of [...shell.jobs.list()])
    if (job.state === 'Done') {
      await shell.errorText(`${shell.jobs.describe(job)}\n`);
      shell.jobs.remove(job);
    }
}
