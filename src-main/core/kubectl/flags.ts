import { durationFault, parseDuration } from '#core/kube';
import { UsageError } from './errors.ts';

/**
 * Flags are written as texts: `name|shorthand:type=default?noOptDefault`, for instance
 * `output|o:string`, `dry-run:string=none?unchanged`, `watch|w:bool`.
 * `strings` splits at commas, `array` does not; `map` is `k=v` pairs split at commas.
 */
export type FlagType = 'string' | 'bool' | 'int' | 'strings' | 'array' | 'duration' | 'map';

interface Flag {
  readonly name: string;
  readonly short: string;
  readonly type: FlagType;
  readonly fallback: string;
  /** What it is when it stands without a value; undefined for those that need one. */
  readonly noOpt: string | undefined;
}

/** Reads the text that declares a flag. */
export function parseFlag(spec: string): Flag {
  const match = /^([\w-]+)(?:\|(\w))?:(\w+)(?:=([^?]*))?(?:\?(.*))?$/.exec(spec);
  if (!match) throw new Error(`flag ${spec} cannot be read`);
  const [, name = '', short = '', type = '', fallback = '', noOpt] = match;
  return {
    name,
    short,
    type: type as FlagType,
    fallback,
    noOpt: noOpt ?? (type === 'bool' ? 'true' : undefined),
  };
}

/** The flags of one call: values by name. */
export class Flags {
  readonly args: readonly string[];
  /** How many arguments stood before `--`; -1 without one. */
  readonly dashAt: number;
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #known: ReadonlyMap<string, Flag>;

  constructor(
    known: ReadonlyMap<string, Flag>,
    values: ReadonlyMap<string, readonly string[]>,
    args: readonly string[],
    dashAt: number,
  ) {
    this.#known = known;
    this.#values = values;
    this.args = args;
    this.dashAt = dashAt;
  }

  knows(name: string): boolean {
    return this.#known.has(name);
  }

  /** The type a flag has here; a command's own flag may hide a global one. */
  typeOf(name: string): FlagType | undefined {
    return this.#known.get(name)?.type;
  }

  changed(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value given, or the flag's default. */
  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? this.#known.get(name)?.fallback ?? '';
  }

  bool(name: string): boolean {
    return ['true', '1', 't', 'T', 'TRUE', 'True'].includes(this.text(name));
  }

  int(name: string): number {
    return Number(this.text(name) || '0');
  }

  /** Milliseconds. */
  duration(name: string): number {
    return parseDuration(this.text(name)) ?? 0;
  }

  /** All values; those of `strings` flags split at commas. */
  all(name: string): string[] {
    const flag = this.#known.get(name);
    const values = this.#values.get(name) ?? (flag?.fallback ? [flag.fallback] : []);
    return flag?.type === 'strings'
      ? values.flatMap((value) => (value === '' ? [] : splitCsv(value)))
      : [...values];
  }
}

function splitCsv(value: string): string[] {
  const out: string[] = [];
  let current = '';
  let quoted = false;
  for (const character of value) {
    if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      out.push(current);
      current = '';
    } else current += character;
  }
  out.push(current);
  return out;
}

/**
 * Reads the arguments of a command: flags and arguments may be mixed, `--` ends the flags.
 *
 * @throws UsageError an unknown flag, a missing or wrong value; the text is pflag's.
 */
export function parseFlags(
  specs: readonly string[],
  argv: readonly string[],
  options: { interspersed?: boolean } = {},
): Flags {
  const known = new Map<string, Flag>();
  const shorts = new Map<string, Flag>();
  for (const spec of specs) {
    const flag = parseFlag(spec);
    known.set(flag.name, flag);
    if (flag.short) shorts.set(flag.short, flag);
  }
  const values = new Map<string, string[]>();
  const args: string[] = [];
  let dashAt = -1;
  const set = (flag: Flag, value: string, shown: string): void => {
    checkValue(flag, value, shown);
    const given = values.get(flag.name) ?? [];
    given.push(value);
    values.set(flag.name, given);
  };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      dashAt = args.length;
      args.push(...argv.slice(i + 1));
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const flag = known.get(name);
      if (!flag) {
        if (name === 'help') throw new HelpRequest();
        if (name === '' || name.startsWith('-') || name.startsWith('='))
          throw new UsageError(`bad flag syntax: ${word}`);
        throw new UsageError(`unknown flag: --${name}`);
      }
      if (equals >= 0) set(flag, word.slice(equals + 1), `--${name}`);
      else if (flag.noOpt !== undefined) set(flag, flag.noOpt, `--${name}`);
      else if (i + 1 < argv.length) set(flag, argv[++i] ?? '', `--${name}`);
      else throw new UsageError(`flag needs an argument: --${name}`);
    } else if (word.startsWith('-') && word !== '-') {
      i = parseShorts(word, argv, i, shorts, set);
    } else {
      args.push(word);
      if (options.interspersed === false) {
        args.push(...argv.slice(i + 1));
        break;
      }
    }
  }
  return new Flags(known, values, args, dashAt);
}

function parseShorts(
  word: string,
  argv: readonly string[],
  index: number,
  shorts: ReadonlyMap<string, Flag>,
  set: (flag: Flag, value: string, shown: string) => void,
): number {
  let rest = word.slice(1);
  while (rest !== '') {
    const letter = rest[0] ?? '';
    const flag = shorts.get(letter);
    if (!flag) {
      if (letter === 'h') throw new HelpRequest();
      throw new UsageError(`unknown shorthand flag: '${letter}' in -${rest}`);
    }
    const shown = `-${letter}, --${flag.name}`;
    if (rest.length > 2 && rest[1] === '=') {
      set(flag, rest.slice(2), shown);
      return index;
    }
    if (flag.noOpt !== undefined) {
      set(flag, flag.noOpt, shown);
      rest = rest.slice(1);
      continue;
    }
    if (rest.length > 1) {
      set(flag, rest.slice(1), shown);
      return index;
    }
    if (index + 1 >= argv.length)
      throw new UsageError(`flag needs an argument: '${letter}' in -${rest}`);
    set(flag, argv[index + 1] ?? '', shown);
    return index + 1;
  }
  return index;
}

function checkValue(flag: Flag, value: string, shown: string): void {
  const wrong = (why: string): UsageError =>
    new UsageError(`invalid argument "${value}" for "${shown}" flag: ${why}`);
  switch (flag.type) {
    case 'bool':
      if (!/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value))
        throw wrong(`strconv.ParseBool: parsing "${value}": invalid syntax`);
      return;
    case 'int':
      if (!/^[+-]?\d+$/.test(value))
        throw wrong(`strconv.ParseInt: parsing "${value}": invalid syntax`);
      return;
    case 'duration': {
      const fault = durationFault(value);
      if (fault !== undefined) throw wrong(fault);
      return;
    }
    case 'map':
      for (const pair of value.split(','))
        if (!pair.includes('=')) throw wrong(`${pair} must be formatted as key=value`);
      return;
    case 'string':
    case 'strings':
    case 'array':
  }
}

/** `--help` or `-h` was given. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}
