import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromiumPath, launchBrowser, reportNoBrowser } from '#tests/browser';
import { clusterApi } from '#tests/cluster-api';
import { run } from '#tests/command-line';
import { cliProgram, startWebHost, type WebHost } from '#tests/web-host';
import { connectHost } from '../../src-main/cli/host.ts';
import type { RpcClient } from '#contract';
import { afterAll, describe, expect, test } from 'vitest';

// Damage to what lies on disk, on the real app: it is said, kept aside, mended, and what was acknowledged is there.
const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'kijabi-damage-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));

reportNoBrowser('what the page says of damage');

async function withHost<T>(
  data: string,
  work: (rpc: RpcClient, host: WebHost) => Promise<T>,
  program?: string,
): Promise<T> {
  const host = await startWebHost([], data, program);
  const connection = await connectHost(data);
  if (!connection) throw new Error('the host does not answer');
  try {
    return await work(connection.rpc, host);
  } finally {
    connection.close();
    await host.stop();
  }
}

const answered = async (rpc: RpcClient): Promise<number> =>
  (await rpc.call('progress.get', {})).reviewsTotal;

/** Answers the card in front and tells how many have been answered. */
async function answerOne(rpc: RpcClient): Promise<void> {
  const { card } = await rpc.call('review.get', { language: 'en' });
  if (!card) throw new Error('no card is due');
  await rpc.call('review.answer', {
    cardId: card.cardId,
    grade: 'again',
    durationMs: 1000,
    language: 'en',
  });
}

/** A data folder with three answers in a backup and one after it, whose file of progress was overwritten. */
async function damagedFolder(): Promise<{ data: string; backupId: string }> {
  const data = folder();
  const backupId = await withHost(data, async (rpc) => {
    for (let count = 0; count < 3; count++) await answerOne(rpc);
    return (await rpc.call('library.backup', {})).backupId;
  });
  // The end of a host backs up too; here that one is lost with the disk's other blocks.
  for (const name of readdirSync(join(data, 'backups')))
    if (name !== backupId) rmSync(join(data, 'backups', name));
  const file = join(data, 'progress.db');
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 0, 8192);
  writeFileSync(file, bytes);
  return { data, backupId };
}

