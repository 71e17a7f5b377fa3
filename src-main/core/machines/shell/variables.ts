import { ShellError } from './flow.ts';

export interface Variable {
  /** A plain value is element 0 of an indexed array. */
  kind: 'scalar' | 'array' | 'map';
  value: string | undefined;
  readonly items: Map<number, string>;
  readonly entries: Map<string, string>;
  exported: boolean;
  readonly: boolean;
  integer: boolean;
  nameref: boolean;
  lower: boolean;
  upper: boolean;
}

function emptyVariable(): Variable {
  return {
    kind: 'scalar',
    value: undefined,
    items: new Map(),
    entries: new Map(),
    exported: false,
    readonly: false,
    integer: false,
    nameref: false,
    lower: false,
    upper: false,
  };
}

/** The variables of a shell, with the scopes of its functions. */
export class Variables {
  #scopes: Map<string, Variable>[] = [new Map<string, Variable>()];
  /** Values made when they are asked for: `RANDOM`, `SECONDS` … */
  readonly dynamic = new Map<string, () => string>();
  readonly onAssign = new Map<string, (value: string) => void>();

  /** What the environment holds under names that no variable can have (`data-1`): children get it as it is. */
  #passedOn: Readonly<Record<string, string>> = {};

  constructor(env: Readonly<Record<string, string>> = {}) {
    const passedOn: Record<string, string> = {};
    for (const [name, value] of Object.entries(env))
      if (/^[A-Za-z_]\w*$/.test(name)) this.set(name, value).exported = true;
      else passedOn[name] = value;
    this.#passedOn = passedOn;
  }

  copy(): Variables {
    const copy = new Variables();
    copy.#scopes = this.#scopes.map(
      (scope) =>
        new Map(
          [...scope].map(([name, variable]) => [
            name,
            { ...variable, items: new Map(variable.items), entries: new Map(variable.entries) },
          ]),
        ),
    );
    for (const [name, value] of this.dynamic) copy.dynamic.set(name, value);
    copy.#passedOn = this.#passedOn;
    return copy;
  }

  pushScope(): void {
    this.#scopes.push(new Map());
  }

  popScope(): void {
    this.#scopes.pop();
  }

  get inFunction(): boolean {
    return this.#scopes.length > 1;
  }

  find(name: string): Variable | undefined {
    for (let index = this.#scopes.length - 1; index >= 0; index--) {
      const variable = this.#scopes[index]?.get(name);
      if (!variable) continue;
      if (variable.nameref && variable.value !== undefined && variable.value !== name)
        return this.find(variable.value.replace(/\[.*$/, ''));
      return variable;
    }
    return undefined;
  }

  /** The variable as declared, without following a name reference. */
  findDirect(name: string): Variable | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  /** The variable of that name, made in the innermost scope that has it, or globally. */
  declare(name: string): Variable {
    const found = this.find(name);
    if (found) return found;
    const variable = emptyVariable();
    this.#scopes[0]?.set(name, variable);
    return variable;
  }

  local(name: string): Variable {
    const scope = this.#scopes.at(-1) as Map<string, Variable>;
    const known = scope.get(name);
    if (known) return known;
    const variable = emptyVariable();
    const outer = this.find(name);
    if (outer?.exported) variable.exported = true;
    scope.set(name, variable);
    return variable;
  }

  get(name: string): string | undefined {
    const dynamic = this.dynamic.get(name);
    if (dynamic) return dynamic();
    const variable = this.find(name);
    return variable && scalar(variable);
  }

  /** @throws ShellError the variable is read-only. */
  set(name: string, value: string): Variable {
    const variable = this.declare(name);
    assign(variable, name, value);
    this.onAssign.get(name)?.(value);
    return variable;
  }

  unset(name: string): void {
    const variable = this.find(name);
    if (variable?.readonly) throw new ShellError(`unset: ${name}: cannot unset: readonly variable`);
    this.#scopes.findLast((scope) => scope.has(name))?.delete(name);
    this.dynamic.delete(name);
  }

  /** Every visible variable, by name. */
  all(): [string, Variable][] {
    const seen = new Map<string, Variable>();
    for (const scope of this.#scopes)
      for (const [name, variable] of scope) seen.set(name, variable);
    return [...seen].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  environment(): Record<string, string> {
    const env: Record<string, string> = { ...this.#passedOn };
    for (const [name, variable] of this.all()) {
      const value = scalar(variable);
      if (variable.exported && value !== undefined && variable.kind === 'scalar') env[name] = value;
    }
    return env;
  }
}

export function scalar(variable: Variable): string | undefined {
  if (variable.kind === 'array') return variable.items.get(0);
  if (variable.kind === 'map') return variable.entries.get('0');
  return variable.value;
}

export function assign(variable: Variable, name: string, value: string): void {
  if (variable.readonly) throw new ShellError(`${name}: readonly variable`, { fatal: true });
  const shaped = variable.lower
    ? value.toLowerCase()
    : variable.upper
      ? value.toUpperCase()
      : value;
  if (variable.kind === 'array') variable.items.set(0, shaped);
  else if (variable.kind === 'map') variable.entries.set('0', shaped);
  else variable.value = shaped;
}

/** A scalar becomes element 0. */
export function toArray(variable: Variable): void {
  if (variable.kind !== 'scalar') return;
  variable.kind = 'array';
  if (variable.value !== undefined) variable.items.set(0, variable.value);
  variable.value = undefined;
}

/** Keys and values in order; undefined for a variable that is not set. */
export function elements(variable: Variable | undefined): [string, string][] {
  if (!variable) return [];
  if (variable.kind === 'array')
    return [...variable.items]
      .sort(([a], [b]) => a - b)
      .map(([key, value]) => [String(key), value]);
  if (variable.kind === 'map') return [...variable.entries];
  return variable.value === undefined ? [] : [['0', variable.value]];
}

/** As `declare -p` writes a value: in double quotes. */
export function quoteDouble(value: string): string {
  return `"${value.replace(/[\\"$`]/g, '\\$&')}"`;
}

/** As `printf %q`, `set` and traces write a word: bare, in single quotes, or `$'…'`. */
export function quoteWord(value: string, style: 'backslash' | 'single' = 'single'): string {
  if (value === '') return "''";

  if (/[\x00-\x1f\x7f]/.test(value))
    return `$'${value
      .replace(/[\\']/g, '\\$&')
      .replace(/\n/g, '\\n')
      .replace(/\t/g, '\\t')
      .replace(/\r/g, '\\r')
      .replace(/\x1b/g, '\\E')}'`;
  if (/^[\w@%+=:,./-]+$/.test(value)) return value;
  if (style === 'backslash')
    return value.replace(/[^\w@%+=:./-]/gu, (char) => (char > '\x7f' ? char : `\\${char}`));
  return `'${value.replace(/'/g, "'\\''")}'`;
}
