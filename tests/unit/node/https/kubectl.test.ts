import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiListener, serveApi } from '#node/https';
import { findKubectls } from '#tests/real-kubectl';
import { makeCredentials } from './certificates.ts';
import { FakeApi, json } from './fake-api.ts';

const kubectls = findKubectls();
if (kubectls.length === 0) console.warn('NOT RUN: streams with real kubectl: none on this machine');

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript) console.warn('NOT RUN: terminal size with real kubectl: no script(1) here');

describe.skipIf(kubectls.length === 0)('streams with real kubectl', () => {
  let directory: string;
  let api: FakeApi;
  let listener: ApiListener;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kijabi-kubectl-'));
    api = new FakeApi();
    api.workDirectory = directory;
    const { ca, server, client } = await makeCredentials();
    listener = await serveApi({ transport: api, ...server });
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const config = path.join(directory, 'config');
    fs.writeFileSync(
      config,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name: 'c',
            cluster: {
              server: `https://127.0.0.1:${listener.port}`,
              'certificate-authority-data': base64(ca),
            },
          },
        ],
        users: [
          {
            name: 'u',
            user: {
              'client-certificate-data': base64(client.certificate),
              'client-key-data': base64(client.privateKey),
            },
          },
        ],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
    environment = { ...process.env, KUBECONFIG: config, HOME: directory };
  });
  afterAll(async () => {
    await listener.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  /** Runs kubectl to its end; both outputs and the exit code. */
  async function run(kubectl: string, words: readonly string[], input = '', more = {}) {
    const child = spawn(kubectl, words, { env: { ...environment, ...more }, cwd: directory });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number];
    return { code, stdout, stderr };
  }

  const protocols = [
    { protocol: 'its default protocol', more: {} },
    {
      protocol: 'the other protocol',
      // Switches newer versions to SPDY and 1.29 to WebSocket.
      more: {
        KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false',
        KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false',
      },
    },
  ];
  const rows = kubectls.flatMap(({ path: kubectl, minor }) =>
    protocols.map((row) => ({ kubectl, name: `kubectl 1.${minor}`, ...row })),
  );

  test.each(rows)('$name exec by $protocol', { timeout: 60_000 }, async ({ kubectl, more }) => {
    expect(await run(kubectl, ['exec', 'web', '--', 'echo', 'hi'], '', more)).toEqual({
      code: 0,
      stdout: 'hi\n',
      stderr: '',
    });
    const failed = await run(
      kubectl,
      ['exec', 'web', '-c', 'c', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42'],
      '',
      more,
    );
    expect(failed).toEqual({
      code: 42,
      stdout: 'out\n',
      stderr: 'err\ncommand terminated with exit code 42\n',
    });
    const long = 'x'.repeat(300_000);
    const echoed = await run(kubectl, ['exec', '-i', 'web', '--', 'cat'], long, more);
    expect([echoed.code, echoed.stdout.length, echoed.stderr]).toEqual([0, long.length, '']);
    const broken = await run(kubectl, ['exec', 'web', '--', 'fail'], '', more);
    expect(broken).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: Internal error occurred: error executing command in container: no such container\n',
    });
  });

  test.each(rows)('$name cp and attach by $protocol', { timeout: 60_000 }, async (row) => {
    const { kubectl, more } = row;
    fs.mkdirSync(path.join(directory, 'pod'), { recursive: true });
    fs.writeFileSync(path.join(directory, 'pod/file'), 'from the pod\n');
    fs.writeFileSync(path.join(directory, 'local'), 'to the pod\n');
    const target = path.join(directory, 'pod/taken');
    fs.rmSync(target, { force: true });
    expect((await run(kubectl, ['cp', 'local', `default/web:${target}`], '', more)).code).toBe(0);
    expect(fs.readFileSync(target, 'utf8')).toBe('to the pod\n');
    fs.rmSync(path.join(directory, 'got'), { force: true });
    expect((await run(kubectl, ['cp', 'default/web:pod/file', 'got'], '', more)).code).toBe(0);
    expect(fs.readFileSync(path.join(directory, 'got'), 'utf8')).toBe('from the pod\n');
    const attached = await run(kubectl, ['attach', '-i', 'web'], 'hello\n', more);
    expect([attached.code, attached.stdout]).toEqual([0, 'attached\nHELLO\n']);
  });

  test.each(rows)(
    '$name tells the size of its terminal by $protocol',
    { timeout: 60_000 },
    async ({ kubectl, more }) => {
      if (!hasScript) return;
      const command = `stty cols 101 rows 37; ${kubectl} exec -it web -- size`;
      const { stdout } = await run('script', ['-qec', command, '/dev/null'], '', more);
      expect(stdout).toContain('101x37');
    },
  );

  test.each(rows)('$name port-forward by $protocol', { timeout: 60_000 }, async (row) => {
    const { kubectl, more } = row;
    const child = spawn(kubectl, ['port-forward', 'pod/web', ':80', ':9'], {
      env: { ...environment, ...more },
    });
    let output = '';
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const ports = await new Promise<number[]>((resolve, reject) => {
      child.on('close', () => reject(new Error(`kubectl ended: ${errors}`)));
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const found = [...output.matchAll(/127\.0\.0\.1:(\d+) -> /g)].map(([, port]) =>
          Number(port),
        );
        if (found.length === 2) resolve(found);
      });
    });
    const before = api.closedSessions.length;
    const bodies = await Promise.all(
      [1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${ports[0]}/`)).text()),
    );
    expect(bodies.map((body) => body.length)).toEqual([240_000, 240_000, 240_000]);
    const { stdout } = await promisify(execFile)('curl', ['-sS', `http://127.0.0.1:${ports[0]}/`]);
    expect(stdout.length).toBe(240_000);
    await expect(fetch(`http://127.0.0.1:${ports[1]}/`)).rejects.toThrow();
    await expect.poll(() => errors).toContain('connection refused');
    child.removeAllListeners('close');
    child.kill('SIGINT');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    await expect.poll(() => api.closedSessions.length).toBeGreaterThan(before);
  });

  test.each(rows)(
    '$name prints the Status of a refusal by $protocol',
    async ({ kubectl, more }) => {
      api.routes.set('/api/v1/namespaces/default/pods/web/exec', () => json(403, forbidden));
      const { code, stderr } = await run(kubectl, ['exec', 'web', '--', 'true'], '', more);
      api.routes.clear();
      // From 1.36 on kubectl says itself that the upgrade failed, with the message of the Status.
      expect([code, stderr.replace(/^error: unable to upgrade connection/, refused)]).toEqual([
        1,
        `${refused}: ${forbidden.message}\n`,
      ]);
    },
  );
});

const refused = 'Error from server (Forbidden)';
const forbidden = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'pods "web" is forbidden: User "alice" cannot create resource "pods/exec"',
  reason: 'Forbidden',
  details: { name: 'web', kind: 'pods' },
  code: 403,
};
