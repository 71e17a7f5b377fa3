import { basename, dirname, FileError, joinPath } from '../filesystem/index.ts';
import { findUser, isElf, readGroups, readPasswd } from '../process/index.ts';
import { strftime } from '../shell/index.ts';
import { fromUtf8 } from '#core/base';
import { modeText } from './ls.ts';
import { eachFile, humanSize, parseArgs, type Tool, tool, ToolError } from './tool.ts';

/** mode text (`u+x`, `go-w`, `755`) applied to a mode. @throws ToolError */
export function changeMode(text: string, mode: number, directory: boolean): number {
  if (/^[0-7]{1,4}$/.test(text)) return parseInt(text, 8);
  let result = mode;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause);
    if (!match) throw new ToolError(`invalid mode: '${text}'`);
    const who = match[1] === '' || match[1]?.includes('a') ? 'ugo' : (match[1] ?? '');
    for (const [, operator, letters = ''] of (match[2] ?? '').matchAll(/([-+=])([rwxXst]*)/g)) {
      let bits = 0;
      for (const letter of letters)
        bits |= { r: 4, w: 2, x: 1, X: directory || (mode & 0o111) !== 0 ? 1 : 0 }[letter] ?? 0;
      for (const [name, shift] of [
        ['u', 6],
        ['g', 3],
        ['o', 0],
      ] as const) {
        if (!who.includes(name)) continue;
        if (operator === '+') result |= bits << shift;
        else if (operator === '-') result &= ~(bits << shift);
        else result = (result & ~(7 << shift)) | (bits << shift);
      }
      if (letters.includes('t')) result = operator === '-' ? result & ~0o1000 : result | 0o1000;
      if (letters.includes('s'))
        result =
          operator === '-'
            ? result & ~0o6000
            : result | (who.includes('u') ? 0o4000 : 0) | (who.includes('g') ? 0o2000 : 0);
    }
  }
  return result;
}

function isDirectory(self: Tool, path: string): boolean {
  try {
    return self.context.files.stat(path).kind === 'directory';
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

/** Every path below, children after their directory. */
function* walk(self: Tool, path: string): Generator<string> {
  yield path;
  if (self.context.files.lstat(path).kind !== 'directory') return;
  for (const name of self.context.files.readdir(path)) yield* walk(self, joinPath(path, name));
}

async function copyOne(
  self: Tool,
  from: string,
  to: string,
  flags: ReadonlySet<string>,
  shown: string,
): Promise<number> {
  const { files } = self.context;
  const keep = flags.has('p') || flags.has('a');
  const linked = flags.has('a') || flags.has('d') || flags.has('P');
  const stat = linked ? files.lstat(from) : files.stat(from);
  if (stat.kind === 'directory') {
    if (!flags.has('r') && !flags.has('R') && !flags.has('a')) {
      await self.complain(`-r not specified; omitting directory '${shown}'`);
      return 1;
    }
    if (`${to}/`.startsWith(`${from}/`) && to !== from) {
      await self.complain(`cannot copy a directory, '${shown}', into itself, '${to}'`);
      return 1;
    }
    if (!isDirectory(self, to)) files.mkdir(to, { mode: stat.mode });
    let status = 0;
    for (const name of files.readdir(from))
      status =
        (await copyOne(
          self,
          joinPath(from, name),
          joinPath(to, name),
          flags,
          joinPath(shown, name),
        )) || status;
    if (keep) files.touch(to, stat.modifiedMs);
    return status;
  }
  if (files.exists(to)) {
    if (flags.has('n')) return 0;
    if (files.realpath(to) === files.realpath(from)) {
      await self.complain(`'${shown}' and '${to}' are the same file`);
      return 1;
    }
  }
  if (stat.kind === 'symlink') {
    files.remove(to, { force: true });
    files.symlink(files.readlink(from), to);
    return 0;
  }
  if (flags.has('f') && files.exists(to)) files.remove(to);
  files.writeFile(
    to,
    files.readFile(from),
    stat.mode & 0o777 & ~(keep ? 0 : (self.context.process.umask ?? 0o022)),
  );
  if (keep) {
    files.chmod(to, stat.mode);
    if (self.context.user.uid === 0) files.chown(to, stat.uid, stat.gid);
    files.touch(to, stat.modifiedMs);
  }
  if (flags.has('v')) await self.out(`'${shown}' -> '${to}'\n`);
  return 0;
}

const cp = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'arRpfdPnvTiuL', ['t'], {
    recursive: 'r',
    archive: 'a',
    force: 'f',
    verbose: 'v',
    'no-clobber': 'n',
    preserve: 'p',
    parents: 'P',
  });
  const sources = [...words];
  const target = values.get('t') ?? sources.pop();
  if (target === undefined)
    throw new ToolError(`missing file operand\nTry 'cp --help' for more information.`);
  if (sources.length === 0)
    throw new ToolError(
      `missing destination file operand after '${target}'\nTry 'cp --help' for more information.`,
    );
  const into = isDirectory(self, self.resolve(target)) && !flags.has('T');
  if (sources.length > 1 && !into)
    throw new ToolError(
      `target '${target}': ${self.context.files.exists(self.resolve(target)) ? 'Not a directory' : 'No such file or directory'}`,
    );
  let status = 0;
  for (const source of sources) {
    const from = self.resolve(source).replace(/(.)\/$/, '$1');
    const to = into ? joinPath(self.resolve(target), basename(source)) : self.resolve(target);
    try {
      status = (await copyOne(self, from, to.replace(/(.)\/$/, '$1'), flags, source)) || status;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(
        self.context.files.exists(from) && error.path !== from
          ? `cannot create ${isDirectory(self, from) ? 'directory' : 'regular file'} '${into ? joinPath(target, basename(source)) : target}': ${error.message}`
          : error.code === 'EACCES'
            ? `cannot open '${source}' for reading: ${error.message}`
            : `cannot stat '${source}': ${error.message}`,
      );
      status = 1;
    }
  }
  return status;
});

