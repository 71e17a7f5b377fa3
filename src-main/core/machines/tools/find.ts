import { readText } from '#core/base';
import { basename, FileError, type FileStat, joinPath } from '../filesystem/index.ts';
import { findUser, SpawnError } from '../process/index.ts';
import { type Tool, tool, ToolError } from './tool.ts';

interface Visit {
  readonly path: string;
  readonly shown: string;
  readonly stat: FileStat;
  readonly depth: number;
  pruned: boolean;
}
type Test = (visit: Visit) => boolean | Promise<boolean>;

function globRegex(pattern: string, flags = ''): RegExp {
  return new RegExp(
    `^${pattern
      .replace(/[.+^$(){}|\\]/g, '\\$&')
      .replace(/\*/g, '[^]*')
      .replace(/\?/g, '[^]')}$`,
    flags,
  );
}

function numeric(text: string, value: number): boolean {
  const wanted = Number(text.replace(/^[-+]/, ''));
  return text.startsWith('+')
    ? value > wanted
    : text.startsWith('-')
      ? value < wanted
      : value === wanted;
}

class FindParser {
  readonly #self: Tool;
  readonly #args: readonly string[];
  #at = 0;
  acts = false;
  maxDepth = Infinity;
  minDepth = 0;
  depthFirst = false;

  constructor(self: Tool, args: readonly string[]) {
    this.#self = self;
    this.#args = args;
  }

  all(): Test {
    if (this.#args.length === 0) return () => true;
    const test = this.#or();
    if (this.#at < this.#args.length)
      throw new ToolError(`paths must precede expression: \`${this.#args[this.#at] ?? ''}'`);
    return test;
  }

  #or(): Test {
    let left = this.#and();
    while (this.#args[this.#at] === '-o' || this.#args[this.#at] === '-or') {
      this.#at++;
      const a = left;
      const b = this.#and();
      left = async (visit) => (await a(visit)) || (await b(visit));
    }
    return left;
  }

  #and(): Test {
    let left = this.#not();
    for (;;) {
      const next = this.#args[this.#at];
      if (next === undefined || next === '-o' || next === '-or' || next === ')') return left;
      if (next === '-a' || next === '-and') this.#at++;
      const a = left;
      const b = this.#not();
      left = async (visit) => (await a(visit)) && (await b(visit));
    }
  }

