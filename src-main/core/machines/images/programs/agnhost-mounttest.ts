import { sleep } from '#core/base';
import { FileError, type FileStat } from '../../filesystem/index.ts';
import type { ProgramContext } from '../../process/types.ts';
import { print } from '../program-io.ts';
import { flagValue } from './http-service.ts';

const content = 'mount-tester new file\n';
const retryEveryMs = 2000;
/** What statfs(2) calls the type of a tree that is not in memory: overlayfs' magic number. */
const overlayMagic = '2035054128';

/**
 * `agnhost mounttest`: makes files and tells type, mode, owner and content of what is mounted.
 *
 * @see kubernetes test/images/agnhost/mounttest: the order of the steps is its contract.
 */
export async function mounttest(context: ProgramContext): Promise<number> {
  const { files, argv, stdout } = context;
  const line = (text: string): Promise<void> => print(stdout, `${text}\n`);
  let failed = false;
  /** Runs one step for the path that a flag names. */
  const step = async (
    flag: string,
    run: (path: string) => string,
    problem: (path: string, reason: string) => string,
  ): Promise<void> => {
    const path = flagValue(argv, flag) ?? '';
    if (path === '') return;
    try {
      await line(run(path));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failed = true;
      await line(problem(quote(path), reason(error)));
    }
  };
  const read = (path: string): string => `content of file ${quote(path)}: ${files.readText(path)}`;

  await step(
    '--fs_type',
    (path) => {
      const { type } = files.statfs(path);
      return `mount type of ${quote(path)}: ${type === 'tmpfs' ? type : overlayMagic}`;
    },
    (path, why) => `error from statfs(${path}): ${why}`,
  );
  for (const mode of [0o644, 0o666, 0o660, 0o777])
    await step(
      `--new_file_0${mode.toString(8)}`,
      (path) => {
        files.writeFile(path, content, mode);
        return read(path);
      },
      (path, why) => `error writing new file ${path}: open ${JSON.parse(path) as string}: ${why}`,
    );
  const fromStat = (path: string, why: string): string =>
    `error from Stat(${path}): stat ${JSON.parse(path) as string}: ${why}`;
  await step(
    '--file_mode',
    (path) => `mode of file ${quote(path)}: ${goMode(files.stat(path))}`,
    fromStat,
  );
  await step(
    '--file_perm',
    (path) => `perms of file ${quote(path)}: -${permissions(files.stat(path).mode)}`,
    fromStat,
  );
  await step(
    '--file_owner',
    (path) => {
      const { uid, gid } = files.stat(path);
      return `owner UID of ${quote(path)}: ${uid}\nowner GID of ${quote(path)}: ${gid}`;
    },
    (path, why) => `error from stat(${path}): ${why}`,
  );
  await step(
    '--file_content',
    read,
    (path, why) =>
      `error reading file content for ${path}: open ${JSON.parse(path) as string}: ${why}`,
  );
  const watched = flagValue(argv, '--file_content_in_loop') ?? '';
  if (watched !== '' && !(await readInLoop(context, watched, line))) failed = true;
  return failed ? 1 : 0;
}

/** @returns false when the file could not be read at the end. */
async function readInLoop(
  context: ProgramContext,
  path: string,
  line: (text: string) => Promise<void>,
): Promise<boolean> {
  const retrySeconds = Number(flagValue(context.argv, '--retry_time') ?? 180);
  const untilExpected = flagValue(context.argv, '--break_on_expected_content') !== 'false';
  const started = context.clock.now();
  let found = true;
  while (context.clock.now() - started < retrySeconds * 1000 && !context.signal.aborted) {
    try {
      const text = context.files.readText(path);
      found = true;
      await line(`content of file ${quote(path)}: ${text}`);
      if (untilExpected && text === content) break;
      if (untilExpected) await line(`Unexpected content. Expected: ${content}. Retrying`);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      found = false;
      await line(`Error reading file ${path}: open ${path}: ${reason(error)}, retrying`);
    }
    await sleep(context.clock, retryEveryMs, context.signal).catch(() => undefined);
  }
  return found;
}

const quote = (path: string): string => JSON.stringify(path);

/** Go writes errno's texts in lower case. */
const reason = (error: FileError): string =>
  error.message.replace(/^./, (first) => first.toLowerCase());

const permissions = (mode: number): string =>
  [6, 3, 0]
    .map((shift) => {
      const bits = mode >> shift;
      return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
    })
    .join('');

/** Go's `fs.FileMode`: one letter for each special bit, then the permissions. */
function goMode({ kind, mode }: FileStat): string {
  const special = [
    { directory: 'd', symlink: 'L', fifo: 'p', socket: 'S', device: 'Dc', file: '' }[kind],
    mode & 0o4000 ? 'u' : '',
    mode & 0o2000 ? 'g' : '',
    mode & 0o1000 ? 't' : '',
  ].join('');
  return (special === '' ? '-' : special) + permissions(mode);
}
