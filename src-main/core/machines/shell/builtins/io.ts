import { byteCharacter, decodeBytes, encodeBytes, fromUtf8, utf8 } from '#core/base';
import { sharedInput, terminalOf } from '../../process/index.ts';
import { testCommand } from '../conditional.ts';
import { ShellError } from '../flow.ts';
import { formatPrintf } from '../format.ts';
import type { Builtin, Shell } from '../types.ts';
import { toArray } from '../variables.ts';

const echo: Builtin = async (shell, args) => {
  let newline = true;
  let escapes = shell.flavour === 'dash';
  let from = 0;
  const letters = shell.flavour === 'dash' ? /^-n$/ : /^-[neE]+$/;
  for (; from < args.length && letters.test(args[from] ?? ''); from++) {
    const flags = args[from] ?? '';
    if (flags.includes('n')) newline = false;
    if (flags.includes('e')) escapes = true;
    if (flags.includes('E')) escapes = false;
  }
  let text = args.slice(from).join(' ');
  if (escapes) {
    const stop = /(^|[^\\])(\\\\)*\\c/.exec(text);
    if (stop) {
      text = text.slice(0, stop.index + stop[0].length - 2);
      newline = false;
    }
    text = unescapeEcho(text);
  }
  await shell.out(newline ? `${text}\n` : text);
  return 0;
};

function unescapeEcho(text: string): string {
  return text.replace(
    /\\(0[0-7]{0,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[abefnrtv\\])/g,
    (_, code: string) => {
      const simple: Readonly<Record<string, string>> = {
        a: '\x07',
        b: '\b',
        e: '\x1b',
        f: '\f',
        n: '\n',
        r: '\r',
        t: '\t',
        v: '\v',
        '\\': '\\',
      };
      const known = simple[code];
      if (known !== undefined) return known;
      if (code.startsWith('0')) return byteCharacter(parseInt(code.slice(1) || '0', 8) & 0xff);
      const value = parseInt(code.slice(1), 16);
      return code.startsWith('x') ? byteCharacter(value) : String.fromCodePoint(value);
    },
  );
}

const printf: Builtin = async (shell, args) => {
  const words = args[0] === '--' ? args.slice(1) : args;
  const toVariable = words[0] === '-v' ? words[1] : undefined;
  const [format, ...values] = toVariable === undefined ? words : words.slice(2);
  if (format === undefined) {
    await shell.complain('printf: usage: printf [-v var] format [arguments]');
    return 2;
  }
  const { text, errors } = formatPrintf(format, values, shell.context.clock.now());
  if (toVariable === undefined) await shell.out(text);
  else await shell.assignText(toVariable, decodeBytes(encodeBytes(text)));
  for (const error of errors) await shell.complain(`printf: ${error}`);
  return errors.length > 0 ? 1 : 0;
};

interface ReadOptions {
  raw: boolean;
  silent: boolean;
  prompt: string;
  timeoutMs: number | undefined;
  delimiter: string;
  characters: number | undefined;
  array: string | undefined;
  fd: number;
  names: string[];
}

function readOptions(args: readonly string[]): ReadOptions {
  const options: ReadOptions = {
    raw: false,
    silent: false,
    prompt: '',
    timeoutMs: undefined,
    delimiter: '\n',
    characters: undefined,
    array: undefined,
    fd: 0,
    names: [],
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!/^-[a-zA-Z]/.test(arg)) {
      options.names.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] ?? '';
      if (letter === 'r') options.raw = true;
      else if (letter === 's') options.silent = true;
      else if ('ptdnNau'.includes(letter)) {
        const value = arg.slice(at + 1) || (args[++i] ?? '');
        if (letter === 'p') options.prompt = value;
        if (letter === 't') options.timeoutMs = Number(value) * 1000;
        if (letter === 'd') options.delimiter = value.slice(0, 1) || '\0';
        if (letter === 'n' || letter === 'N') options.characters = Number(value);
        if (letter === 'a') options.array = value;
        if (letter === 'u') options.fd = Number(value);
        break;
      } else if (letter !== 'e' && letter !== 'i')
        throw new ShellError(`read: -${letter}: invalid option`, { status: 2 });
    }
  }
  return options;
}

/** One line from a descriptor; what was read beyond it is put back. */
async function readLine(
  shell: Shell,
  options: ReadOptions,
): Promise<{ line: string; status: number }> {
  const source = shell.descriptors.get(options.fd)?.source;
  if (!source)
    throw new ShellError(`read: ${options.fd}: invalid file descriptor: Bad file descriptor`);
  const input = sharedInput(source);
  const deadline =
    options.timeoutMs === undefined ? undefined : shell.context.clock.now() + options.timeoutMs;
  let text = new Uint8Array(0);
  for (;;) {
    const done = endOf(text, options);
    if (done !== undefined) {
      input.unread(text.slice(done.next));
      return { line: decodeBytes(text.slice(0, done.end)), status: 0 };
    }
    const bytes = await nextBytes(shell, input, deadline);
    if (bytes === 'timeout') return { line: decodeBytes(text), status: 142 };
    if (bytes === undefined) return { line: decodeBytes(text), status: 1 };
    const joined = new Uint8Array(text.length + bytes.length);
    joined.set(text);
    joined.set(bytes, text.length);
    text = joined;
  }
}

function endOf(text: Uint8Array, options: ReadOptions): { end: number; next: number } | undefined {
  const delimiter = utf8(options.delimiter)[0];
  for (let i = 0; i < text.length; i++) {
    if (options.characters !== undefined && fromUtf8(text.slice(0, i)).length >= options.characters)
      return { end: i, next: i };
    if (!options.raw && text[i] === 0x5c) {
      i++;
      continue;
    }
    if (text[i] === delimiter) return { end: i, next: i + 1 };
  }
  if (options.characters !== undefined && fromUtf8(text).length >= options.characters)
    return { end: text.length, next: text.length };
  return undefined;
}

