/**
 * Regular expressions in RE2's syntax, matched in time linear in text and pattern: an automaton is simulated, so
 * no pattern a user writes can stall the server. Not modelled: Unicode classes but `\p{L}`, `\p{N}`, `\p{Lu}`
 * and `\p{Ll}`, and captured groups.
 * @see https://swtch.com/~rsc/regexp/regexp2.html
 */

type Instruction =
  | { readonly op: 'char'; readonly test: (code: number) => boolean }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'assert'; readonly test: (text: readonly number[], at: number) => boolean }
  | { readonly op: 'match' };

const maxProgram = 20_000;
const maxRepeat = 1000;

/** The pattern is malformed; the message is Go's. */
export class RegexpError extends Error {
  override readonly name = 'RegexpError';
}

export interface Regexp {
  /** Whether the pattern occurs anywhere in the text. */
  test(text: string): boolean;
  /** The first occurrence, the leftmost; undefined when there is none. */
  find(text: string, from?: number): { readonly start: number; readonly end: number } | undefined;
}

const compiled = new Map<string, Regexp>();

/** Compiles a pattern; the last thousand are kept. @throws RegexpError */
export function compileRegexp(pattern: string): Regexp {
  const known = compiled.get(pattern);
  if (known) return known;
  const regexp = createRegexp(new Compiler(pattern).compile());
  if (compiled.size >= 1000) compiled.clear();
  compiled.set(pattern, regexp);
  return regexp;
}

function createRegexp(program: readonly Instruction[]): Regexp {
  const find: Regexp['find'] = (text, from = 0) => {
    const codes = [...text].map((char) => char.codePointAt(0) ?? 0);
    let threads: { pc: number; start: number }[] = [];
    let best: { start: number; end: number } | undefined;
    for (let at = from; at <= codes.length; at++) {
      const seen = new Uint8Array(program.length);
      const next: { pc: number; start: number }[] = [];
      const current: { pc: number; start: number }[] = [];
      for (const thread of threads) follow(program, codes, at, thread, seen, current);
      if (!best) follow(program, codes, at, { pc: 0, start: at }, seen, current);
      for (const thread of current) {
        const instruction = program[thread.pc];
        if (instruction?.op === 'match') {
          // Threads come in order of preference: those behind a match have lost.
          best = { start: thread.start, end: at };
          break;
        }
        const code = codes[at];
        if (instruction?.op === 'char' && code !== undefined && instruction.test(code))
          next.push({ pc: thread.pc + 1, start: thread.start });
      }
      threads = next;
      if (best && threads.length === 0) break;
    }
    return best;
  };
  return { find, test: (text) => find(text) !== undefined };
}

function follow(
  program: readonly Instruction[],
  codes: readonly number[],
  at: number,
  thread: { pc: number; start: number },
  seen: Uint8Array,
  into: { pc: number; start: number }[],
): void {
  const stack = [thread.pc];
  for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
    if (seen[pc]) continue;
    seen[pc] = 1;
    const instruction = program[pc];
    if (instruction?.op === 'jump') stack.push(instruction.to);
    else if (instruction?.op === 'split') stack.push(instruction.second, instruction.first);
    else if (instruction?.op === 'assert') {
      if (instruction.test(codes, at)) stack.push(pc + 1);
    } else into.push({ pc, start: thread.start });
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
}

type Node =
  | { readonly kind: 'char'; readonly test: (code: number) => boolean }
  | { readonly kind: 'assert'; readonly test: (text: readonly number[], at: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly options: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly part: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    };

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isWord = (c: number): boolean =>
  isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95;
const isSpace = (c: number): boolean => c === 32 || (c >= 9 && c <= 13 && c !== 11);
const classes: Readonly<Record<string, (c: number) => boolean>> = {
  d: isDigit,
  D: (c) => !isDigit(c),
  w: isWord,
  W: (c) => !isWord(c),
  s: isSpace,
  S: (c) => !isSpace(c),
};
const named: Readonly<Record<string, (c: number) => boolean>> = {
  alnum: (c) => isWord(c) && c !== 95,
  alpha: (c) => isWord(c) && c !== 95 && !isDigit(c),
  digit: isDigit,
  lower: (c) => c >= 97 && c <= 122,
  upper: (c) => c >= 65 && c <= 90,
  space: isSpace,
  word: isWord,
  punct: (c) => c > 32 && c < 127 && !(isWord(c) && c !== 95),
  xdigit: (c) => isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102),
};
const unicode: Readonly<Record<string, RegExp>> = {
  L: /\p{L}/u,
  N: /\p{N}/u,
  Lu: /\p{Lu}/u,
  Ll: /\p{Ll}/u,
};
const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };

