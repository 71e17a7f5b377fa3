import { type ByteSink, concatBytes, utf8 } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import type { Session } from '../session.ts';
import { readTar, type TarEntry, writeTar } from '../tar.ts';
import {
  containerOf,
  type LocalStreams,
  pods,
  refuseCompleted,
  runInContainer,
  sourceOf,
} from './streams.ts';

/** A file here, or in a container. */
interface FileSpec {
  readonly namespace: string;
  /** Empty for a file here. */
  readonly pod: string;
  readonly file: string;
}

const stripSlash = (path: string): string =>
  path !== '/' && path.endsWith('/') ? path.slice(0, -1) : path;

/** @throws CommandError the words name no file. */
function fileSpec(argument: string): FileSpec {
  const colon = argument.indexOf(':');
  const malformed = new CommandError(
    'filespec must match the canonical format: [[namespace/]pod:]file/path',
  );
  if (colon === 0) throw malformed;
  if (colon < 0) return { namespace: '', pod: '', file: stripSlash(argument) };
  const pieces = argument.slice(0, colon).split('/');
  const file = stripSlash(argument.slice(colon + 1));
  if (pieces.length > 2) throw malformed;
  return {
    namespace: pieces.length === 2 ? (pieces[0] ?? '') : '',
    pod: pieces.at(-1) ?? '',
    file,
  };
}

/** Go's path.Clean. */
function clean(path: string): string {
  const rooted = path.startsWith('/');
  const out: string[] = [];
  for (const part of path.split('/'))
    if (part === '' || part === '.') continue;
    else if (part === '..' && out.length > 0 && out.at(-1) !== '..') out.pop();
    else if (part !== '..' || !rooted) out.push(part);
  return `${rooted ? '/' : ''}${out.join('/')}` || '.';
}

const joined = (folder: string, name: string): string =>
  name === '' ? clean(folder) : clean(`${folder}/${name}`);
const dirOf = (path: string): string => clean(path.slice(0, path.lastIndexOf('/') + 1) || '.');
const baseOf = (path: string): string => clean(path).split('/').at(-1) || '/';

/** Copies through tar on both sides. @see k8s.io/kubectl/pkg/cmd/cp */
export const cpCommand: CommandSpec = {
  name: 'cp',
  short: 'Copy files and directories to and from containers',
  use: 'kubectl cp <file-spec-src> <file-spec-dest> [options]',
  flags: ['container|c:string', 'no-preserve:bool', 'retries:int=0'],
  run: async (session) => {
    const [from, to] = session.args;
    if (from === undefined || to === undefined || session.args.length !== 2)
      throw new CommandError('source and destination are required');
    const [source, target] = [fileSpec(from), fileSpec(to)];
    if (source.pod !== '' && target.pod !== '')
      throw new CommandError('one of src or dest must be a local file specification');
    if (source.file === '' || target.file === '')
      throw new CommandError('filepath can not be empty');
    if (source.pod !== '') await copyFrom(session, source, target.file);
    else if (target.pod !== '') await copyTo(session, source.file, target);
    else throw new CommandError('one of src or dest must be a remote file specification');
    return 0;
  },
};

/** Runs a program in the container a file is in. @throws ExitError it failed. */
async function runThere(
  session: Session,
  { namespace, pod: name }: FileSpec,
  command: readonly string[],
  streams: LocalStreams,
): Promise<void> {
  const pod = await session.api.get(
    resourceUrl(pods(session), namespace || session.namespace, name),
  );
  refuseCompleted(pod, 'exec into');
  // Upstream runs it as exec does, which tells of the container it takes on the stream for errors.
  const told: string[] = [];
  const container = containerOf(session, pod, session.flags.text('container'), (line) => {
    told.push(line);
  });
  for (const line of told) await streams.stderr.write(utf8(line));
  await session.flush();
  await runInContainer(session, pod, container, command, streams);
}

const discard: ByteSink = { write: () => Promise.resolve(), end: () => undefined };

