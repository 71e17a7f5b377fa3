import type { Clock } from '#core/base';

const firstBackOffMs = 500;
const maxBackOffMs = 122_000;

interface Operation {
  running: boolean;
  kind: 'attach' | 'detach';
  failedMs: number;
  backOffMs: number;
}

/**
 * At most one operation for each key at a time; after a failure the same kind of operation waits, half a second at
 * first and twice as long each time.
 *
 * @see pkg/volume/util/nestedpendingoperations
 */
export class PendingOperations {
  readonly #clock: Clock;
  readonly #operations = new Map<string, Operation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isRunning(key: string): boolean {
    return this.#operations.get(key)?.running === true;
  }

  /** Milliseconds until an operation may start; undefined while another runs. */
  delayMs(key: string, kind: Operation['kind']): number | undefined {
    const operation = this.#operations.get(key);
    if (!operation) return 0;
    if (operation.running) return undefined;
    if (operation.kind !== kind) return 0;
    return Math.max(0, operation.failedMs + operation.backOffMs - this.#clock.now());
  }

  /** Starts what `delayMs` allows. @param action rejects when the operation has failed. */
  async run(key: string, kind: Operation['kind'], action: () => Promise<void>): Promise<void> {
    const before = this.#operations.get(key);
    const operation: Operation = {
      running: true,
      kind,
      failedMs: 0,
      backOffMs: before?.kind === kind ? before.backOffMs : 0,
    };
    this.#operations.set(key, operation);
    try {
      await action();
      this.#operations.delete(key);
    } catch {
      // What went wrong has been told; here it counts only that it did.
      operation.failedMs = this.#clock.now();
      operation.backOffMs = Math.min(operation.backOffMs * 2 || firstBackOffMs, maxBackOffMs);
      operation.running = false;
    }
  }
}
