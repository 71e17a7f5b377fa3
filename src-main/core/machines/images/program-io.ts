import { type ByteSink, type ByteSource, utf8 } from '#core/base';
import { createResolver, type Resolver } from '../dns/index.ts';
import type { Program, ProgramContext, Signal } from '../process/types.ts';
import { SpawnError } from '../process/types.ts';

/** Writes text; a reader that went away is no error here (the process would get SIGPIPE). */
export async function print(sink: ByteSink, text: string): Promise<void> {
  await sink.write(utf8(text)).catch(() => undefined);
}

/** The resolver library as this process has it. */
export function resolverOf(context: ProgramContext): Resolver {
  const { files, net, clock, random, signal } = context;
  return createResolver({ files, net, clock, random, signal });
}

/** Resolves with the first of these signals to come; undefined when the process is killed. */
export function untilSignal(
  context: ProgramContext,
  signals: readonly Signal[],
): Promise<Signal | undefined> {
  return new Promise((resolve) => {
    const handlers = signals.map((signal) => context.process.onSignal(signal, () => done(signal)));
    const done = (signal: Signal | undefined): void => {
      for (const handler of handlers) handler.dispose();
      resolve(signal);
    };
    if (context.signal.aborted) done(undefined);
    else context.signal.addEventListener('abort', () => done(undefined), { once: true });
  });
}

/** As a shell script's `exec "$@"`: the process becomes the command. */
export async function execute(context: ProgramContext, argv: readonly string[]): Promise<number> {
  try {
    if (context.process.exec) return await context.process.exec(argv);
    return await context.process.spawn(argv, { env: context.env }).exit;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    const text =
      error.code === 'ENOENT'
        ? 'not found'
        : error.code === 'EACCES'
          ? 'Permission denied'
          : error.message;
    await print(
      context.stderr,
      `${context.argv[0] ?? 'sh'}: exec: line 0: ${argv[0] ?? ''}: ${text}\n`,
    );
    return error.code === 'ENOENT' ? 127 : 126;
  }
}

/** Reads a stream until it ends or the process is killed. */
export async function* chunksOf(
  source: ByteSource,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = await Promise.race([source.read(), aborted(signal)]);
    if (!chunk) return;
    yield chunk;
  }
}

/** Resolves when the process is killed. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** `Thu, 01 Jan 2026 10:00:00 GMT`. */
export function httpDate(ms: number): string {
  const at = new Date(ms);
  return `${days[at.getUTCDay()] ?? ''}, ${two(at.getUTCDate())} ${months[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()} ${clockText(ms)} GMT`;
}

/** `01/Jan/2026:10:00:00 +0000`, as access logs have it. */
export function logDate(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getUTCDate())}/${months[at.getUTCMonth()] ?? ''}/${at.getUTCFullYear()}:${clockText(ms)} +0000`;
}

/** `10:00:00`. */
export function clockText(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** `2026-01-01`. */
export function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export type Programs = Readonly<Record<string, Program>>;
