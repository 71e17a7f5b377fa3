import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { masked, parseSession, Session, type StepOutcome } from '#tests/golden';
import { clusterSpec, startEngine } from '#tests/lab';

// What candidates do, and what a real cluster of the version the engine serves answered: each session on a fresh cluster.
const folder = join(import.meta.dirname, 'recordings');
const recordedWith = 'v1.36.3';

/** The kubectl of the recordings: others word some of their own texts differently. */
function findKubectl(): string | undefined {
  for (const candidate of [process.env['REAL_KUBECTL'], 'kubectl']) {
    if (!candidate) continue;
    const path = spawnSync('bash', ['-c', `command -v "${candidate}"`], { encoding: 'utf8' });
    const version = spawnSync(candidate, ['version', '--client'], { encoding: 'utf8' });
    if (version.stdout?.includes(`Client Version: ${recordedWith}`)) return path.stdout.trim();
  }
  return undefined;
}
const kubectl = findKubectl();

if (!kubectl)
  test(`recorded sessions: NOT RUN, neither REAL_KUBECTL nor PATH has kubectl ${recordedWith}`, () => {
    console.warn(`NOT RUN: recorded sessions need kubectl ${recordedWith} (REAL_KUBECTL)`);
  });
else
  describe('a cluster answers as a real one did', () => {
    const names = readdirSync(folder)
      .filter((file) => file.endsWith('.scn'))
      .map((file) => file.slice(0, -'.scn'.length));

    test.each(names)('%s', { timeout: 600_000 }, async (name) => {
      const read = (ending: string): string => readFileSync(join(folder, name + ending), 'utf8');
      const recorded = JSON.parse(read('.json')) as StepOutcome[];
      const lab = await startEngine();
      try {
        const topology = /^# topology: (.+)$/m.exec(read('.scn'))?.[1];
        const { kubeconfig } = await lab.engine.create(clusterSpec(topology ? { topology } : {}));
        const advance = (ms: number): Promise<unknown> => lab.engine.advance('test', ms);
        const session = new Session({
          kubectl,
          kubeconfig,
          advance: async (ms) => void (await advance(ms)),
        });
        await advance(30_000);
        await warmUp(session, advance);
        const seen: StepOutcome[] = [];
        for (const step of parseSession(read('.scn'))) {
          const outcome = await session.run(step);
          if (outcome) seen.push(outcome);
        }
        session.close();
        expect(seen).toEqual(
          recorded.map((step) => ({
            ...step,
            stdout: masked(step.stdout),
            stderr: masked(step.stderr),
          })),
        );
      } finally {
        await lab.stop();
      }
    });
  });

/** Puts the images on both nodes, as they were where the sessions were recorded. */
async function warmUp(session: Session, advance: (ms: number) => Promise<unknown>): Promise<void> {
  const images = ['busybox:1.36', 'nginx:1.26', 'nginx:1.27'];
  const pods = ['node01', 'node02'].map((nodeName) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `warm-${nodeName}` },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      containers: images.map((image, index) => ({
        name: `c${index}`,
        image,
        command: ['sleep', '1d'],
      })),
    },
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods });
  await session.shell(`kubectl apply -f - <<'EOF'\n${list}\nEOF`);
  for (let tries = 0; tries < 60; tries++) {
    const { stdout } = await session.shell(
      `kubectl get pods -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}'`,
    );
    if (stdout === 'True True') break;
    await advance(1000);
  }
  await session.shell('kubectl delete pods --all --force; kubectl delete events --all');
}
