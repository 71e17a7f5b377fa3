import { describe, expect, it } from 'vitest';
import { fromUtf8, readText, utf8 } from '#core/base';
import type { GrpcHealth } from '../../../../../src-main/core/machines/network/index.ts';
import { main } from '../containers/node.ts';
import { client, node, run, start, useImageNode } from './image-node.ts';

useImageNode();

describe('agnhost', () => {
  const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.40';

  it('agnhost liveness is well for ten seconds', async () => {
    const { address } = await start(agnhost, { args: ['liveness'] });
    const status = async () =>
      (await run('curl', '-s', '-w', ' %{http_code}', `${address}:8080/healthz`)).out;
    await node.time.advance(9000);
    expect(await status()).toBe('ok 200');
    await node.time.advance(2000);
    expect(await status()).toBe('error: 11 500');
  });

  it('agnhost grpc-health-checking is well as long as it is told to be', async () => {
    const { address } = await start(agnhost, {
      args: ['grpc-health-checking', '--delay-unhealthy-sec=20', '--service', 'mine'],
    });
    const health = async (service: string): Promise<unknown> => {
      const { listener } = await node.machine.namespace.dial(address, 5000);
      return listener.kind === 'object' && (listener.object as GrpcHealth).check(service);
    };
    expect(await health('mine')).toBe('SERVING');
    expect(await health('other')).toBeUndefined();
    await run('curl', '-s', `${address}:8080/make-not-serving`);
    expect(await health('mine')).toBe('NOT_SERVING');
    await run('curl', '-s', `${address}:8080/make-serving`);
    expect(await health('mine')).toBe('SERVING');
    await node.time.advance(20_000);
    expect(await health('mine')).toBe('NOT_SERVING');
  });

  it.each([
    [false, 'Effective uid: 0'],
    [true, 'Effective uid: 1000'],
  ])('a program of root’s becomes root unless it may not (%s)', async (held, expected) => {
    const done = await start('registry.k8s.io/e2e-test-images/nonewprivs:1.4', {
      security: { ...main.security, runAsUser: 1000, noNewPrivileges: held },
    });
    expect(await done.log()).toEqual([expected]);
  });

  it('agnhost porter serves what its environment says', async () => {
    const env = [
      { name: 'SERVE_PORT_80', value: 'plain' },
      { name: 'SERVE_TLS_PORT_443', value: 'secure' },
    ];
    const { address } = await start(agnhost, { args: ['porter'], env });
    expect((await run('curl', '-s', `http://${address}`)).out).toBe('plain');
    expect((await run('curl', '-sk', `https://${address}`)).out).toBe('secure');
  });

  it('agnhost port-forward-tester answers in chunks who says what it expects', async () => {
    const env = Object.entries({
      BIND_ADDRESS: '0.0.0.0',
      BIND_PORT: '80',
      EXPECTED_CLIENT_DATA: 'abc',
      CHUNKS: '3',
      CHUNK_SIZE: '2',
      CHUNK_INTERVAL: '100',
    }).map(([name, value]) => ({ name, value }));
    const said = async (words: string) => {
      const { address, log, id } = await start(agnhost, { args: ['port-forward-tester'], env });
      const nc = await node.containerd.runtime.exec(client, {
        command: ['nc', address, '80'],
        stdin: true,
        stdout: true,
        stderr: true,
        tty: false,
      });
      if (words !== '') await nc.stdin?.write(utf8(words));
      nc.stdin?.end();
      await node.time.advance(2000);
      return {
        out: nc.stdout ? await readText(nc.stdout) : '',
        log: await log(),
        code: (await node.containerd.runtime.containerStatus(id)).exitCode,
      };
    };
    expect(await said('abc')).toEqual({
      out: 'xxxxxx',
      log: [
        'Accepted client connection',
        'Received expected client data',
        'Shutting down connection',
        'Done',
      ],
      code: 0,
    });
    expect(await said('')).toEqual({
      out: '',
      log: [
        'Accepted client connection',
        'Expected to read 3 bytes from client, but got 0 instead. err=EOF',
      ],
      code: 2,
    });
    expect(await said('xyz')).toMatchObject({ code: 3 });
  });

  it('agnhost test-webserver lists the folders of its image', async () => {
    const { address } = await start(agnhost, { args: ['test-webserver'] });
    const get = async (path: string) =>
      (await run('curl', '-s', '-w', ' %{http_code}', `${address}${path}`)).out;
    expect(await get('/')).toMatch(
      /^<!doctype html>\n.*\n<pre>\n(<a.*\n)*<a href="etc\/">etc\/<\/a>\n/,
    );
    expect(await get('/etc')).toBe(' 301');
    expect(await get('/none')).toBe('404 page not found\n 404');
  });

  it('agnhost netexec answers datagrams', async () => {
    const { address } = await start(agnhost, { args: ['netexec', '--udp-port=90'] });
    const [{ id }] = [await start(agnhost, { args: ['pause'] })];
    const streams = await node.containerd.runtime.exec(id, {
      command: ['nc', '-u', '-w', '2', address, '90'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
    await streams.stdin?.write(utf8('hostName\n'));
    streams.stdin?.end();
    await node.time.advance(2000);
    expect(fromUtf8((await streams.stdout?.read()) ?? new Uint8Array())).toBe(
      'registry-k8s-io-e2e-test-images-agnhost-2-40',
    );
  });

  it('agnhost guestbook tells its replicas what it is told', async () => {
    const primary = await start(agnhost, { args: ['guestbook', '--http-port=6379'] });
    const words = ['guestbook', '--replicaof', primary.address, '--http-port', '6379'];
    const curl = async (url: string) => (await run('curl', '-s', url)).out;
    await curl(`${primary.address}:6379/set?key=a&value=1`);
    const replica = await start(agnhost, { args: words });
    expect(await curl(`${primary.address}:6379/set?key=messages&value=Test`)).toBe(
      '{"message":"Updated"}',
    );
    expect(await curl(`${replica.address}:6379/get?key=messages`)).toBe('{"data":"Test"}');
    expect(await curl(`${replica.address}:6379/get`)).toBe('{"data":{"a":"1","messages":"Test"}}');
    expect(await curl(`${replica.address}:6379/guestbook?cmd=go`)).toBe("unsupported cmd: 'go'\n");
  });

  it('agnhost nettest counts who wrote to it', async () => {
    const { address } = await start(agnhost, { args: ['nettest'] });
    const curl = async (...words: string[]) => (await run('curl', '-s', ...words)).out;
    const name = 'registry-k8s-io-e2e-test-images-agnhost-2-40';
    expect(await curl('-d', '{"Source": "prestop"}', `${address}:8080/write`)).toBe(
      `{"Hostname":"${name}"}\n`,
    );
    await curl('-d', 'x', `${address}:8080/write`);
    expect(JSON.parse(await curl(`${address}:8080/read`))).toEqual({
      Hostname: name,
      Sent: null,
      Received: { prestop: 1 },
      Errors: [
        "invalid character 'x' looking for beginning of value",
        `${name}: Got request with no source`,
      ],
      Log: null,
      StillContactingPeers: true,
    });
    expect(await curl(`${address}:8080/status`)).toBe('running');
  });

  it('agnhost netexec tells who asks whom', async () => {
    const server = await start(agnhost, { args: ['netexec'] });
    const get = async (path: string) =>
      (await run('curl', '-s', '-w', ' %{http_code}', `${server.address}:8080${path}`)).out;
    const name = 'registry-k8s-io-e2e-test-images-agnhost-2-40';
    expect(await get(`/dial?host=${server.address}&port=8080&request=hostname&tries=2`)).toBe(
      `{"responses":["${name}","${name}"]} 200`,
    );
    expect(await get(`/dial?host=${server.address}&port=8081&request=hostname&protocol=udp`)).toBe(
      `{"responses":["${name}"]} 200`,
    );
    expect(await get('/dial?host=127.0.0.1&port=9&request=hostname')).toBe(
      '{"errors":["Get \\"http://127.0.0.1:9/hostname\\": dial tcp 127.0.0.1:9: connect: connection refused"]} 200',
    );
    expect(await get('/shell?cmd=echo%20a;%20exit%203')).toBe(
      '{"error":"fork/exec /bin/sh: no such file or directory"} 200',
    );
    expect(await get('/readyz')).toBe('ok 200');
  });

  it('agnhost mounttest tells what is mounted', async () => {
    const done = await start(agnhost, {
      args: [
        'mounttest',
        '--fs_type=/',
        '--new_file_0660=/tmp/f',
        '--file_mode=/tmp',
        '--file_perm=/tmp/f',
        '--file_owner=/tmp/f',
      ],
    });
    expect(await done.log()).toEqual([
      'mount type of "/": 2035054128',
      'content of file "/tmp/f": mount-tester new file',
      '',
      'mode of file "/tmp": dtrwxrwxrwx',
      'perms of file "/tmp/f": -rw-rw----',
      'owner UID of "/tmp/f": 0',
      'owner GID of "/tmp/f": 0',
    ]);
    const without = await start(agnhost, { args: ['mounttest', '--file_content=/none'] });
    expect(await without.log()).toEqual([
      'error reading file content for "/none": open /none: no such file or directory',
    ]);
    expect((await node.containerd.runtime.containerStatus(without.id)).exitCode).toBe(1);
  });

  it('reads the kernel settings that its pod asks for', async () => {
    node.containerd.preload([agnhost]);
    const { id } = await node.run(
      {
        image: agnhost,
        args: ['mounttest', '--file_content=/proc/sys/kernel/shm_rmid_forced'],
      },
      { sysctls: { 'kernel.shm_rmid_forced': '1' }, logDirectory: '/var/log/pods/sysctl' },
    );
    await node.time.advance(0);
    expect(node.files.readText('/var/log/pods/sysctl/c/0.log')).toContain(
      'content of file "/proc/sys/kernel/shm_rmid_forced": 1',
    );
    expect((await node.containerd.runtime.containerStatus(id)).exitCode).toBe(0);
  });

  it('agnhost logs-generator spreads its lines', async () => {
    const generator = await start(agnhost, {
      args: ['logs-generator', '--log-lines-total=4', '--run-duration=20s'],
    });
    await node.time.advance(6000);
    const lines = await generator.log();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^I\d{4} \d\d:\d\d:\d\d\.\d{6} {7}1 logs_generator\.go:76\] 1 (GET|POST|PUT) \/api\/v1\/namespaces\/(kube-system|default|ns)\/pods\/\w{3,4} [2-5]\d\d$/,
    );
  });
});
