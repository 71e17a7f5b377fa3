import { beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8, readText, utf8 } from '#core/base';
import { CriError, type ContainerConfig } from '#core/kube';
import { main, pod, TestNode } from './node.ts';

let node: TestNode;

beforeEach(() => {
  node = new TestNode();
});

const service = () => node.containerd.runtime;

describe('a container', () => {
  it('runs its image’s command, logs it and is completed', async () => {
    const { id, sandbox } = await node.run({});
    const status = await service().containerStatus(id);
    expect(status).toMatchObject({
      id,
      sandboxId: sandbox,
      state: 'CONTAINER_EXITED',
      reason: 'Completed',
      exitCode: 0,
      image: 'docker.io/library/box:1.0',
      logPath: '/var/log/pods/default_web_u1/c/0.log',
      startedMs: Date.parse('2026-01-01T10:00:00Z'),
      user: { uid: 0, gid: 0, groups: [0] },
    });
    expect(status.imageRef).toMatch(/^docker\.io\/library\/box@sha256:[0-9a-f]{64}$/);
    expect(await node.log()).toBe('2026-01-01T10:00:00.000000000Z stdout F hello\n');
  });

  it.each<[string, Partial<ContainerConfig>, string]>([
    [
      'sees the image’s environment, then its own',
      { command: ['env'], env: [{ name: 'COLOR', value: 'red' }] },
      'PATH=/bin\nHOSTNAME=web\nCOLOR=red\nHOME=/root\ncwd=/srv uid=0 gid=0\n',
    ],
    [
      'runs as the user and in the directory it is given',
      {
        command: ['env'],
        workingDirectory: '/data',
        security: { ...main.security, runAsUser: 101 },
      },
      'PATH=/bin\nHOSTNAME=web\nCOLOR=blue\nHOME=/var/web\ncwd=/data uid=101 gid=102\n',
    ],
    ['takes arguments', { command: ['echo'], args: ['a', 'b'] }, 'a b\n'],
    ['has a host name of its own', { command: ['cat', '/etc/hostname'] }, 'web\n'],
    ['is alone in its pid namespace', { command: ['ps'] }, '1 ps\n'],
  ])('%s', async (_, config, expected) => {
    await node.run(config);
    const lines = (await node.log()).split('\n').filter((line) => line !== '');
    expect(lines.map((line) => `${line.split(' ').slice(3).join(' ')}\n`).join('')).toBe(expected);
  });

  it('logs both streams, whole lines and long ones in parts', async () => {
    const long = 'x'.repeat(16 * 1024 + 3);
    await node.run({ command: ['printf', `one\n${long}\nrest`, 'boom\n', '3'] });
    const lines = (await node.log()).split('\n');
    expect(lines.map((line) => line.slice(30, 45))).toEqual([
      ' stdout F one',
      ' stdout P xxxxx',
      ' stdout F xxx',
      ' stderr F boom',
      ' stdout P rest',
      '',
    ]);
  });

  it.each([
    ['exits', ['printf', '', '', '3'], 3, 'Error'],
    ['is killed for memory', ['hog', '70000000'], 137, 'OOMKilled'],
  ])('that %s says so', async (_, command, exitCode, reason) => {
    const { id } = await node.run({ command, resources: { memoryLimitBytes: 64 * 1024 * 1024 } });
    expect(await service().containerStatus(id)).toMatchObject({
      state: 'CONTAINER_EXITED',
      exitCode,
      reason,
    });
  });

  it('reads its own cgroup, and sees changes of its limits', async () => {
    const { id } = await node.run({
      command: ['hog', '50000000'],
      resources: { cpuShares: 256, cpuLimitMilli: 500, memoryLimitBytes: 64 * 1024 * 1024 },
    });
    const files = node.containerd.containers.get(id)?.files;
    const read = (name: string) => files?.readText(`/sys/fs/cgroup/${name}`);
    expect(['cpu.max', 'cpu.weight', 'memory.max', 'memory.current'].map(read)).toEqual([
      '50000 100000\n',
      '35\n',
      '67108864\n',
      '50000000\n',
    ]);
    expect(read('cgroup.procs')).toBe('1\n');
    expect(files?.readText('/proc/1/cgroup')).toBe('0::/\n');
    expect(() => files?.writeFile('/sys/fs/cgroup/memory.max', 'max')).toThrow();
    await service().updateContainerResources(id, {
      cpuLimitMilli: 5,
      memoryLimitBytes: 128 * 1024 * 1024,
    });
    expect(read('cpu.max')).toBe('1000 100000\n');
    expect(read('memory.max')).toBe('134217728\n');
  });

  it('without limits has none in its cgroup', async () => {
    const { id } = await node.run({ command: ['sleep', '100'] });
    const files = node.containerd.containers.get(id)?.files;
    expect(files?.readText('/sys/fs/cgroup/memory.max')).toBe('max\n');
    expect(files?.readText('/sys/fs/cgroup/cpu.max')).toBe('max 100000\n');
  });

  it.each<[string, Partial<ContainerConfig['security']>, string]>([
    ['by default', {}, 'NET_RAW'],
    ['with more', { addedCapabilities: ['NET_ADMIN'], droppedCapabilities: ['ALL'] }, 'NET_ADMIN'],
    ['privileged', { privileged: true }, 'NET_ADMIN NET_RAW'],
    ['as another user', { runAsUser: 101, privileged: true }, ''],
  ])('has capabilities %s', async (_, security, expected) => {
    await node.run({ command: ['can'], security: { ...main.security, ...security } });
    expect(await node.log()).toContain(` F ${expected}\n`);
  });

  it('mounts the files of an image, to be read alone', async () => {
    const mount = {
      containerPath: '/volume',
      hostPath: '',
      readOnly: true,
      image: { reference: 'box:1.0', subPath: 'etc' },
    };
    const { id } = await node.run({ command: ['sleep', '100'], mounts: [mount] });
    const files = node.containerd.containers.get(id)?.files;
    expect(files?.readText('/volume/passwd')).toContain('web:x:101');
    expect(() => files?.writeFile('/volume/new', '')).toThrow('Read-only file system');
    const absent = { ...mount, image: { reference: 'nope:1.0', subPath: '' } };
    await expect(node.run({ mounts: [absent] })).rejects.toThrow(
      'failed to get image from containerd "nope:1.0": not found',
    );
  });

  it('declares what it uses', async () => {
    const { id } = await node.run({
      command: ['hog', '50000000'],
      resources: { cpuLimitMilli: 100 },
    });
    const before = await service().containerStats(id);
    expect(before).toMatchObject({ cpuNanocores: 100_000_000, memoryBytes: 50_000_000 });
    await node.time.advance(10_000);
    const after = await service().containerStats(id);
    expect(after.cpuNanoseconds - before.cpuNanoseconds).toBe(1_000_000_000);
    await service().updateContainerResources(id, { memoryLimitBytes: 1024 });
    await node.time.advance(0);
    expect((await service().containerStatus(id)).reason).toBe('OOMKilled');
  });

  const prefix =
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ';
  it.each<[string, Partial<ContainerConfig>, string]>([
    [
      'an unknown command',
      { command: ['nosuchcmd'] },
      'exec: "nosuchcmd": executable file not found in $PATH',
    ],
    [
      'a path that is not there',
      { command: ['/no/such'] },
      'exec: "/no/such": stat /no/such: no such file or directory',
    ],
    [
      'a file that is no program',
      { command: ['/etc/passwd'] },
      'exec: "/etc/passwd": permission denied',
    ],
    [
      'a directory mounted on a file',
      { mounts: [{ hostPath: '/var/vol', containerPath: '/etc/passwd', readOnly: true }] },
      'error during container init: error mounting "/var/vol" to rootfs at "/etc/passwd": mount /var/vol:/etc/passwd (via /proc/self/fd/6), flags: 0x5001: not a directory',
    ],
  ])('cannot start %s', async (_, config, reason) => {
    await expect(node.run(config)).rejects.toThrow(new CriError('Unknown', prefix + reason));
    const [status] = await service().listContainers();
    expect(status).toMatchObject({
      state: 'CONTAINER_EXITED',
      exitCode: 128,
      reason: 'StartError',
      message: prefix + reason,
    });
  });

  it('sees mounts of the host and cannot write what is read-only', async () => {
    node.files.mkdir('/var/vol', { recursive: true });
    node.files.writeFile('/var/vol/page', 'from the host');
    const { id } = await node.run({
      command: ['sleep', '100'],
      mounts: [{ hostPath: '/var/vol', containerPath: '/data', readOnly: true }],
      security: { ...main.security, readOnlyRootFilesystem: true },
    });
    const run = async (...command: string[]) => {
      const { stdout, stderr, exitCode } = await service().execSync(id, command, 5);
      return `${fromUtf8(stdout)}${fromUtf8(stderr)}${exitCode}`;
    };
    expect(await run('cat', '/data/page')).toBe('from the host0');
    expect(await run('touch', '/data/x')).toBe('touch: /data/x: Read-only file system\n1');
    expect(await run('touch', '/x')).toBe('touch: /x: Read-only file system\n1');
  });
});

