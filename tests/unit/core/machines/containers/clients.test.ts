import { beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8 } from '#core/base';
import { runtimePrograms } from '../../../../../src-main/core/machines/containers/index.ts';
import { ProgramRegistry } from '../../../../../src-main/core/machines/process/index.ts';
import { standardImages } from '../../../../../src-main/core/machines/images/index.ts';
import { TestNode } from './node.ts';

let node: TestNode;

beforeEach(() => {
  node = new TestNode(standardImages);
});

/** Runs a command on the host to its end. */
async function host(...argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const [name = ''] = argv;
  const programs = runtimePrograms(node.containerd);
  const program = Object.entries(programs).find(([path]) => path.endsWith(`/${name}`))?.[1];
  if (!program) throw new Error(`no ${name}`);
  const streams = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => ({
    write: (bytes: Uint8Array) => {
      streams[key] += fromUtf8(bytes);
      return Promise.resolve();
    },
    end: () => undefined,
  });
  const child = node.processes.start(
    { files: node.files, net: node.machine.namespace, programs: new ProgramRegistry() },
    argv,
    { program, stdout: sink('out'), stderr: sink('err') },
  );
  await node.time.advance(3000);
  return { ...streams, code: await child.exit };
}

const k8s = { labels: { 'io.kubernetes.container.name': 'hello-kiamol' } };

describe('crictl', () => {
  it('lists containers, running ones or all', async () => {
    const first = await node.run({ command: ['polite'], ...k8s, name: 'hello-kiamol' });
    await node.time.advance(70_000);
    const second = await node.run({}, { name: 'done' });
    const image = node.containerd.store.find('box:1.0')?.id.slice(7, 20) ?? '';
    const listed = await host('crictl', 'ps', '-a');
    expect(listed.out).toBe(
      'CONTAINER           IMAGE               CREATED                  STATE               NAME                ATTEMPT             POD ID              POD                 NAMESPACE\n' +
        `${second.id.slice(0, 13)}       ${image}       Less than a second ago   Exited              c                   0                   ${second.sandbox.slice(0, 13)}       done                default\n` +
        `${first.id.slice(0, 13)}       ${image}       About a minute ago       Running             hello-kiamol        0                   ${first.sandbox.slice(0, 13)}       web                 default\n`,
    );
    expect((await host('crictl', 'ps', '-q')).out).toBe(`${first.id}\n`);
    expect((await host('crictl', 'ps', '-a', '--name', '^c$', '-q')).out).toBe(`${second.id}\n`);
  });

  it('lists pods and images', async () => {
    const { sandbox } = await node.run({ command: ['polite'] });
    expect((await host('crictl', 'pods')).out).toBe(
      'POD ID              CREATED                  STATE               NAME                NAMESPACE           ATTEMPT             RUNTIME\n' +
        `${sandbox.slice(0, 13)}       Less than a second ago   Ready               web                 default             0                   (default)\n`,
    );
    const id = node.containerd.store.find('box:1.0')?.id.slice(7, 20) ?? '';
    expect((await host('crictl', 'images')).out).toBe(
      `IMAGE                   TAG                 IMAGE ID            SIZE\ndocker.io/library/box   1.0                 ${id}       2MB\n`,
    );
  });

  it('pulls, and says what the registry says', async () => {
    const pulled = await host('crictl', 'pull', 'busybox');
    const id = node.containerd.store.find('busybox')?.id ?? '';
    expect(pulled).toEqual({ out: `Image is up to date for ${id}\n`, err: '', code: 0 });
    expect(await host('crictl', 'pull', 'nosuchimage:1.0')).toEqual({
      out: '',
      err: 'time="2026-01-01T10:00:03Z" level=fatal msg="pulling image: failed to pull and unpack image \\"docker.io/library/nosuchimage:1.0\\": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"\n',
      code: 1,
    });
  });

  it('shows logs, runs commands, inspects', async () => {
    const { id } = await node.run({ command: ['printf', 'one\ntwo\n'] });
    expect((await host('crictl', 'logs', '--tail=1', id.slice(0, 6))).out).toBe('two\n');
    const running = await node.run({ command: ['polite'] });
    expect((await host('crictl', 'exec', running.id, 'echo', '-n', 'hi')).out).toBe('-n hi\n');
    expect((await host('crictl', 'exec', running.id, 'printf', '', '', '3')).err).toContain(
      'level=fatal msg="execing command in container: command terminated with exit code 3"',
    );
    const shown = JSON.parse((await host('crictl', 'inspect', running.id)).out);
    expect(shown.status).toMatchObject({
      id: running.id,
      state: 'CONTAINER_RUNNING',
      finishedAt: '0001-01-01T00:00:00Z',
    });
    expect(shown.info.pid).toBeGreaterThan(0);
  });

  it.each([
    [
      'inspect',
      'get the status of containers: get container status: rpc error: code = NotFound desc = an error occurred when try to find container \\"nosuch\\": not found',
    ],
    [
      'logs',
      'rpc error: code = NotFound desc = an error occurred when try to find container \\"nosuch\\": not found',
    ],
  ])('%s of nothing', async (command, message) => {
    expect(await host('crictl', command, 'nosuch')).toEqual({
      out: '',
      err: `time="2026-01-01T10:00:00Z" level=fatal msg="${message}"\n`,
      code: 1,
    });
  });

  it('cannot reach a dead daemon or a wrong endpoint', async () => {
    node.containerd.up = false;
    const text = (path: string) =>
      `time="2026-01-01T10:00:00Z" level=fatal msg="validate service connection: validate CRI v1 runtime API for endpoint \\"unix://${path}\\": rpc error: code = Unavailable desc = connection error: desc = \\"transport: Error while dialing: dial unix ${path}: connect: no such file or directory\\""\n`;
    expect((await host('crictl', 'ps')).err).toBe(text('/run/containerd/containerd.sock'));
    node.containerd.up = true;
    node.files.writeFile('/etc/crictl.yaml', 'runtime-endpoint: unix:///run/nope.sock\n');
    expect((await host('crictl', 'ps')).err).toBe(
      text('/run/nope.sock').replace('10:00:00', '10:00:03'),
    );
  });

  it('stops and removes', async () => {
    const { id, sandbox } = await node.run({ command: ['polite'] });
    expect((await host('crictl', 'rm', id)).code).toBe(1);
    expect((await host('crictl', 'rm', '-f', id)).out).toBe(`${id}\n`);
    expect((await host('crictl', 'stopp', sandbox)).out).toBe(`Stopped sandbox ${sandbox}\n`);
    expect((await host('crictl', 'rmp', sandbox)).out).toBe(`Removed sandbox ${sandbox}\n`);
    expect((await host('crictl', 'pods', '-q')).out).toBe('');
  });

  it('tells the versions', async () => {
    expect((await host('crictl', 'version')).out).toBe(
      'Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v2.2.9\nRuntimeApiVersion:  v1\n',
    );
  });
});

