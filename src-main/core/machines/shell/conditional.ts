import type { ScriptNode } from 'just-bash';
import { FileError, type FileStat } from '../filesystem/index.ts';
import { terminalOf } from '../process/index.ts';
import { ShellError } from './flow.ts';
import { matches } from './pattern.ts';
import type { Shell } from './types.ts';
import { toArray } from './variables.ts';

type Command = ScriptNode['statements'][number]['pipelines'][number]['commands'][number];
type Conditional = Extract<Command, { type: 'ConditionalCommand' }>['expression'];

/** `[[ … ]]`. */
export async function conditional(shell: Shell, node: Conditional): Promise<boolean> {
  switch (node.type) {
    case 'CondNot':
      return !(await conditional(shell, node.operand));
    case 'CondAnd':
      return (await conditional(shell, node.left)) && (await conditional(shell, node.right));
    case 'CondOr':
      return (await conditional(shell, node.left)) || (await conditional(shell, node.right));
    case 'CondGroup':
      return conditional(shell, node.expression);
    case 'CondWord':
      return (await shell.expander.text(node.word)) !== '';
    case 'CondUnary':
      return unaryTest(shell, node.operator, await shell.expander.text(node.operand));
    case 'CondBinary': {
      const left = await shell.expander.text(node.left);
      const ignoreCase = shell.options.has('nocasematch');

      switch (node.operator) {
        case '=':
        case '==':
          return matches(await shell.expander.pattern(node.right), left, ignoreCase);
        case '!=':
          return !matches(await shell.expander.pattern(node.right), left, ignoreCase);
        case '=~':
          return regexTest(shell, left, await shell.expander.regex(node.right), ignoreCase);
        case '-eq':
        case '-ne':
        case '-lt':
        case '-le':
        case '-gt':
        case '-ge':
          return compare(
            node.operator,
            await shell.arithmeticText(left),
            await shell.arithmeticText(await shell.expander.text(node.right)),
          );
        default:
          return binaryTest(shell, left, node.operator, await shell.expander.text(node.right));
      }
    }
  }
}

function regexTest(shell: Shell, text: string, source: string, ignoreCase: boolean): boolean {
  let match: RegExpExecArray | null;
  try {
    match = new RegExp(source, ignoreCase ? 'i' : '').exec(text);
  } catch {
    throw new ShellError('', { status: 2 });
  }
  const variable = shell.variables.declare('BASH_REMATCH');
  toArray(variable);
  variable.items.clear();
  for (const [index, group] of (match ?? []).entries()) variable.items.set(index, group ?? '');
  return match !== null;
}

function compare(operator: string, a: bigint, b: bigint): boolean {
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}

/** A file or string test of one operand. */
export function unaryTest(shell: Shell, operator: string, operand: string): boolean {
  switch (operator) {
    case '-z':
      return operand === '';
    case '-n':
      return operand !== '';
    case '-v': {
      const [, name = operand, key] = /^(\w+)\[(.*)\]$/.exec(operand) ?? [];
      const variable = shell.variables.find(name);
      if (key === undefined) return shell.variables.get(name) !== undefined;
      return shell.arrayElements(name, variable).some(([at]) => at === key || key === '@');
    }
    case '-o':
      return shell.options.has(operand);
    case '-R':
      return shell.variables.findDirect(operand)?.nameref ?? false;
    case '-t': {
      const descriptor = shell.descriptors.get(Number(operand));
      const stream = descriptor?.sink ?? descriptor?.source;
      return stream !== undefined && terminalOf(stream) !== undefined;
    }
    default:
      return fileTest(shell, operator, operand);
  }
}

function fileTest(shell: Shell, operator: string, operand: string): boolean {
  const stat = statOrNone(shell, operand, operator !== '-L' && operator !== '-h');
  if (!stat) return false;
  const { user } = shell.context;
  switch (operator) {
    case '-e':
    case '-a':
      return true;
    case '-f':
      return stat.kind === 'file';
    case '-d':
      return stat.kind === 'directory';
    case '-L':
    case '-h':
      return stat.kind === 'symlink';
    case '-c':
      return stat.kind === 'device';
    case '-p':
      return stat.kind === 'fifo';
    case '-S':
      return stat.kind === 'socket';
    case '-s':
      return stat.sizeBytes > 0;
    case '-r':
      return permitted(stat, user, 4);
    case '-w':
      return permitted(stat, user, 2) && !shell.files.statfs(shell.resolve(operand)).readOnly;
    case '-x':
      return permitted(stat, user, 1);
    case '-u':
      return (stat.mode & 0o4000) !== 0;
    case '-g':
      return (stat.mode & 0o2000) !== 0;
    case '-k':
      return (stat.mode & 0o1000) !== 0;
    case '-O':
      return stat.uid === user.uid;
    case '-G':
      return stat.gid === user.gid;
    default:
      return false;
  }
}

