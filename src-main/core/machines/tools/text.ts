import { encodeBytes, fromUtf8, utf8 } from '#core/base';
import { FileError, joinPath } from '../filesystem/index.ts';
import { grepPattern } from './regex.ts';
import { lines, openInput, parseArgs, type Tool, tool, ToolError, unread } from './tool.ts';

const cat = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'nAbeEsTtuv', [], { number: 'n', 'show-all': 'A' });
  let status = 0;
  let number = 0;
  for (const name of words.length > 0 ? words : ['-'])
    try {
      const source = openInput(self, name);
      if (flags.size === 0) {
        for (let bytes = await source.read(); bytes; bytes = await source.read())
          await self.bytes(bytes);
        continue;
      }
      for await (const line of lines(source)) {
        let text = line;
        if (flags.has('A') || flags.has('T') || flags.has('t')) text = text.replace(/\t/g, '^I');
        if (flags.has('A') || flags.has('E') || flags.has('e')) text = text.replace(/\n$/, '$\n');
        const numbered = flags.has('b') ? line !== '\n' : flags.has('n');
        await self.out(numbered ? `${String(++number).padStart(6)}\t${text}` : text);
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`${name}: ${error.message}`);
      status = 1;
    }
  return status;
});

/** `10`, `+5`, `1k`. */
function amount(self: Tool, text: string, what: string): number {
  const match = /^([-+]?)(\d+)([kKM]?)B?$/.exec(text);
  if (!match) throw new ToolError(`invalid number of ${what}: '${text}'`);
  return Number(match[2]) * ({ k: 1024, K: 1024, M: 1_048_576 }[match[3] ?? ''] ?? 1);
}

const head = tool(async (self) => {
  const args = self.args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const { flags, values, words } = parseArgs(args, 'qvz', ['n', 'c'], {
    lines: 'n',
    bytes: 'c',
    quiet: 'q',
  });
  const names = words.length > 0 ? words : ['-'];
  const bytes = values.get('c');
  const limitText = bytes ?? values.get('n') ?? '10';
  const limit = amount(self, limitText, bytes === undefined ? 'lines' : 'bytes');
  const allBut = limitText.startsWith('-');
  let status = 0;
  let first = true;
  for (const name of names)
    try {
      const source = openInput(self, name);
      if ((names.length > 1 || flags.has('v')) && !flags.has('q')) {
        await self.out(`${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`);
        first = false;
      }
      if (allBut) {
        const all: string[] = [];
        for await (const line of lines(source)) all.push(line);
        await self.out(all.slice(0, Math.max(0, all.length - limit)).join(''));
        continue;
      }
      let left = limit;
      while (left > 0) {
        const chunk = await source.read();
        if (!chunk) break;
        let end = 0;
        if (bytes !== undefined) {
          end = Math.min(chunk.length, left);
          left -= end;
        } else {
          while (end < chunk.length && left > 0) if (chunk[end++] === 10) left--;
        }
        await self.bytes(chunk.subarray(0, end));
        if (name === '-' && end < chunk.length) unread(self, chunk.subarray(end));
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`cannot open '${name}' for reading: ${error.message}`);
      status = 1;
    }
  return status;
});