describe('docker', () => {
  it('finds a pod’s container by its label and removes it', async () => {
    const { id } = await node.run({ command: ['polite'], ...k8s, name: 'hello-kiamol' });
    const filter = 'label=io.kubernetes.container.name=hello-kiamol';
    expect((await host('docker', 'container', 'ls', '-q', '--filter', filter)).out).toBe(
      `${id.slice(0, 12)}\n`,
    );
    expect((await host('docker', 'ps')).out).toContain('k8s_hello-kiamol_web_default_u1_0\n');
    expect(await host('docker', 'container', 'rm', '-f', id.slice(0, 12))).toEqual({
      out: `${id.slice(0, 12)}\n`,
      err: '',
      code: 0,
    });
    expect((await host('docker', 'container', 'ls', '-q', '--filter', filter)).out).toBe('');
  });

  it('does not know the misspelt option', async () => {
    expect((await host('docker', 'container', 'ls', '-q', '--fiter', 'label=x')).err).toMatch(
      /^unknown flag: --fiter\n/,
    );
  });
});

describe('nerdctl and ctr', () => {
  it('run containers that the kubelet does not see', async () => {
    const started = await host(
      'nerdctl',
      'run',
      '--name',
      'webserver',
      '-p',
      '80:80',
      '-d',
      'nginx',
    );
    expect(started.out).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await node.containerd.runtime.listContainers()).toEqual([]);
    expect((await host('nerdctl', 'ps')).out).toContain('0.0.0.0:80->80/tcp');
    const dialed = await node.machine.namespace.dial('192.168.10.11', 80);
    expect(dialed.listener.kind).toBe('http');
    expect((await host('crictl', 'ps', '-q')).out).toBe('');
    expect((await host('ctr', 'c', 'ls', '-q')).out).toBe(started.out);
    expect((await host('ctr', '-n', 'k8s.io', 'c', 'ls', '-q')).out).toBe('');
    await host('nerdctl', 'rm', '-f', 'webserver');
    await expect(node.machine.namespace.dial('192.168.10.11', 80)).rejects.toThrow(
      'connection refused',
    );
  });

  it('stay with a container in the foreground', async () => {
    expect(await host('nerdctl', 'run', '--rm', 'box:1.0', 'echo', 'hi')).toEqual({
      out: 'hi\n',
      err: '',
      code: 0,
    });
    expect((await host('nerdctl', 'ps', '-a', '-q')).out).toBe('');
  });
});

describe('containerd', () => {
  it('is up while its program runs', async () => {
    node.containerd.up = false;
    const child = node.processes.start(
      { files: node.files, net: node.machine.namespace, programs: new ProgramRegistry() },
      ['containerd'],
      { program: runtimePrograms(node.containerd)['/usr/bin/containerd']! },
    );
    await node.time.advance(0);
    expect([node.containerd.up, node.files.exists('/run/containerd/containerd.sock')]).toEqual([
      true,
      true,
    ]);
    child.kill('SIGTERM');
    await node.time.advance(0);
    expect([
      node.containerd.up,
      node.files.exists('/run/containerd/containerd.sock'),
      await child.exit,
    ]).toEqual([false, false, 0]);
  });

  it('does not start with a broken configuration', async () => {
    node.files.mkdir('/etc/containerd', { recursive: true });
    node.files.writeFile('/etc/containerd/config.toml', 'version = 3\n[plugins]\n  broken\n');
    expect(await host('containerd')).toMatchObject({
      code: 1,
      err: "containerd: failed to load TOML: /etc/containerd/config.toml: toml: line 3: expected '.' or '=', but got '\\n' instead\n",
    });
  });
});
