import type { Signal } from './types.ts';

const numbers: Readonly<Record<Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGWINCH: 28,
};

/** Linux' number of a signal (x86-64). */
export function signalNumber(signal: Signal): number {
  return numbers[signal];
}

/** A signal from `15`, `TERM` or `SIGTERM`, in any case; undefined when there is none. */
export function parseSignal(text: string): Signal | undefined {
  if (/^\d+$/.test(text))
    return (Object.keys(numbers) as Signal[]).find((name) => numbers[name] === Number(text));
  const name = text.toUpperCase();
  const full = name.startsWith('SIG') ? name : `SIG${name}`;
  return full in numbers ? (full as Signal) : undefined;
}

/** Every signal with its number, in order of the numbers. */
export function signalTable(): readonly (readonly [number, Signal])[] {
  return (Object.entries(numbers) as [Signal, number][])
    .map(([name, number]) => [number, name] as const)
    .sort(([a], [b]) => a - b);
}

/** What happens when nothing handles the signal. @see signal(7) */
export function defaultAction(signal: Signal): 'terminate' | 'ignore' | 'stop' | 'continue' {
  if (signal === 'SIGCHLD' || signal === 'SIGWINCH') return 'ignore';
  if (signal === 'SIGCONT') return 'continue';
  return stopping.has(signal) ? 'stop' : 'terminate';
}

const stopping: ReadonlySet<Signal> = new Set(['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);