const mv = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'finvTu', ['t'], {
    force: 'f',
    verbose: 'v',
    'no-clobber': 'n',
  });
  const sources = [...words];
  const target = values.get('t') ?? sources.pop();
  if (target === undefined || sources.length === 0)
    throw new ToolError(
      target === undefined
        ? `missing file operand\nTry 'mv --help' for more information.`
        : `missing destination file operand after '${target}'\nTry 'mv --help' for more information.`,
    );
  const { files } = self.context;
  const into = isDirectory(self, self.resolve(target)) && !flags.has('T');
  if (sources.length > 1 && !into)
    throw new ToolError(`target '${target}': No such file or directory`);
  let status = 0;
  for (const source of sources) {
    const from = self.resolve(source).replace(/(.)\/$/, '$1');
    const shown = into ? joinPath(target, basename(source)) : target;
    const to = self.resolve(shown).replace(/(.)\/$/, '$1');
    try {
      files.lstat(from);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`cannot stat '${source}': ${error.message}`);
      status = 1;
      continue;
    }
    if (flags.has('n') && files.exists(to)) continue;
    try {
      files.rename(from, to);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (error.code === 'EXDEV') {
        status = (await copyOne(self, from, to, new Set(['a']), source)) || status;
        if (status === 0) files.remove(from, { recursive: true });
      } else {
        await self.complain(`cannot move '${source}' to '${shown}': ${error.message}`);
        status = 1;
      }
    }
    if (flags.has('v') && status === 0) await self.out(`renamed '${source}' -> '${shown}'\n`);
  }
  return status;
});

const rm = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'rRfivdI', [], {
    recursive: 'r',
    force: 'f',
    verbose: 'v',
    dir: 'd',
  });
  const recursive = flags.has('r') || flags.has('R');
  if (words.length === 0 && !flags.has('f'))
    throw new ToolError(`missing operand\nTry 'rm --help' for more information.`);
  const { files } = self.context;
  return eachFile(
    self,
    words,
    async (name) => {
      const path = self.resolve(name).replace(/(.)\/$/, '$1');
      if (path === '/' && recursive)
        throw new ToolError(
          `it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe`,
        );
      try {
        const directory = files.lstat(path).kind === 'directory';
        if (directory && flags.has('d') && !recursive) files.rmdir(path);
        else files.remove(path, { recursive });
      } catch (error) {
        if (error instanceof FileError && error.code === 'ENOENT' && flags.has('f')) return;
        throw error;
      }
      if (flags.has('v')) await self.out(`removed '${name}'\n`);
    },
    (name) => `cannot remove '${name}'`,
  );
});

