import type { Program, ProgramContext } from '#core/machines';
import type { EtcdData } from '../etcd-data.ts';
import { EtcdctlError, writeOutput } from './etcd-client.ts';
import { decodeSnapshot } from './etcd-snapshot.ts';
import { drawTable, humanBytes } from './etcd-text.ts';
import { FlagError, type Flags, parseFlags } from './flags.ts';

const snapshotHelp = `Usage:
  etcdutl snapshot [command]

Available Commands:
  restore     Restores an etcd member snapshot to an etcd directory
  status      Gets backend snapshot status of a given file
`;
const help = `Usage:
  etcdutl [command]

Available Commands:
  defrag      Defragments the storage of the etcd
  hashkv      Prints the KV history hash of a given file
  snapshot    Manages etcd node snapshots
  version     Prints the version of etcdutl
`;

/** etcdutl: looks at snapshot files and makes data directories of them. */
export function etcdutl(data: EtcdData): Program {
  return async (context) => {
    try {
      return await run(context, data);
    } catch (error) {
      if (!(error instanceof EtcdctlError || error instanceof FlagError)) throw error;
      await writeOutput(context.stderr, `Error: ${error.message}\n`);
      return error instanceof EtcdctlError ? error.exitCode : 1;
    }
  };
}

async function run(context: ProgramContext, data: EtcdData): Promise<number> {
  const { argv, stdout, stderr } = context;
  const words = argv
    .slice(1)
    .map((word) => word.replace(/^-w=?/, '--write-out=').replace(/^--write-out=$/, '--write-out'));
  const flags = parseFlags(words, [
    { name: 'write-out', kind: 'string' },
    { name: 'data-dir', kind: 'string' },
    { name: 'wal-dir', kind: 'string' },
    { name: 'name', kind: 'string' },
    { name: 'initial-cluster', kind: 'string' },
    { name: 'initial-advertise-peer-urls', kind: 'string' },
    { name: 'initial-cluster-token', kind: 'string' },
    { name: 'initial-memory-map-size', kind: 'int' },
    { name: 'skip-hash-check', kind: 'bool' },
    { name: 'bump-revision', kind: 'int' },
    { name: 'mark-compacted', kind: 'bool' },
    { name: 'rev', kind: 'int' },
    { name: 'help', kind: 'bool' },
  ]);
  const [group = '', verb = '', ...paths] = flags.args;
  if (group === 'version') await writeOutput(stdout, 'etcdutl version: 3.6.8\nAPI version: 3.6\n');
  else if (group === '' || group === 'help') await writeOutput(stdout, help);
  else if (group === 'snapshot' && verb === 'status') await status(context, flags, paths);
  else if (group === 'snapshot' && verb === 'restore') await restore(context, flags, paths, data);
  else if (group === 'snapshot') await writeOutput(stdout, snapshotHelp);
  else if (group === 'hashkv') await hashkv(context, [verb]);
  else if (group === 'defrag') {
    const directory = flags.text('data-dir');
    if (directory === undefined) throw new FlagError('required flag(s) "data-dir" not set');
    const database = `${absolute(context, directory)}/member/snap/db`;
    if (!context.files.exists(database))
      throw new EtcdctlError(`open ${directory}/member/snap/db: no such file or directory`);
  } else {
    const text = `Error: unknown command ${JSON.stringify(group)} for "etcdutl"\n`;
    await writeOutput(stderr, `${text}Run 'etcdutl --help' for usage.\n${text}`);
    return 1;
  }
  return 0;
}

function absolute({ cwd }: ProgramContext, path: string): string {
  return path.startsWith('/') ? path : `${cwd}/${path}`;
}

/** The snapshot in a file. @throws EtcdctlError there is no such file, or no snapshot in it. */
function snapshotIn(context: ProgramContext, path: string) {
  const { files } = context;
  if (!files.exists(absolute(context, path)))
    throw new EtcdctlError(`stat ${path}: no such file or directory`);
  const text = files.readText(absolute(context, path));
  const snapshot = decodeSnapshot(text);
  if (!snapshot) throw new EtcdctlError('invalid database');
  return { snapshot, size: text.length };
}