function permitted(
  stat: FileStat,
  user: { uid: number; gid: number; groups: readonly number[] },
  bit: number,
): boolean {
  if (user.uid === 0) return bit !== 1 || stat.kind === 'directory' || (stat.mode & 0o111) !== 0;
  const bits =
    stat.uid === user.uid
      ? stat.mode >> 6
      : stat.gid === user.gid || user.groups.includes(stat.gid)
        ? stat.mode >> 3
        : stat.mode;
  return (bits & bit) !== 0;
}

function statOrNone(shell: Shell, path: string, follow: boolean): FileStat | undefined {
  if (path === '') return undefined;
  const full = path.startsWith('/') ? path : `${shell.cwd}/${path}`;
  try {
    return follow ? shell.files.stat(full) : shell.files.lstat(full);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

export function binaryTest(shell: Shell, left: string, operator: string, right: string): boolean {
  switch (operator) {
    case '=':
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '-nt':
    case '-ot': {
      const a = statOrNone(shell, left, true);
      const b = statOrNone(shell, right, true);
      if (operator === '-nt') return a !== undefined && (!b || a.modifiedMs > b.modifiedMs);
      return b !== undefined && (!a || a.modifiedMs < b.modifiedMs);
    }
    case '-ef': {
      const a = statOrNone(shell, left, true);
      const b = statOrNone(shell, right, true);
      return a !== undefined && b !== undefined && a.inode === b.inode;
    }
    default:
      return compare(operator, testInteger(left), testInteger(right));
  }
}

function testInteger(text: string): bigint {
  if (!/^\s*[-+]?\d+\s*$/.test(text))
    throw new ShellError(`${text}: integer expression expected`, { status: 2 });
  return BigInt(text.trim().replace(/^\+/, ''));
}

const unaryOperators = new Set(
  '-a -b -c -d -e -f -g -h -k -p -r -s -t -u -w -x -G -L -N -O -S -z -n -o -v -R'.split(' '),
);
const binaryOperators = new Set('= == != < > -eq -ne -lt -le -gt -ge -nt -ot -ef'.split(' '));

/** `test` and `[`, by POSIX' count of arguments. @throws ShellError status 2. */
export function testCommand(shell: Shell, args: readonly string[]): boolean {
  const parser = new TestParser(shell, args);
  return parser.whole();
}

class TestParser {
  readonly #shell: Shell;
  readonly #args: readonly string[];
  #at = 0;

  constructor(shell: Shell, args: readonly string[]) {
    this.#shell = shell;
    this.#args = args;
  }

  whole(): boolean {
    const args = this.#args;
    const [a = '', b = '', c = ''] = args;
    if (args.length === 0) return false;
    if (args.length === 1) return a !== '';
    if (args.length === 2) {
      if (a === '!') return b === '';
      if (unaryOperators.has(a)) return unaryTest(this.#shell, a, b);
      throw new ShellError(`${a}: unary operator expected`, { status: 2 });
    }
    if (args.length === 3) {
      if (binaryOperators.has(b)) return binaryTest(this.#shell, a, b, c);
      if (b === '-a') return a !== '' && c !== '';
      if (b === '-o') return a !== '' || c !== '';
      if (a === '!') return !testCommand(this.#shell, args.slice(1));
      if (a === '(' && c === ')') return b !== '';
      throw new ShellError(`${b}: binary operator expected`, { status: 2 });
    }
    const value = this.#or();
    if (this.#at < args.length) throw new ShellError('too many arguments', { status: 2 });
    return value;
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#args[this.#at] === '-o') {
      this.#at++;
      const right = this.#and();
      value ||= right;
    }
    return value;
  }

  #and(): boolean {
    let value = this.#not();
    while (this.#args[this.#at] === '-a') {
      this.#at++;
      const right = this.#not();
      value &&= right;
    }
    return value;
  }

  #not(): boolean {
    if (this.#args[this.#at] !== '!') return this.#primary();
    this.#at++;
    return !this.#not();
  }

  #primary(): boolean {
    const [a, b, c] = this.#args.slice(this.#at, this.#at + 3);
    if (a === undefined) throw new ShellError('argument expected', { status: 2 });
    if (b !== undefined && c !== undefined && binaryOperators.has(b)) {
      this.#at += 3;
      return binaryTest(this.#shell, a, b, c);
    }
    if (a === '(') {
      this.#at++;
      const value = this.#or();
      if (this.#args[this.#at++] !== ')') throw new ShellError("`)' expected", { status: 2 });
      return value;
    }
    if (unaryOperators.has(a) && b !== undefined) {
      this.#at += 2;
      return unaryTest(this.#shell, a, b);
    }
    this.#at++;
    return a !== '';
  }
}
