/** How a command leaves the ordinary order: thrown, and caught by what it names. */
export class ShellFlow extends Error {
  readonly kind: 'break' | 'continue' | 'return' | 'exit' | 'abort';
  /** Loops to leave, or the exit status. */
  readonly value: number;

  constructor(kind: ShellFlow['kind'], value: number) {
    super(kind);
    this.kind = kind;
    this.value = value;
  }
}

/** An expansion or a command that cannot be done: its text goes to stderr, after the shell's name. */
export class ShellError extends Error {
  readonly status: number;
  /** A shell that reads a script ends on it. */
  readonly fatal: boolean;

  constructor(message: string, options: { status?: number; fatal?: boolean } = {}) {
    super(message);
    this.status = options.status ?? 1;
    this.fatal = options.fatal ?? false;
  }
}
