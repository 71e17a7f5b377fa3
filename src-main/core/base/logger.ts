export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the program writes what it does; each host decides what becomes of it. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A logger that adds `fields` to every line of `inner`. */
export function withFields(inner: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return { log: (level, message, more) => inner.log(level, message, { ...fields, ...more }) };
}

export const silentLogger: Logger = { log: () => undefined };
