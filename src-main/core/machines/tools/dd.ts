import { concatBytes, defer, splitOnce } from '#core/base';
import { FileError, type OpenFile } from '../filesystem/index.ts';
import type { Program } from '../process/index.ts';
import { openInput, type Tool, tool, ToolError, unread } from './tool.ts';

/** Whose words: those of GNU's coreutils or of BusyBox. */
type Wording = 'gnu' | 'busybox';

interface Operands {
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly inputBlock: number;
  readonly outputBlock: number;
  /** `bs=` was given: each block goes out as it came in. */
  readonly asRead: boolean;
  readonly count: number;
  readonly skip: number;
  readonly seek: number;
  readonly conversions: ReadonlySet<string>;
  readonly appends: boolean;
  readonly wholeBlocks: boolean;
  readonly status: string;
}

const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  c: 1,
  w: 2,
  b: 512,
  k: 1024,
  K: 1024,
  kB: 1000,
  KB: 1000,
  M: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GB: 1000 ** 3,
};
const conversions = new Set(
  'notrunc nocreat excl noerror sync fsync fdatasync ucase lcase sparse'.split(' '),
);
/** What a block may take of the memory of any machine. */
const blockLimit = 256 * 1024 * 1024;
/** So much is copied in one step, that others get their turn. */
const stepBytes = 1024 * 1024;
const stepBlocks = 1024;

/** `512`, `4k`, `2x1M`. */
function size(text: string): number {
  let product = 1;
  for (const factor of text.split('x')) {
    const [, digits, suffix = ''] = /^(\d+)([A-Za-z]*)$/.exec(factor) ?? [];
    const scale = suffixes[suffix];
    if (digits === undefined || scale === undefined)
      throw new ToolError(`invalid number: '${text}'`);
    product *= Number(digits) * scale;
  }
  return product;
}

function block(text: string): number {
  const bytes = size(text);
  if (bytes === 0) throw new ToolError(`invalid number: '${text}'`);
  if (bytes > blockLimit)
    throw new ToolError(
      `memory exhausted by input buffer of size ${bytes} bytes (${decimal(bytes)}B, ${binary(bytes)}iB)`,
    );
  return bytes;
}

function parse(args: readonly string[]): Operands {
  const values = new Map<string, string>();
  for (const arg of args) {
    if (arg === '--') continue;
    const [name, value] = splitOnce(arg, '=');
    if (value === undefined || !/^([io]f|[io]?bs|count|skip|seek|conv|[io]flag|status)$/.test(name))
      throw new ToolError(`unrecognized operand '${arg}'\nTry 'dd --help' for more information.`);
    values.set(name, value);
  }
  const given = (name: string, otherwise: string): string => values.get(name) ?? otherwise;
  const both = values.get('bs');
  const chosen = new Set(given('conv', '').split(',').filter(Boolean));
  for (const name of chosen)
    if (!conversions.has(name))
      throw new ToolError(`invalid conversion: '${name}'\nTry 'dd --help' for more information.`);
  const count = values.get('count');
  return {
    input: values.get('if'),
    output: values.get('of'),
    inputBlock: block(both ?? given('ibs', '512')),
    outputBlock: block(both ?? given('obs', '512')),
    asRead: both !== undefined,
    count: count === undefined ? Number.POSITIVE_INFINITY : size(count),
    skip: size(given('skip', '0')),
    seek: size(given('seek', '0')),
    conversions: chosen,
    appends: given('oflag', '').split(',').includes('append'),
    wholeBlocks: given('iflag', '').split(',').includes('fullblock'),
    status: given('status', ''),
  };
}

/** Whole and partial blocks. */
class Records {
  whole = 0;
  partial = 0;

  add(bytes: number, blockBytes: number): void {
    if (bytes === blockBytes) this.whole++;
    else this.partial++;
  }
}

/** `dd`: copies in blocks and says how many they were. */
export function ddProgram(wording: Wording): Program {
  return tool(async (self) => {
    const operands = parse(self.args);
    const { clock } = self.context;
    const startedMs = clock.now();
    const records = { read: new Records(), written: new Records() };
    const cannotOpen = (name: string, error: unknown): never => {
      if (!(error instanceof FileError)) throw error;
      const what = wording === 'gnu' ? 'failed to open' : "can't open";
      throw new ToolError(`${what} '${name}': ${error.message}`);
    };
    let read: Reader = () => Promise.resolve(undefined);
    let output: OpenFile | undefined;
    try {
      read = reader(self, operands);
    } catch (error) {
      cannotOpen(operands.input ?? '-', error);
    }
    if (operands.output !== undefined)
      try {
        output = openOutput(self, operands.output, operands);
      } catch (error) {
        cannotOpen(operands.output, error);
      }
    let copied = 0;
    let status = 0;
    const write = async (bytes: Uint8Array): Promise<void> => {
      if (output) output.write(bytes);
      else await self.bytes(bytes);
      copied += bytes.length;
      records.written.add(bytes.length, operands.outputBlock);
    };
    try {
      await copy(self, operands, read, write, records.read);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const doing =
        error.code === 'EISDIR'
          ? `error reading '${operands.input}'`
          : `error writing '${operands.output ?? 'standard output'}'`;
      await self.complain(`${doing}: ${error.message}`);
      status = 1;
    }
    if (operands.status === 'none') return status;
    const { read: taken, written } = records;
    let report = `${taken.whole}+${taken.partial} records in\n${written.whole}+${written.partial} records out\n`;
    if (operands.status !== 'noxfer')
      // A copy takes no simulated time: the rate is that of a fast disk.
      report += summary(
        wording,
        copied,
        (clock.now() - startedMs) / 1000 + 0.00005 + copied / 2 ** 30,
      );
    await self.context.stderr.write(new TextEncoder().encode(report));
    return status;
  });
}

