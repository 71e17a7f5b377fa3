import { concatBytes, decodeBytes, fromUtf8, readAll, utf8 } from '#core/base';
import type { Bash, IFileSystem } from 'just-bash';
import { dirname, FileError, type FileSystem, resolvePath } from '../filesystem/index.ts';
import type { Program, ProgramContext } from '../process/index.ts';

interface Module {
  readonly Bash: typeof Bash;
}
let loading: Promise<Module> | undefined;

/** The commands that just-bash carries out: they read all their input, then write all their output. */
export const batchCommands = [
  'sed',
  'awk',
  'sort',
  'uniq',
  'cut',
  'tr',
  'jq',
  'yq',
  'base64',
  'md5sum',
  'sha1sum',
  'sha256sum',
  'tac',
  'rev',
  'nl',
  'paste',
  'join',
  'comm',
  'column',
  'fold',
  'expand',
  'unexpand',
  'od',
  'strings',
  'expr',
  'split',
  'tar',
  'gzip',
  'gunzip',
  'zcat',
  'tree',
  'seq',
] as const;

/**
 * Loads the package and each command once, so that later runs finish without leaving the microtask queue and one
 * history follows from one order of steps. A machine does so at boot.
 */
export async function loadTextEngine(): Promise<void> {
  loading ??= import('just-bash').then(async (module) => {
    const bash = new module.Bash({ fs: new module.InMemoryFs(), defenseInDepth: false });
    for (const command of batchCommands)
      await bash.exec(command, { args: ['--help'], stdin: '', rawScript: true });
    return module;
  });
  await loading;
}

/** One of `batchCommands` as a program of the simulated machine. */
export function batchProgram(command: string): Program {
  return async (context) => {
    await loadTextEngine();
    const module = await (loading as Promise<Module>);
    const args = context.argv.slice(1);
    const stdin = readsStdin(command, args, context)
      ? await readAll(context.stdin)
      : new Uint8Array(0);
    const archive = command === 'tar' && stdin.length > 0 ? stdin : undefined;
    const output: Output = { parts: [] };
    const bash = new module.Bash({
      fs: fileSystemAdapter(context, archive, output),
      cwd: context.cwd,
      env: { ...context.env },
      defenseInDepth: false,
      commands: [...batchCommands],
      // Nothing here may end on wall time.
      executionLimits: { maxExecutionTimeMs: Infinity },
    });
    const relative = command === 'tar' ? relativeMembers(args) : undefined;
    if (relative) await context.stderr.write(utf8("tar: Removing leading `/' from member names\n"));
    // The result's own stdout does not tell bytes from text; what is written to a file does.
    const result = await bash.exec(`${command} > ${outputPath}`, {
      args: archive ? args.map((word) => (word === '-' ? stdinPath : word)) : (relative ?? args),
      stdin: archive ? '' : oneCharacterEach(stdin),
      stdinKind: 'bytes',
      cwd: context.cwd,
      rawScript: true,
    });
    const bytes = concatBytes(output.parts.map((part) => outputBytes(part, stdin)));
    if (bytes.length > 0) await context.stdout.write(bytes);
    if (result.stderr !== '') await context.stderr.write(utf8(result.stderr));
    return result.exitCode;
  };
}

const createsArchive = ([mode = '']: readonly string[]): boolean => /^-?[a-z]*c/.test(mode);

/** tar stores no absolute names: `c` of absolute paths becomes one of paths below `/`. */
function relativeMembers(args: readonly string[]): string[] | undefined {
  if (!createsArchive(args)) return undefined;
  const [mode = '', ...rest] = args;
  const isArchive = (index: number): boolean => index === 0 && /f$/.test(mode);
  const members = rest.filter((word, index) => !isArchive(index) && !word.startsWith('-'));
  if (members.length === 0 || !members.every((word) => word.startsWith('/'))) return undefined;
  return [
    mode,
    ...rest.slice(0, /f$/.test(mode) ? 1 : 0),
    '-C',
    '/',
    ...rest
      .slice(/f$/.test(mode) ? 1 : 0)
      .map((word) => (word.startsWith('/') ? word.replace(/^\/+/, '') || '.' : word)),
  ];
}

/** tar takes text alone on stdin: an archive comes by the name of the file that stdin is. */
const stdinPath = '/dev/stdin';

/** Where a command's output goes: a name of this adapter, not of the machine. */
const outputPath = '/dev/.stdout';

/** What was written to `outputPath`, each part with its kind. */
interface Output {
  parts: { readonly content: string | Uint8Array; readonly isBinary: boolean }[];
}

function outputBytes(part: Output['parts'][number], stdin: Uint8Array): Uint8Array {
  const { content, isBinary } = part;
  if (typeof content !== 'string') return content;
  if (isBinary) return bytesOf(content);
  // Input that is no UTF-8 was taken as one character for each byte, and so is what came of it.
  const isOfBytes = /[\x80-\xff]/.test(content) && !/[^\x00-\xff]/.test(content) && !isUtf8(stdin);
  return isOfBytes ? bytesOf(content) : utf8(content);
}