const tail = tool(async (self) => {
  const args = self.args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const { flags, values, words } = parseArgs(args, 'fFqv', ['n', 'c', 's'], {
    lines: 'n',
    bytes: 'c',
    follow: 'f',
    retry: 'F',
  });
  const names = words.length > 0 ? words : ['-'];
  const byBytes = values.get('c');
  const text = byBytes ?? values.get('n') ?? '10';
  const count = amount(self, text, byBytes === undefined ? 'lines' : 'bytes');
  let status = 0;
  let last = '';
  const header = async (name: string): Promise<void> => {
    if (names.length < 2 || flags.has('q') || last === name) return;
    await self.out(`${last === '' ? '' : '\n'}==> ${name} <==\n`);
    last = name;
  };
  const followed: { name: string; path: string; position: number }[] = [];
  for (const name of names)
    try {
      const source = openInput(self, name);
      await header(name);
      const parts: string[] = [];
      let size = 0;
      if (byBytes !== undefined) {
        let all = new Uint8Array(0);
        for (let chunk = await source.read(); chunk; chunk = await source.read())
          all = new Uint8Array([...all, ...chunk]);
        await self.bytes(
          text.startsWith('+')
            ? all.subarray(count - 1)
            : all.subarray(Math.max(0, all.length - count)),
        );
        size = all.length;
      } else {
        let index = 0;
        for await (const line of lines(source, (held) => self.context.process.setMemory(held))) {
          size += encodeBytes(line).length;
          index++;
          if (text.startsWith('+')) {
            if (index >= count) await self.out(line);
            continue;
          }
          parts.push(line);
          if (parts.length > count) parts.shift();
        }
        await self.out(parts.join(''));
      }
      if (name !== '-') followed.push({ name, path: self.resolve(name), position: size });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`cannot open '${name}' for reading: ${error.message}`);
      status = 1;
      if (flags.has('F')) followed.push({ name, path: self.resolve(name), position: 0 });
    }
  if (!flags.has('f') && !flags.has('F')) return status;
  if (followed.length === 0) {
    if (status !== 0) await self.complain('no files remaining');
    return status;
  }
  await follow(self, followed, header);
  return status;
});

/** Shows what is appended, until the process is killed. */
async function follow(
  self: Tool,
  followed: readonly { name: string; path: string; position: number }[],
  header: (name: string) => Promise<void>,
): Promise<void> {
  const { files, signal } = self.context;
  for (;;) {
    let changed: () => void = () => undefined;
    const next = new Promise<void>((resolve) => {
      changed = resolve;
    });
    const watches = followed.map(({ path }) => files.watch(path, changed));
    signal.addEventListener('abort', changed, { once: true });
    for (const file of followed) {
      if (!files.exists(file.path)) {
        file.position = 0;
        continue;
      }
      const content = files.readFile(file.path);
      if (content.length < file.position) {
        await self.complain(`${file.name}: file truncated`);
        file.position = 0;
      }
      if (content.length === file.position) continue;
      const added = content.slice(file.position);
      file.position = content.length;
      await header(file.name);
      await self.bytes(added);
    }
    await next;
    for (const watch of watches) watch.dispose();
    signal.removeEventListener('abort', changed);
    if (signal.aborted) return;
  }
}

const wc = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'lwcmL', [], {
    lines: 'l',
    words: 'w',
    bytes: 'c',
    chars: 'm',
  });
  const chosen =
    flags.size === 0
      ? ['l', 'w', 'c']
      : ['l', 'w', 'm', 'c', 'L'].filter((flag) => flags.has(flag));
  const rows: { counts: number[]; name: string }[] = [];
  let status = 0;
  for (const name of words.length > 0 ? words : [''])
    try {
      const counts = { l: 0, w: 0, c: 0, m: 0, L: 0 };
      for await (const line of lines(openInput(self, name === '' ? '-' : name))) {
        if (line.endsWith('\n')) counts.l++;
        counts.w += line.split(/\s+/).filter(Boolean).length;
        counts.c += encodeBytes(line).length;
        counts.m += [...line].length;
        counts.L = Math.max(counts.L, line.replace(/\n$/, '').length);
      }
      rows.push({ counts: chosen.map((flag) => counts[flag as keyof typeof counts]), name });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`${name}: ${error.message}`);
      status = 1;
    }
  if (words.length > 1)
    rows.push({
      counts: chosen.map((_, index) =>
        rows.reduce((sum, row) => sum + (row.counts[index] ?? 0), 0),
      ),
      name: 'total',
    });
  const widest = Math.max(
    ...rows.flatMap(({ counts }) => counts.map((count) => String(count).length)),
    1,
  );
  const width =
    rows.length === 1 && chosen.length === 1
      ? 1
      : words.length === 0 || words.includes('-')
        ? 7
        : widest;
  for (const { counts, name } of rows)
    await self.out(
      `${counts.map((count) => String(count).padStart(width)).join(' ')}${name === '' ? '' : ` ${name}`}\n`,
    );
  return status;
});