describe('stopping', () => {
  it.each([
    ['ends at once a process that handles SIGTERM', ['polite'], 30, 0, 'Completed', 0],
    ['kills pid 1 without a handler after the grace', ['sleep', '3600'], 30, 137, 'Error', 30],
    ['kills at once without grace', ['polite'], 0, 137, 'Error', 0],
  ])('%s', async (_, command, grace, exitCode, reason, seconds) => {
    const { id } = await node.run({ command });
    const started = node.time.clock.now();
    const stopped = service().stopContainer(id, grace);
    await node.time.advance(60_000);
    await stopped;
    const status = await service().containerStatus(id);
    expect([status.exitCode, status.reason, (status.finishedMs - started) / 1000]).toEqual([
      exitCode,
      reason,
      seconds,
    ]);
  });

  it('gives the address of a sandbox back and forgets what is removed', async () => {
    const { sandbox, id } = await node.run({ command: ['sleep', '3600'] });
    const [address = ''] = (await service().podSandboxStatus(sandbox)).ips;
    expect(node.network.namespaceOf(address)?.name).toBe('default/web');
    await service().stopPodSandbox(sandbox);
    expect((await service().podSandboxStatus(sandbox)).state).toBe('SANDBOX_NOTREADY');
    expect(node.network.namespaceOf(address)).toBeUndefined();
    expect((await service().containerStatus(id)).state).toBe('CONTAINER_EXITED');
    await service().removePodSandbox(sandbox);
    await expect(service().podSandboxStatus(sandbox)).rejects.toThrow(
      `an error occurred when try to find sandbox "${sandbox}": not found`,
    );
    expect(await service().listContainers()).toEqual([]);
    expect(node.processes.list()).toEqual([]);
  });
});

