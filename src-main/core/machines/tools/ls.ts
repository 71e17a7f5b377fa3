import { FileError, type FileStat, joinPath } from '../filesystem/index.ts';
import { readGroups, readPasswd } from '../process/index.ts';
import { strftime } from '../shell/index.ts';
import { humanSize, parseArgs, table, type Tool, tool } from './tool.ts';

/** `-rwxr-xr-x`. */
export function modeText(stat: Pick<FileStat, 'kind' | 'mode'>): string {
  const type = { file: '-', directory: 'd', symlink: 'l', device: 'c', socket: 's', fifo: 'p' }[
    stat.kind
  ];
  const bits = [6, 3, 0]
    .map((shift) => {
      const value = stat.mode >> shift;
      return `${value & 4 ? 'r' : '-'}${value & 2 ? 'w' : '-'}${value & 1 ? 'x' : '-'}`;
    })
    .join('')
    .split('');
  const special = (at: number, bit: number, lower: string): void => {
    if ((stat.mode & bit) !== 0) bits[at] = bits[at] === 'x' ? lower : lower.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return type + bits.join('');
}

interface Entry {
  readonly name: string;
  readonly stat: FileStat;
  readonly target: string | undefined;
}

/** @see ls(1) */
export const ls = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'alAh1dRrtSFinopgcuLHsCx', [], {
    all: 'a',
    'almost-all': 'A',
    'human-readable': 'h',
    directory: 'd',
    recursive: 'R',
    reverse: 'r',
    color: 'C',
    inode: 'i',
    'full-time': 'l',
    'time-style': 'C',
  });
  const { files } = self.context;
  const single: Entry[] = [];
  const directories: string[] = [];
  let status = 0;
  for (const name of words.length > 0 ? words : ['.'])
    try {
      const path = self.resolve(name);
      const long = flags.has('l') || flags.has('d');
      const entry = entryOf(self, path, name, long && !name.endsWith('/'));
      const directory =
        entry.stat.kind === 'directory' ||
        (!long && files.exists(path) && files.stat(path).kind === 'directory');
      if (directory && !flags.has('d')) directories.push(name);
      else single.push(entry);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`cannot access '${name}': ${error.message}`);
      status = 2;
    }
  if (single.length > 0) await show(self, sorted(single, flags), flags, false);
  let first = single.length === 0;
  const visit = async (name: string): Promise<void> => {
    let names: readonly string[];
    try {
      names = files.readdir(self.resolve(name));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`cannot open directory '${name}': ${error.message}`);
      status = 2;
      return;
    }
    if (directories.length > 1 || single.length > 0 || flags.has('R') || status !== 0)
      await self.out(`${first ? '' : '\n'}${name}:\n`);
    first = false;
    const shown = names.filter(
      (child) => flags.has('a') || flags.has('A') || !child.startsWith('.'),
    );
    const entries = [...(flags.has('a') ? ['.', '..'] : []), ...shown].map((child) =>
      entryOf(self, joinPath(self.resolve(name), child), child, true),
    );
    const order = sorted(entries, flags);
    await show(self, order, flags, true);
    if (flags.has('R'))
      for (const entry of order)
        if (entry.stat.kind === 'directory' && entry.name !== '.' && entry.name !== '..')
          await visit(joinPath(name, entry.name));
  };
  for (const name of directories.sort()) await visit(name);
  return status;
}, 2);

function entryOf(self: Tool, path: string, name: string, noFollow: boolean): Entry {
  const { files } = self.context;
  let stat = files.lstat(path);
  const target = stat.kind === 'symlink' ? files.readlink(path) : undefined;
  if (!noFollow && target !== undefined && files.exists(path)) stat = files.stat(path);
  return { name, stat, target };
}

/** The C locale ignores nothing; a UTF-8 one ignores case and leading dots. Ubuntu's default is the latter. */
function key(name: string): string {
  return name.replace(/^\.+/, '').toLowerCase();
}

function sorted(entries: readonly Entry[], flags: ReadonlySet<string>): Entry[] {
  const byName = (a: Entry, b: Entry): number =>
    key(a.name) < key(b.name) ? -1 : key(a.name) > key(b.name) ? 1 : a.name < b.name ? -1 : 1;
  const order = [...entries].sort((a, b) => {
    if (flags.has('t') && a.stat.modifiedMs !== b.stat.modifiedMs)
      return b.stat.modifiedMs - a.stat.modifiedMs;
    if (flags.has('S') && a.stat.sizeBytes !== b.stat.sizeBytes)
      return b.stat.sizeBytes - a.stat.sizeBytes;
    return byName(a, b);
  });
  return flags.has('r') ? order.reverse() : order;
}