describe('a damaged file of progress', () => {
  test('the command line says where it is kept, and restores the last backup', async () => {
    const { data, backupId } = await damagedFolder();
    const kijabi = (...args: string[]) => run(cliProgram, ['--data', data, ...args]);
    const told = await kijabi('cluster', 'list');
    const kept = readdirSync(data).find((name) => name.startsWith('progress.db.corrupt-')) ?? '';
    expect(readFileSync(join(data, kept)).subarray(0, 8192)).toEqual(Buffer.alloc(8192, 0xa5));
    expect(told.code).toBe(0);
    expect(told.stderr).toMatch(
      new RegExp(
        `^kijabi: the file of your study record was damaged and is kept as ${join(data, kept)}; "kijabi restore ${backupId}" brings back the backup of 20\\S+Z\\n$`,
      ),
    );
    // Also after a restart, until it is mended.
    await withHost(data, async (rpc) => {
      expect(await answered(rpc)).toBe(0);
      expect(await rpc.call('app.notices', {})).toMatchObject([
        { kind: 'progress-damaged', backup: { backupId } },
      ]);
      expect((await kijabi('restore', backupId)).stdout).toBe(
        `progress is restored from ${backupId}\n`,
      );
      expect(await answered(rpc)).toBe(3);
      expect(await rpc.call('app.notices', {})).toEqual([]);
    });
    expect((await kijabi('cluster', 'list')).stderr).toBe('');
  });

  test('without any backup an empty record is begun, and said so', async () => {
    const { data, backupId } = await damagedFolder();
    rmSync(join(data, 'backups', backupId));
    const { code, stderr } = await run(cliProgram, [
      '--data',
      data,
      '--lang',
      'ko',
      'task',
      'list',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^kijabi: 학습 기록 파일이 손상되어 .*progress\.db\.corrupt-\S+에 보관했습니다; 백업이 없어서 빈 기록으로 시작했습니다\n$/,
    );
  });

  test.runIf(chromiumPath !== undefined)('the page offers the backup and restores it', async () => {
    const { data } = await damagedFolder();
    const browser = await launchBrowser();
    try {
      await withHost(data, async (rpc, host) => {
        const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
        await page.goto(host.launchUrl);
        const notice = page.getByRole('alert').filter({ hasText: 'study record was damaged' });
        await notice.getByText(/There is a backup of .* Restore it\?/).waitFor();
        await notice.getByText(join(data, 'progress.db.corrupt-'), { exact: false }).waitFor();
        await notice.getByRole('button', { name: 'Restore the backup' }).click();
        await notice.waitFor({ state: 'detached' });
        expect(await answered(rpc)).toBe(3);
        await page.reload();
        await page.getByRole('navigation').first().waitFor();
        expect(await notice.count()).toBe(0);
      });
    } finally {
      await browser.close();
    }
  });
});

/** A copy of the app whose content may be spoilt; packages and migrations are those of the checkout. */
function copyOfApp(): string {
  const root = folder();
  const checkout = resolve('.');
  for (const each of ['content', 'out/main', 'out/renderer', 'package.json'])
    cpSync(join(checkout, each), join(root, each), { recursive: true });
  for (const each of ['node_modules', 'db']) symlinkSync(join(checkout, each), join(root, each));
  return root;
}

describe('broken content', () => {
  test('is left out by file and place; all other content is there', async () => {
    const root = copyOfApp();
    const content = join(root, 'content');
    const [lesson = ''] = readdirSync(join(content, 'lessons')).filter((name) =>
      name.endsWith('.en.md'),
    );
    const whole = await withHost(folder(), async (rpc) => ({
      tasks: (await rpc.call('tasks.list', {})).length,
      lessons: (await rpc.call('lessons.list', {})).length,
    }));
    const task = join(content, 'tasks', 'sn-nodeport', 'task.yaml');
    writeFileSync(
      task,
      readFileSync(task, 'utf8').replace('domain: networking', 'domain: [networking'),
    );
    const [cards = ''] = readdirSync(join(content, 'cards'));
    appendFileSync(join(content, 'cards', cards), '\n  - id: half-a-card\n    kind: basic\n');
    appendFileSync(join(content, 'lessons', lesson), '\n```quiz id=\n');
    const program = join(root, 'out', 'main', 'web.js');
    await withHost(
      folder(),
      async (rpc) => {
        const tasks = await rpc.call('tasks.list', {});
        expect(tasks.length).toBe(whole.tasks - 1);
        expect((await rpc.call('lessons.list', {})).length).toBe(whole.lessons - 1);
        const notices = await rpc.call('app.notices', {});
        const told = notices.flatMap((notice) =>
          notice.kind === 'content-broken' ? [notice.message] : [],
        );
        const about = (text: string): string => told.find((each) => each.includes(text)) ?? '';
        expect(about('sn-nodeport/task.yaml')).toMatch(/task\.yaml: line \d+, column \d+: /);
        expect(about(`cards/${cards}: /cards/`)).toMatch(/must have required property/);
        expect(about(`lessons/${lesson}`)).toMatch(
          /^lessons\/.*\.en\.md:\d+: |^lessons\/.*\.en\.md/,
        );
        // Exams go on with what there is.
        expect((await rpc.call('exams.list', {})).length).toBeGreaterThan(0);
        const [first] = notices;
        await rpc.call('app.dismissNotice', { noticeId: first?.noticeId ?? '' });
        expect((await rpc.call('app.notices', {})).length).toBe(notices.length - 1);
      },
      program,
    );
  });
});

describe('kill -9 in the middle of writes', () => {
  test('every acknowledged answer and every acknowledged object is there afterwards', async () => {
    const data = folder();
    const host = await startWebHost([], data);
    const connection = await connectHost(data);
    if (!connection) throw new Error('the host does not answer');
    const { rpc } = connection;
    const { kubeconfig } = await rpc.call('clusters.create', { name: 'lab', topology: '1cp' });
    const api = clusterApi(kubeconfig);
    let answers = 0;
    const objects: string[] = [];
    let alive = true;
    const answering = (async () => {
      while (alive) {
        await answerOne(rpc);
        answers += 1;
      }
    })().catch(() => undefined);
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let count = 0; alive; count++) {
        const name = `w${writer}-${count}`;
        const { status } = await api.send('POST', '/api/v1/namespaces/default/configmaps', {
          type: 'application/json',
          body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }),
        });
        if (status === 201) objects.push(name);
      }
    }).map((writer) => writer.catch(() => undefined));
    await expect.poll(() => objects.length, { timeout: 30_000 }).toBeGreaterThan(200);
    await expect.poll(() => answers, { timeout: 30_000 }).toBeGreaterThan(10);
    await host.kill();
    alive = false;
    connection.close();
    api.close();
    await Promise.all([answering, ...writers]);

    await withHost(data, async (after) => {
      // One more may have been written whose acknowledgement did not come through.
      expect([answers, answers + 1]).toContain(await answered(after));
      const [view] = (await run(cliProgram, [
        '--data',
        data,
        '--json',
        'cluster',
        'up',
        'lab',
      ]).then(({ stdout }) => [JSON.parse(stdout) as { kubeconfig: string; state: string }])) as [
        { kubeconfig: string; state: string },
      ];
      expect(view.state).toBe('ready');
      const again = clusterApi(view.kubeconfig);
      const { body } = await again.send('GET', '/api/v1/namespaces/default/configmaps');
      again.close();
      const there = new Set(
        (JSON.parse(body) as { items: { metadata: { name: string } }[] }).items.map(
          ({ metadata }) => metadata.name,
        ),
      );
      expect(objects.filter((name) => !there.has(name))).toEqual([]);
      expect(await after.call('app.notices', {})).toEqual([]);
    });
  });
});