  #not(): Test {
    const next = this.#args[this.#at];
    if (next === '!' || next === '-not') {
      this.#at++;
      const test = this.#not();
      return async (visit) => !(await test(visit));
    }
    if (next === '(') {
      this.#at++;
      const test = this.#or();
      this.#at++;
      return test;
    }
    return this.#primary();
  }

  #value(name: string): string {
    const value = this.#args[this.#at++];
    if (value === undefined) throw new ToolError(`missing argument to \`${name}'`);
    return value;
  }

  #primary(): Test {
    const self = this.#self;
    const { files, clock } = self.context;
    const name = this.#args[this.#at++] ?? '';
    switch (name) {
      case '-name': {
        const regex = globRegex(this.#value(name));
        return ({ shown }) => regex.test(basename(shown));
      }
      case '-iname': {
        const regex = globRegex(this.#value(name), 'i');
        return ({ shown }) => regex.test(basename(shown));
      }
      case '-path':
      case '-wholename': {
        const regex = globRegex(this.#value(name));
        return ({ shown }) => regex.test(shown);
      }
      case '-type': {
        const types = this.#value(name).split(',');
        return ({ stat }) =>
          types.includes(
            { file: 'f', directory: 'd', symlink: 'l', device: 'c', socket: 's', fifo: 'p' }[
              stat.kind
            ],
          );
      }
      case '-maxdepth':
        this.maxDepth = Number(this.#value(name));
        return () => true;
      case '-mindepth':
        this.minDepth = Number(this.#value(name));
        return () => true;
      case '-depth':
        this.depthFirst = true;
        return () => true;
      case '-xdev':
      case '-mount':
        return () => true;
      case '-empty':
        return ({ stat, path }) =>
          stat.kind === 'directory'
            ? files.readdir(path).length === 0
            : stat.kind === 'file' && stat.sizeBytes === 0;
      case '-size': {
        const text = this.#value(name);
        const unit =
          { c: 1, k: 1024, M: 1_048_576, G: 1_073_741_824, b: 512 }[text.at(-1) ?? ''] ?? 512;
        return ({ stat }) =>
          numeric(text.replace(/[a-zA-Z]$/, ''), Math.ceil(stat.sizeBytes / unit));
      }
      case '-mtime':
      case '-mmin': {
        const text = this.#value(name);
        const unit = name === '-mtime' ? 86_400_000 : 60_000;
        return ({ stat }) => numeric(text, Math.floor((clock.now() - stat.modifiedMs) / unit));
      }
      case '-newer': {
        const reference = files.stat(self.resolve(this.#value(name))).modifiedMs;
        return ({ stat }) => stat.modifiedMs > reference;
      }
      case '-user': {
        const who = this.#value(name);
        const uid = /^\d+$/.test(who) ? Number(who) : findUser(files, who)?.uid;
        return ({ stat }) => stat.uid === uid;
      }
      case '-perm': {
        const text = this.#value(name);
        const bits = parseInt(text.replace(/^[-/]/, ''), 8);
        return ({ stat }) =>
          text.startsWith('-')
            ? (stat.mode & bits) === bits
            : text.startsWith('/')
              ? (stat.mode & bits) !== 0
              : (stat.mode & 0o7777) === bits;
      }
      case '-prune':
        return (visit) => {
          visit.pruned = true;
          return true;
        };
      case '-true':
        return () => true;
      case '-print':
      case '-print0':
        this.acts = true;
        return async ({ shown }) => {
          await self.out(`${shown}${name === '-print' ? '\n' : '\0'}`);
          return true;
        };
      case '-delete':
        this.acts = true;
        this.depthFirst = true;
        return ({ path, stat }) => {
          if (stat.kind === 'directory') files.rmdir(path);
          else files.unlink(path);
          return true;
        };
      case '-exec':
      case '-execdir':
        return this.#exec();
      default:
        throw new ToolError(
          name.startsWith('-')
            ? `unknown predicate \`${name}'`
            : `paths must precede expression: \`${name}'`,
        );
    }
  }

  readonly pending: { readonly words: readonly string[]; readonly names: string[] }[] = [];

  #exec(): Test {
    this.acts = true;
    const end = this.#args.findIndex(
      (arg, index) => index >= this.#at && (arg === ';' || arg === '+'),
    );
    if (end < 0) throw new ToolError("missing argument to `-exec'");
    const words = this.#args.slice(this.#at, end);
    const batch = this.#args[end] === '+';
    this.#at = end + 1;
    if (batch) {
      const pending = { words: words.filter((word) => word !== '{}'), names: [] as string[] };
      this.pending.push(pending);
      return ({ shown }) => {
        pending.names.push(shown);
        return true;
      };
    }
    return async ({ shown }) =>
      (await run(
        this.#self,
        words.map((word) => word.replaceAll('{}', shown)),
      )) === 0;
  }
}

async function run(self: Tool, words: readonly string[]): Promise<number> {
  try {
    return await self.context.process.spawn(words).exit;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    await self.complain(`'${words[0] ?? ''}': ${error.message}`);
    return 127;
  }
}

/** @see find(1) */
export const find = tool(async (self) => {
  const at = self.args.findIndex((arg) => /^(-.+|!|\()$/.test(arg));
  const roots = at < 0 ? self.args : self.args.slice(0, at);
  const parser = new FindParser(self, at < 0 ? [] : self.args.slice(at));
  const test = parser.all();
  const { files } = self.context;
  let status = 0;
  const visit = async (path: string, shown: string, depth: number): Promise<void> => {
    let stat: FileStat;
    try {
      stat = files.lstat(path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await self.complain(`'${shown}': ${error.message}`);
      status = 1;
      return;
    }
    const here: Visit = { path, shown, stat, depth, pruned: false };
    const check = async (): Promise<void> => {
      if (depth >= parser.minDepth && (await test(here)) && !parser.acts)
        await self.out(`${shown}\n`);
    };
    if (!parser.depthFirst) await check();
    if (stat.kind === 'directory' && !here.pruned && depth < parser.maxDepth)
      try {
        for (const name of files.readdir(path))
          await visit(joinPath(path, name), joinPath(shown, name), depth + 1);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        await self.complain(`'${shown}': ${error.message}`);
        status = 1;
      }
    if (parser.depthFirst) await check();
  };
  for (const root of roots.length > 0 ? roots : ['.'])
    await visit(self.resolve(root).replace(/(.)\/$/, '$1'), root, 0);
  for (const { words, names } of parser.pending)
    if (names.length > 0) await run(self, [...words, ...names]);
  return status;
});

/** @see xargs(1) */
export const xargs = tool(async (self) => {
  let replace: string | undefined;
  let perLine = Infinity;
  let zero = false;
  let noEmpty = false;
  let at = 0;
  for (; at < self.args.length; at++) {
    const arg = self.args[at] ?? '';
    if (!arg.startsWith('-')) break;
    if (arg.startsWith('-I')) replace = arg.slice(2) || (self.args[++at] ?? '{}');
    else if (/^-[nL]/.test(arg)) perLine = Number(arg.slice(2) || self.args[++at]);
    else if (/^-P/.test(arg)) at += arg.length > 2 ? 0 : 1;
    else if (arg === '-0' || arg === '--null') zero = true;
    else if (arg === '-r' || arg === '--no-run-if-empty') noEmpty = true;
    else if (arg !== '-t') throw new ToolError(`invalid option -- '${arg.slice(1, 2)}'`);
  }
  const words = self.args.slice(at);
  const command = words.length > 0 ? words : ['echo'];
  const text = await readText(self.context.stdin);
  const items = zero
    ? text.split('\0').filter((item) => item !== '')
    : replace !== undefined
      ? text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '')
      : [...text.matchAll(/"([^"]*)"|'([^']*)'|((?:\\.|[^\s"'\\])+)/g)].map(
          (match) => match[1] ?? match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1'),
        );
  if (items.length === 0 && (noEmpty || replace !== undefined)) return 0;
  const batches: string[][] = [];
  if (replace !== undefined)
    for (const item of items) batches.push(command.map((word) => word.replaceAll(replace, item)));
  else if (items.length === 0) batches.push([...command]);
  else
    for (let from = 0; from < items.length; from += Math.min(perLine, items.length))
      batches.push([...command, ...items.slice(from, from + Math.min(perLine, items.length))]);
  let status = 0;
  for (const batch of batches) {
    const code = await self.context.process.spawn(batch, {
      stdin: { read: () => Promise.resolve(undefined) },
    }).exit;
    if (code === 255) return 124;
    if (code > 125) return code === 126 || code === 127 ? code : 125;
    if (code !== 0) status = 123;
  }
  return status;
}, 127);
