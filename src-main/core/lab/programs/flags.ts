import { durationFault } from '#core/kube';

/** What a Go program does with its command line. */
export interface FlagSpec {
  readonly name: string;
  readonly kind: 'string' | 'bool' | 'int' | 'list' | 'duration';
}

/** A command line that a Go program refuses; `message` is its text after `Error: `. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

export class Flags {
  readonly #values: ReadonlyMap<string, string>;
  readonly args: readonly string[];

  constructor(values: ReadonlyMap<string, string>, args: readonly string[]) {
    this.#values = values;
    this.args = args;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  bool(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name);
    return value === undefined ? otherwise : /^(?:1|t|T|true|TRUE|True)$/.test(value);
  }

  list(name: string): string[] {
    const value = this.#values.get(name);
    return value === undefined || value === '' ? [] : value.split(',');
  }
}

const booleans = /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/;

/** Reads `--name=value`, `--name value` and `--switch`, up to `--`. @throws FlagError in pflag's words. */
export function parseFlags(argv: readonly string[], specs: readonly FlagSpec[]): Flags {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const values = new Map<string, string>();
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      args.push(word);
      continue;
    }
    const body = word.replace(/^--?/, '');
    const equals = body.indexOf('=');
    const name = equals < 0 ? body : body.slice(0, equals);
    const spec = known.get(name);
    if (!spec)
      throw new FlagError(
        word.startsWith('--')
          ? `unknown flag: --${name}`
          : `unknown shorthand flag: '${name[0] ?? ''}' in ${word}`,
      );
    let value: string;
    if (equals >= 0) value = body.slice(equals + 1);
    else if (spec.kind === 'bool') value = 'true';
    else {
      i += 1;
      const next = argv[i];
      if (next === undefined) throw new FlagError(`flag needs an argument: --${name}`);
      value = next;
    }
    if (spec.kind === 'bool' && !booleans.test(value))
      throw new FlagError(
        `invalid argument ${JSON.stringify(value)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    if (spec.kind === 'int' && !/^[-+]?\d+$/.test(value))
      throw new FlagError(
        `invalid argument ${JSON.stringify(value)} for "--${name}" flag: strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    const fault = spec.kind === 'duration' ? durationFault(value) : undefined;
    if (fault !== undefined)
      throw new FlagError(
        `invalid argument ${JSON.stringify(value)} for "--${name}" flag: ${fault}`,
      );
    values.set(
      name,
      spec.kind === 'list' && values.has(name) ? `${values.get(name) ?? ''},${value}` : value,
    );
  }
  return new Flags(values, args);
}

/** The rows of generated/component-flags.ts as specs. */
export function flagSpecs(table: Readonly<Partial<Record<FlagSpec['kind'], string>>>): FlagSpec[] {
  return (Object.entries(table) as [FlagSpec['kind'], string][]).flatMap(([kind, names]) =>
    names
      .split(' ')
      .filter((name) => name !== '')
      .map((name) => ({ name, kind })),
  );
}
