import { concatBytes, fromUtf8 } from '#core/base';
import type { SharedInput } from '../process/index.ts';
import { faultOf, openHereDoc } from './parser.ts';

const newline = 10;

/** The next line of an input without its newline, leaving the rest to whoever reads next; undefined at the end. */
export async function nextLine(input: SharedInput): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const bytes = await input.read();
    if (!bytes) return parts.length === 0 ? undefined : fromUtf8(concatBytes(parts));
    const at = bytes.indexOf(newline);
    if (at < 0) {
      parts.push(bytes);
      continue;
    }
    input.unread(bytes.slice(at + 1));
    parts.push(bytes.subarray(0, at));
    return fromUtf8(concatBytes(parts));
  }
}

/** Commands that are whole, and whether the last of them cannot be parsed for another reason. */
interface Commands {
  readonly text: string;
  readonly isFaulty: boolean;
}

/** Gathers lines until they make whole commands: the way a shell reads what is typed or piped to it. */
export class CommandLines {
  #pending = '';
  /** Ends the here-document that is being read; until then nothing needs to be parsed. */
  #delimiter: string | undefined;

  /** What has been read of a command that is not whole. */
  get pending(): string {
    return this.#pending;
  }

  /** @returns the commands, if the line makes them whole */
  add(line: string): Commands | undefined {
    this.#pending = this.#pending === '' ? line : `${this.#pending}\n${line}`;
    if (this.#delimiter !== undefined && line.replace(/^\t+/, '') !== this.#delimiter)
      return undefined;
    this.#delimiter = undefined;
    const text = this.#pending;
    if (/(^|[^\\])(\\\\)*\\$/.test(line)) return undefined;
    const fault = faultOf(text);
    if (fault?.incomplete) {
      this.#delimiter = openHereDoc(text);
      return undefined;
    }
    this.#pending = '';
    return { text, isFaulty: fault !== undefined };
  }

  /** Gives up what is not whole. */
  clear(): void {
    this.#pending = '';
    this.#delimiter = undefined;
  }
}
