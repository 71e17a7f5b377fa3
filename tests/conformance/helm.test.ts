import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

// A chart's life with a real helm: REAL_HELM names it, or it is on PATH.
const helm = process.env['REAL_HELM'] ?? 'helm';

if (spawnSync(helm, ['version']).status !== 0)
  test('the life of a chart: NOT RUN, there is no helm on PATH nor in REAL_HELM', () => {
    console.warn('NOT RUN: the life of a chart: no helm on PATH nor in REAL_HELM');
  });
else
  describe('helm', () => {
    let lab: TestEngine;
    let kubeconfig = '';
    const work = mkdtempSync(join(tmpdir(), 'kijabi-helm-'));
    const run = (...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
      new Promise((resolve) => {
        const env = { ...process.env, HOME: work, KUBECONFIG: kubeconfig };
        const child = spawn(helm, words, { cwd: work, env });
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
        child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
        child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      });

    beforeAll(async () => {
      lab = await startEngine();
      kubeconfig = (await lab.engine.create(clusterSpec())).kubeconfig;
    });
    afterAll(async () => {
      await lab.stop();
      rmSync(work, { recursive: true, force: true });
    });

    test.each([
      ['create web', 'Creating web'],
      ['install web ./web --wait --timeout 50s', 'STATUS: deployed'],
      ['list', 'deployed\tweb-0.1.0'],
      ['upgrade web ./web --set replicaCount=2 --wait --timeout 50s', 'has been upgraded'],
      ['get values web', 'replicaCount: 2'],
      ['history web', 'Upgrade complete'],
      ['rollback web 1 --wait --timeout 50s', 'Rollback was a success'],
      ['test web --timeout 50s', 'Phase:          Succeeded'],
      ['template web ./web --validate', 'kind: Deployment'],
      ['uninstall web --wait', 'release "web" uninstalled'],
    ])('%s', async (line, wanted) => {
      const { code, stdout, stderr } = await run(...line.split(' '));
      expect(code, stderr).toBe(0);
      expect(stderr).not.toMatch(/warning|error/i);
      expect(stdout).toContain(wanted);
    });
  });
