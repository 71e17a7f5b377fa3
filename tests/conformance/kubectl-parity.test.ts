import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { httpsTransport } from '#tests/https-transport';
import { kubectl } from '#tests/kubectl';

// Each command runs twice against one real cluster: by a real kubectl in one namespace and by ours in another. What
// both print has to be the same. REAL_KUBECTL names the binary, REAL_KUBECONFIG a cluster whose objects may be made.
const binary = process.env['REAL_KUBECTL'];
const kubeconfig = process.env['REAL_KUBECONFIG'];
const folder = join(import.meta.dirname, 'kubectl-parity');
const lines = readFileSync(join(folder, 'commands.txt'), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');

/** What differs between two runs, and says nothing of kubectl. */
function masked(text: string): string {
  const shown = text
    .replace(/parity-(real|ours)/g, 'NAMESPACE')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/\w{3}, \d\d \w+ \d{4} [\d:]+ \+0000/g, 'TIME')
    .replace(/"?resourceVersion"?: "\d+"/g, 'RV')
    .replace(/\b10\.\d+\.\d+\.\d+\b/g, 'IP')
    .replace(/-[a-f0-9]{8,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b/g, '-HASH')
    .replace(/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-HASH')
    .replace(/pod-template-hash[=:] ?\S+/g, 'pod-template-hash=HASH')
    .replace(/\b(\d+[smhd])+\b/g, 'AGE')
    .replace(/\b3[0-2]\d{3}\b/g, 'PORT')
    .replace(/node0\d/g, 'node0N')
    .replace(/(kubeconfig|kijabi-parity)-\w+/g, '$1');
  // Columns are as wide as what is masked in them; where nothing of the kind is shown, every space counts.
  return /\b(AGE|IP|TIME)\b/.test(shown) ? shown.replace(/ {2,}/g, '  ') : shown;
}

const wordsOf = (line: string): string[] =>
  (line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replace(
      /'([^']*)'|"([^"]*)"/g,
      (_, single?: string, double?: string) => single ?? double ?? '',
    ),
  );

if (!binary || !kubeconfig)
  test('parity with a real kubectl: NOT RUN, REAL_KUBECTL and REAL_KUBECONFIG are not set', () => {
    console.warn('NOT RUN: parity with a real kubectl needs REAL_KUBECTL and REAL_KUBECONFIG.');
  });
else
  describe('our kubectl prints what a real one prints', () => {
    const work = mkdtempSync(join(tmpdir(), 'kijabi-parity-'));
    const real = (words: readonly string[], env: NodeJS.ProcessEnv, input = '') =>
      spawnSync(binary, words, {
        env,
        cwd: join(folder, 'files'),
        input,
        encoding: 'utf8',
        timeout: 45_000,
      });
    const envFor = (side: string) => ({ HOME: work, KUBECONFIG: join(work, `kubeconfig-${side}`) });
    for (const side of ['real', 'ours']) {
      copyFileSync(kubeconfig, join(work, `kubeconfig-${side}`));
      const namespace = `parity-${side}`;
      for (const setup of [
        `delete ns ${namespace} --ignore-not-found`,
        `delete clusterrole,clusterrolebinding ${namespace}-cr ${namespace}-crb --ignore-not-found`,
        `create ns ${namespace}`,
        `-n ${namespace} create deployment web --image=nginx --replicas=2`,
        `-n ${namespace} expose deploy web --port=80`,
        `-n ${namespace} create cm cm1 --from-literal=a=b`,
        `-n ${namespace} create secret generic s1 --from-literal=pw=xx`,
        `-n ${namespace} apply -f hpa.yaml`,
        'apply -f csr.yaml',
        `-n ${namespace} rollout status deploy web`,
      ])
        real(setup.split(' '), envFor(side));
    }
    afterAll(() => rmSync(work, { recursive: true, force: true }));

    test.each(lines)(
      '%s',
      async (line) => {
        const [command = '', stdin] = line.split(' <<< ');
        const local = command.startsWith('config ');
        const forSide = (side: string) => [
          ...wordsOf(command).map((word) => word.replaceAll('{ns}', `parity-${side}`)),
          ...(local || command.includes(' -n ') ? [] : ['-n', `parity-${side}`]),
        ];
        const inputFor = (side: string) =>
          stdin?.replaceAll('\\n', '\n').replaceAll('{ns}', `parity-${side}`) ?? '';
        const expected = real(forSide('real'), envFor('real'), inputFor('real'));
        const opened: { close(): void }[] = [];
        const actual = await kubectl(forSide('ours'), {
          env: envFor('ours'),
          cwd: join(folder, 'files'),
          stdin: inputFor('ours'),
          connect: (config) => {
            const transport = httpsTransport(config);
            opened.push(transport);
            return transport;
          },
        });
        for (const transport of opened) transport.close();
        // Go walks the members of maps in any order.
        const shown = (text: string) =>
          line.includes('{..') ? masked(text).split(/ +/).sort().join(' ') : masked(text);
        expect({
          stdout: shown(actual.stdout),
          stderr: masked(actual.stderr),
          code: actual.code,
        }).toEqual({
          stdout: shown(expected.stdout),
          stderr: masked(expected.stderr),
          code: expected.status,
        });
      },
      // Some lines wait as long as the command's own default, twice.
      120_000,
    );
  });