const mkdir = tool((self) => {
  const { flags, values, words } = parseArgs(self.args, 'pv', ['m'], {
    parents: 'p',
    mode: 'm',
    verbose: 'v',
  });
  if (words.length === 0)
    throw new ToolError(`missing operand\nTry 'mkdir --help' for more information.`);
  return eachFile(
    self,
    words,
    (name) => {
      const mode = values.get('m');
      const path = self.resolve(name).replace(/(.)\/$/, '$1');
      self.context.files.mkdir(path, { recursive: flags.has('p') });
      if (mode !== undefined) self.context.files.chmod(path, changeMode(mode, 0o777, true));
    },
    (name) => `cannot create directory '${name}'`,
  );
});

const rmdir = tool((self) => {
  const { flags, words } = parseArgs(self.args, 'pv', [], { 'ignore-fail-on-non-empty': 'i' });
  return eachFile(
    self,
    words,
    (name) => {
      let path = self.resolve(name).replace(/(.)\/$/, '$1');
      self.context.files.rmdir(path);
      while (flags.has('p') && (path = dirname(path)) !== '/' && path !== self.context.cwd)
        self.context.files.rmdir(path);
    },
    (name) => `failed to remove '${name}'`,
  );
});

const touch = tool((self) => {
  const { flags, values, words } = parseArgs(self.args, 'acmh', ['d', 't', 'r'], {
    'no-create': 'c',
    date: 'd',
    reference: 'r',
  });
  const { files, clock } = self.context;
  const reference = values.get('r');
  const given = values.get('d');
  const at =
    reference !== undefined
      ? files.stat(self.resolve(reference)).modifiedMs
      : given !== undefined
        ? Date.parse(given)
        : clock.now();
  return eachFile(
    self,
    words,
    (name) => {
      const path = self.resolve(name);
      if (flags.has('c') && !files.exists(path)) return;
      files.touch(path, at);
    },
    (name) => `cannot touch '${name}'`,
  );
});

