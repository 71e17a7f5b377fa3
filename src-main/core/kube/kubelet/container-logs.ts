import {
  BytePipe,
  type ByteSource,
  concatBytes,
  type Disposable,
  fromUtf8,
  utf8,
} from '#core/base';
import type { KubeletContext } from './context.ts';
import type { HostFiles } from './host.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly timestamps: boolean;
  readonly limitBytes?: number;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

interface LogLine {
  readonly time: string;
  readonly stream: string;
  readonly full: boolean;
  readonly text: string;
}

const fallbackLines = 80;
const fallbackBytes = 2048;

/** The end of a container's log, for termination messages. */
export function tailOfLog(files: HostFiles, path: string): string {
  if (path === '' || !files.exists(path)) return '';
  const lines = parseLines(fromUtf8(files.readFile(path))).slice(-fallbackLines);
  const text = lines.map(textOf).join('');
  const bytes = utf8(text);
  return bytes.length <= fallbackBytes
    ? text
    : fromUtf8(bytes.subarray(bytes.length - fallbackBytes));
}

/** A CRI log: `time stream tag text`, one a line; P is a part of a line, F its end. */
function parseLines(text: string): LogLine[] {
  const lines: LogLine[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\S+) (stdout|stderr) ([FP]) ?([\s\S]*)$/.exec(line);
    if (!match) continue;
    const [, time = '', stream = '', tag, rest = ''] = match;
    lines.push({ time, stream, full: tag === 'F', text: rest });
  }
  return lines;
}

function textOf({ text, full }: LogLine): string {
  return full ? `${text}\n` : text;
}

/** The files of a log, the oldest first: what was rotated away, then the one that grows. */
function filesOf(files: HostFiles, path: string): string[] {
  const slash = path.lastIndexOf('/');
  const [directory, name] = [path.slice(0, slash), path.slice(slash + 1)];
  if (!files.exists(directory)) return [];
  const rotated = files
    .readdir(directory)
    .filter((entry) => entry.startsWith(`${name}.`))
    .sort();
  return [...rotated.map((entry) => `${directory}/${entry}`), path].filter((file) =>
    files.exists(file),
  );
}

/**
 * A container's log as the API gives it; with `follow` until the container has ended.
 * @param hasEnded whether nothing more will be written.
 * @param onEnd calls back when the container ends.
 * @see pkg/kubelet/kuberuntime/logs
 */
export function readContainerLog(
  { host }: KubeletContext,
  path: string,
  options: LogOptions,
  hasEnded: () => boolean,
  onEnd: (callback: () => void) => Disposable,
): { source: ByteSource; close: () => void } {
  const { files } = host;
  const reader = new LogReader(options);
  const all = filesOf(files, path);
  const texts = all.map((file) => fromUtf8(files.readFile(file)));
  const current = texts.at(-1) ?? '';
  const pipe = new BytePipe();
  let chain: Promise<unknown> = Promise.resolve();
  const write = (bytes: Uint8Array): void => {
    if (bytes.length > 0) chain = chain.then(() => pipe.write(bytes)).catch(() => undefined);
  };
  const finish = (): void => {
    chain = chain.then(() => pipe.end());
  };
  write(reader.first(texts.join('')));
  if (!options.follow || hasEnded() || reader.isFull) {
    finish();
    return { source: pipe, close: () => pipe.close() };
  }
  let seen = current.lastIndexOf('\n') + 1;
  const owned: Disposable[] = [];
  const stop = (): void => {
    for (const item of owned.splice(0)) item.dispose();
  };
  const more = (): void => {
    const text = files.exists(path) ? fromUtf8(files.readFile(path)) : '';
    // A file that became shorter is a new one: the log was rotated.
    if (text.length < seen) seen = 0;
    const end = text.lastIndexOf('\n') + 1;
    if (end > seen) write(reader.more(text.slice(seen, end)));
    seen = Math.max(seen, end);
    if (!reader.isFull) return;
    stop();
    finish();
  };
  owned.push(
    files.watch(path, more),
    onEnd(() => {
      more();
      stop();
      finish();
    }),
  );
  return {
    source: pipe,
    close: () => {
      stop();
      pipe.close();
    },
  };
}

/** Applies what was asked for to the lines as they come. */
class LogReader {
  isFull = false;
  readonly #options: LogOptions;
  #bytes = 0;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  first(text: string): Uint8Array {
    const lines = parseLines(text).filter((line) => this.#isWanted(line));
    const { tailLines } = this.#options;
    if (tailLines === undefined) return this.#print(lines);
    let from = lines.length;
    for (let left = tailLines; from > 0; from--) {
      if (lines[from - 1]?.full) {
        if (left === 0) break;
        left -= 1;
      } else if (left === 0 && from === lines.length) break;
    }
    return this.#print(lines.slice(from));
  }

  more(text: string): Uint8Array {
    return this.#print(parseLines(text).filter((line) => this.#isWanted(line)));
  }

  #isWanted({ time, stream }: LogLine): boolean {
    const { sinceMs, stream: wanted } = this.#options;
    if (wanted !== 'All' && wanted.toLowerCase() !== stream) return false;
    return sinceMs === undefined || Date.parse(time) >= sinceMs;
  }

  #print(lines: readonly LogLine[]): Uint8Array {
    const { timestamps, limitBytes } = this.#options;
    const bytes = concatBytes(
      lines.map((line) => utf8(timestamps ? `${line.time} ${textOf(line)}` : textOf(line))),
    );
    if (limitBytes === undefined || this.#bytes + bytes.length < limitBytes) {
      this.#bytes += bytes.length;
      return bytes;
    }
    this.isFull = true;
    return bytes.subarray(0, limitBytes - this.#bytes);
  }
}
