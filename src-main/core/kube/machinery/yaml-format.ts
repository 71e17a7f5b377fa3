import { plainScalar } from './yaml-scalars.ts';

/**
 * YAML as Go's `sigs.k8s.io/yaml` writes it, to the byte: kubectl's `-o yaml`, kubeadm's files, an API server's
 * YAML answers. Keys are sorted, sequences are not indented, long scalars fold after column 80.
 *
 * @see sigs.k8s.io/yaml/goyaml.v2, encode.go, emitterc.go and sorter.go
 */
export function formatYaml(value: unknown): string {
  const writer = new Writer();
  writer.document(value);
  return writer.text;
}

const foldColumn = 80;

class Writer {
  text = '';
  #column = 0;

  document(value: unknown): void {
    if (isMap(value) && mapKeys(value).length > 0) this.#mapping(value, 0, false);
    else if (Array.isArray(value) && value.length > 0) this.#sequence(value, 0, false);
    else {
      this.#scalar(value, 0);
      this.#newline();
    }
  }

  #put(text: string): void {
    this.text += text;
    const lineBreak = text.lastIndexOf('\n');
    this.#column = lineBreak < 0 ? this.#column + text.length : text.length - lineBreak - 1;
  }

  #newline(): void {
    if (!this.text.endsWith('\n')) this.#put('\n');
  }

  /** @param inline the first key continues the present line (inside a sequence item). */
  #mapping(map: Readonly<Record<string, unknown>>, indent: number, inline: boolean): void {
    let first = inline;
    for (const key of mapKeys(map)) {
      if (!first) this.#put(' '.repeat(indent));
      first = false;
      this.#string(key, indent, true);
      this.#put(':');
      this.#value(map[key], indent);
    }
  }

  #value(value: unknown, indent: number): void {
    if (isMap(value) && mapKeys(value).length > 0) {
      this.#put('\n');
      this.#mapping(value, indent + 2, false);
    } else if (Array.isArray(value) && value.length > 0) {
      this.#put('\n');
      this.#sequence(value, indent, false);
    } else {
      this.#put(' ');
      this.#scalar(value, indent + 2);
      this.#newline();
    }
  }

  #sequence(items: readonly unknown[], indent: number, inline: boolean): void {
    let first = inline;
    for (const item of items) {
      if (!first) this.#put(' '.repeat(indent));
      first = false;
      this.#put('- ');
      if (isMap(item) && mapKeys(item).length > 0) this.#mapping(item, indent + 2, true);
      else if (Array.isArray(item) && item.length > 0) this.#sequence(item, indent + 2, true);
      else {
        this.#scalar(item, indent + 2);
        this.#newline();
      }
    }
  }

  #scalar(value: unknown, indent: number): void {
    if (typeof value === 'string') this.#string(value, indent, false);
    else if (Array.isArray(value)) this.#put('[]');
    else if (isMap(value)) this.#put('{}');
    else if (typeof value === 'number') this.#put(formatNumber(value));
    else this.#put(typeof value === 'boolean' ? String(value) : 'null');
  }

  #string(text: string, indent: number, isKey: boolean): void {
    const traits = analyse(text);
    const wantsLiteral = text.includes('\n');
    if (wantsLiteral && !isKey && traits.blockAllowed) this.#literal(text, indent);
    else if (wantsLiteral || resolvesToOther(text)) this.#doubleQuoted(text, indent, isKey);
    else if (traits.plainAllowed) this.#folding(text, indent, isKey, (part) => part);
    else if (traits.singleQuotedAllowed) {
      this.#put("'");
      this.#folding(text, indent, isKey, (part) => part.replaceAll("'", "''"));
      this.#put("'");
    } else this.#doubleQuoted(text, indent, isKey);
  }

  /** Writes words, breaking the line at a single space once the column has passed 80. */
  #folding(text: string, indent: number, isKey: boolean, encode: (part: string) => string): void {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== ' ' || isKey) continue;
      const single = text[i - 1] !== ' ' && text[i + 1] !== ' ' && i > 0 && i < text.length - 1;
      if (!single) continue;
      const part = encode(text.slice(start, i));
      if (this.#column + part.length > foldColumn) {
        this.#put(`${part}\n${' '.repeat(indent)}`);
        start = i + 1;
      }
    }
    this.#put(encode(text.slice(start)));
  }

  #doubleQuoted(text: string, indent: number, isKey: boolean): void {
    this.#put('"');
    const characters = [...text];
    let afterSpace = false;
    characters.forEach((character, i) => {
      const foldable =
        character === ' ' &&
        !isKey &&
        !afterSpace &&
        this.#column > foldColumn &&
        i > 0 &&
        i < characters.length - 1;
      if (foldable) {
        this.#put(`\n${' '.repeat(indent)}`);
        if (characters[i + 1] === ' ') this.#put('\\');
      } else this.#put(escapeCharacter(character));
      afterSpace = character === ' ';
    });
    this.#put('"');
  }

  #literal(text: string, indent: number): void {
    const hint = /^[ \n]/.test(text) ? '2' : '';
    const chomp = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-';
    this.#put(`|${hint}${chomp}\n`);
    const body = text.endsWith('\n') ? text.slice(0, -1) : text;
    for (const line of body.split('\n'))
      this.#put(line === '' ? '\n' : `${' '.repeat(indent)}${line}\n`);
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapKeys(map: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort(compareKeys);
}

