import { expect, test } from 'vitest';
import { failure } from '#tests/renderer/fake-rpc';
import { studyRpc } from '#tests/renderer/study-rpc';
import { BackupList } from '../../../../../src-renderer/features/library/backup-list.svelte.ts';

test('the newest backup comes first', async () => {
  const list = new BackupList(studyRpc());
  await list.backups.load();
  expect(list.backups.value?.map(({ backupId }) => backupId)).toEqual(['2', '1', '3']);
});

test('only what was chosen is restored, and a failure ends the asking', async () => {
  const rpc = studyRpc();
  const list = new BackupList(rpc);
  await list.restore();
  expect(rpc.calls).toEqual([]);
  await list.backups.load();
  list.chosen = list.backups.value?.[2] ?? null;
  await list.restore();
  expect(rpc.calls).toContainEqual({ method: 'library.restore', params: { backupId: '3' } });
  rpc.answer('library.restore', () => {
    throw failure('file is not a database');
  });
  list.chosen = list.backups.value?.[0] ?? null;
  await expect(list.restore()).rejects.toThrow('file is not a database');
  expect([list.chosen, list.restoring]).toEqual([null, false]);
});
