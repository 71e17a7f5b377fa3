import type { ChildProcess } from '../process/index.ts';
import { ShellFlow } from './flow.ts';
import { signalTexts } from './jobs.ts';
import type { Shell } from './types.ts';

/** Waits for foreground children, as the terminal's foreground group when the shell is interactive. */
export async function waitInForeground(
  shell: Shell,
  children: readonly ChildProcess[],
  command: () => string,
): Promise<number[]> {
  const terminal = shell.interactive ? shell.context.process.terminal : undefined;
  const last = children.at(-1);
  if (terminal && last?.group !== undefined) terminal.foregroundGroup = last.group;
  const exits = Promise.all(children.map((child) => child.exit));
  const stopped = new Promise<'stopped'>((resolve) => {
    if (shell.interactive) last?.onStopped?.((state) => state && resolve('stopped'));
  });
  const result = await Promise.race([exits, stopped]);
  if (terminal && shell.context.process.group !== undefined)
    terminal.foregroundGroup = shell.context.process.group;
  if (result === 'stopped') {
    const job = shell.jobs.add(children, command());
    job.state = 'Stopped';
    await shell.errorText(`\n${shell.jobs.describe(job)}\n`);
    return children.map(() => 148);
  }
  await report(shell, last, command);
  return result;
}

/** `Killed`, `Terminated` …: what a shell says of a child that a signal ended. */
async function report(
  shell: Shell,
  child: ChildProcess | undefined,
  command: () => string,
): Promise<void> {
  const signal = child?.endedBy;
  if (!signal || !child) return;
  if (signal === 'SIGINT') {
    if (!shell.interactive) return;
    await shell.errorText('\n');
    throw new ShellFlow('abort', 130);
  }
  const text = signalTexts[signal];
  if (!text || shell.subshellDepth > 0) return;
  await shell.errorText(
    shell.interactive || shell.flavour !== 'bash'
      ? `${text}\n`
      : `${shell.prefix()}${String(child.pid).padStart(5)} ${text.padEnd(24)}${command()}\n`,
  );
}
