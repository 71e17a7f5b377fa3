import { beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '#core/base';
import {
  createCatalogue,
  parseReference,
  standardImages,
} from '../../../../../src-main/core/machines/images/index.ts';
import type { GrpcHealth } from '../../../../../src-main/core/machines/network/index.ts';
import { dnsListener, dnsReply } from '../../../../../src-main/core/machines/dns/index.ts';
import { main, TestNode } from '../containers/node.ts';

describe('references', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['kiamol/ch02-hello-kiamol', 'docker.io/kiamol/ch02-hello-kiamol:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    [`nginx@sha256:${'a'.repeat(64)}`, `docker.io/library/nginx@sha256:${'a'.repeat(64)}`],
  ])('%s is %s', (text, canonical) => {
    expect(parseReference(text).canonical).toBe(canonical);
  });

  it.each([
    ['Nginx:1.27', 'invalid reference format: repository name (library/Nginx) must be lowercase'],
    ['nginx:', 'invalid reference format'],
    ['nginx:a b', 'invalid reference format'],
    ['', 'invalid reference format'],
  ])('%s is refused', (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });
});

describe('the catalogue', () => {
  const catalogue = createCatalogue(standardImages);

  it.each([
    'nginx',
    'nginx:1.14.2',
    'nginx:1.29-alpine',
    'nginx:alpine',
    'nginx:stable',
    'httpd:2.4',
    'busybox:1.28',
    'redis:alpine',
    'registry.k8s.io/e2e-test-images/agnhost:2.40',
    'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
    'registry.k8s.io/e2e-test-images/busybox:1.37.0-1',
    'registry.k8s.io/e2e-test-images/nginx:1.15-4',
    'perl:5.34.0',
    'mysql:8.0',
    'postgres:16',
    'mongo',
    'registry.k8s.io/pause:3.10.1',
    'kiamol/ch02-hello-kiamol',
    'gcr.io/google_samples/gb-frontend:v3',
    'quay.io/fluentd_elasticsearch/fluentd:v5.0.1',
    'fluentd',
    'registry.k8s.io/nginx-slim:0.8',
    'registry.k8s.io/nginx-slim:0.24',
    'polinux/stress',
    'vish/stress',
    'curlimages/curl',
    'hashicorp/http-echo:0.2.3',
    'nicolaka/netshoot',
    'ubuntu:22.04',
    'debian',
    'python:3.12',
    'node:20',
    'gcr.io/google-samples/hello-app:1.0',
  ])('has %s', (reference) => {
    expect(catalogue.find(reference)?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('gives the tags of one image one digest and finds it by it', () => {
    const digest = catalogue.find('nginx:1.27')?.digest ?? '';
    expect(catalogue.find('nginx:1.27.5')?.digest).toBe(digest);
    expect(catalogue.find('nginx:1.26')?.digest).not.toBe(digest);
    expect(catalogue.find(`nginx@${digest}`)?.image.env['NGINX_VERSION']).toBe('1.27.5');
  });

  it('tells an unknown tag from an unknown repository', () => {
    expect(catalogue.find('nginx:9.99')).toBeUndefined();
    expect(catalogue.hasRepository('docker.io/library/nginx')).toBe(true);
    expect(catalogue.hasRepository('docker.io/library/nosuch')).toBe(false);
  });
});

let node: TestNode;
let client: string;
let sandboxes: Map<string, string>;

/** Runs an image in a pod of its own; returns the address. */
async function start(
  image: string,
  config: Parameters<TestNode['run']>[0] = {},
): Promise<{ address: string; id: string; log: () => Promise<string[]> }> {
  node.containerd.preload([image]);
  const name = image.replace(/\W/g, '-');
  const uid = `${name}-${sandboxes.size}`;
  const logDirectory = `/var/log/pods/${uid}`;
  const { sandbox, id } = await node.run(
    { image, ...config },
    { name, hostname: name, uid, logDirectory },
  );
  sandboxes.set(name, sandbox);
  const [address = ''] = (await node.containerd.runtime.podSandboxStatus(sandbox)).ips;
  const log = async (): Promise<string[]> => {
    await node.time.advance(0);
    const text = node.files.readText(`${logDirectory}/c/0.log`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ').slice(3).join(' '));
  };
  return { address, id, log };
}

async function run(...command: string[]): Promise<{ out: string; err: string; code: number }> {
  const done = node.containerd.runtime.execSync(client, command, 0);
  await node.time.settle();
  const { stdout, stderr, exitCode } = await done;
  return { out: fromUtf8(stdout), err: fromUtf8(stderr), code: exitCode };
}

beforeEach(async () => {
  node = new TestNode(standardImages);
  sandboxes = new Map();
  const names: Record<string, string> = { 'web.default.svc.cluster.local': '10.96.0.5' };
  node.network.addHost('dns', '10.0.0.53').listen(
    53,
    dnsListener(async (query) => {
      const question = query.questions[0];
      const address = names[question?.name ?? ''];
      if (address === undefined) return dnsReply(query, { code: 'NXDOMAIN' });
      if (question?.type !== 'A') return dnsReply(query, {});
      return dnsReply(query, {
        answers: [{ name: question.name, type: 'A', ttlSeconds: 30, address }],
      });
    }),
  );
  node.files.writeFile(
    '/pod-resolv.conf',
    'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.53\noptions ndots:5\n',
  );
  const netshoot = await start('nicolaka/netshoot', {
    command: ['polite'],
    env: [{ name: 'PATH', value: '/usr/bin:/bin' }],
    mounts: [{ hostPath: '/pod-resolv.conf', containerPath: '/etc/resolv.conf', readOnly: true }],
  });
  client = netshoot.id;
});

describe('nginx', () => {
  it('serves its page, says its version and writes the access log', async () => {
    const web = await start('nginx:1.27');
    const got = await run('curl', '-si', `http://${web.address}/`);
    expect(got.out).toContain(
      'HTTP/1.1 200 OK\r\nServer: nginx/1.27.5\r\nDate: Thu, 01 Jan 2026 10:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 615\r\n',
    );
    expect(got.out).toContain('<title>Welcome to nginx!</title>');
    expect((await web.log()).at(-1)).toBe(
      '10.244.1.2 - - [01/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
    );
    expect((await web.log())[0]).toBe(
      '/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration',
    );
  });

  it('answers 404 with its page and an error line', async () => {
    const web = await start('nginx:1.26');
    expect((await run('curl', '-s', `http://${web.address}/nopage`)).out).toBe(
      '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.26.3</center>\r\n</body>\r\n</html>\r\n',
    );
    expect((await web.log()).at(-2)).toBe(
      `2026/01/01 10:00:00 [error] 1#1: *1 open() "/usr/share/nginx/html/nopage" failed (2: No such file or directory), client: 10.244.1.2, server: localhost, request: "GET /nopage HTTP/1.1", host: "${web.address}"`,
    );
  });

  const configured = (text: string) => {
    node.files.writeFile('/default.conf', text);
    return start('nginx:1.27', {
      mounts: [
        {
          hostPath: '/default.conf',
          containerPath: '/etc/nginx/conf.d/default.conf',
          readOnly: true,
        },
      ],
    });
  };

  it('follows listen, server_name, return and proxy_pass', async () => {
    const back = await start('nginx:1.25');
    const web = await configured(`
      server { listen 8080; server_name a.test; return 200 "a on $host\\n"; }
      server { listen 8080 default_server; location = /go { return 301 https://example.test/; } location /back/ { proxy_pass http://${back.address}:80/; } }
    `);
    const fetch = async (...words: string[]) => (await run('curl', '-s', ...words)).out;
    expect(await fetch('-H', 'Host: a.test', `${web.address}:8080`)).toBe('a on a.test\n');
    expect(
      await fetch(
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{redirect_url}',
        '-H',
        'Host: b',
        `${web.address}:8080/go`,
      ),
    ).toBe('301 https://example.test/');
    expect(await fetch('-H', 'Host: b', `${web.address}:8080/back/`)).toContain(
      'Welcome to nginx!',
    );
  });

  it.each([
    [
      'an unknown directive',
      'server {\n  lisen 80;\n}\n',
      'unknown directive "lisen" in /etc/nginx/conf.d/default.conf:2',
    ],
    [
      'a missing brace',
      'server {\n  listen 80;\n',
      'unexpected end of file, expecting "}" in /etc/nginx/conf.d/default.conf:2',
    ],
    [
      'a bad port',
      'server {\n  listen 99999;\n}\n',
      'invalid port in "99999" of the "listen" directive in /etc/nginx/conf.d/default.conf:2',
    ],
    [
      'an unknown upstream',
      'server {\n  location / {\n    proxy_pass http://nosuch:80;\n  }\n}\n',
      'host not found in upstream "nosuch" in /etc/nginx/conf.d/default.conf:3',
    ],
  ])('ends with its own words on %s', async (_, text, message) => {
    const web = await configured(text);
    await node.time.settle(30_000).catch(() => undefined);
    expect((await web.log()).slice(-2)).toEqual([
      `2026/01/01 10:00:00 [emerg] 1#1: ${message}`,
      `nginx: [emerg] ${message}`,
    ]);
    expect(await node.containerd.runtime.containerStatus(web.id)).toMatchObject({
      exitCode: 1,
      reason: 'Error',
    });
  });

  it('ends at once on its stop signal', async () => {
    const web = await start('nginx:1.27');
    await node.containerd.runtime.stopContainer(web.id, 30);
    expect(await node.containerd.runtime.containerStatus(web.id)).toMatchObject({
      exitCode: 0,
      reason: 'Completed',
    });
  });
});

describe('curl', () => {
  it.each([
    ['a name nobody knows', ['http://nosuch/'], 6, 'curl: (6) Could not resolve host: nosuch\n'],
    [
      'a closed port',
      ['http://10.244.1.2:81/'],
      7,
      "curl: (7) Failed to connect to 10.244.1.2 port 81 after 0 ms: Couldn't connect to server\n",
    ],
    [
      'a time-out',
      ['--connect-timeout', '2', 'http://10.99.0.1/'],
      28,
      'curl: (28) Failed to connect to 10.99.0.1 port 80 after 2000 ms: Timeout was reached\n',
    ],
    [
      'an unknown option',
      ['--nosuch'],
      2,
      "curl: option --nosuch: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
    ],
    ['another scheme', ['foo://x'], 1, 'curl: (1) Protocol "foo" not supported\n'],
  ])('fails for %s with its text and code', async (_, words, code, err) => {
    expect(await run('curl', '-sS', ...words)).toEqual({ out: '', err, code });
  });

  it('fails for a status with -f, and for plain HTTP under https', async () => {
    const web = await start('nginx:1.27');
    expect(await run('curl', '-sSf', `${web.address}/none`)).toEqual({
      out: '',
      err: 'curl: (22) The requested URL returned error: 404\n',
      code: 22,
    });
    expect((await run('curl', '-sS', `https://${web.address}:80/`)).code).toBe(35);
  });

  it('sends what it is told', async () => {
    const echo = await start('registry.k8s.io/e2e-test-images/agnhost:2.40', { args: ['netexec'] });
    const base = `http://${echo.address}:8080`;
    const fetch = async (...words: string[]) => (await run('curl', '-s', ...words)).out;
    expect(await fetch(`${base}/header?key=X-A`, '-H', 'X-A: 1')).toBe('1');
    expect(await fetch(`${base}/header?key=Authorization`, '-u', 'me:pw')).toBe('Basic bWU6cHc=');
    expect(await fetch(`${base}/echo?msg=hi&code=201`, '-w', ' %{http_code}')).toBe('hi 201');
    expect(await fetch(`http://any:8080/hostname`, '--resolve', `any:8080:${echo.address}`)).toBe(
      'registry-k8s-io-e2e-test-images-agnhost-2-40',
    );
  });
});

describe('busybox', () => {
  beforeEach(async () => {
    const box = await start('busybox:1.36', {
      command: ['polite'],
      mounts: [{ hostPath: '/pod-resolv.conf', containerPath: '/etc/resolv.conf', readOnly: true }],
    });
    client = box.id;
  });

  it('wget says what busybox says', async () => {
    const web = await start('nginx:1.27');
    expect((await run('wget', '-qO-', `http://${web.address}/`)).out).toContain(
      'Welcome to nginx!',
    );
    expect(await run('wget', '-qO-', `http://${web.address}/nopage`)).toEqual({
      out: '',
      err: 'wget: server returned error: HTTP/1.1 404 Not Found\n',
      code: 1,
    });
    expect(await run('wget', '-qO-', `http://${web.address}:81/`)).toEqual({
      out: '',
      err: `wget: can't connect to remote host (${web.address}): Connection refused\n`,
      code: 1,
    });
    expect(await run('wget', '-qO-', 'http://nosuch:8080/')).toEqual({
      out: '',
      err: "wget: bad address 'nosuch:8080'\n",
      code: 1,
    });
    expect(await run('wget', '-T', '3', '-qO-', 'http://10.99.0.1/')).toEqual({
      out: '',
      err: 'wget: download timed out\n',
      code: 1,
    });
    expect((await run('wget', '-O', '/dev/null', `http://${web.address}/`)).err).toMatch(
      `Connecting to ${web.address} (${web.address}:80)\n`,
    );
  });

  it('nslookup answers for a full name and walks the search list for a short one', async () => {
    expect(await run('nslookup', 'web.default.svc.cluster.local')).toEqual({
      out: 'Server:\t\t10.0.0.53\nAddress:\t10.0.0.53:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.0.5\n\n\n',
      err: '',
      code: 0,
    });
    const unknown = await run('nslookup', 'nosuch.default.svc.cluster.local');
    expect([unknown.out.split('\n').filter(Boolean).slice(2), unknown.code]).toEqual([
      Array(2).fill("** server can't find nosuch.default.svc.cluster.local: NXDOMAIN"),
      1,
    ]);
    expect((await run('nslookup', 'web')).code).toBe(1);
  });

  it('nc finds open and closed ports', async () => {
    const web = await start('nginx:1.27');
    expect(await run('nc', '-zv', '-t', web.address, '80')).toEqual({
      out: '',
      err: `${web.address} (${web.address}:80) open\n`,
      code: 0,
    });
    expect(await run('nc', '-zv', '-w', '2', web.address, '81')).toEqual({
      out: '',
      err: `nc: ${web.address} (${web.address}:81): Connection refused\n`,
      code: 1,
    });
    expect(await run('nc', '-zv', '-w', '2', '10.99.0.1', '80')).toEqual({
      out: '',
      err: 'nc: timed out\n',
      code: 1,
    });
  });
});

describe('other tools', () => {
  it('look names up and ping', async () => {
    expect((await run('nslookup', 'web')).out).toContain(
      'Name:\tweb.default.svc.cluster.local\nAddress: 10.96.0.5\n',
    );
    expect((await run('dig', '+short', 'web.default.svc.cluster.local')).out).toBe('10.96.0.5\n');
    expect((await run('host', 'nosuch')).out).toBe('Host nosuch not found: 3(NXDOMAIN)\n');
    expect((await run('getent', 'hosts', 'web')).out).toBe('10.96.0.5       web\n');
    const web = await start('nginx:1.27');
    expect((await run('ping', '-c', '2', web.address)).out).toContain(
      '2 packets transmitted, 2 received, 0% packet loss',
    );
    expect((await run('ping', '-c', '1', '10.244.1.99')).code).toBe(1);
  });
});

describe('services', () => {
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

  it('redis keeps values', async () => {
    const redis = await start('redis:alpine');
    const cli = async (...words: string[]) => {
      const done = node.containerd.runtime.execSync(redis.id, ['redis-cli', ...words], 0);
      await node.time.advance(0);
      return fromUtf8((await done).stdout);
    };
    expect(await cli('ping')).toBe('PONG\n');
    expect(await cli('set', 'a', 'two words')).toBe('OK\n');
    expect(await cli('get', 'a')).toBe('two words\n');
    expect(await cli('get', 'none')).toBe('\n');
  });

  it('perl prints π as the documentation’s Job does', async () => {
    const job = await start('perl:5.34.0', {
      command: ['perl', '-Mbignum=bpi', '-wle', 'print bpi(2000)'],
    });
    await node.time.advance(10_000);
    const [text = ''] = await job.log();
    expect(text).toHaveLength(2001);
    expect(text.slice(0, 52)).toBe('3.14159265358979323846264338327950288419716939937510');
    expect(text.slice(-30)).toBe('908658326459958133904780275901');
  });

  it.each([
    ['mysql:8.0', 'You need to specify one of the following as an environment variable:'],
    ['postgres:16', 'Error: Database is uninitialized and superuser password is not specified.'],
  ])('%s wants a password', async (image, line) => {
    const database = await start(image);
    expect((await database.log()).some((text) => text.includes(line))).toBe(true);
    expect((await node.containerd.runtime.containerStatus(database.id)).exitCode).toBe(1);
  });

  it('databases listen once they have it', async () => {
    const database = await start('mysql:8.0', {
      env: [{ name: 'MYSQL_ROOT_PASSWORD', value: 'x' }],
    });
    expect((await run('nc', '-zv', database.address, '3306')).code).toBe(0);
  });

  it('stress is killed beyond its limit', async () => {
    const { id } = await start('polinux/stress', {
      command: ['stress', '--vm', '1', '--vm-bytes', '250M', '--vm-hang', '1'],
      resources: { memoryLimitBytes: 100 * 1024 * 1024 },
    });
    expect((await node.containerd.runtime.containerStatus(id)).reason).toBe('OOMKilled');
  });

  it.each([
    ['kiamol/ch02-hello-kiamol', [], 80, 'Hello from Chapter 2!'],
    ['httpd:2.4', [], 80, '<html><body><h1>It works!</h1></body></html>\n'],
    ['hashicorp/http-echo', ['-text=hi'], 5678, 'hi\n'],
    [
      'gcr.io/google-samples/hello-app:1.0',
      [],
      8080,
      'Hello, world!\nVersion: 1.0.0\nHostname: gcr-io-google-samples-hello-app-1-0\n',
    ],
    ['gcr.io/google_samples/gb-frontend:v3', [], 80, 'Guestbook'],
    ['python:3.12', ['python3', '-m', 'http.server', '8000'], 8000, 'Directory listing for /'],
    ['busybox', ['httpd', '-f', '-p', '8080', '-h', '/etc'], 8080, 'NOT FOUND'],
  ])('%s answers', async (image, args, port, text) => {
    const web = await start(image, { args });
    const got = await run('curl', '-s', `${web.address}:${port}/`);
    expect(got.out.toUpperCase()).toContain(text.toUpperCase());
    expect(utf8(got.out).length).toBeGreaterThan(0);
  });
});
