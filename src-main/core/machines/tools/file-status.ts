import { fromUtf8 } from '#core/base';
import { FileError, joinPath } from '../filesystem/index.ts';
import { isElf, readGroups, readPasswd } from '../process/index.ts';
import { strftime } from '../shell/index.ts';
import { modeText } from './ls.ts';
import { eachFile, humanSize, parseArgs, tool } from './tool.ts';

const kinds = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symbolic link',
  device: 'character special file',
  socket: 'socket',
  fifo: 'fifo',
};

/** `stat`. */
export const stat = tool((self) => {
  const { flags, values, words } = parseArgs(self.args, 'Lft', ['c'], {
    format: 'c',
    dereference: 'L',
  });
  const { files } = self.context;
  return eachFile(
    self,
    words,
    async (name) => {
      const info = flags.has('L')
        ? files.stat(self.resolve(name))
        : files.lstat(self.resolve(name));
      const kind =
        info.kind === 'file' && info.sizeBytes === 0 ? 'regular empty file' : kinds[info.kind];
      const user = readPasswd(files).find((entry) => entry.uid === info.uid)?.name ?? 'UNKNOWN';
      const group = readGroups(files).find((entry) => entry.gid === info.gid)?.name ?? 'UNKNOWN';
      const time = strftime('%Y-%m-%d %H:%M:%S.%N %z', new Date(info.modifiedMs));
      const octal = (info.mode & 0o7777).toString(8);
      const format = values.get('c');
      if (format !== undefined) {
        const fields: Readonly<Record<string, string>> = {
          a: octal,
          A: modeText(info),
          F: kind,
          g: String(info.gid),
          G: group,
          h: String(info.links),
          i: String(info.inode),
          n: name,
          N: `'${name}'`,
          s: String(info.sizeBytes),
          u: String(info.uid),
          U: user,
          y: time,
          Y: String(Math.floor(info.modifiedMs / 1000)),
        };
        await self.out(
          `${format.replace(/%([a-zA-Z])/g, (whole, letter: string) => fields[letter] ?? whole)}\n`,
        );
        return;
      }
      const shown =
        info.kind === 'symlink' ? `${name} -> ${files.readlink(self.resolve(name))}` : name;
      await self.out(
        `  File: ${shown}\n  Size: ${String(info.sizeBytes).padEnd(10)}\tBlocks: ${String(Math.ceil(info.sizeBytes / 4096) * 8).padEnd(10)} IO Block: 4096   ${kind}\n` +
          `Device: 8,1\tInode: ${String(info.inode).padEnd(11)} Links: ${info.links}\n` +
          `Access: (${octal.padStart(4, '0')}/${modeText(info)})  Uid: (${String(info.uid).padStart(5)}/${user.padStart(8)})   Gid: (${String(info.gid).padStart(5)}/${group.padStart(8)})\n` +
          `Access: ${time}\nModify: ${time}\nChange: ${time}\n Birth: -\n`,
      );
    },
    (name) => `cannot statx '${name}'`,
  );
});

/** `du`. */
export const du = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'shaxbkmc', ['d'], {
    'max-depth': 'd',
    summarize: 's',
    'human-readable': 'h',
  });
  const { files } = self.context;
  const show = async (bytes: number, path: string): Promise<void> =>
    self.out(
      `${flags.has('h') ? humanSize(bytes) : flags.has('b') ? bytes : flags.has('m') ? Math.ceil(bytes / 1_048_576) : Math.ceil(bytes / 1024)}\t${path}\n`,
    );
  const limit = flags.has('s') ? 0 : Number(values.get('d') ?? Infinity);
  const measure = async (path: string, shown: string, depth: number): Promise<number> => {
    const info = files.lstat(path);
    let total = info.kind === 'directory' ? 4096 : Math.ceil(info.sizeBytes / 4096) * 4096;
    if (flags.has('b')) total = info.sizeBytes;
    if (info.kind === 'directory')
      for (const name of files.readdir(path))
        total += await measure(joinPath(path, name), joinPath(shown, name), depth + 1);
    if ((info.kind === 'directory' || flags.has('a') || depth === 0) && depth <= limit)
      await show(total, shown);
    return total;
  };
  return eachFile(
    self,
    words.length > 0 ? words : ['.'],
    async (name) => {
      await measure(self.resolve(name).replace(/(.)\/$/, '$1'), name, 0);
    },
    (name) => `cannot access '${name}'`,
  );
});

