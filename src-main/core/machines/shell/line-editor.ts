import { fromUtf8, utf8 } from '#core/base';
import { type SharedInput, type Tty } from '../process/index.ts';
import { textWidth } from '../terminal/index.ts';

export interface LineEditorDeps {
  readonly tty: Tty;
  readonly input: SharedInput;
  readonly show: (bytes: Uint8Array) => Promise<void>;
  readonly history: readonly string[];
  /** Candidates for the word that ends at the cursor, and where it starts. */
  readonly complete: (before: string) => Promise<{ from: number; candidates: readonly string[] }>;
}

export type LineResult =
  { readonly kind: 'line'; readonly text: string } | { readonly kind: 'interrupt' | 'end' };

/** Reads one line with readline's usual keys, on a terminal in raw mode. */
export class LineEditor {
  readonly #deps: LineEditorDeps;
  #prompt = '';
  #chars: string[] = [];
  #at = 0;
  #kept = '';
  #historyAt = 0;
  #draft = '';
  #tabbed = false;

  constructor(deps: LineEditorDeps) {
    this.#deps = deps;
  }

  async read(prompt: string): Promise<LineResult> {
    this.#row = 0;
    this.#prompt = prompt.slice(prompt.lastIndexOf('\n') + 1);
    this.#chars = [];
    this.#at = 0;
    this.#historyAt = this.#deps.history.length;
    this.#deps.tty.setRaw(true);

    await this.#write(prompt.replace(/[\x01\x02]/g, '').replace(/\n/g, '\r\n'));
    try {
      for (;;) {
        const bytes = await this.#deps.input.read();
        if (!bytes) return { kind: 'end' };
        const text = fromUtf8(bytes);
        const keys = [
          ...text.matchAll(
            /\x1b\[200~|\x1b\[201~|\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|\x1b[^[]|[^]/gu,
          ),
        ];
        for (const key of keys) {
          const rest = (): void =>
            this.#deps.input.unread(utf8(text.slice(key.index + key[0].length)));
          if (key[0] === '\x12') {
            // The search reads keys of its own: what came with this one first.
            rest();
            const found = await this.#search();
            if (found) return found;
            break;
          }
          const result = await this.#key(key[0]);
          if (!result) continue;
          // What was typed or pasted ahead belongs to the next line.
          rest();
          return result;
        }
      }
    } finally {
      this.#deps.tty.setRaw(false);
    }
  }

  async #key(key: string): Promise<LineResult | undefined> {
    if (key !== '\t') this.#tabbed = false;
    switch (key) {
      case '\r':
      case '\n':
        await this.#write('\r\n');
        return { kind: 'line', text: this.#chars.join('') };
      case '\x03':
        await this.#write('^C\r\n');
        return { kind: 'interrupt' };
      case '\x04':
        if (this.#chars.length === 0) return { kind: 'end' };
        this.#cut(this.#at, this.#at + 1, false);
        break;
      case '\x1b[3~':
        this.#cut(this.#at, this.#at + 1, false);
        break;
      case '\x7f':
      case '\b':
        this.#cut(this.#at - 1, this.#at, false);
        break;
      case '\x01':
      case '\x1b[H':
      case '\x1bOH':
      case '\x1b[1~':
        this.#at = 0;
        break;
      case '\x05':
      case '\x1b[F':
      case '\x1bOF':
      case '\x1b[4~':
        this.#at = this.#chars.length;
        break;
      case '\x02':
      case '\x1b[D':
      case '\x1bOD':
        this.#at = Math.max(0, this.#at - 1);
        break;
      case '\x06':
      case '\x1b[C':
      case '\x1bOC':
        this.#at = Math.min(this.#chars.length, this.#at + 1);
        break;
      case '\x1bb':
      case '\x1b[1;5D':
        this.#at = this.#wordStart();
        break;
      case '\x1bf':
      case '\x1b[1;5C':
        this.#at += (/^\s*\S*/.exec(this.#chars.slice(this.#at).join(''))?.[0] ?? '').length;
        break;
      case '\x0b':
        this.#cut(this.#at, this.#chars.length, true);
        break;
      case '\x15':
        this.#cut(0, this.#at, true);
        break;
      case '\x17':
        this.#cut(this.#wordStart(), this.#at, true);
        break;
      case '\x19':
        this.#insert(this.#kept);
        break;
      case '\x0c':
        await this.#write('\x1b[H\x1b[2J');
        break;
      case '\x10':
      case '\x1b[A':
      case '\x1bOA':
        this.#recall(-1);
        break;
      case '\x0e':
      case '\x1b[B':
      case '\x1bOB':
        this.#recall(1);
        break;
      case '\t':
        await this.#complete();
        break;
      default:
        if (key < ' ') return undefined;
        this.#insert(key);
        if (this.#at === this.#chars.length && this.#fits()) return this.#append(key);
    }
    await this.#redraw();
    return undefined;
  }

  /** Whether the line ends on the cursor's row, short of the edge. */
  #fits(): boolean {
    const width = textWidth(this.#prompt) + textWidth(this.#chars.join(''));
    const columns = Math.max(1, this.#deps.tty.columns);
    return Math.floor(width / columns) === this.#row && width % columns !== 0;
  }

  async #append(key: string): Promise<undefined> {
    await this.#write(key);
  }

  #insert(text: string): void {
    const chars = [...text];
    this.#chars.splice(this.#at, 0, ...chars);
    this.#at += chars.length;
  }

  #cut(from: number, to: number, keep: boolean): void {
    if (from < 0 || from >= to) return;
    const cut = this.#chars.splice(from, to - from).join('');
    if (keep) this.#kept = cut;
    this.#at = from;
  }

  #wordStart(): number {
    const before = this.#chars.slice(0, this.#at).join('');
    return this.#at - [...(/\S*\s*$/.exec(before)?.[0] ?? '')].length;
  }

  #recall(step: number): void {
    const { history } = this.#deps;
    const next = this.#historyAt + step;
    if (next < 0 || next > history.length) return;
    if (this.#historyAt === history.length) this.#draft = this.#chars.join('');
    this.#historyAt = next;
    this.#chars = [...(history[next] ?? this.#draft)];
    this.#at = this.#chars.length;
  }

  /** Ctrl-R: looks backwards for what is typed; Enter runs it, Escape or an arrow keeps it for editing. */
  async #search(): Promise<LineResult | undefined> {
    let wanted = '';
    let skip = 0;
    for (;;) {
      const hits = (): string[] =>
        [...this.#deps.history].reverse().filter((line) => wanted !== '' && line.includes(wanted));
      const hit = hits()[skip] ?? '';
      await this.#write(`\r\x1b[J(reverse-i-search)\`${wanted}': ${hit}`);
      const bytes = await this.#deps.input.read();
      if (!bytes) return { kind: 'end' };
      const text = fromUtf8(bytes);
      for (const [index, char] of text.split('').entries()) {
        if (char === '\x12') skip = Math.min(skip + 1, Math.max(0, hits().length - 1));
        else if (char === '\x7f') wanted = wanted.slice(0, -1);
        else if (char >= ' ') wanted += char;
        else {
          if (char !== '\x03' && char !== '\x07') this.#chars = [...(hits()[skip] ?? '')];
          this.#at = this.#chars.length;
          await this.#redraw();
          this.#deps.input.unread(utf8(text.slice(index + 1)));
          return char === '\r' || char === '\n' ? this.#key('\r') : undefined;
        }
      }
    }
  }

  async #complete(): Promise<void> {
    const before = this.#chars.slice(0, this.#at).join('');
    const { from, candidates } = await this.#deps.complete(before);
    if (candidates.length === 0) return;
    const typed = before.slice(from);
    const [only] = candidates;
    if (candidates.length === 1 && only !== undefined) {
      const space = /[/=]$/.test(only) ? '' : ' ';
      this.#insert(only.slice(typed.length) + space);
      return;
    }
    let common = candidates[0] ?? '';
    for (const candidate of candidates)
      while (!candidate.startsWith(common)) common = common.slice(0, -1);
    if (common.length > typed.length) {
      this.#insert(common.slice(typed.length));
      return;
    }
    if (!this.#tabbed) {
      this.#tabbed = true;
      return;
    }
    const names = candidates.map((name) => name.replace(/^.*\/(?=.)/, ''));
    const width = Math.max(...names.map((name) => name.length)) + 2;
    const perRow = Math.max(1, Math.floor(this.#deps.tty.columns / width));
    let text = '\r\n';
    for (let at = 0; at < names.length; at += perRow)
      text += `${names
        .slice(at, at + perRow)
        .map((name) => name.padEnd(width))
        .join('')
        .trimEnd()}\r\n`;
    await this.#write(text);
  }

  /** Where the cursor stands, in rows below the prompt's first row, after the last drawing. */
  #row = 0;

  async #redraw(): Promise<void> {
    const columns = Math.max(1, this.#deps.tty.columns);
    const promptWidth = textWidth(this.#prompt);
    const all = promptWidth + textWidth(this.#chars.join(''));
    const cursor = promptWidth + textWidth(this.#chars.slice(0, this.#at).join(''));

    let text = `${this.#row > 0 ? `\x1b[${this.#row}A` : ''}\r\x1b[J${this.#prompt.replace(/[\x01\x02]/g, '')}${this.#chars.join('')}`;
    if (all > 0 && all % columns === 0) text += ' \r';
    const up = Math.floor(all / columns) - Math.floor(cursor / columns);
    text += `${up > 0 ? `\x1b[${up}A` : ''}\r${cursor % columns > 0 ? `\x1b[${cursor % columns}C` : ''}`;
    this.#row = Math.floor(cursor / columns);
    await this.#write(text);
  }

  #write(text: string): Promise<void> {
    return this.#deps.show(utf8(text));
  }
}