async function nextBytes(
  shell: Shell,
  input: ReturnType<typeof sharedInput>,
  deadline: number | undefined,
): Promise<Uint8Array | undefined | 'timeout'> {
  if (deadline === undefined) {
    if (!shell.interactive) return input.read();
    let cancel: () => void = () => undefined;
    const bytes = await Promise.race([
      input.read((giveUp) => {
        cancel = giveUp;
      }),
      shell.nextSignal().then(() => 'signal' as const),
    ]);
    if (bytes !== 'signal') return bytes;
    cancel();
    await shell.breathe();
    return undefined;
  }
  if (deadline <= shell.context.clock.now() && !input.ready) return 'timeout';
  let giveUp: () => void = () => undefined;
  return new Promise((resolve, reject) => {
    const timer = shell.context.clock.setTimer(deadline - shell.context.clock.now(), () => {
      giveUp();
      resolve('timeout');
    });
    input
      .read((cancel) => {
        giveUp = cancel;
      })
      .then((bytes) => {
        timer.dispose();
        resolve(bytes);
      }, reject);
  });
}

/** Characters with a note which of them a backslash protected from splitting. */
function unescapeLine(line: string, raw: boolean): { char: string; literal: boolean }[] {
  const chars: { char: string; literal: boolean }[] = [];
  const all = [...line];
  for (let i = 0; i < all.length; i++) {
    if (!raw && all[i] === '\\') {
      const next = all[++i];
      if (next !== undefined && next !== '\n') chars.push({ char: next, literal: true });
    } else chars.push({ char: all[i] ?? '', literal: false });
  }
  return chars;
}

/** Cuts a line at IFS into at most `limit` fields; the last takes the rest. */
function splitLine(
  chars: readonly { char: string; literal: boolean }[],
  ifs: string,
  limit: number,
): string[] {
  const isIfs = (at: number): boolean => {
    const item = chars[at];
    return item !== undefined && !item.literal && ifs.includes(item.char);
  };
  const isWhite = (at: number): boolean => isIfs(at) && /\s/.test(chars[at]?.char ?? '');
  const fields: string[] = [];
  let at = 0;
  while (isWhite(at)) at++;
  while (at < chars.length) {
    if (fields.length === limit - 1) {
      let end = chars.length;
      while (end > at && isWhite(end - 1)) end--;
      const rest = chars.slice(at, end);
      // One closing separator of the last field is dropped with it.
      const text = rest.map(({ char }) => char).join('');
      const inner = rest.filter((_, index) => isIfs(at + index)).length;
      fields.push(inner === 1 && isIfs(end - 1) ? text.slice(0, -1) : text);
      return fields;
    }
    let field = '';
    while (at < chars.length && !isIfs(at)) field += chars[at++]?.char ?? '';
    fields.push(field);
    while (isWhite(at)) at++;
    if (isIfs(at)) {
      at++;
      while (isWhite(at)) at++;
    }
  }
  return fields;
}

const read: Builtin = async (shell, args) => {
  const options = readOptions(args);
  const source = shell.descriptors.get(options.fd)?.source;
  const tty = source && terminalOf(source);
  if (options.prompt !== '' && tty) await shell.errorText(options.prompt);
  if (options.silent) tty?.setEcho?.(false);
  let result: { line: string; status: number };
  try {
    result = await readLine(shell, options);
  } finally {
    if (options.silent) tty?.setEcho?.(true);
  }
  const chars = unescapeLine(result.line, options.raw);
  const ifs = shell.variables.get('IFS') ?? ' \t\n';
  if (options.array !== undefined) {
    const variable = shell.variables.declare(options.array);
    toArray(variable);
    variable.items.clear();
    for (const [index, field] of splitLine(chars, ifs, Infinity).entries())
      variable.items.set(index, field);
  } else if (options.names.length === 0) {
    shell.variables.set('REPLY', chars.map(({ char }) => char).join(''));
  } else {
    const fields = splitLine(chars, ifs, options.names.length);
    for (const [index, name] of options.names.entries())
      await shell.assignText(name, fields[index] ?? '');
  }
  return result.status;
};

const mapfile: Builtin = async (shell, args) => {
  const strip = args.includes('-t');
  const name = args.filter((arg) => !arg.startsWith('-')).at(-1) ?? 'MAPFILE';
  const variable = shell.variables.declare(name);
  toArray(variable);
  variable.items.clear();
  const options = { ...readOptions([]), raw: true };
  for (let index = 0; ; index++) {
    const { line, status } = await readLine(shell, options);
    if (status !== 0 && line === '') return 0;
    variable.items.set(index, strip || status !== 0 ? line : `${line}\n`);
    if (status !== 0) return 0;
  }
};

const test =
  (name: string): Builtin =>
  (shell, args) => {
    const words = name === '[' ? args.slice(0, -1) : args;
    if (name === '[' && args.at(-1) !== ']')
      throw new ShellError(shell.flavour === 'bash' ? "[: missing `]'" : '[: missing ]', {
        status: 2,
      });
    try {
      return testCommand(shell, words) ? 0 : 1;
    } catch (error) {
      if (error instanceof ShellError)
        throw new ShellError(
          `${name}: ${shell.flavour === 'bash' ? error.message : error.message.replace(/^(.*): integer expression expected$/, 'Illegal number: $1')}`,
          { status: 2 },
        );
      throw error;
    }
  };

export const ioBuiltins: Readonly<Record<string, Builtin>> = {
  echo,
  printf,
  read,
  mapfile,
  readarray: mapfile,
  test: test('test'),
  '[': test('['),
};