/** A disk of its own, small; undefined where this account may not mount one. */
function smallDisk(megabytes: number): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const path = folder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    return path;
  } catch {
    return undefined;
  }
}

const disk = smallDisk(24);
if (disk === undefined)
  console.error('NOT RUN: a full disk: a small file system can only be mounted by root on Linux');

describe.runIf(disk !== undefined)('a full disk', () => {
  afterAll(() => {
    execFileSync('umount', ['-l', disk ?? '']);
  });

  test('is said by whatever cannot write; nothing is lost, and all goes on when there is room', async () => {
    const data = join(disk ?? '', 'data');
    const filler = join(disk ?? '', 'filler');
    await withHost(data, async (rpc) => {
      for (let count = 0; count < 3; count++) await answerOne(rpc);
      const { kubeconfig } = await rpc.call('clusters.create', { name: 'lab', topology: '1cp' });
      const api = clusterApi(kubeconfig);
      const write = (name: string) =>
        api.send('POST', '/api/v1/namespaces/default/configmaps', {
          type: 'application/json',
          body: JSON.stringify({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name },
            data: { a: 'x'.repeat(500_000) },
          }),
        });
      expect((await write('before')).status).toBe(201);
      fill(filler);
      await expect(rpc.call('library.backup', {})).rejects.toThrow(/disk is full|no space|ENOSPC/i);
      let refused = await write('full-0');
      for (let count = 1; refused.status === 201 && count < 20; count++)
        refused = await write(`full-${count}`);
      expect(refused.status).toBeGreaterThanOrEqual(500);
      expect(refused.body).toContain('etcdserver: mvcc: database space exceeded');
      const refusal = (async () => {
        for (let count = 0; count < 200; count++) await answerOne(rpc);
      })();
      await expect(refusal).rejects.toThrow(/disk is full/i);
      const kept = await answered(rpc);
      rmSync(filler);
      // A write that is refused finds out whether there is room for the next one.
      await expect.poll(async () => (await write('after')).status).toBe(201);
      await answerOne(rpc);
      expect(await answered(rpc)).toBe(kept + 1);
      expect((await rpc.call('library.backup', {})).sizeBytes).toBeGreaterThan(0);
      api.close();
    });
    await withHost(data, async (rpc) => {
      expect(await answered(rpc)).toBeGreaterThanOrEqual(4);
      const up = await run(cliProgram, ['--data', data, '--json', 'cluster', 'up', 'lab']);
      const { kubeconfig } = JSON.parse(up.stdout) as { kubeconfig: string };
      const api = clusterApi(kubeconfig);
      expect((await api.send('GET', '/api/v1/namespaces/default/configmaps/before')).status).toBe(
        200,
      );
      api.close();
    });
    expect(existsSync(filler)).toBe(false);
  });
});

/** Takes all room that is left. */
function fill(file: string): void {
  for (let bytes = 1024 * 1024; bytes >= 4096;) {
    try {
      appendFileSync(file, Buffer.alloc(bytes));
    } catch {
      bytes /= 2;
    }
  }
}
