/** A command ends with this exit code; `message` goes to stderr as it stands (a line break is added). */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly code: number;

  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** A failure that kubectl prints after `error: `. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a step; what it says of its failure comes after the prefix. @throws CommandError */
export function prefixed<T>(prefix: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${prefix}: ${error.message}`);
  }
}

/** Wrong use: the message is followed by a hint at the command's help. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Printed before the message. */
  readonly before: string;
  /** The hint, when the message names another way to help than `--help`. */
  readonly hint: string | undefined;

  constructor(message: string, options: { before?: string; hint?: string } = {}) {
    super(message);
    this.before = options.before ?? '';
    this.hint = options.hint;
  }
}

/** Several failures; each is printed on its own line. */
export class AggregateCommandError extends Error {
  override readonly name = 'AggregateCommandError';
  readonly errors: readonly Error[];

  constructor(errors: readonly Error[]) {
    super(errors.map(({ message }) => message).join(', '));
    this.errors = errors;
  }
}

/** Throws what was collected: nothing, one error or all of them. */
export function throwCollected(errors: readonly Error[]): void {
  if (errors.length === 1 && errors[0]) throw errors[0];
  if (errors.length > 1) throw new AggregateCommandError(errors);
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
