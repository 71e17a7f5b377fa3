import { beforeEach, describe, expect, it } from 'vitest';
import { node, run, start, useClient, useImageNode } from './image-node.ts';

useImageNode();

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
    useClient(box.id);
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
