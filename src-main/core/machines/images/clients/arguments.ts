/** How a program's options look: letters and words that take a value, and those that do not. */
export interface OptionTable {
  /** Short letter or long word → canonical name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
}

export interface ParsedOptions {
  readonly flags: ReadonlySet<string>;
  /** Each value given, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  /** The first option that is unknown or lacks its value. */
  readonly bad?: { readonly option: string; readonly kind: 'unknown' | 'no-value' };
}

/** Reads options as getopt_long does: clusters of letters, `--word=value`, operands anywhere, `--`. */
export function parseOptions(argv: readonly string[], table: OptionTable): ParsedOptions {
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  let bad: ParsedOptions['bad'];
  const add = (name: string, value: string): void => {
    const list = values.get(name);
    if (list) list.push(value);
    else values.set(name, [value]);
  };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      operands.push(...argv.slice(i + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      operands.push(word);
      continue;
    }
    const long =
      word.startsWith('--') || word.slice(1) in table.flags || word.slice(1) in table.values;
    const names = long ? [word.replace(/^--?/, '').split('=')[0] ?? ''] : [...word.slice(1)];
    for (let at = 0; at < names.length; at++) {
      const name = names[at] ?? '';
      const flag = Object.hasOwn(table.flags, name) ? table.flags[name] : undefined;
      const valued = Object.hasOwn(table.values, name) ? table.values[name] : undefined;
      if (flag !== undefined) {
        flags.add(flag);
        continue;
      }
      if (valued === undefined) {
        bad ??= { option: long ? word : `-${name}`, kind: 'unknown' };
        break;
      }
      const equals = word.indexOf('=');
      const attached = long
        ? equals < 0
          ? undefined
          : word.slice(equals + 1)
        : names.slice(at + 1).join('') || undefined;
      const value = attached ?? argv[++i];
      if (value === undefined) bad ??= { option: long ? word : `-${name}`, kind: 'no-value' };
      else add(valued, value);
      break;
    }
  }
  return { flags, values, operands, ...(bad ? { bad } : {}) };
}