/** Letters after everything else, runs of digits by their value. @see sorter.go, keyList.Less */
function compareKeys(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const l = left[i] ?? '';
    const r = right[i] ?? '';
    if (l === r) continue;
    const leftIsLetter = /\p{L}/u.test(l);
    const rightIsLetter = /\p{L}/u.test(r);
    if (leftIsLetter && rightIsLetter) return l < r ? -1 : 1;
    if (leftIsLetter || rightIsLetter) return rightIsLetter ? -1 : 1;
    let digits = i;
    while (digits > 0 && /\d/.test(left[digits - 1] ?? '')) digits -= 1;
    const leftNumber = /^\d+/.exec(left.slice(digits).join(''))?.[0];
    const rightNumber = /^\d+/.exec(right.slice(digits).join(''))?.[0];
    if (
      leftNumber !== undefined &&
      rightNumber !== undefined &&
      Number(leftNumber) !== Number(rightNumber)
    )
      return Number(leftNumber) - Number(rightNumber);
    return l < r ? -1 : 1;
  }
  return left.length - right.length;
}

/** Go prints integers plainly and floats as `strconv.FormatFloat(f, 'g', -1, 64)`. */
function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const timestamp =
  /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ \t]+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d{1,2}(?::?\d{2})?))?)?$/;

/** Whether a reader of YAML 1.1 would take the plain text for something that is not a string. */
function resolvesToOther(text: string): boolean {
  return (
    typeof plainScalar(text) !== 'string' ||
    text === '<<' ||
    base60.test(text) ||
    timestamp.test(text)
  );
}

interface Traits {
  readonly plainAllowed: boolean;
  readonly singleQuotedAllowed: boolean;
  readonly blockAllowed: boolean;
}

/** @see emitterc.go, yaml_emitter_analyze_scalar */
function analyse(text: string): Traits {
  const special =
    /[^\n\x20-\x7e\x85\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(text);
  const spaceBreak = / \n/.test(text);
  const indicators =
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:](?:\s|$)/.test(text) ||
    /^-(?:\s|$)/.test(text) ||
    /^(?:---|\.\.\.)/.test(text) ||
    /:(?:\s|$)/.test(text) ||
    /\s#/.test(text);
  const edges = /^[ \n]|[ \n]$/.test(text);
  return {
    plainAllowed: !indicators && !edges && !special && !text.includes('\n') && text !== '',
    singleQuotedAllowed: !spaceBreak && !special && !/\n /.test(text),
    blockAllowed: !special && !spaceBreak && !/ $/.test(text),
  };
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
  '\ufeff': '\\uFEFF',
};

function escapeCharacter(character: string): string {
  const named = namedEscapes[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code !== 0x7f && (code < 0x80 || code > 0x9f)) return character;
  return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
