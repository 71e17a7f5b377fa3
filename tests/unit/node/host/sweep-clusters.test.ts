import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepClusters } from '../../../../src-main/node/host/sweep-clusters.ts';
import { expect, test } from 'vitest';

test('files of practice and of exams that nobody comes back to go, all others stay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kijabi-sweep-'));
  const doomed = [
    'cards.kubeconfig',
    'exam-0123abcd-1.kubeconfig',
    'exam-0123abcd-1.sqlite',
    'exam-0123abcd-1.sqlite-shm',
    'exam-0123abcd-1.sqlite-wal',
    'practice-0123abcd.kubeconfig',
  ];
  const kept = [
    'clusters.json',
    'exam-9999abcd-2.kubeconfig',
    'exam-9999abcd-2.sqlite',
    'exam-notes.sqlite',
    'lab.kubeconfig',
    'lab.sqlite',
    'lesson-labels.sqlite',
    'practice.sqlite',
  ];
  for (const name of [...doomed, ...kept]) writeFileSync(join(folder, name), '');
  expect([...sweepClusters(folder, new Set(['exam-9999abcd-2']))].sort()).toEqual(doomed);
  expect(readdirSync(folder).sort()).toEqual(kept);
  rmSync(folder, { recursive: true });
});
