import type { Clock } from '#core/base';

/**
 * Runs a task that must end in time; its signal is aborted when it has not.
 * @throws Error `message` when the time is up.
 */
export function withinTime<T>(
  clock: Clock,
  timeoutMs: number,
  message: string,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => {
      reject(new Error(message));
      controller.abort();
    });
    const settle = (finish: () => void): void => {
      timer.dispose();
      finish();
    };
    task(controller.signal).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) =>
        settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}