/** Up to so many bytes; undefined at the end. */
type Reader = (length: number) => Promise<Uint8Array | undefined>;

function reader(self: Tool, { input, skip, inputBlock, wholeBlocks }: Operands): Reader {
  if (input !== undefined) {
    const path = self.resolve(input);
    const isDirectory = self.context.files.stat(path).kind === 'directory';
    if (!isDirectory && !['/dev/stdin', '/dev/fd/0'].includes(input)) {
      const file = self.context.files.open(path, { read: true });
      if (file.kind === 'file') file.position = skip * inputBlock;
      return (length) => Promise.resolve(file.read(length));
    }
    if (isDirectory) return () => Promise.reject(new FileError('EISDIR', input, 'Is a directory'));
  }
  const source = openInput(self, '-');
  const next: Reader = async (length) => {
    const parts: Uint8Array[] = [];
    let held = 0;
    do {
      const chunk = await source.read();
      if (!chunk) break;
      const part = chunk.subarray(0, length - held);
      if (part.length < chunk.length) unread(self, chunk.subarray(part.length));
      parts.push(part);
      held += part.length;
    } while (wholeBlocks && held < length);
    return held === 0 ? undefined : concatBytes(parts);
  };
  let skipped = 0;
  return async (length) => {
    while (skipped < skip) {
      skipped++;
      if (!(await next(inputBlock))) return undefined;
    }
    return next(length);
  };
}

function openOutput(self: Tool, name: string, operands: Operands): OpenFile {
  const { conversions: chosen, seek, outputBlock, appends } = operands;
  const { files } = self.context;
  const path = self.resolve(name);
  const keeps = chosen.has('notrunc') || appends;
  const start = seek * outputBlock;
  const isThere = files.exists(path) && files.stat(path).kind === 'file';
  // What lies before the place of the first block stays.
  if (!keeps && start > 0 && isThere) {
    const present = files.readFile(path);
    if (present.length > start) files.writeFile(path, present.slice(0, start));
  }
  const file = files.open(path, {
    write: true,
    create: !chosen.has('nocreat'),
    exclusive: chosen.has('excl'),
    truncate: !keeps && start === 0,
    append: appends,
  });
  if (file.kind === 'file' && !appends) file.position = start;
  return file;
}

async function copy(
  self: Tool,
  operands: Operands,
  read: Reader,
  write: (bytes: Uint8Array) => Promise<void>,
  taken: Records,
): Promise<void> {
  const { inputBlock, outputBlock, asRead, count, conversions: chosen } = operands;
  let waiting: Uint8Array[] = [];
  let held = 0;
  let sinceYield = 0;
  for (let n = 0; n < count; n++) {
    sinceYield += Math.max(inputBlock, stepBytes / stepBlocks);
    if (sinceYield >= stepBytes) {
      sinceYield = 0;
      await new Promise<void>((resolve) => defer(self.context.clock, resolve));
    }
    const bytes = await read(inputBlock);
    if (!bytes) break;
    taken.add(bytes.length, inputBlock);
    const shaped = convert(bytes, inputBlock, chosen);
    if (asRead) {
      await write(shaped);
      continue;
    }
    waiting.push(shaped);
    held += shaped.length;
    if (held < outputBlock) continue;
    const all = concatBytes(waiting);
    let at = 0;
    for (; held - at >= outputBlock; at += outputBlock)
      await write(all.subarray(at, at + outputBlock));
    waiting = at < held ? [all.slice(at)] : [];
    held -= at;
  }
  if (held > 0) await write(concatBytes(waiting));
}

function convert(bytes: Uint8Array, blockBytes: number, chosen: ReadonlySet<string>): Uint8Array {
  let result = bytes;
  if (chosen.has('sync') && bytes.length < blockBytes) {
    result = new Uint8Array(blockBytes);
    result.set(bytes);
  }
  if (chosen.has('ucase'))
    return result.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte));
  if (chosen.has('lcase'))
    return result.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));
  return result;
}

function summary(wording: Wording, bytes: number, seconds: number): string {
  const rate = bytes / seconds;
  if (wording === 'busybox')
    return `${bytes} bytes (${binary(bytes, true)}B) copied, ${seconds.toFixed(6)} seconds, ${binary(Math.floor(rate), true)}B/s\n`;
  const noun = bytes === 1 ? 'byte' : 'bytes';
  const both = bytes >= 1024 ? `, ${binary(bytes)}iB` : '';
  const human = bytes >= 1000 ? ` (${decimal(bytes)}B${both})` : '';
  const speed = scaled(rate, 1000, decimalUnits, ' ', 99.95);
  return `${bytes} ${noun}${human} copied, ${Number(seconds.toPrecision(6))} s, ${speed}B/s\n`;
}

const decimalUnits = ['', 'k', 'M', 'G', 'T'];

/** `3.1 k`, `105 M`. */
function decimal(value: number): string {
  return scaled(value, 1000, decimalUnits, ' ', 9.95);
}

/** `3.0 K`, as BusyBox has it `3.0K`. */
function binary(value: number, tight = false): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  return scaled(value, 1024, units, tight ? '' : ' ', tight ? Number.POSITIVE_INFINITY : 9.95);
}

function scaled(
  value: number,
  base: number,
  units: readonly string[],
  space: string,
  tenthsBelow: number,
): string {
  let left = value;
  let unit = 0;
  for (; left >= base && unit < units.length - 1; unit++) left /= base;
  const hasTenths = unit > 0 && left < tenthsBelow;
  return `${hasTenths ? left.toFixed(1) : Math.round(left)}${space}${units[unit]}`;
}