describe('exec and attach', () => {
  it('carry streams and the exit code', async () => {
    const { id } = await node.run({ command: ['sleep', '3600'] });
    const request = { stdin: true, stdout: true, stderr: true, tty: false };
    const cat = await service().exec(id, { ...request, command: ['cat'] });
    await cat.stdin?.write(utf8('typed'));
    cat.stdin?.end();
    expect([await readText(cat.stdout!), await cat.exit]).toEqual(['typed', 0]);
    const failing = await service().exec(id, { ...request, command: ['printf', 'o', 'e', '7'] });
    expect([
      await readText(failing.stdout!),
      await readText(failing.stderr!),
      await failing.exit,
    ]).toEqual(['o', 'e', 7]);
  });

  it('refuse what cannot be run', async () => {
    const { id } = await node.run({ command: ['sleep', '3600'] });
    await expect(service().execSync(id, ['nosuch'], 1)).rejects.toThrow(
      /^failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in \$PATH$/,
    );
    await expect(service().execSync('abcdef', ['ls'], 1)).rejects.toThrow(
      'an error occurred when try to find container "abcdef": not found',
    );
    await service().stopContainer(id, 0);
    await expect(service().execSync(id, ['env'], 1)).rejects.toThrow(
      'failed to exec in container: container is in CONTAINER_EXITED state',
    );
  });

  it('are killed when their time is over', async () => {
    const { id } = await node.run({ command: ['sleep', '3600'] });
    const probe = expect(service().execSync(id, ['sleep', '10'], 1)).rejects.toThrow(
      'failed to exec in container: timeout 1s exceeded: context deadline exceeded',
    );
    await node.time.advance(1000);
    await probe;
    expect(node.processes.list().map(({ argv }) => argv.join(' '))).toEqual([
      '/pause',
      'sleep 3600',
    ]);
  });

  it('show a terminal what it types', async () => {
    const { id } = await node.run({ command: ['sleep', '3600'] });
    const shell = await service().exec(id, {
      command: ['cat'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: true,
    });
    await shell.stdin?.write(utf8('hx\x7fi\r'));
    await node.time.advance(0);
    await shell.stdin?.write(utf8('\x04'));
    expect([await readText(shell.stdout!), await shell.exit]).toEqual(['hx\b \bi\r\nhi\r\n', 0]);
  });

  it('join the main process', async () => {
    const { id } = await node.run({ command: ['cat'], stdin: true, stdinOnce: true });
    const attached = await service().attach(id, {
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
    await attached.stdin?.write(utf8('line\n'));
    attached.stdin?.end();
    expect([await readText(attached.stdout!), await attached.exit]).toEqual(['line\n', 0]);
    expect(await node.log()).toContain(' stdout F line\n');
  });

  it('leave an input that stays open to those who come later', async () => {
    const { id } = await node.run({ command: ['cat'], stdin: true });
    const request = { stdin: true, stdout: true, stderr: true, tty: false };
    for (const line of ['one\n', 'two\n']) {
      const attached = await service().attach(id, request);
      await attached.stdin?.write(utf8(line));
      await node.time.advance(0);
      attached.stdin?.end();
      expect([await readText(attached.stdout!), await attached.exit]).toEqual([line, 0]);
    }
    expect((await service().containerStatus(id)).state).toBe('CONTAINER_RUNNING');
  });
});

describe('the pod', () => {
  it('shares its network, and its processes when asked', async () => {
    const { sandbox } = await node.run(
      { command: ['serve', '8080'] },
      { shareProcessNamespace: true },
    );
    const forwarded = await service().portForward(sandbox, 8080);
    await forwarded.output.write(utf8('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'));
    expect(await readText(forwarded.input)).toContain('HTTP/1.1 200 OK');
    const side = await node.add(sandbox, { name: 'ps', command: ['ps'], logPath: 'ps/0.log' });
    expect((await service().containerStatus(side)).exitCode).toBe(0);
    expect((await node.log('ps/0.log')).split('\n').map((line) => line.slice(40))).toEqual([
      '1 /pause',
      '2 serve 8080',
      '3 ps',
      '',
    ]);
  });

  it('says that nothing listens as containerd does', async () => {
    const { sandbox } = await node.run({ command: ['sleep', '100'] });
    await expect(service().portForward(sandbox, 81)).rejects.toThrow(
      new RegExp(
        `^failed to execute portforward in network namespace "/var/run/netns/cni-[0-9a-f-]{36}": failed to connect to localhost:81 inside namespace "${sandbox}", IPv4: dial tcp4 127\\.0\\.0\\.1:81: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found $`,
      ),
    );
  });

  it('joins the processes of the container it debugs', async () => {
    const { sandbox, id } = await node.run({ command: ['sleep', '100'] });
    await node.add(sandbox, {
      name: 'dbg',
      command: ['cat', '/proc/1/cmdline'],
      logPath: 'dbg/0.log',
      targetContainerId: `containerd://${id}`,
    });
    expect(await node.log('dbg/0.log')).toContain('sleep\x00100\x00');
  });

  it.each([
    ['no configuration', '', 'cni plugin not initialized'],
    [
      'flannel before its agent',
      '{"name":"cbr0","plugins":[{"type":"flannel"}]}',
      `plugin type="flannel" failed (add): failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory. Check the flannel pod log for this node.`,
    ],
  ])('cannot be made with %s', async (_, config, message) => {
    node.files.remove('/etc/cni/net.d/10-bridge.conflist');
    if (config !== '') node.files.writeFile('/etc/cni/net.d/10-flannel.conflist', config);
    await expect(service().runPodSandbox(pod)).rejects.toThrow(
      new RegExp(`^failed to setup network for sandbox "[0-9a-f]{64}": ${escaped(message)}$`),
    );
    expect((await service().status()).networkReady).toBe(config !== '');
    await expect(service().runPodSandbox({ ...pod, hostNetwork: true })).resolves.toHaveLength(64);
  });

  it('has the block of the node object where the configuration says so', async () => {
    node.files.writeFile(
      '/etc/cni/net.d/05-calico.conflist',
      '{"name":"k8s","plugins":[{"type":"calico","nodename":"node01","ipam":{"type":"host-local","subnet":"usePodCidr"}}]}',
    );
    await expect(service().runPodSandbox(pod)).rejects.toThrow(
      'plugin type="calico" failed (add): no podCidr for node node01',
    );
    await service().updateRuntimeConfig({ podCidr: '10.244.7.0/24' });
    const id = await service().runPodSandbox(pod);
    expect((await service().podSandboxStatus(id)).ips).toEqual(['10.244.7.2']);
  });

  it('needs the plugin where plugins are installed', async () => {
    node.files.mkdir('/opt/cni/bin', { recursive: true });
    node.files.writeFile('/opt/cni/bin/loopback', '', 0o755);
    await expect(service().runPodSandbox(pod)).rejects.toThrow(
      'plugin type="bridge" failed (add): failed to find plugin "bridge" in path [/opt/cni/bin]',
    );
  });
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('images', () => {
  it('are pulled on the clock and removed', async () => {
    const { images } = node.containerd;
    await images.removeImage('box:1.0');
    expect(await images.imageStatus('box:1.0')).toBeUndefined();
    const pulled = images.pullImage('box');
    await node.time.settle();
    expect(await pulled).toMatch(/^docker\.io\/library\/box@sha256:[0-9a-f]{64}$/);
    const firstMs = node.time.clock.now() - Date.parse('2026-01-01T10:00:00Z');
    // The look-up, 2 MB, and what the network adds.
    expect(firstMs).toBeGreaterThanOrEqual(19);
    expect(firstMs).toBeLessThan(119);
    const again = images.pullImage('box');
    await node.time.settle();
    await again;
    expect(node.time.clock.now() - Date.parse('2026-01-01T10:00:00Z') - firstMs).toBe(16);
    expect(await images.listImages()).toMatchObject([
      { tags: ['docker.io/library/box:latest'], sizeBytes: 2_000_000 },
    ]);
  });

  it.each([
    [
      'nosuchimage:1.0',
      'Unknown',
      'failed to pull and unpack image "docker.io/library/nosuchimage:1.0": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    ],
    [
      'box:9.99',
      'NotFound',
      'failed to pull and unpack image "docker.io/library/box:9.99": failed to resolve image: docker.io/library/box:9.99: not found',
    ],
    [
      'registry.k8s.io/nope:v1',
      'NotFound',
      'failed to pull and unpack image "registry.k8s.io/nope:v1": failed to resolve image: registry.k8s.io/nope:v1: not found',
    ],
    [
      'registry.example.test/team/app:v1',
      'Unknown',
      'failed to pull and unpack image "registry.example.test/team/app:v1": failed to resolve image: failed to do request: Head "https://registry.example.test/v2/team/app/manifests/v1": dial tcp: lookup registry.example.test on 10.0.0.53:53: no such host',
    ],
  ] as const)('%s cannot be pulled', async (image, code, message) => {
    const failure = expect(node.containerd.images.pullImage(image)).rejects.toMatchObject({
      code,
      message,
    });
    await node.time.settle();
    await failure;
  });
});

describe('containerd down', () => {
  it('refuses calls while containers go on', async () => {
    const { id } = await node.run({ command: ['sleep', '100'] });
    node.containerd.up = false;
    await expect(service().listContainers()).rejects.toMatchObject({
      code: 'Unavailable',
      message:
        'connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"',
    });
    expect(node.processes.list()).toHaveLength(2);
    node.containerd.up = true;
    expect((await service().containerStatus(id)).state).toBe('CONTAINER_RUNNING');
  });

  it('finds the containers of a machine without power dead', async () => {
    const { id, sandbox } = await node.run({ command: ['sleep', '100'] });
    node.containerd.powerOff();
    node.containerd.up = true;
    expect(await service().containerStatus(id)).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    expect((await service().podSandboxStatus(sandbox)).state).toBe('SANDBOX_NOTREADY');
  });
});
