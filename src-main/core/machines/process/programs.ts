import { concatBytes, fromUtf8, utf8 } from '#core/base';
import { FileError, type FileSystem, joinPath } from '../filesystem/index.ts';
import { type Program, SpawnError } from './types.ts';

const elfHeader = new Uint8Array([
  0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x3e, 0,
]);
const marker = '\0.kijabi.program\0';

/**
 * The machine code of the simulated world: which `Program` an executable's content stands for. The content is an ELF
 * header and a name, so copying, moving, deleting and `chmod` of the file do what they do to a real binary.
 */
export class ProgramRegistry {
  readonly #programs = new Map<string, Program>();
  readonly #parent: ProgramRegistry | undefined;

  /** @param parent asked for ids not known here. */
  constructor(parent?: ProgramRegistry) {
    this.#parent = parent;
  }

  /** @param id stable over runs, e.g. `host:/usr/bin/kubectl`: it is what the file holds. */
  add(id: string, program: Program): Uint8Array {
    this.#programs.set(id, program);
    return executable(id);
  }

  find(id: string): Program | undefined {
    return this.#programs.get(id) ?? this.#parent?.find(id);
  }
}

/** The content of an executable file that stands for the program registered as `id`. */
export function executable(id: string): Uint8Array {
  return concatBytes([elfHeader, utf8(`${marker}${id}\0`)]);
}

/** The id in an executable's content; undefined for any other file. */
export function programId(content: Uint8Array): string | undefined {
  if (!isElf(content)) return undefined;
  const text = fromUtf8(content.subarray(elfHeader.length));
  if (!text.startsWith(marker)) return undefined;
  const end = text.indexOf('\0', marker.length);
  return end < 0 ? undefined : text.slice(marker.length, end);
}

export function isElf(content: Uint8Array): boolean {
  return elfHeader.subarray(0, 4).every((byte, index) => content[index] === byte);
}

export interface ResolvedProgram {
  readonly program: Program;
  /** With the interpreter of a script in front. */
  readonly argv: readonly string[];
  readonly path: string;
}

/**
 * What execvp finds for `argv[0]`. A name without a slash is looked up in `searchPath` (a PATH); a script is given to
 * the interpreter after `#!`.
 *
 * @param files with the permissions of the user who runs it.
 * @throws SpawnError ENOENT, EACCES, EISDIR, ENOEXEC, with strerror's text.
 */
export function resolveProgram(
  registry: ProgramRegistry,
  files: FileSystem,
  argv: readonly string[],
  where: { readonly cwd: string; readonly searchPath: string },
): ResolvedProgram {
  const name = argv[0] ?? '';
  const path = name.includes('/') ? absolute(where.cwd, name) : findInPath(files, name, where);
  return load(registry, files, path, argv, where, 0);
}

function absolute(cwd: string, path: string): string {
  return path.startsWith('/') ? path : joinPath(cwd, path);
}

/** The first executable of that name in a PATH. @throws SpawnError ENOENT or EACCES. */
export function findInPath(
  files: FileSystem,
  name: string,
  where: { readonly cwd: string; readonly searchPath: string },
): string {
  let denied = false;
  if (name !== '')
    for (const directory of where.searchPath.split(':')) {
      const path = joinPath(absolute(where.cwd, directory === '' ? '.' : directory), name);
      const state = executability(files, path);
      if (state === 'yes') return path;
      if (state === 'EACCES') denied = true;
    }
  throw denied
    ? new SpawnError('EACCES', 'Permission denied')
    : new SpawnError('ENOENT', 'No such file or directory');
}

function executability(files: FileSystem, path: string): 'yes' | 'ENOENT' | 'EACCES' | 'EISDIR' {
  try {
    const stat = files.stat(path);
    if (stat.kind === 'directory') return 'EISDIR';
    if (stat.kind !== 'file') return 'EACCES';
    return mayExecute(files, path, stat.mode) ? 'yes' : 'EACCES';
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.code === 'EACCES' ? 'EACCES' : 'ENOENT';
  }
}

function mayExecute(files: FileSystem, path: string, mode: number): boolean {
  if ('access' in files && typeof files.access === 'function')
    return (files as { access(path: string, mode: number): boolean }).access(path, 1);
  return (mode & 0o111) !== 0;
}

function load(
  registry: ProgramRegistry,
  files: FileSystem,
  path: string,
  argv: readonly string[],
  where: { readonly cwd: string; readonly searchPath: string },
  depth: number,
): ResolvedProgram {
  switch (executability(files, path)) {
    case 'ENOENT':
      throw new SpawnError('ENOENT', 'No such file or directory');
    case 'EACCES':
      throw new SpawnError('EACCES', 'Permission denied');
    case 'EISDIR':
      throw new SpawnError('EISDIR', 'Is a directory');
    case 'yes':
      break;
  }
  // Execute permission is enough to run a binary; only scripts must be readable.
  const content = files.as({ uid: 0, gid: 0, groups: [0] }).readFile(path);
  const id = programId(content);
  if (id !== undefined) {
    const program = registry.find(id);
    if (!program) throw new SpawnError('ENOEXEC', 'Exec format error');
    return { program, argv, path };
  }
  if (content[0] !== 0x23 || content[1] !== 0x21 || depth > 4)
    throw new SpawnError('ENOEXEC', 'Exec format error');
  const end = content.indexOf(10);
  const line = fromUtf8(content.subarray(2, end < 0 ? content.length : end)).trim();
  const [, interpreter = '', argument = ''] = /^(\S*)\s*(.*)$/.exec(line) ?? [];
  const name = argv[0] ?? path;
  const script = name.includes('/') ? name : path;
  const full = [interpreter, ...(argument === '' ? [] : [argument]), script, ...argv.slice(1)];
  try {
    return load(registry, files, absolute(where.cwd, interpreter), full, where, depth + 1);
  } catch (error) {
    if (error instanceof SpawnError && error.code === 'ENOENT')
      throw new BadInterpreterError(interpreter);
    throw error;
  }
}

/** The file is there, but the interpreter its first line names is not. */
export class BadInterpreterError extends SpawnError {
  readonly interpreter: string;

  constructor(interpreter: string) {
    super('ENOENT', 'No such file or directory');
    this.interpreter = interpreter;
  }
}
