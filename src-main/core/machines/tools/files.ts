import { basename, dirname, FileError, joinPath } from '../filesystem/index.ts';
import { findUser, readGroups } from '../process/index.ts';
import { eachFile, parseArgs, type Tool, tool, ToolError } from './tool.ts';
import { df, du, file, stat } from './file-status.ts';

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

const pwd = tool(async (self) => {
  await self.out(`${self.context.cwd}\n`);
  return 0;
});

export const fileTools = {
  pwd,
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