async function show(
  self: Tool,
  entries: readonly Entry[],
  flags: ReadonlySet<string>,
  directory: boolean,
): Promise<void> {
  const long = flags.has('l') || flags.has('n') || flags.has('o') || flags.has('g');
  const mark = (entry: Entry): string =>
    !flags.has('F') && !(flags.has('p') && entry.stat.kind === 'directory')
      ? ''
      : {
          directory: '/',
          symlink: long ? '' : '@',
          file: (entry.stat.mode & 0o111) !== 0 ? '*' : '',
          device: '',
          socket: '=',
          fifo: '|',
        }[entry.stat.kind];
  if (!long) {
    const names = entries.map(
      (entry) => `${flags.has('i') ? `${entry.stat.inode} ` : ''}${entry.name}${mark(entry)}`,
    );
    const width = self.context.tty && !flags.has('1') ? self.context.tty.columns : 0;
    await self.out(width > 0 ? columns(names, width) : names.map((name) => `${name}\n`).join(''));
    return;
  }
  const { files } = self.context;
  const users = new Map(readPasswd(files).map((user) => [user.uid, user.name]));
  const groups = new Map(readGroups(files).map((group) => [group.gid, group.name]));
  if (directory) {
    const blocks = entries.reduce(
      (sum, { stat }) =>
        sum +
        (stat.kind === 'symlink' || stat.kind === 'device'
          ? 0
          : Math.ceil(stat.sizeBytes / 4096) * 4),
      0,
    );
    await self.out(
      `total ${flags.has('h') ? (blocks === 0 ? '0' : humanSize(blocks * 1024)) : blocks}\n`,
    );
  }
  const recent = self.context.clock.now() - 15_778_476_000;
  const rows = entries.map((entry) => {
    const { stat } = entry;
    const date = new Date(stat.modifiedMs);
    const when = strftime(
      stat.modifiedMs < recent || stat.modifiedMs > self.context.clock.now() + 1000
        ? '%b %e  %Y'
        : '%b %e %H:%M',
      date,
    );
    return [
      ...(flags.has('i') ? [String(stat.inode)] : []),
      modeText(stat),
      String(stat.links),
      ...(flags.has('g')
        ? []
        : [flags.has('n') ? String(stat.uid) : (users.get(stat.uid) ?? String(stat.uid))]),
      ...(flags.has('o')
        ? []
        : [flags.has('n') ? String(stat.gid) : (groups.get(stat.gid) ?? String(stat.gid))]),
      stat.device
        ? `${stat.device[0]}, ${stat.device[1]}`
        : flags.has('h')
          ? humanSize(stat.sizeBytes)
          : String(stat.sizeBytes),
      `${when} ${entry.name}${mark(entry)}${entry.target === undefined ? '' : ` -> ${entry.target}`}`,
    ];
  });
  const offset = flags.has('i') ? 1 : 0;
  const size = (rows[0]?.length ?? 0) - 2;
  await self.out(table(rows, new Set([...(offset ? [0] : []), 1 + offset, size])));
}

/** Names in columns, top to bottom, as wide as the terminal allows. */
export function columns(names: readonly string[], width: number): string {
  if (names.length === 0) return '';
  for (let rows = 1; rows <= names.length; rows++) {
    const count = Math.ceil(names.length / rows);
    const widths = Array.from({ length: count }, (_, column) =>
      Math.max(...names.slice(column * rows, (column + 1) * rows).map((name) => name.length)),
    );
    if (rows < names.length && widths.reduce((sum, one) => sum + one + 2, -2) > width) continue;
    let text = '';
    for (let row = 0; row < rows; row++) {
      const cells = widths
        .map((one, column) => ({ one, name: names[column * rows + row] }))
        .filter(({ name }) => name !== undefined);
      text += `${cells.map(({ one, name = '' }, index) => (index === cells.length - 1 ? name : name.padEnd(one + 2))).join('')}\n`;
    }
    return text;
  }
  return names.map((name) => `${name}\n`).join('');
}
