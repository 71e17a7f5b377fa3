import { FileError, joinPath } from '../filesystem/index.ts';
import { strftime } from '../shell/index.ts';
import { openInput, parseArgs, readWhole, type Tool, tool } from './tool.ts';

interface Edit {
  readonly kind: ' ' | '-' | '+';
  readonly line: string;
}

/** The edits from `a` to `b` by their longest common subsequence. */
export function edits(
  a: readonly string[],
  b: readonly string[],
  same: (x: string, y: string) => boolean,
): Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && same(a[head] ?? '', b[head] ?? '')) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    same(a[a.length - 1 - tail] ?? '', b[b.length - 1 - tail] ?? '')
  )
    tail++;
  const x = a.slice(head, a.length - tail);
  const y = b.slice(head, b.length - tail);
  const lengths = Array.from({ length: x.length + 1 }, () => new Uint32Array(y.length + 1));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      (lengths[i] as Uint32Array)[j] = same(x[i] ?? '', y[j] ?? '')
        ? at(i + 1, j + 1) + 1
        : Math.max(at(i + 1, j), at(i, j + 1));
  const result: Edit[] = a.slice(0, head).map((line) => ({ kind: ' ', line }));
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && same(x[i] ?? '', y[j] ?? '')) {
      result.push({ kind: ' ', line: x[i++] ?? '' });
      j++;
    } else if (i < x.length && (j >= y.length || at(i + 1, j) >= at(i, j + 1)))
      result.push({ kind: '-', line: x[i++] ?? '' });
    else result.push({ kind: '+', line: y[j++] ?? '' });
  }
  for (const line of tail > 0 ? a.slice(-tail) : []) result.push({ kind: ' ', line });
  return result;
}

function show(kind: string, line: string): string {
  return line.endsWith('\n') ? `${kind}${line}` : `${kind}${line}\n\\ No newline at end of file\n`;
}

const range = (from: number, count: number): string =>
  count <= 1 ? String(count === 0 ? from - 1 : from) : `${from},${from + count - 1}`;

function normal(all: readonly Edit[]): string {
  let text = '';
  let a = 1;
  let b = 1;
  for (let at = 0; at < all.length;) {
    if (all[at]?.kind === ' ') {
      a++;
      b++;
      at++;
      continue;
    }
    const removed: string[] = [];
    const added: string[] = [];
    for (; at < all.length && all[at]?.kind !== ' '; at++)
      (all[at]?.kind === '-' ? removed : added).push(all[at]?.line ?? '');
    const verb = removed.length === 0 ? 'a' : added.length === 0 ? 'd' : 'c';
    text += `${range(a, removed.length)}${verb}${range(b, added.length)}\n`;
    text += removed.map((line) => show('< ', line)).join('');
    if (verb === 'c') text += '---\n';
    text += added.map((line) => show('> ', line)).join('');
    a += removed.length;
    b += added.length;
  }
  return text;
}

function unified(all: readonly Edit[], context: number): string {
  let text = '';
  const changed = all.flatMap((edit, index) => (edit.kind === ' ' ? [] : [index]));
  for (let index = 0; index < changed.length;) {
    const start = Math.max(0, (changed[index] ?? 0) - context);
    let end = (changed[index] ?? 0) + context + 1;
    while (index < changed.length && (changed[index] ?? 0) <= end + context - 1 + 1)
      end = (changed[index++] ?? 0) + context + 1;
    const hunk = all.slice(start, end);
    const before = all.slice(0, start);
    const count = (edits: readonly Edit[], not: string): number =>
      edits.filter((edit) => edit.kind !== not).length;
    const span = (not: string): string => {
      const from = count(before, not) + 1;
      const size = count(hunk, not);
      return size === 1 ? String(from) : `${size === 0 ? from - 1 : from},${size}`;
    };
    text += `@@ -${span('+')} +${span('-')} @@\n${hunk.map((edit) => show(edit.kind, edit.line)).join('')}`;
  }
  return text;
}

async function compare(
  self: Tool,
  a: string,
  b: string,
  flags: ReadonlySet<string>,
  context: number,
  recursing: boolean,
): Promise<number> {
  const read = async (name: string): Promise<string[]> => {
    const text = await readWhole(openInput(self, name));
    return text === '' ? [] : text.split(/(?<=\n)/);
  };
  const shape = (line: string): string => {
    let text = flags.has('i') ? line.toLowerCase() : line;
    if (flags.has('w')) text = text.replace(/\s+/g, '');
    else if (flags.has('b')) text = text.replace(/\s+/g, ' ').trimEnd();
    return text;
  };
  const all = edits(await read(a), await read(b), (x, y) => shape(x) === shape(y));
  if (all.every((edit) => edit.kind === ' ')) return 0;
  if (flags.has('q')) {
    await self.out(`Files ${a} and ${b} differ\n`);
    return 1;
  }
  if (recursing)
    await self.out(`diff ${self.args.filter((arg) => arg.startsWith('-')).join(' ')} ${a} ${b}\n`);
  if (!flags.has('u') && !flags.has('U')) {
    await self.out(normal(all));
    return 1;
  }
  const stamp = (name: string): string =>
    strftime(
      '%Y-%m-%d %H:%M:%S.%N %z',
      new Date(
        name === '-'
          ? self.context.clock.now()
          : self.context.files.stat(self.resolve(name)).modifiedMs,
      ),
    );
  await self.out(`--- ${a}\t${stamp(a)}\n+++ ${b}\t${stamp(b)}\n${unified(all, context)}`);
  return 1;
}

/** diff(1): normal and unified output, `-q -r -i -w -b -N`. */
export const diff = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'uqrNiwbBas', ['U'], {
    unified: 'u',
    brief: 'q',
    recursive: 'r',
    'new-file': 'N',
    'ignore-all-space': 'w',
    'ignore-case': 'i',
    color: 'a',
  });
  const [a, b] = words;
  if (a === undefined || b === undefined) {
    await self.complain(`missing operand after '${a ?? 'diff'}'`);
    await self.complain("Try 'diff --help' for more information.");
    return 2;
  }
  const { files } = self.context;
  const directory = (name: string): boolean =>
    name !== '-' &&
    files.exists(self.resolve(name)) &&
    files.stat(self.resolve(name)).kind === 'directory';
  const context = Number(values.get('U') ?? 3);
  const visit = async (x: string, y: string, recursing: boolean): Promise<number> => {
    try {
      if (!directory(x) || !directory(y)) {
        const base = (name: string): string => name.replace(/^.*\//, '');
        return await compare(
          self,
          directory(x) ? joinPath(x, base(y)) : x,
          directory(y) ? joinPath(y, base(x)) : y,
          flags,
          context,
          recursing,
        );
      }
      let status = 0;
      const left = files.readdir(self.resolve(x));
      const right = files.readdir(self.resolve(y));
      for (const name of [...new Set([...left, ...right])].sort()) {
        const inBoth = left.includes(name) && right.includes(name);
        if (!inBoth) {
          await self.out(`Only in ${left.includes(name) ? x : y}: ${name}\n`);
          status = Math.max(status, 1);
        } else if (directory(joinPath(x, name)) && !flags.has('r'))
          await self.out(`Common subdirectories: ${joinPath(x, name)} and ${joinPath(y, name)}\n`);
        else status = Math.max(status, await visit(joinPath(x, name), joinPath(y, name), true));
      }
      return status;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const missing = [x, y].find((name) => name !== '-' && !files.exists(self.resolve(name))) ?? x;
      await self.complain(`${missing}: ${error.message}`);
      return 2;
    }
  };
  return visit(a, b, false);
}, 2);
