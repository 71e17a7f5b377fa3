import type { Program } from '#core/machines';
import type { EtcdData } from '../etcd-data.ts';
import { drawTable, EtcdctlError, humanBytes, writeText } from './etcd-client.ts';
import { decodeSnapshot } from './etcd-snapshot.ts';
import { FlagError, parseFlags } from './flags.ts';

/** etcdutl: looks at snapshot files and makes data directories of them. */
export function etcdutl(data: EtcdData): Program {
  return async (context) => {
    const { argv, files, cwd, stdout, stderr, clock } = context;
    const absolute = (path: string): string => (path.startsWith('/') ? path : `${cwd}/${path}`);
    try {
      const words = argv
        .slice(1)
        .map((word) =>
          word.replace(/^-w=?/, '--write-out=').replace(/^--write-out=$/, '--write-out'),
        );
      if (words[0] === 'version') {
        await writeText(stdout, 'etcdutl version: 3.6.8\nAPI version: 3.6\n');
        return 0;
      }
      const flags = parseFlags(words, [
        { name: 'write-out', kind: 'string' },
        { name: 'data-dir', kind: 'string' },
        { name: 'name', kind: 'string' },
        { name: 'initial-cluster', kind: 'string' },
        { name: 'initial-advertise-peer-urls', kind: 'string' },
        { name: 'initial-cluster-token', kind: 'string' },
        { name: 'skip-hash-check', kind: 'bool' },
        { name: 'bump-revision', kind: 'int' },
        { name: 'mark-compacted', kind: 'bool' },
      ]);
      const [group, verb, path] = flags.args;
      if (group !== 'snapshot' || (verb !== 'status' && verb !== 'restore') || path === undefined)
        throw new EtcdctlError(`unknown command "${flags.args.join(' ')}" for "etcdutl"`);
      if (verb === 'status') {
        if (!files.exists(absolute(path)))
          throw new EtcdctlError(`stat ${path}: no such file or directory`);
        const text = files.readText(absolute(path));
        const snapshot = decodeSnapshot(text);
        if (!snapshot) throw new EtcdctlError('invalid database');
        const row = [
          snapshot.hash,
          String(snapshot.revision),
          String(snapshot.entries.length),
          humanBytes(text.length),
          '3.6.0',
        ];
        const format = flags.text('write-out') ?? 'simple';
        if (format === 'table')
          await writeText(
            stdout,
            drawTable(
              ['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE', 'VERSION'],
              [row],
              [1, 2, 3, 4],
            ),
          );
        else if (format === 'json')
          await writeText(
            stdout,
            `${JSON.stringify({ hash: Number.parseInt(snapshot.hash, 16), revision: snapshot.revision, totalKey: snapshot.entries.length, totalSize: text.length, version: '3.6.0' })}\n`,
          );
        else await writeText(stdout, `${row.join(', ')}\n`);
        return 0;
      }
      const dataDir = flags.text('data-dir') ?? `${flags.text('name') ?? 'default'}.etcd`;
      const target = absolute(dataDir);
      if (files.exists(target) && files.readdir(target).length > 0)
        throw new EtcdctlError(`data-dir "${dataDir}" not empty or could not be read`);
      const line = (place: string, text: string): Promise<void> =>
        writeText(
          stderr,
          `${new Date(clock.now()).toISOString().slice(0, 19)}Z\tinfo\t${place}\t${text}\t${JSON.stringify({ path, 'wal-dir': `${dataDir}/member/wal`, 'data-dir': dataDir, 'snap-dir': `${dataDir}/member/snap` })}\n`,
        );
      await line('snapshot/v3_snapshot.go:305', 'restoring snapshot');
      if (!files.exists(absolute(path)))
        throw new EtcdctlError(`open ${path}: no such file or directory`);
      const snapshot = decodeSnapshot(files.readText(absolute(path)));
      if (!snapshot) throw new EtcdctlError('snapshot missing hash but --skip-hash-check=false');
      data.restore(files, target, snapshot.entries);
      await line('snapshot/v3_snapshot.go:333', 'restored snapshot');
      return 0;
    } catch (error) {
      if (!(error instanceof EtcdctlError || error instanceof FlagError)) throw error;
      await writeText(stderr, `Error: ${error.message}\n`);
      return error instanceof EtcdctlError ? error.exitCode : 1;
    }
  };
}
