import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A real kubectl of this machine. */
export interface RealKubectl {
  readonly path: string;
  /** 1.36 is 36. */
  readonly minor: number;
}

/**
 * Those on this machine, one of each minor version, oldest first: `REAL_KUBECTL`, the one on PATH, and those beside it by
 * the name of their version (`kubectl.1.27`).
 */
export function findKubectls(): readonly RealKubectl[] {
  const onPath = spawnSync('bash', ['-c', 'command -v kubectl'], {
    encoding: 'utf8',
  }).stdout.trim();
  const beside = onPath === '' ? '' : dirname(realpathSync(onPath));
  const paths = [
    process.env['REAL_KUBECTL'] ?? '',
    onPath,
    ...(beside === '' ? [] : readdirSync(beside))
      .filter((name) => /^kubectl\.\d+\.\d+$/.test(name))
      .map((name) => join(beside, name)),
  ];
  const found = new Map<number, RealKubectl>();
  for (const path of paths) {
    if (path === '' || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
    const minor = /"gitVersion": "v1\.(\d+)\./.exec(stdout)?.[1];
    if (minor !== undefined && !found.has(Number(minor)))
      found.set(Number(minor), { path, minor: Number(minor) });
  }
  return [...found.values()].sort((a, b) => a.minor - b.minor);
}
