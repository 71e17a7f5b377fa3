import type { AttachedProcess } from '#core/kube';
import type { ProgramContext } from '../../process/index.ts';

/** Joins a program's own streams with those of a process in a container. @returns its exit code. */
export async function joinStreams(
  context: ProgramContext,
  attached: AttachedProcess,
  withInput: boolean,
): Promise<number> {
  const copy = async (name: 'stdout' | 'stderr'): Promise<void> => {
    const source = attached[name];
    for (let chunk = await source?.read(); chunk; chunk = await source?.read())
      await context[name].write(chunk).catch(() => undefined);
  };
  context.tty?.setRaw(true);
  const resized = context.tty?.onResize(() => {
    if (context.tty) attached.resize(context.tty.columns, context.tty.rows);
  });
  if (context.tty) attached.resize(context.tty.columns, context.tty.rows);
  if (withInput && attached.stdin) {
    const { stdin } = attached;
    void (async () => {
      for (let chunk = await context.stdin.read(); chunk; chunk = await context.stdin.read())
        await stdin.write(chunk).catch(() => undefined);
      stdin.end();
    })();
  }
  context.signal.addEventListener('abort', () => attached.close(), { once: true });
  try {
    await Promise.all([copy('stdout'), copy('stderr')]);
    return await attached.exit;
  } finally {
    resized?.dispose();
    context.tty?.setRaw(false);
  }
}