const tee = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'ai', [], { append: 'a' });
  const { files, stdin } = self.context;
  let status = 0;
  const open = [];
  for (const name of words)
    try {
      open.push(
        files.open(self.resolve(name), {
          write: true,
          create: true,
          append: flags.has('a'),
          truncate: !flags.has('a'),
        }),
      );
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`${name}: ${error.message}`);
      status = 1;
    }
  for (let bytes = await stdin.read(); bytes; bytes = await stdin.read()) {
    for (const file of open) file.write(bytes);
    await self.bytes(bytes);
  }
  return status;
});

const grep = tool(async (self) => {
  const { files } = self.context;
  const args = self.args.flatMap((arg) =>
    /^-\d+$/.test(arg) ? ['-C', arg.slice(1)] : arg.startsWith('--color') ? [] : [arg],
  );
  const excluded = collect(args, '--exclude');
  const included = collect(args, '--include');
  const patterns = args.flatMap((arg, index) =>
    arg === '-e' || arg === '--regexp' ? [args[index + 1] ?? ''] : [],
  );
  const { flags, values, words } = parseArgs(
    args.filter(
      (arg, index) =>
        !/^--(in|ex)clude/.test(arg) &&
        !(index > 0 && /^--(in|ex)clude$/.test(args[index - 1] ?? '')),
    ),
    'ivcnlLowxqsrREFPhHaGIbUz',
    ['A', 'B', 'C', 'm', 'e', 'f'],
    {
      'ignore-case': 'i',
      'invert-match': 'v',
      count: 'c',
      'line-number': 'n',
      'files-with-matches': 'l',
      'only-matching': 'o',
      'word-regexp': 'w',
      quiet: 'q',
      recursive: 'r',
      'extended-regexp': 'E',
      'fixed-strings': 'F',
      'perl-regexp': 'P',
      'no-filename': 'h',
      'with-filename': 'H',
      'after-context': 'A',
      'before-context': 'B',
      context: 'C',
      'max-count': 'm',
      regexp: 'e',
      'no-messages': 's',
      'line-regexp': 'x',
      'line-buffered': 'a',
    },
  );
  const operands = [...words];
  if (patterns.length === 0 && values.has('e')) patterns.push(values.get('e') ?? '');
  const fromFile = values.get('f');
  if (fromFile !== undefined)
    patterns.push(...files.readText(self.resolve(fromFile)).replace(/\n$/, '').split('\n'));
  if (patterns.length === 0) {
    const pattern = operands.shift();
    if (pattern === undefined) {
      await self.context.stderr.write(
        utf8(
          "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n",
        ),
      );
      return 2;
    }
    patterns.push(...pattern.split('\n'));
  }
  const kind =
    self.name === 'egrep' || flags.has('E')
      ? 'extended'
      : self.name === 'fgrep' || flags.has('F')
        ? 'fixed'
        : flags.has('P')
          ? 'perl'
          : 'basic';
  let regex: RegExp;
  try {
    regex = grepPattern(patterns, kind, {
      ignoreCase: flags.has('i'),
      word: flags.has('w'),
      line: flags.has('x'),
    });
  } catch {
    throw new ToolError(`Invalid regular expression`, 2);
  }
  const recursive = flags.has('r') || flags.has('R');
  const targets: string[] = [];
  const wanted = (name: string): boolean =>
    (included.length === 0 || included.some((pattern) => pattern.test(name))) &&
    !excluded.some((pattern) => pattern.test(name));
  const add = (name: string): void => {
    const path = self.resolve(name === '' ? '.' : name);
    for (const child of files.readdir(path)) {
      const full = name === '' ? child : joinPath(name, child);
      const stat = files.lstat(joinPath(path, child));
      if (stat.kind === 'directory') add(full);
      else if (stat.kind === 'file' && wanted(child)) targets.push(full);
    }
  };
  for (const name of operands.length > 0 ? operands : recursive ? [''] : ['-'])
    if (
      recursive &&
      name !== '-' &&
      files.exists(self.resolve(name === '' ? '.' : name)) &&
      files.stat(self.resolve(name === '' ? '.' : name)).kind === 'directory'
    )
      add(name);
    else targets.push(name);
  const withName = !flags.has('h') && (flags.has('H') || recursive || targets.length > 1);
  const before = Number(values.get('B') ?? values.get('C') ?? 0);
  const after = Number(values.get('A') ?? values.get('C') ?? 0);
  const limit = Number(values.get('m') ?? Infinity);
  let matched = false;
  let failed = false;
  let separator = false;
  for (const name of targets)
    try {
      const label = name === '-' ? '(standard input)' : name;
      const quiet = flags.has('q') || flags.has('l') || flags.has('L') || flags.has('c');
      const held: string[] = [];
      let number = 0;
      let count = 0;
      let trailing = 0;
      let lastShown = 0;
      const show = async (at: number, text: string, mark: string): Promise<void> => {
        if ((before > 0 || after > 0) && separator && at > lastShown + 1) await self.out('--\n');
        separator = true;
        lastShown = at;
        await self.out(
          `${withName ? label + mark : ''}${flags.has('n') ? `${at}${mark}` : ''}${text}\n`,
        );
      };
      for await (const raw of lines(openInput(self, name))) {
        const line = raw.replace(/\n$/, '');
        number++;
        if (regex.test(line) !== flags.has('v')) {
          count++;
          matched = true;
          if (flags.has('q')) return 0;
          if (!quiet && flags.has('o') && !flags.has('v'))
            for (const [match] of line.matchAll(new RegExp(regex.source, `${regex.flags}g`))) {
              if (match !== '') await show(number, match, ':');
            }
          else if (!quiet) {
            for (const [index, text] of held.entries())
              await show(number - held.length + index, text, '-');
            await show(number, line, ':');
          }
          held.length = 0;
          trailing = after;
          if (flags.has('l') || flags.has('L') || count >= limit) break;
        } else if (trailing > 0 && !quiet) {
          trailing--;
          await show(number, line, '-');
        } else {
          held.push(line);
          if (held.length > before) held.shift();
        }
      }
      if (flags.has('c')) await self.out(`${withName ? `${label}:` : ''}${count}\n`);
      if (flags.has('l') && count > 0) await self.out(`${label}\n`);
      if (flags.has('L') && count === 0) await self.out(`${label}\n`);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failed = true;
      if (!flags.has('s')) await self.complain(`${name}: ${error.message}`);
    }
  return failed && !(matched && flags.has('q')) ? 2 : matched ? 0 : 1;
}, 2);