async function copyTo(session: Session, file: string, target: FileSpec): Promise<void> {
  const { files } = session.io;
  if (!files.exists(session.path(file)))
    throw new CommandError(`${file} doesn't exist in local filesystem`);
  let destination = target.file;
  try {
    await runThere(session, target, ['test', '-d', destination], {
      stdout: discard,
      stderr: discard,
    });
    destination = joined(destination, baseOf(file));
  } catch (error) {
    if (!(error instanceof Error) || session.io.signal.aborted) throw error;
    // Not a folder, or not there: the last part is the file's new name.
  }
  const entries: TarEntry[] = [];
  addEntries(session, clean(session.path(file)), baseOf(clean(destination)), entries);
  const folder = dirOf(destination);
  const command = [
    'tar',
    ...(session.flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []),
    '-xmf',
    '-',
    '-C',
    folder,
  ];
  await runThere(session, target, command, {
    stdin: sourceOf(writeTar(entries)),
    stdout: session.io.stdout,
    stderr: session.io.stderr,
  });
}

/** A file, or all that is in a folder; only empty folders have entries of their own. */
function addEntries(session: Session, path: string, name: string, out: TarEntry[]): void {
  const { files, clock } = session.io;
  const stat = files.lstat?.(path) ?? files.stat(path);
  const common = {
    modifiedMs: stat.modifiedMs ?? clock.now(),
    content: new Uint8Array(),
    target: '',
  };
  if (stat.kind === 'directory') {
    const names = files.readdir(path);
    if (names.length === 0)
      out.push({ ...common, name, kind: 'directory', mode: stat.mode ?? 0o755 });
    for (const child of names) addEntries(session, joined(path, child), joined(name, child), out);
  } else if (stat.kind === 'symlink')
    out.push({
      ...common,
      name,
      kind: 'symlink',
      mode: 0o777,
      target: files.readlink?.(path) ?? '',
    });
  else
    out.push({
      ...common,
      name,
      kind: 'file',
      mode: stat.mode ?? 0o644,
      content: files.readFile(path),
    });
}

async function copyFrom(session: Session, source: FileSpec, destination: string): Promise<void> {
  const chunks: Uint8Array[] = [];
  const collect: ByteSink = {
    write: (bytes) => {
      chunks.push(bytes.slice());
      return Promise.resolve();
    },
    end: () => undefined,
  };
  // Upstream sends what tar says to stdout: `tar: removing leading '/' from member names`.
  await runThere(session, source, ['tar', 'cf', '-', source.file], {
    stdout: collect,
    stderr: session.io.stdout,
  });
  const prefix = withoutShortcuts(clean(source.file.replace(/^[/\\]+/, '')));
  let warned = false;
  for (const entry of readTar(concatBytes(chunks))) {
    if (!entry.name.startsWith(prefix)) throw new CommandError('tar contents corrupted');
    const rest = stripSlash(entry.name.slice(prefix.length));
    const path = joined(destination, rest);
    if (isOutside(clean(destination), path)) {
      session.err(`warning: file "${path}" is outside target destination, skipping\n`);
      continue;
    }
    if (entry.kind === 'symlink') {
      session.err(
        warned
          ? `warning: skipping symlink: "${path}" -> "${entry.target}"\n`
          : `warning: skipping symlink: "${path}" -> "${entry.target}" (consider using "kubectl exec -n "${source.namespace}" "${source.pod}" -- tar cf - "${source.file}" | tar xf -")\n`,
      );
      warned = true;
      continue;
    }
    extract(session, path, entry);
  }
}

function extract(session: Session, path: string, { kind, content }: TarEntry): void {
  const { files } = session.io;
  const full = session.path(path);
  const folder = kind === 'directory' ? full : full.slice(0, full.lastIndexOf('/')) || '/';
  if (!files.exists(folder)) files.mkdir(folder, { recursive: true, mode: 0o755 });
  if (kind === 'directory') return;
  if (files.exists(full) && files.stat(full).kind === 'directory')
    throw new CommandError(`open ${path}: is a directory`);
  files.writeFile(full, content);
}

function withoutShortcuts(path: string): string {
  let out = path;
  while (out.startsWith('../')) out = out.slice(3);
  if (out === '.' || out === '..') out = '';
  return out.replace(/^\//, '');
}

function isOutside(base: string, path: string): boolean {
  if (base === '.') return path.startsWith('../') || path === '..';
  return path !== base && !path.startsWith(base === '/' ? '/' : `${base}/`);
}
