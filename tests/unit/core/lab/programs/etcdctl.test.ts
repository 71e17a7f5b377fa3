import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { etcdMachine } from './etcd-machine.ts';

interface Step {
  readonly command: string;
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** It printed its long help, which is not compared. */
  readonly help?: boolean;
}

/** Recorded with etcd and etcdctl 3.6.16 in a folder `/srv`, certificates and all. */
const session = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, 'etcdctl-session.json'), 'utf8'),
) as readonly Step[];

/** What hangs on time, chance and versions. */
function masked(text: string): string {
  return text
    .replaceAll('3.6.16', '3.6.8')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/0x[0-9a-f]+/g, '<address>')
    .replace(/127\.0\.0\.1:[3-6]\d{4}\b(?!9)/g, '<local>')
    .replace(/\b[\d.]+(?:ms|µs)\b|\b5\.00\d+s\b/g, '<took>')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{14,16}\b/g, '<id>')
    .replace(/\b\d{17,20}\b/g, '<number>')
    .replace(/\b[0-9a-f]{8}\b|\b\d{7,10}\b/g, '<hash>')
    .replace(/\b\d+ kB\b|\b\d{5}\b/g, '<size>')
    .replace(/("raft\w*Index":|"Raft\w*Index" : )\d+/g, '$1<index>')
    .replace(/(\b2[, |]+)\d+([, |]+)\d+(?=[, |]+false)/g, '$1<index>$2<index>')
    .replace(/("compact_revision":)-?\d+/g, '$1<compacted>')
    .replace(/<hash>, 27, \d+/g, '<hash>, 27, <compacted>')
    .replace(/-{2,}/g, '-')
    .replace(/ +/g, ' ')
    .trimEnd();
}

test('etcdctl and etcdutl print what the real ones printed', async () => {
  const { run } = await etcdMachine();
  expect(await run('etcdctl put foo bar')).toMatchObject({ code: 0, stdout: 'OK\n' });
  const wrong: unknown[] = [];
  for (const step of session) {
    const got = await run(step.command);
    const isListing = step.command.startsWith('etcdctl lease list');
    const text = (value = ''): string =>
      isListing ? masked(value).split('\n').sort().join('\n') : masked(value);
    const seen = {
      command: step.command,
      code: got.code,
      ...(step.help ? {} : { stdout: text(got.stdout) }),
      stderr: text(got.stderr),
    };
    const wanted = {
      command: step.command,
      code: step.code,
      ...(step.help ? {} : { stdout: text(step.stdout) }),
      stderr: text(step.stderr),
    };
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) wrong.push({ wanted, seen });
  }
  expect(wrong).toEqual([]);
}, 120_000);

test('several endpoints: the healthy one, the dead one and the exit code', async () => {
  const { run } = await etcdMachine();
  const both =
    'env -u ETCDCTL_ENDPOINTS etcdctl --endpoints=https://127.0.0.1:23790,https://127.0.0.1:23999 endpoint health';
  const { code, stdout, stderr } = await run(both);
  expect(code).toBe(1);
  expect(masked(stdout)).toBe(
    'https://127.0.0.1:<size> is healthy: successfully committed proposal: took = <took>',
  );
  expect(stderr).toMatch(
    /\nhttps:\/\/127\.0\.0\.1:23999 is unhealthy: failed to commit proposal: context deadline exceeded\nError: unhealthy cluster\n$/,
  );
});

test('members: a learner changes nothing, a second voter that never starts takes the majority', async () => {
  const { run } = await etcdMachine();
  const added = await run('etcdctl member add m2 --peer-urls=http://127.0.0.1:23801 --learner');
  expect(masked(added.stdout)).toBe(
    [
      'Member <id> added as learner to cluster <id>',
      '',
      'ETCD_NAME="m2"',
      'ETCD_INITIAL_CLUSTER="m2=http://127.0.0.1:<size>,controlplane=http://127.0.0.1:<size>"',
      'ETCD_INITIAL_ADVERTISE_PEER_URLS="http://127.0.0.1:<size>"',
      'ETCD_INITIAL_CLUSTER_STATE="existing"',
    ].join('\n'),
  );
  const list = await run('etcdctl member list');
  expect(list.stdout).toMatch(/^[0-9a-f]{16}, unstarted, , http:\/\/127\.0\.0\.1:23801, , true$/m);
  const id = /^([0-9a-f]{16}), unstarted/m.exec(list.stdout)?.[1] ?? '';
  expect(await run(`etcdctl member promote ${id}`)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /\nError: etcdserver: can only promote a learner member which is in sync with leader\n$/,
    ) as string,
  });
  expect((await run(`etcdctl member remove ${id}`)).stdout).toContain(`Member ${id} removed`);
  await run('etcdctl member add m3 --peer-urls=http://127.0.0.1:23802');
  expect(await run('etcdctl get foo')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\nError: context deadline exceeded\n$/) as string,
  });
});

test('a restored directory has the keys of the snapshot with their revisions and leases, and its own life', async () => {
  const { run, start, server, time } = await etcdMachine();
  await run('etcdctl put a 1; etcdctl put b 2; etcdctl put a 3');
  await run('L=$(etcdctl lease grant 60 | cut -d" " -f2); etcdctl put gone soon --lease=$L');
  await run('etcdctl snapshot save out/s.db && etcdctl put a 4');
  await run('etcdutl snapshot restore out/s.db --data-dir /srv/restored');
  server.kill('SIGTERM');
  await time.advance(100);
  start('/srv/restored');
  await time.advance(100);
  expect((await run('etcdctl get a -w json')).stdout).toContain(
    '"create_revision":2,"mod_revision":4,"version":2,"value":"Mw=="',
  );
  expect((await run('etcdctl put a 5 -w json')).stdout).toContain('"revision":6,');
  await time.advance(61_000);
  expect((await run('etcdctl get "" --prefix --keys-only')).stdout).toBe('a\n\nb\n\n');
});

test('a wiped directory begins empty; the old one, moved back, has its keys', async () => {
  const { run, start, server, time } = await etcdMachine();
  await run('etcdctl put a 1');
  server.kill('SIGTERM');
  await time.advance(100);
  await run('mv /srv/data /srv/old');
  const second = start('/srv/data');
  await time.advance(100);
  expect((await run('etcdctl get a')).stdout).toBe('');
  second.kill('SIGTERM');
  await time.advance(100);
  await run('rm -r /srv/data && mv /srv/old /srv/data');
  start('/srv/data');
  await time.advance(100);
  expect((await run('etcdctl get a')).stdout).toBe('a\n1\n');
});

test('check perf writes for a minute and passes', async () => {
  const { run } = await etcdMachine();
  const { stdout } = await run('etcdctl check perf');
  expect(stdout).toMatch(/PASS: Throughput is 150 writes\/s\n(?:PASS: .*\n){2}PASS\n$/);
});