/** `df`. */
export const df = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'hTkaPi', ['t', 'x'], {
    'human-readable': 'h',
    'print-type': 'T',
  });
  const { files } = self.context;
  const seen = new Set<string>();
  const points =
    words.length > 0
      ? words.map((word) => self.resolve(word))
      : files
          .readText('/proc/mounts')
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(' ')[1] ?? '/');
  const size = (bytes: number): string =>
    flags.has('h') ? humanSize(bytes) : String(Math.ceil(bytes / 1024));
  const rows = [
    [
      'Filesystem',
      ...(flags.has('T') ? ['Type'] : []),
      flags.has('h') ? 'Size' : '1K-blocks',
      'Used',
      flags.has('h') ? 'Avail' : 'Available',
      'Use%',
      'Mounted on',
    ],
  ];
  for (const point of points) {
    const info = files.statfs(point);
    if (seen.has(info.mountPoint) || (words.length === 0 && info.totalBytes === 0)) continue;
    seen.add(info.mountPoint);
    const used =
      info.totalBytes === 0 ? '-' : `${Math.ceil((info.usedBytes / info.totalBytes) * 100)}%`;
    rows.push([
      info.source,
      ...(flags.has('T') ? [info.type] : []),
      size(info.totalBytes),
      size(info.usedBytes),
      size(Math.max(0, info.totalBytes - info.usedBytes)),
      used,
      info.mountPoint,
    ]);
  }
  const widths =
    rows[0]?.map((_, column) =>
      Math.max(
        column === 0
          ? 14
          : column >= (flags.has('T') ? 2 : 1) && column < (rows[0]?.length ?? 0) - 2
            ? 5
            : 4,
        ...rows.map((row) => row[column]?.length ?? 0),
      ),
    ) ?? [];
  const left = new Set([0, ...(flags.has('T') ? [1] : []), (rows[0]?.length ?? 1) - 1]);
  for (const row of rows)
    await self.out(
      `${row.map((cell, column) => (column === row.length - 1 ? cell : left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' ')}\n`,
    );
  return 0;
});

/** `file`. */
export const file = tool(async (self) => {
  const { files } = self.context;
  for (const name of self.args.filter((arg) => !arg.startsWith('-'))) {
    let kind: string;
    try {
      const info = files.lstat(self.resolve(name));
      if (info.kind === 'symlink') kind = `symbolic link to ${files.readlink(self.resolve(name))}`;
      else if (info.kind !== 'file')
        kind = info.kind === 'device' ? 'character special' : info.kind;
      else {
        const content = files.readFile(self.resolve(name));
        const text = fromUtf8(content.subarray(0, 512));
        kind =
          content.length === 0
            ? 'empty'
            : isElf(content)
              ? 'ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked'
              : text.startsWith('#!')
                ? `${/^#!\s*(\S*)/.exec(text)?.[1] ?? ''} script, ASCII text executable`
                : text.startsWith('-----BEGIN CERTIFICATE')
                  ? 'PEM certificate'
                  : /^[\s{[]*["{[]/.test(text) && text.trimStart().startsWith('{')
                    ? 'JSON text data'
                    : content.every((byte) => byte < 128)
                      ? 'ASCII text'
                      : 'Unicode text, UTF-8 text';
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      kind = `cannot open \`${name}' (${error.message})`;
    }
    await self.out(`${name}: ${kind}\n`);
  }
  return 0;
});
