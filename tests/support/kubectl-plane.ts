import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { kubectl, type Outcome, type RunOptions } from './kubectl.ts';

/** The built-in kubectl over a control plane without controllers, in a folder of its own. */
export interface KubectlPlane {
  /** Its home and where it stands; gone after the tests. */
  readonly work: string;
  /** A line is split at its spaces. */
  readonly run: (
    line: string | readonly string[],
    options?: Partial<RunOptions>,
  ) => Promise<Outcome>;
}

/**
 * Starts a control plane before a file's tests, and stops it after them.
 * @param setup lines run first.
 */
export function kubectlPlane(setup: readonly string[] = []): KubectlPlane {
  let plane: ControlPlane;
  const work = mkdtempSync(join(tmpdir(), 'kijabi-kubectl-'));
  const run: KubectlPlane['run'] = (line, options = {}) =>
    kubectl(typeof line === 'string' ? line.split(' ') : line, {
      cwd: work,
      connect: () => plane.admin,
      ...options,
      env: { HOME: work, KUBECONFIG: plane.kubeconfig, TMPDIR: work, ...options.env },
    });
  beforeAll(async () => {
    plane = await startControlPlane({ controllers: false });
    for (const line of setup) await run(line);
  });
  afterAll(async () => {
    await plane.stop();
    rmSync(work, { recursive: true, force: true });
  });
  return { work, run };
}