async function status(
  context: ProgramContext,
  flags: Flags,
  paths: readonly string[],
): Promise<void> {
  const [path] = paths;
  if (path === undefined || paths.length > 1)
    throw new EtcdctlError('snapshot status requires exactly one argument', 128);
  const { snapshot, size } = snapshotIn(context, path);
  const { hash, revision, entries } = snapshot;
  const number = Number.parseInt(hash, 16);
  const row = [hash, String(revision), String(entries.length), humanBytes(size), '3.6.0'];
  const forms: Readonly<Record<string, () => string>> = {
    simple: () => `${row.join(', ')}\n`,
    table: () =>
      drawTable(['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE', 'VERSION'], [row], [1, 2, 3, 4]),
    json: () =>
      `${JSON.stringify({ hash: number, revision, totalKey: entries.length, totalSize: size, version: '3.6.0' })}\n`,
    fields: () =>
      `"Hash" : ${number}\n"Revision" : ${revision}\n"Keys" : ${entries.length}\n"Size" : ${size}\n"Version" : 3.6.0\n`,
  };
  const print = forms[flags.text('write-out') ?? 'simple'];
  if (!print) throw new EtcdctlError('unsupported output format', 4);
  await writeOutput(context.stdout, print());
}

async function hashkv(context: ProgramContext, [path = '']: readonly string[]): Promise<void> {
  if (path === '') throw new EtcdctlError('hashkv requires exactly one argument', 128);
  const { hash, revision } = snapshotIn(context, path).snapshot;
  await writeOutput(context.stdout, `${Number.parseInt(hash, 16)}, ${revision}, ${revision}\n`);
}

async function restore(
  context: ProgramContext,
  flags: Flags,
  paths: readonly string[],
  data: EtcdData,
): Promise<void> {
  const { files, stderr, clock } = context;
  const [path] = paths;
  if (path === undefined || paths.length > 1)
    throw new EtcdctlError('snapshot restore requires exactly one argument', 128);
  const bump = Number(flags.text('bump-revision') ?? 0);
  if (flags.bool('mark-compacted', false) !== bump > 0)
    throw new EtcdctlError('--mark-compacted required if --revision-bump > 0', 128);
  const name = flags.text('name') ?? 'default';
  const dataDir = flags.text('data-dir') ?? `${name}.etcd`;
  const walDir = flags.text('wal-dir') ?? `${dataDir}/member/wal`;
  const cluster = flags.text('initial-cluster') ?? `${name}=http://localhost:2380`;
  if (!cluster.split(',').some((member) => member.startsWith(`${name}=`)))
    throw new EtcdctlError(
      `couldn't find local name ${JSON.stringify(name)} in the initial cluster configuration`,
    );
  const target = absolute(context, dataDir);
  if (files.exists(target) && files.readdir(target).length > 0)
    throw new EtcdctlError(`data-dir ${JSON.stringify(dataDir)} not empty or could not be read`);
  const about = {
    path,
    'wal-dir': walDir,
    'data-dir': dataDir,
    'snap-dir': `${dataDir}/member/snap`,
    'initial-memory-map-size': 10_737_418_240,
  };
  const log = (place: string, text: string, fields: Readonly<Record<string, unknown>> = about) => {
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const shown = Object.entries(fields).map(
      ([name, value]) => `"${name}": ${JSON.stringify(value)}`,
    );
    return writeOutput(stderr, `${time}\tinfo\t${place}\t${text}\t{${shown.join(', ')}}\n`);
  };
  await log('snapshot/v3_snapshot.go:305', 'restoring snapshot');
  if (!files.exists(absolute(context, path)))
    throw new EtcdctlError(`open ${path}: no such file or directory`);
  const snapshot = decodeSnapshot(files.readText(absolute(context, path)));
  if (!snapshot) throw new EtcdctlError('snapshot missing hash but --skip-hash-check=false');
  if (bump > 0) {
    const revision = snapshot.revision + bump;
    await log('snapshot/v3_snapshot.go:396', 'bumping latest revision', {
      'latest-revision': snapshot.revision,
      'bump-amount': bump,
      'new-latest-revision': revision,
    });
    await log('snapshot/v3_snapshot.go:413', 'marking revision compacted', { revision });
  }
  await data.restore(files, target, snapshot, bump);
  await log('snapshot/v3_snapshot.go:333', 'restored snapshot');
}
