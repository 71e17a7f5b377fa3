import {
  type ByteSource,
  concatBytes,
  decodeBytes,
  defer,
  encodeBytes,
  splitOnce,
} from '#core/base';
import { FileError, resolvePath } from '../filesystem/index.ts';
import { type Program, type ProgramContext, sharedInput } from '../process/index.ts';

/** A small command's view of its process. */
export interface Tool {
  readonly context: ProgramContext;
  /** How it was called, without directories. */
  readonly name: string;
  readonly args: readonly string[];
  out(text: string): Promise<void>;
  bytes(bytes: Uint8Array): Promise<void>;
  /** `name: message` on stderr. */
  complain(message: string): Promise<void>;
  resolve(path: string): string;
}

/** Thrown for a command line that cannot be understood, or a failure that ends the command. */
export class ToolError extends Error {
  readonly code: number;

  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** Makes a Program of a small command: ToolError and FileError become its complaint and exit code. */
export function tool(run: (tool: Tool) => number | Promise<number>, failure = 1): Program {
  return async (context) => {
    const name = (context.argv[0] ?? '').replace(/^.*\//, '');
    const self: Tool = {
      context,
      name,
      args: context.argv.slice(1),
      out: (text) => context.stdout.write(encodeBytes(text)),
      bytes: (bytes) => context.stdout.write(bytes),
      complain: (message) => context.stderr.write(encodeBytes(`${name}: ${message}\n`)),
      resolve: (path) => resolveKeepingSlash(context.cwd, path),
    };
    try {
      return await run(self);
    } catch (error) {
      if (error instanceof ToolError) {
        await self.complain(error.message);
        return error.code;
      }
      if (error instanceof FileError) {
        await self.complain(`${error.path}: ${error.message}`);
        return failure;
      }
      throw error;
    }
  };
}

function resolveKeepingSlash(cwd: string, path: string): string {
  if (path === '') return '';
  const full = resolvePath(cwd, path);
  return path.endsWith('/') && full !== '/' ? `${full}/` : full;
}

export interface ParsedArgs {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/**
 * Options as getopt_long reads them. @param withValue names (`n`, `lines`) that take a value.
 * @throws ToolError for an option that is not in `known`.
 */
export function parseArgs(
  args: readonly string[],
  known: string,
  withValue: readonly string[] = [],
  long: Readonly<Record<string, string>> = {},
): ParsedArgs {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const words: string[] = [];
  const take = (name: string, value: string): void => {
    flags.add(name);
    values.set(name, value);
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      words.push(...args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [full, inline] = splitOnce(arg.slice(2), '=');
      const name = long[full];
      if (name === undefined) throw new ToolError(`unrecognized option '--${full}'`);
      if (withValue.includes(name)) take(name, inline ?? args[++i] ?? '');
      else flags.add(name);
      continue;
    }
    if (!/^-./.test(arg)) {
      words.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] ?? '';
      if (withValue.includes(letter)) {
        const value = arg.slice(at + 1) || args[++i];
        if (value === undefined) throw new ToolError(`option requires an argument -- '${letter}'`);
        take(letter, value);
        break;
      }
      if (!known.includes(letter)) throw new ToolError(`invalid option -- '${letter}'`);
      flags.add(letter);
    }
  }
  return { flags, values, words };
}

/** A named file, or stdin for `-`, as a stream. @throws FileError */
export function openInput(tool: Tool, name: string): ByteSource {
  if (name === '-' || name === '/dev/stdin') return tool.context.stdin;
  const path = tool.resolve(name);
  const { kind } = tool.context.files.stat(path);
  if (kind === 'directory') throw new FileError('EISDIR', name, 'Is a directory');
  const file = tool.context.files.open(path, { read: true });
  if (kind !== 'device') return { read: () => Promise.resolve(file.read(65_536)) };
  // A device may never end: each read is a step of its own, so that others get their turn.
  const { clock } = tool.context;
  return {
    read: () =>
      new Promise((resolve, reject) => {
        defer(clock, () => {
          try {
            resolve(file.read(65_536));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      }),
  };
}

/** Bytes of one line that fit into the memory of any machine. */
const lineLimit = 256 * 1024 * 1024;

/**
 * The lines of a stream as they come, each with its newline if it had one, as texts of `decodeBytes`.
 * @param onHeld told how many bytes of a line without end are held. @throws ToolError it is too long.
 */
export async function* lines(
  source: ByteSource,
  onHeld?: (bytes: number) => void,
): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let held = 0;
  for (let bytes = await source.read(); bytes; bytes = await source.read()) {
    const end = bytes.lastIndexOf(10) + 1;
    if (end === 0) {
      rest.push(bytes);
      held += bytes.length;
      if (held > lineLimit) throw new ToolError('memory exhausted');
      onHeld?.(held);
      continue;
    }
    const whole = decodeBytes(concatBytes([...rest, bytes.subarray(0, end)]));
    rest = end < bytes.length ? [bytes.slice(end)] : [];
    held = bytes.length - end;
    for (let at = 0; at < whole.length;) {
      const next = whole.indexOf('\n', at) + 1;
      yield whole.slice(at, next);
      at = next;
    }
  }
  if (rest.length > 0) yield decodeBytes(concatBytes(rest));
}

export async function readWhole(source: ByteSource): Promise<string> {
  let text = '';
  for await (const line of lines(source)) text += line;
  return text;
}

/** Puts back what a command read too much of. */
export function unread(tool: Tool, bytes: Uint8Array): void {
  sharedInput(tool.context.stdin).unread(bytes);
}

/** Runs `each` over the named files; a file that fails is complained about. @returns 1 if any did. */
export async function eachFile(
  tool: Tool,
  names: readonly string[],
  each: (name: string) => void | Promise<void>,
  complaint: (name: string) => string = (name) => name,
): Promise<number> {
  let status = 0;
  for (const name of names)
    try {
      await each(name);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await tool.complain(`${complaint(name)}: ${error.message}`);
      status = 1;
    }
  return status;
}

/** `4.0K`, `12M`: as `ls -h` and `df -h` write sizes. */
export function humanSize(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return String(bytes);
  return value < 10
    ? `${(Math.ceil(value * 10) / 10).toFixed(1)}${units[unit] ?? ''}`
    : `${Math.ceil(value)}${units[unit] ?? ''}`;
}

/** Pads the columns of a table; `right` marks columns aligned to the right. */
export function table(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => {
          const width = widths[index] ?? 0;
          if (right.has(index)) return cell.padStart(width);
          return index === row.length - 1 ? cell : cell.padEnd(width);
        })
        .join(' '),
    )
    .map((line) => `${line}\n`)
    .join('');
}
