import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliProgram, startWebHost, webProgram } from '#tests/web-host';
import { afterAll, describe, expect, test } from 'vitest';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], stdin = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'kijabi-cli-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));

describe('a cluster from the command line', () => {
  test('comes up, answers ssh and kubectl, moves its clock, and goes with its host', async () => {
    const data = folder();
    const kijabi = (...args: string[]) => run(cliProgram, ['--data', data, ...args]);
    const up = await kijabi('cluster', 'up', 'lab', '--topology', 'base+1cp');
    expect(up).toMatchObject({ code: 0, stderr: '' });
    expect(up.stdout).toMatch(/^cluster "lab" is up after \d+\.\d s: Kubernetes v1\.36\.3/);
    expect(statSync(join(data, 'kijabi.sock')).mode & 0o777).toBe(0o600);
    expect(statSync(data).mode & 0o077).toBe(0);

    expect(await kijabi('ssh', 'base', 'echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await run(cliProgram, ['--data', data, 'ssh', 'base', 'cat'], 'from here')).toEqual({
      code: 0,
      stdout: 'from here',
      stderr: '',
    });
    const nodes = await kijabi('kubectl', 'get', 'nodes', '-o', 'name');
    expect(nodes.stdout).toBe('node/controlplane\n');
    const { stdout: kubeconfig } = await kijabi('cluster', 'kubeconfig');
    expect(statSync(kubeconfig.trim()).mode & 0o777).toBe(0o600);

    const before = Number(JSON.parse((await kijabi('--json', 'cluster', 'list')).stdout)[0].nowMs);
    const moved = await kijabi('--json', 'clock', 'advance', '1h');
    expect(Number(JSON.parse(moved.stdout).nowMs) - before).toBeGreaterThanOrEqual(3_600_000);
    expect((await kijabi('clock', 'pause')).stdout).toMatch(/speed 0\n$/);

    expect((await kijabi('ssh', 'nowhere')).stderr).toBe(
      'kijabi: cluster "lab" has no machine "nowhere"; there are: base, controlplane\n',
    );
    expect((await kijabi('cluster', 'down')).stdout).toBe('cluster "lab" is removed\n');
    expect((await kijabi('ssh', 'base', 'true')).stderr).toBe(
      'kijabi: there is no cluster: "kijabi cluster up" makes one\n',
    );
  });

  test('a background host gives way to one with a page, which brings its cluster up again', async () => {
    const data = folder();
    const kijabi = (...args: string[]) => run(cliProgram, ['--data', data, ...args]);
    await kijabi('cluster', 'up', 'lab', '--topology', 'base+1cp');
    await kijabi('kubectl', 'create', 'configmap', 'kept', '--from-literal=a=b');
    const host = await startWebHost([], data);
    try {
      const up = await kijabi('cluster', 'up', 'lab');
      expect(up.stdout).toMatch(/^cluster "lab" is up already\n/);
      const kept = await kijabi('kubectl', 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}');
      expect(kept).toMatchObject({ code: 0, stdout: 'b' });
      const second = await run(webProgram, ['--data', data]);
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(
        new RegExp(
          `^kijabi: Kijabi is already running with the data folder ${data} \\(process \\d+\\)`,
        ),
      );
      await kijabi('cluster', 'down', '--all');
    } finally {
      expect(await host.stop()).toBe(0);
    }
    expect(existsSync(join(data, 'clusters', 'lab.sqlite'))).toBe(false);
  });
});

describe('what cannot start says why', () => {
  test('a taken port', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as { port: number };
    expect(await run(webProgram, ['--data', folder(), '--port', String(port)])).toEqual({
      code: 1,
      stdout: '',
      stderr: `kijabi: port ${port} is taken by another program: stop it, or choose another with --port\n`,
    });
    blocker.close();
  });

  test('a data folder that cannot be made', async () => {
    const { code, stderr } = await run(webProgram, ['--data', '/proc/kijabi']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^kijabi: the data folder \/proc\/kijabi cannot be written \(E[A-Z]+\): make it writable for your account, or choose another with --data DIR\n$/,
    );
  });

  test('a read-only data folder', async () => {
    const data = folder();
    chmodSync(data, 0o500);
    // The superuser may write everywhere, so the program runs as nobody.
    const child = spawn(process.execPath, [cliProgram, '--data', data, 'cluster', 'list'], {
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    chmodSync(data, 0o700);
    expect([code, stderr]).toEqual([
      1,
      `kijabi: the data folder ${data} cannot be written (EACCES): make it writable for your account, or choose another with --data DIR\n`,
    ]);
  });

  test.each([
    {
      args: ['--port', 'x'],
      stderr: /^kijabi: --port must be a number from 0 to 65535, not "x"\n/,
    },
    { args: ['--what'], stderr: /^kijabi: Unknown option '--what'/ },
  ])('$args', async ({ args, stderr }) => {
    const ended = await run(webProgram, args);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(stderr);
  });
});