function collect(args: readonly string[], option: string): RegExp[] {
  return args.flatMap((arg, index) => {
    const value =
      arg === option
        ? args[index + 1]
        : arg.startsWith(`${option}=`)
          ? arg.slice(option.length + 1)
          : undefined;
    return value === undefined
      ? []
      : [
          new RegExp(
            `^${value
              .replace(/^["']|["']$/g, '')
              .replace(/[.+^$|(){}]/g, '\\$&')
              .replace(/\*/g, '.*')
              .replace(/\?/g, '.')}$`,
          ),
        ];
  });
}

const pager = tool(async (self) => {
  const names = self.args.filter((arg) => !/^[-+]/.test(arg));
  const { terminal } = self.context.process;
  const screens: string[] = [];
  for (const name of names.length > 0 ? names : ['-'])
    for await (const line of lines(openInput(self, name))) screens.push(line);
  const { tty } = self.context;
  if (!tty || !terminal?.input) {
    await self.out(screens.join(''));
    return 0;
  }
  tty.setRaw(true);
  try {
    let top = 0;
    for (;;) {
      const page = Math.max(1, tty.rows - 1);
      await self.out(screens.slice(top, top + page).join(''));
      top += page;
      if (top >= screens.length && self.name === 'more') return 0;
      await self.out(top >= screens.length ? '\x1b[7m(END)\x1b[0m' : '\x1b[7m:\x1b[0m');
      const input = await terminal.input.read();
      await self.out('\r\x1b[K');
      if (!input || /q|\x03/.test(fromUtf8(input))) return 0;
      if (top >= screens.length) top = Math.max(0, screens.length - page);
    }
  } finally {
    tty.setRaw(false);
  }
});

export const textTools = {
  cat,
  head,
  tail,
  wc,
  tee,
  grep,
  egrep: grep,
  fgrep: grep,
  less: pager,
  more: pager,
};
