import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDoctor } from '#node/doctor';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kijabi-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const look = async (env: NodeJS.ProcessEnv, dataFolder = folder) =>
  new Map(
    (await runDoctor({ root: folder, dataFolder, env, platform: 'linux' })).map((check) => [
      check.name.en,
      check,
    ]),
  );

test('what is there is ok, what is missing has a mend', async () => {
  const checks = await look({ PATH: '' });
  for (const name of ['Node.js', 'SQLite', 'Data folder', 'Disk space', 'Local port'])
    expect(checks.get(name)).toMatchObject({ name: { en: name }, state: 'ok' });
  for (const name of ['Build', 'Browser', 'Electron', 'kubectl'])
    expect(checks.get(name)).toMatchObject({
      name: { en: name },
      state: 'missing',
      mend: { ko: expect.stringMatching(/[가-힣]/) as string, en: expect.any(String) as string },
    });
});

test('programs are found as a shell finds them', async () => {
  for (const name of ['kubectl', 'xdg-open'])
    writeFileSync(join(folder, name), '', { mode: 0o755 });
  const checks = await look({ PATH: `/nowhere:${folder}`, DISPLAY: ':0' });
  expect(checks.get('kubectl')).toMatchObject({
    state: 'ok',
    detail: { en: join(folder, 'kubectl') },
  });
  expect(checks.get('Browser')).toMatchObject({
    state: 'ok',
    detail: { en: join(folder, 'xdg-open') },
  });
});

test('a data folder that cannot be used is broken', async () => {
  const checks = await look({ PATH: '' }, join(folder, 'kubectl', 'below-a-file'));
  expect(checks.get('Data folder')).toMatchObject({
    state: 'broken',
    mend: { en: expect.stringContaining('--data') as string },
  });
});