class Compiler {
  readonly #pattern: string;
  readonly #chars: readonly string[];
  #at = 0;
  #flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false };

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#chars = [...pattern];
  }

  compile(): Instruction[] {
    const node = this.#either();
    if (this.#at < this.#chars.length) this.#fail(`unexpected ): \`${this.#pattern}\``);
    const program: Instruction[] = [];
    this.#emit(node, program);
    program.push({ op: 'match' });
    return program;
  }

  #fail(why: string): never {
    throw new RegexpError(`error parsing regexp: ${why}`);
  }

  #emit(node: Node, program: Instruction[]): void {
    if (program.length > maxProgram) this.#fail('expression too large');
    switch (node.kind) {
      case 'char':
        program.push({ op: 'char', test: node.test });
        break;
      case 'assert':
        program.push({ op: 'assert', test: node.test });
        break;
      case 'sequence':
        for (const part of node.parts) this.#emit(part, program);
        break;
      case 'either': {
        const jumps: { op: 'jump'; to: number }[] = [];
        node.options.forEach((option, index) => {
          if (index === node.options.length - 1) {
            this.#emit(option, program);
            return;
          }
          const split = { op: 'split' as const, first: program.length + 1, second: 0 };
          program.push(split);
          this.#emit(option, program);
          const jump = { op: 'jump' as const, to: 0 };
          program.push(jump);
          jumps.push(jump);
          split.second = program.length;
        });
        for (const jump of jumps) jump.to = program.length;
        break;
      }
      case 'repeat':
        this.#emitRepeat(node, program);
    }
  }

  #emitRepeat(node: Extract<Node, { kind: 'repeat' }>, program: Instruction[]): void {
    const branch = (): { op: 'split'; first: number; second: number } => {
      const split = { op: 'split' as const, first: 0, second: 0 };
      program.push(split);
      return split;
    };
    const aim = (split: { first: number; second: number }, into: number, past: number): void => {
      split.first = node.lazy ? past : into;
      split.second = node.lazy ? into : past;
    };
    for (let i = 0; i < node.min; i++) this.#emit(node.part, program);
    if (node.max === Infinity) {
      const split = branch();
      const into = program.length;
      this.#emit(node.part, program);
      program.push({ op: 'jump', to: into - 1 });
      aim(split, into, program.length);
      return;
    }
    const splits: { split: { op: 'split'; first: number; second: number }; into: number }[] = [];
    for (let i = node.min; i < node.max; i++) {
      const split = branch();
      splits.push({ split, into: program.length });
      this.#emit(node.part, program);
    }
    for (const { split, into } of splits) aim(split, into, program.length);
  }

  #either(): Node {
    const options: Node[] = [];
    for (;;) {
      options.push(this.#sequence());
      if (this.#chars[this.#at] !== '|') break;
      this.#at += 1;
    }
    return options.length === 1 && options[0] ? options[0] : { kind: 'either', options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (let char = this.#chars[this.#at]; char !== undefined; char = this.#chars[this.#at]) {
      if (char === '|' || char === ')') break;
      const part = this.#atom();
      if (part) parts.push(this.#repeats(part));
    }
    return { kind: 'sequence', parts };
  }

  #repeats(part: Node): Node {
    let node = part;
    for (;;) {
      const rest = this.#chars.slice(this.#at, this.#at + 12).join('');
      const match = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(rest);
      if (!match) return node;
      const [whole, low, comma, high] = match;
      let min = whole === '+' ? 1 : 0;
      let max = whole === '?' ? 1 : Infinity;
      if (low !== undefined) {
        min = Number(low);
        max = comma === undefined ? min : high ? Number(high) : Infinity;
        if (min > maxRepeat || (max !== Infinity && (max > maxRepeat || max < min)))
          this.#fail(`invalid repeat count: \`${whole}\``);
      }
      this.#at += whole.length;
      const lazy = this.#chars[this.#at] === '?';
      if (lazy) this.#at += 1;
      node = { kind: 'repeat', part: node, min, max, lazy };
    }
  }

  #atom(): Node | undefined {
    const char = this.#chars[this.#at++] ?? '';
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'char', test: this.#cased(this.#bracket()) };
      case '.': {
        const { dotAll } = this.#flags;
        return { kind: 'char', test: (code) => dotAll || code !== 10 };
      }
      case '^':
        return {
          kind: 'assert',
          test: this.#flags.multiLine
            ? (text, at) => at === 0 || text[at - 1] === 10
            : (_text, at) => at === 0,
        };
      case '$':
        return {
          kind: 'assert',
          test: this.#flags.multiLine
            ? (text, at) => at === text.length || text[at] === 10
            : (text, at) => at === text.length,
        };
      case '*':
      case '+':
      case '?':
        return this.#fail(`missing argument to repetition operator: \`${char}\``);
      case '\\':
        return this.#escape();
      default: {
        const code = char.codePointAt(0) ?? 0;
        return { kind: 'char', test: this.#cased((other) => other === code) };
      }
    }
  }

  #cased(test: (code: number) => boolean): (code: number) => boolean {
    if (!this.#flags.ignoreCase) return test;
    return (code) => {
      const char = String.fromCodePoint(code);
      return (
        test(code) ||
        test(char.toLowerCase().codePointAt(0) ?? code) ||
        test(char.toUpperCase().codePointAt(0) ?? code)
      );
    };
  }

  #group(): Node | undefined {
    const saved = this.#flags;
    const rest = this.#chars.slice(this.#at).join('');
    const match = /^\?(?:P?<[A-Za-z0-9_]+>|([imsU]*)(?:-([imsU]+))?([:)]))/.exec(rest);
    if (match) {
      this.#at += match[0].length;
      const on = match[1] ?? '';
      const off = match[2] ?? '';
      const flag = (name: string, old: boolean): boolean =>
        on.includes(name) || (old && !off.includes(name));
      this.#flags = {
        ignoreCase: flag('i', saved.ignoreCase),
        multiLine: flag('m', saved.multiLine),
        dotAll: flag('s', saved.dotAll),
      };
      if (match[3] === ')') return undefined;
    } else if (rest.startsWith('?')) {
      this.#fail(`invalid or unsupported Perl syntax: \`(${rest.slice(0, 2)}\``);
    }
    const node = this.#either();
    if (this.#chars[this.#at] !== ')') this.#fail(`missing closing ): \`${this.#pattern}\``);
    this.#at += 1;
    this.#flags = saved;
    return node;
  }

  #escape(): Node {
    const next = this.#chars[this.#at] ?? '';
    const boundary = (text: readonly number[], at: number): boolean =>
      isWord(text[at - 1] ?? 0) !== isWord(text[at] ?? 0);
    const assertions: Readonly<Record<string, (text: readonly number[], at: number) => boolean>> = {
      b: boundary,
      B: (text, at) => !boundary(text, at),
      A: (_text, at) => at === 0,
      z: (text, at) => at === text.length,
    };
    const assertion = assertions[next];
    if (assertion) {
      this.#at += 1;
      return { kind: 'assert', test: assertion };
    }
    return { kind: 'char', test: this.#cased(this.#escaped()) };
  }

  /** What follows a backslash, in or outside brackets. */
  #escaped(): (code: number) => boolean {
    const char = this.#chars[this.#at++];
    if (char === undefined) this.#fail('trailing backslash at end of expression: ``');
    const known = classes[char];
    if (known) return known;
    if (char === 'p' || char === 'P') {
      const rest = this.#chars.slice(this.#at, this.#at + 12).join('');
      const match = /^(?:\{(\w+)\}|(\w))/.exec(rest);
      const regexp = unicode[match?.[1] ?? match?.[2] ?? ''];
      if (!match || !regexp) this.#fail(`invalid character class range: \`\\${char}${rest}\``);
      this.#at += match[0].length;
      return (code) => regexp.test(String.fromCodePoint(code)) === (char === 'p');
    }
    const code = this.#codeOf(char);
    return (other) => other === code;
  }

  #codeOf(char: string): number {
    if (char === 'x') {
      const rest = this.#chars.slice(this.#at, this.#at + 10).join('');
      const match = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
      if (!match) this.#fail(`invalid escape sequence: \`\\x\``);
      this.#at += match[0].length;
      return Number.parseInt(match[1] ?? match[2] ?? '', 16);
    }
    if (/[A-Za-z0-9]/.test(char) && escapes[char] === undefined)
      this.#fail(`invalid escape sequence: \`\\${char}\``);
    return escapes[char] ?? char.codePointAt(0) ?? 0;
  }

  #bracket(): (code: number) => boolean {
    const tests: ((code: number) => boolean)[] = [];
    const negated = this.#chars[this.#at] === '^';
    if (negated) this.#at += 1;
    for (let first = true; ; first = false) {
      const char = this.#chars[this.#at];
      if (char === undefined) this.#fail(`missing closing ]: \`${this.#pattern}\``);
      if (char === ']' && !first) break;
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(
        this.#chars.slice(this.#at, this.#at + 12).join(''),
      );
      const posixTest = named[posix?.[2] ?? ''];
      if (posix && posixTest) {
        this.#at += posix[0].length;
        tests.push(posix[1] === '^' ? (code) => !posixTest(code) : posixTest);
        continue;
      }
      this.#at += 1;
      const next = this.#chars[this.#at] ?? '';
      if (char === '\\' && (classes[next] || next === 'p' || next === 'P')) {
        tests.push(this.#escaped());
        continue;
      }
      const low = this.#bracketCode(char);
      if (this.#chars[this.#at] === '-' && this.#chars[this.#at + 1] !== ']') {
        this.#at += 1;
        const high = this.#bracketCode(this.#chars[this.#at++] ?? '');
        if (high < low) this.#fail(`invalid character class range: \`${this.#pattern}\``);
        tests.push((code) => code >= low && code <= high);
      } else tests.push((code) => code === low);
    }
    this.#at += 1;
    return (code) => tests.some((test) => test(code)) !== negated;
  }

  #bracketCode(char: string): number {
    return char === '\\' ? this.#codeOf(this.#chars[this.#at++] ?? '') : (char.codePointAt(0) ?? 0);
  }
}
