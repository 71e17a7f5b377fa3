import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Files of clusters that exams and practice make and remove by themselves. */
const ownFile =
  /^((?:exam-[0-9a-f]{8}-\d+)|(?:practice-[0-9a-f]{8})|cards)\.(?:sqlite|kubeconfig)(?:-wal|-shm)?$/;

/**
 * Removes what a killed host left of clusters that nobody can come back to: a practice, an exam whose start was cut
 * short, exams before the last.
 * @param kept ids of clusters that stay.
 * @returns names of the removed files.
 */
export function sweepClusters(folder: string, kept: ReadonlySet<string>): readonly string[] {
  const doomed = readdirSync(folder).filter((name) => {
    const [, clusterId] = ownFile.exec(name) ?? [];
    return clusterId !== undefined && !kept.has(clusterId);
  });
  for (const name of doomed) rmSync(join(folder, name), { force: true });
  return doomed;
}
