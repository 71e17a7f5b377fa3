import type { FileSystem } from '../../filesystem/index.ts';
import type { ProgramContext } from '../../process/index.ts';
import { print } from '../../images/index.ts';

/** Entries of a CRI log. */
export function parseCriLog(text: string): readonly { stream: string; text: string }[] {
  const entries: { stream: string; text: string }[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\S+) (stdout|stderr) ([FP]) (.*)$/.exec(line);
    if (!match) continue;
    entries.push({
      stream: match[2] ?? '',
      text: `${match[4] ?? ''}${match[3] === 'F' ? '\n' : ''}`,
    });
  }
  return entries;
}

/** Prints a container's log file, and goes on with what is added until the program is told to end. */
export async function showLog(
  context: ProgramContext,
  files: FileSystem,
  path: string,
  options: { tail?: number; follow: boolean; running: () => boolean },
): Promise<void> {
  if (!files.exists(path)) return;
  let shown = 0;
  const flush = async (from: number): Promise<void> => {
    const entries = parseCriLog(files.readText(path));
    for (const entry of entries.slice(from))
      await print(entry.stream === 'stdout' ? context.stdout : context.stderr, entry.text);
    shown = entries.length;
  };
  const total = parseCriLog(files.readText(path)).length;
  await flush(options.tail === undefined ? 0 : Math.max(0, total - options.tail));
  if (!options.follow) return;
  await new Promise<void>((resolve) => {
    let wait: { dispose(): void } | undefined;
    const tick = (): void => {
      void flush(shown).then(() => {
        if (context.signal.aborted || !options.running()) resolve();
        else wait = context.clock.setTimer(250, tick, { background: true });
      });
    };
    context.process.onSignal('SIGINT', () => {
      wait?.dispose();
      resolve();
    });
    context.signal.addEventListener('abort', () => resolve(), { once: true });
    tick();
  });
}
