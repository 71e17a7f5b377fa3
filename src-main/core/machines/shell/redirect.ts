import { type ByteSink, type ByteSource, concatBytes, encodeBytes } from '#core/base';
import type { ScriptNode, WordNode } from 'just-bash';
import { FileError, type OpenFile, resolvePath } from '../filesystem/index.ts';
import { ShellError } from './flow.ts';
import type { Descriptor, Shell } from './types.ts';

type Command = ScriptNode['statements'][number]['pipelines'][number]['commands'][number];
export type Redirection = Command['redirections'][number];

/** Reads an open file as a stream. */
export class FileSource implements ByteSource {
  readonly file: OpenFile;

  constructor(file: OpenFile) {
    this.file = file;
  }

  read(): Promise<Uint8Array | undefined> {
    try {
      return Promise.resolve(this.file.read(65_536));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Writes to an open file as a stream. */
export class FileSink implements ByteSink {
  readonly file: OpenFile;

  constructor(file: OpenFile) {
    this.file = file;
  }

  write(bytes: Uint8Array): Promise<void> {
    try {
      this.file.write(bytes);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  end(): void {
    // The file stays open for whoever else holds it; nothing is buffered.
  }
}

/** A text as input: here-documents. */
export function textSource(text: string): ByteSource {
  let left: Uint8Array | undefined = encodeBytes(text);
  return {
    read: () => {
      const bytes = left;
      left = undefined;
      return Promise.resolve(bytes && bytes.length > 0 ? bytes : undefined);
    },
  };
}

/**
 * Carries out redirections on the shell's descriptors.
 * @returns what puts the old ones back. @throws ShellError.
 */
export async function redirect(
  shell: Shell,
  redirections: readonly Redirection[],
): Promise<() => void> {
  const saved = new Map(shell.descriptors);
  const restore = (): void => {
    shell.descriptors = saved;
  };
  shell.descriptors = new Map(saved);
  try {
    for (const redirection of redirections) await apply(shell, redirection);
  } catch (error) {
    // Said where stderr points by now: `2>/dev/null >&9` is silent.
    if (error instanceof ShellError) await shell.complain(error.message);
    restore();
    if (error instanceof ShellError)
      throw new ShellError('', { status: error.status, fatal: error.fatal });
    throw error;
  }
  return restore;
}

async function apply(shell: Shell, redirection: Redirection): Promise<void> {
  const { operator, target } = redirection;
  const input = operator.startsWith('<') && operator !== '<>';
  let fd = redirection.fd ?? (input || operator === '<>' ? 0 : 1);
  if (redirection.fdVariable !== undefined) {
    fd = 10;
    while (shell.descriptors.has(fd)) fd++;
    shell.variables.set(redirection.fdVariable, String(fd));
  }
  if (target.type === 'HereDoc') {
    const { content, stripTabs } = target;
    const text = await shell.expander.text(stripTabs ? withoutTabs(content) : content);
    shell.descriptors.set(fd, { source: textSource(text) });
    return;
  }
  if (operator === '<<<') {
    const text = await shell.expander.text(target);
    shell.descriptors.set(fd, { source: textSource(`${text}\n`) });
    return;
  }
  const words = await shell.expander.words([target]);
  if (words.length !== 1)
    throw new ShellError(
      `${words.length === 0 ? await shell.expander.text(target) : rawText(target)}: ambiguous redirect`,
    );
  const word = words[0] as string;
  if (operator === '>&' || operator === '<&') {
    if (duplicate(shell, fd, word)) return;
    if (operator === '<&' || redirection.fd !== null)
      throw new ShellError(`${word}: ambiguous redirect`);
  }
  const both = operator === '&>' || operator === '&>>' || operator === '>&';
  const descriptor = open(shell, word, operator);
  shell.descriptors.set(fd, descriptor);
  if (both) {
    shell.descriptors.set(1, descriptor);
    shell.descriptors.set(2, descriptor);
  }
}

/** The text of `<<-`: lines lose their first tabs before anything is expanded. */
function withoutTabs(content: WordNode): WordNode {
  let startsLine = true;
  const parts = content.parts.map((part) => {
    if (part.type !== 'Literal') {
      startsLine = false;
      return part;
    }
    const value = (startsLine ? part.value.replace(/^\t+/, '') : part.value).replace(
      /\n\t+/g,
      '\n',
    );
    startsLine = value.endsWith('\n');
    return { ...part, value };
  });
  return { ...content, parts };
}

function rawText(word: {
  parts: readonly { type: string; parameter?: string; pattern?: string }[];
}): string {
  return word.parts
    .map((part) => (part.parameter ? `$${part.parameter}` : (part.pattern ?? '')))
    .join('');
}

function duplicate(shell: Shell, fd: number, word: string): boolean {
  const match = /^(\d*)(-?)$/.exec(word);
  if (!match || word === '') return false;
  const [, from = '', close] = match;
  if (from === '') {
    shell.descriptors.delete(fd);
    return true;
  }
  const source = shell.descriptors.get(Number(from));
  if (!source) throw new ShellError(`${from}: Bad file descriptor`);
  shell.descriptors.set(fd, source);
  if (close) shell.descriptors.delete(Number(from));
  return true;
}

function open(shell: Shell, word: string, operator: Redirection['operator']): Descriptor {
  const special = specialFile(shell, word);
  if (special) return special;
  const path = word.startsWith('/') ? word : resolveKeepingSlash(shell.cwd, word);
  try {
    if (operator === '<') return { source: new FileSource(shell.files.open(path, { read: true })) };
    if (operator === '<>') {
      const file = shell.files.open(path, { read: true, write: true, create: true });
      return { source: new FileSource(file), sink: new FileSink(file) };
    }
    const append = operator === '>>' || operator === '&>>';
    if (operator === '>' && shell.options.has('noclobber') && isFile(shell, path))
      throw new ShellError(`${word}: cannot overwrite existing file`);
    const file = shell.files.open(path, {
      write: true,
      create: true,
      append,
      truncate: !append,
    });
    return { sink: new FileSink(file) };
  } catch (error) {
    if (error instanceof FileError)
      throw new ShellError(
        shell.flavour === 'bash'
          ? `${word}: ${error.message}`
          : operator === '<'
            ? `${shell.flavour === 'ash' ? "can't" : 'cannot'} open ${word}: ${shell.flavour === 'dash' && error.code === 'ENOENT' ? 'No such file' : error.message}`
            : `${shell.flavour === 'ash' ? "can't" : 'cannot'} create ${word}: ${shell.flavour === 'dash' && error.code === 'ENOENT' ? 'Directory nonexistent' : error.message}`,
        { status: shell.flavour === 'bash' ? 1 : shell.flavour === 'dash' ? 2 : 1 },
      );
    throw error;
  }
}

function resolveKeepingSlash(cwd: string, word: string): string {
  return word === '' ? '' : `${resolvePath(cwd, word)}${word.endsWith('/') ? '/' : ''}`;
}

function isFile(shell: Shell, path: string): boolean {
  return shell.files.exists(path) && shell.files.stat(path).kind === 'file';
}

/** `/dev/stdin`, `/dev/fd/3`, `/dev/tty`: descriptors by name. */
export function specialFile(shell: Shell, path: string): Descriptor | undefined {
  const match = /^\/(?:dev\/(stdin|stdout|stderr|tty|fd\/(\d+))|proc\/self\/fd\/(\d+))$/.exec(path);
  if (!match) return undefined;
  const names: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2 };
  const [, name = '', byFd, byProc] = match;
  if (name === 'tty') {
    const terminal = shell.context.process.terminal;
    if (!terminal) throw new ShellError(`${path}: No such device or address`);
    return {
      ...(terminal.input ? { source: terminal.input } : {}),
      ...(terminal.output ? { sink: terminal.output } : {}),
    };
  }
  const descriptor = shell.descriptors.get(names[name] ?? Number(byFd ?? byProc));
  if (!descriptor) throw new ShellError(`${path}: No such file or directory`);
  return descriptor;
}

/** Everything a source still gives, for callers that need it whole. */
export async function drain(source: ByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let part = await source.read(); part; part = await source.read()) parts.push(part);
  return concatBytes(parts);
}
