/** Runs `stop` once at the first request to end, then ends the process; a second request ends it at once. */
export function endOnSignals(stop: () => Promise<void>): void {
  let ending = false;
  const end = (): void => {
    if (ending) process.exit(1);
    ending = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}

/** Prints what went wrong without a stack, and ends the process: for faults that a person can mend. */
export function failStart(error: unknown): never {
  console.error(`kijabi: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
