export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the program writes what it does; each host decides what becomes of it. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLogger: Logger = { log: () => undefined };
