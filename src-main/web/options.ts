import { parseArgs } from 'node:util';

export interface WebOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly open: boolean;
  readonly data: string | undefined;
  readonly help: boolean;
}

/** A flag that is wrong or unknown; the message says which. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `usage: npm run web -- [--port N] [--open] [--data DIR]

  --port N    listen on 127.0.0.1:N; the system chooses one otherwise
  --open      open the page in the browser
  --data DIR  folder for clusters and progress`;

/** @throws UsageError */
export function parseWebOptions(args: readonly string[]): WebOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        open: { type: 'boolean', default: false },
        data: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
  const port = values.port === undefined ? 0 : Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new UsageError(
      `--port must be a number from 0 to 65535, not ${JSON.stringify(values.port)}`,
    );
  if (values.data === '') throw new UsageError('--data needs a folder');
  return { port, open: values.open, data: values.data, help: values.help };
}