const isUtf8 = (bytes: Uint8Array): boolean => !/[\udc80-\udcff]/u.test(decodeBytes(bytes));

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function oneCharacterEach(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

const stdinStat = { isFile: true, isDirectory: false, isSymbolicLink: false, mode: 0o600 };

/** Commands with file operands alone must not wait for a terminal. */
function readsStdin(command: string, args: readonly string[], context: ProgramContext): boolean {
  if (['expr', 'seq', 'tree'].includes(command)) return false;
  if (command === 'tar' && createsArchive(args)) return false;
  const words = args.filter((arg) => arg === '-' || !arg.startsWith('-'));
  if (words.includes('-')) return true;
  const isFile = (word: string): boolean => context.files.exists(resolvePath(context.cwd, word));
  const last = words.at(-1);
  if (command === 'tr') return true;
  if (command === 'jq' || command === 'yq' || command === 'sed' || command === 'awk')
    return !(
      words.length > 1 ||
      (args.includes('-n') && command === 'jq') ||
      (last !== undefined && isFile(last))
    );
  if (command === 'tar')
    return args.some((arg) => /^-?\w*f$/.test(arg)) ? words.includes('-') : true;
  return (
    last === undefined ||
    (command === 'cut' && !isFile(last)) ||
    (command === 'sort' && !isFile(last) && !/^[./]/.test(last))
  );
}

function fileSystemAdapter(
  context: ProgramContext,
  stdin: Uint8Array | undefined,
  output: Output,
): IFileSystem {
  const { files } = context;
  const at = (path: string): string => resolvePath(context.cwd, path);
  const run = <T>(path: string, action: () => T): Promise<T> => {
    try {
      return Promise.resolve(action());
    } catch (error) {
      if (error instanceof FileError)
        return Promise.reject(
          Object.assign(
            new Error(`${error.code}: ${error.message.toLowerCase()}, open '${path}'`),
            {
              code: error.code,
            },
          ),
        );
      throw error;
    }
  };
  const statOf = (stat: ReturnType<FileSystem['stat']>) => ({
    isFile: stat.kind === 'file' || stat.kind === 'device',
    isDirectory: stat.kind === 'directory',
    isSymbolicLink: stat.kind === 'symlink',
    mode: stat.mode,
    size: stat.sizeBytes,
    mtime: new Date(stat.modifiedMs),
    ino: stat.inode,
  });
  const isBinary = (options: unknown): boolean => {
    const encoding =
      typeof options === 'string'
        ? options
        : (options as { encoding?: string } | undefined)?.encoding;
    return encoding === 'latin1' || encoding === 'binary';
  };
  const encoded = (content: string | Uint8Array, options: unknown): string | Uint8Array =>
    typeof content === 'string' && isBinary(options) ? bytesOf(content) : content;
  return {
    readFile: (path, options) =>
      run(path, () => {
        const bytes = files.readFile(at(path));
        return isBinary(options) ? oneCharacterEach(bytes) : fromUtf8(bytes);
      }),
    readFileBuffer: (path) =>
      run(path, () => (path === stdinPath && stdin ? stdin : files.readFile(at(path)).slice())),
    writeFile: (path, content, options) =>
      run(path, () => {
        if (path === outputPath) output.parts = [{ content, isBinary: isBinary(options) }];
        else files.writeFile(at(path), encoded(content, options));
      }),
    appendFile: (path, content, options) =>
      run(path, () => {
        if (path === outputPath) output.parts.push({ content, isBinary: isBinary(options) });
        else files.appendFile(at(path), encoded(content, options));
      }),
    exists: (path) =>
      Promise.resolve((path === stdinPath && stdin !== undefined) || files.exists(at(path))),
    stat: (path) =>
      run(path, () =>
        path === stdinPath && stdin
          ? { ...statOf(files.stat('/')), ...stdinStat, size: stdin.length }
          : statOf(files.stat(at(path))),
      ),
    lstat: (path) => run(path, () => statOf(files.lstat(at(path)))),
    mkdir: (path, options) => run(path, () => files.mkdir(at(path), options)),
    readdir: (path) => run(path, () => [...files.readdir(at(path))]),
    rm: (path, options) => run(path, () => files.remove(at(path), options)),
    cp: (from, to) =>
      run(from, () => {
        files.mkdir(dirname(at(to)), { recursive: true });
        files.writeFile(at(to), files.readFile(at(from)));
      }),
    mv: (from, to) => run(from, () => files.rename(at(from), at(to))),
    resolvePath: (base, path) => resolvePath(base, path),
    getAllPaths: () => [],
    chmod: (path, mode) => run(path, () => files.chmod(at(path), mode)),
    symlink: (target, path) => run(path, () => files.symlink(target, at(path))),
    link: (from, to) => run(from, () => files.link(at(from), at(to))),
    readlink: (path) => run(path, () => files.readlink(at(path))),
    realpath: (path) => run(path, () => files.realpath(at(path))),
    utimes: (path, _atime, mtime) => run(path, () => files.touch(at(path), mtime.getTime())),
  };
}
