import { concatBytes, fromUtf8, utf8 } from '#core/base';

export interface TarEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly modifiedMs: number;
  readonly content: Uint8Array;
  /** Of a symlink. */
  readonly target: string;
}

const blockSize = 512;
const types: Readonly<Record<TarEntry['kind'], string>> = {
  file: '0',
  directory: '5',
  symlink: '2',
};

/** An archive as `archive/tar` writes it; names longer than a header holds take a PAX record before them. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (utf8(entry.name).length > 100) {
      const record = paxRecord('path', entry.name);
      parts.push(header('PaxHeaders.0', 'x', 0o644, record.length, 0, ''), padded(record));
    }
    const size = entry.kind === 'file' ? entry.content.length : 0;
    parts.push(
      header(entry.name, types[entry.kind], entry.mode, size, entry.modifiedMs, entry.target),
    );
    if (size > 0) parts.push(padded(entry.content));
  }
  parts.push(new Uint8Array(blockSize * 2));
  return concatBytes(parts);
}

/** `27 path=…` with its own length in front. */
function paxRecord(key: string, value: string): Uint8Array {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length += 1;
  return utf8(`${length} ${key}=${value}\n`);
}

function padded(content: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(content.length / blockSize) * blockSize);
  out.set(content);
  return out;
}

function header(
  name: string,
  type: string,
  mode: number,
  size: number,
  modifiedMs: number,
  target: string,
): Uint8Array {
  const block = new Uint8Array(blockSize);
  const put = (text: string, offset: number, room: number): void => {
    block.set(utf8(text).subarray(0, room), offset);
  };
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  put(name, 0, 100);
  put(octal(mode & 0o7777, 7), 100, 7);
  put(octal(0, 7), 108, 7);
  put(octal(0, 7), 116, 7);
  put(octal(size, 11), 124, 11);
  put(octal(Math.floor(modifiedMs / 1000), 11), 136, 11);
  put('        ', 148, 8);
  put(type, 156, 1);
  put(target, 157, 100);
  put('ustar\u000000', 257, 8);
  put('root', 265, 32);
  put('root', 297, 32);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\u0000 `, 148, 8);
  return block;
}

/**
 * Reads an archive; devices and the like are left out.
 * @throws Error it ends too early, in Go's words.
 */
export function readTar(archive: Uint8Array): TarEntry[] {
  const out: TarEntry[] = [];
  let offset = 0;
  let longName = '';
  let longTarget = '';
  while (offset + blockSize <= archive.length) {
    const block = archive.subarray(offset, offset + blockSize);
    offset += blockSize;
    if (block.every((byte) => byte === 0)) break;
    const size = number(block, 124, 12);
    if (offset + size > archive.length) throw new Error('unexpected EOF');
    const content = archive.subarray(offset, offset + size);
    offset += Math.ceil(size / blockSize) * blockSize;
    const type = text(block, 156, 1) || '0';
    if (type === 'L') longName = text(content, 0, size);
    else if (type === 'K') longTarget = text(content, 0, size);
    else if (type === 'x') {
      const records = fromUtf8(content);
      longName = /\d+ path=(.*)\n/.exec(records)?.[1] ?? longName;
      longTarget = /\d+ linkpath=(.*)\n/.exec(records)?.[1] ?? longTarget;
    } else {
      const prefix = text(block, 345, 155);
      const name = longName || (prefix === '' ? '' : `${prefix}/`) + text(block, 0, 100);
      const kind = type === '5' ? 'directory' : type === '2' ? 'symlink' : 'file';
      if ('0257'.includes(type))
        out.push({
          name,
          kind,
          mode: number(block, 100, 8),
          modifiedMs: number(block, 136, 12) * 1000,
          content: kind === 'file' ? content : new Uint8Array(),
          target: kind === 'symlink' ? longTarget || text(block, 157, 100) : '',
        });
      [longName, longTarget] = ['', ''];
    }
  }
  return out;
}

function text(block: Uint8Array, offset: number, room: number): string {
  const bytes = block.subarray(offset, offset + room);
  const end = bytes.indexOf(0);
  return fromUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}

function number(block: Uint8Array, offset: number, room: number): number {
  return Number.parseInt(text(block, offset, room).trim() || '0', 8);
}