const ln = tool((self) => {
  const { flags, words } = parseArgs(self.args, 'sfnvrT', [], { symbolic: 's', force: 'f' });
  const { files } = self.context;
  const [target = '', name = basename(target), ...more] = words;
  if (target === '')
    throw new ToolError(`missing file operand\nTry 'ln --help' for more information.`);
  if (more.length > 0) throw new ToolError(`target '${more.at(-1) ?? ''}' is not a directory`);
  let path = self.resolve(name);
  if (
    isDirectory(self, path) &&
    !(flags.has('n') && files.lstat(path.replace(/(.)\/$/, '$1')).kind === 'symlink')
  )
    path = joinPath(path, basename(target));
  if (flags.has('f')) files.remove(path, { force: true });
  try {
    if (flags.has('s')) files.symlink(target, path);
    else files.link(self.resolve(target), path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ToolError(
      flags.has('s') || error.code === 'EEXIST'
        ? `failed to create ${flags.has('s') ? 'symbolic' : 'hard'} link '${name}': ${error.message}`
        : error.code === 'EPERM'
          ? `${target}: hard link not allowed for directory`
          : `failed to access '${target}': ${error.message}`,
    );
  }
  return 0;
});

const chmod = tool((self) => {
  const words = self.args.filter((arg) => !/^-[Rvcf]+$/.test(arg) && arg !== '--recursive');
  const recursive = self.args.some((arg) => /^-\w*R/.test(arg) || arg === '--recursive');
  const [mode, ...names] = words;
  if (mode === undefined || names.length === 0)
    throw new ToolError(
      mode === undefined
        ? `missing operand\nTry 'chmod --help' for more information.`
        : `missing operand after '${mode}'\nTry 'chmod --help' for more information.`,
    );
  const { files } = self.context;
  return eachFile(
    self,
    names,
    (name) => {
      for (const path of recursive ? walk(self, self.resolve(name)) : [self.resolve(name)]) {
        const stat = files.stat(path);
        files.chmod(path, changeMode(mode, stat.mode, stat.kind === 'directory'));
      }
    },
    (name) =>
      files.exists(self.resolve(name))
        ? `changing permissions of '${name}'`
        : `cannot access '${name}'`,
  );
});

const chown = tool((self) => {
  const { flags, words } = parseArgs(self.args, 'Rvhcf', [], { recursive: 'R' });
  const [owner = '', ...names] = words;
  const { files } = self.context;
  const [userText = '', groupText] = self.name === 'chgrp' ? ['', owner] : owner.split(/[:.]/);
  const user =
    userText === ''
      ? undefined
      : /^\d+$/.test(userText)
        ? { uid: Number(userText), gid: undefined }
        : findUser(files, userText);
  if (userText !== '' && !user) throw new ToolError(`invalid user: '${owner}'`);
  const group =
    groupText === undefined
      ? undefined
      : groupText === ''
        ? user?.gid
        : /^\d+$/.test(groupText)
          ? Number(groupText)
          : readGroups(files).find((entry) => entry.name === groupText)?.gid;
  if (groupText && group === undefined) throw new ToolError(`invalid group: '${owner}'`);
  return eachFile(
    self,
    names,
    (name) => {
      for (const path of flags.has('R') ? walk(self, self.resolve(name)) : [self.resolve(name)]) {
        const stat = files.stat(path);
        files.chown(path, user?.uid ?? stat.uid, group ?? stat.gid);
      }
    },
    (name) =>
      files.exists(self.resolve(name))
        ? `changing ownership of '${name}'`
        : `cannot access '${name}'`,
  );
});

const kinds = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symbolic link',
  device: 'character special file',
  socket: 'socket',
  fifo: 'fifo',
};

const stat = tool((self) => {
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

const du = tool(async (self) => {
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
    async (name) => void (await measure(self.resolve(name).replace(/(.)\/$/, '$1'), name, 0)),
    (name) => `cannot access '${name}'`,
  );
});

const df = tool(async (self) => {
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
          : column >= (flags.has('T') ? 2 : 1) && column < rows[0]!.length - 2
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

const readlink = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'femnsq', [], { canonicalize: 'f' });
  let status = 0;
  for (const word of words)
    try {
      const path = self.resolve(word);
      await self.out(
        `${flags.has('f') || flags.has('e') || flags.has('m') || self.name === 'realpath' ? canonical(self, path) : self.context.files.readlink(path)}\n`,
      );
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (self.name === 'realpath') await self.complain(`${word}: ${error.message}`);
      status = 1;
    }
  return status;
});

function canonical(self: Tool, path: string): string {
  const { files } = self.context;
  if (files.exists(path)) return files.realpath(path);
  return joinPath(files.realpath(dirname(path)), basename(path));
}

const mktemp = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'dqut', ['p'], {
    directory: 'd',
    tmpdir: 'p',
  });
  const template = words[0] ?? 'tmp.XXXXXXXXXX';
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const name = template.replace(/X{3,}(?=[^X]*$)/, (run) =>
    Array.from(run, () => letters[self.context.random.integer(letters.length)]).join(''),
  );
  const path =
    words[0] !== undefined && !flags.has('p') && !flags.has('t')
      ? self.resolve(name)
      : joinPath(values.get('p') ?? self.context.env['TMPDIR'] ?? '/tmp', name);
  if (flags.has('d')) self.context.files.mkdir(path, { mode: 0o700 });
  else self.context.files.writeFile(path, '', 0o600);
  await self.out(`${words[0] !== undefined && !path.startsWith('/tmp') ? name : path}\n`);
  return 0;
});

const file = tool(async (self) => {
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

export const fileTools = {
  cp,
  mv,
  rm,
  mkdir,
  rmdir,
  touch,
  ln,
  chmod,
  chown,
  chgrp: chown,
  stat,
  du,
  df,
  readlink,
  realpath: readlink,
  mktemp,
  file,
};
