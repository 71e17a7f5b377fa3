import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, clusterApi, type ClusterApi } from '#tests/cluster-api';
import { type Ended, run } from '#tests/command-line';
import { cliProgram, startWebHost, type WebHost } from '#tests/web-host';
import { connectHost, type HostConnection } from '../../src-main/cli/host.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// What people get wrong, on the real app: each has an error that names the place and the mend, and costs nothing.
let data: string;
let host: WebHost;
let connection: HostConnection;
let api: ClusterApi;
const kijabi = (args: readonly string[], stdin = ''): Promise<Ended> =>
  run(cliProgram, ['--data', data, ...args], { stdin });
const apply = (manifest: string): Promise<Ended> =>
  kijabi(['kubectl', 'apply', '-f', '-'], manifest);
const messageOf = ({ body }: Answer): string => (JSON.parse(body) as { message: string }).message;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'kijabi-bad-input-'));
  host = await startWebHost([], data);
  const found = await connectHost(data);
  if (!found) throw new Error('the host does not answer');
  connection = found;
  const { kubeconfig } = await connection.rpc.call('clusters.create', {
    name: 'lab',
    topology: 'base+1cp',
  });
  api = clusterApi(kubeconfig);
});
afterAll(async () => {
  api.close();
  connection.close();
  await host.stop();
  rmSync(data, { recursive: true, force: true });
});

const objectOf = (kind: string, rest: string, apiVersion = 'v1'): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: web}\n${rest}`;
const podSpec = 'spec: {containers: [{name: a, image: nginx}]}';

describe('the slips of the study notes', () => {
  test.each([
    {
      slip: 'appVersion',
      manifest: objectOf('Deployment', podSpec).replace('apiVersion: v1', 'appVersion: apps/v1'),
      stderr: /^error: error validating "STDIN": error validating data: \[?apiVersion not set/,
    },
    {
      slip: '-name :',
      manifest:
        'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    -name : a\n     image: nginx\n',
      stderr: /^error: error parsing STDIN: error converting YAML to JSON: yaml: line \d+: /,
    },
    {
      slip: 'seelctor',
      manifest: objectOf('Service', 'spec: {seelctor: {app: web}, ports: [{port: 80}]}'),
      stderr: /unknown field "spec\.seelctor"/,
    },
    {
      slip: 'volumnMounts',
      manifest: objectOf(
        'Pod',
        'spec: {containers: [{name: a, image: nginx, volumnMounts: [{name: www, mountPath: /x}]}]}',
      ),
      stderr: /unknown field "spec\.containers\[0\]\.volumnMounts"/,
    },
    {
      slip: 'volumnClaimTemplates',
      manifest: objectOf(
        'StatefulSet',
        'spec: {serviceName: web, selector: {matchLabels: {a: b}}, volumnClaimTemplates: [], template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: nginx}]}}}',
        'apps/v1',
      ),
      stderr: /unknown field "spec\.volumnClaimTemplates"/,
    },
    {
      slip: 'lables',
      manifest: objectOf('Pod', podSpec).replace('{name: web}', '{name: web, lables: {a: b}}'),
      stderr: /unknown field "metadata\.lables"/,
    },
    {
      slip: 'apps for app: a selector that misses its template',
      manifest: objectOf(
        'Deployment',
        'spec: {selector: {matchLabels: {app: nginx}}, template: {metadata: {labels: {apps: nginx}}, spec: {containers: [{name: a, image: nginx}]}}}',
        'apps/v1',
      ),
      stderr:
        /^The Deployment "web" is invalid: spec\.template\.metadata\.labels: Invalid value: \{"apps":"nginx"\}: `selector` does not match template `labels`\n$/,
    },
    {
      slip: 'a tab',
      manifest: 'apiVersion: v1\nkind: Pod\nmetadata:\n\tname: web\n',
      stderr:
        /^error: error parsing STDIN: error converting YAML to JSON: yaml: line \d+: found (a tab )?character that (cannot start any token|violates indentation)\n$/,
    },
    {
      slip: 'lost indentation',
      manifest: 'apiVersion: v1\nkind: Pod\nmetadata:\nname: web\nspec:\ncontainers:\n- name: a\n',
      verb: 'create',
      stderr: /strict decoding error: unknown field "name", unknown field "containers"/,
    },
  ])('$slip', async ({ manifest, stderr, verb = 'apply' }) => {
    const ended = await kijabi(['kubectl', verb, '-f', '-'], manifest);
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(stderr);
  });

  test.each([
    {
      line: 'docker container ls -q --fiter label=x',
      stderr: /unknown flag: --fiter/,
    },
    {
      line: 'kubectl port-forwad pod/web 8080:80',
      stderr: /^error: unknown command "port-forwad" for "kubectl"\n/,
    },
    { line: 'crictl imges >&2', stderr: /^No help topic for 'imges'\n/ },
    {
      line: 'kubectl create deploymnet web',
      stderr:
        /^error: Unexpected args: \[deploymnet web\]\nSee 'kubectl create -h' for help and examples\n$/,
    },
  ])('$line', async ({ line, stderr }) => {
    const ended = await kijabi(['ssh', 'controlplane', line]);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(stderr);
  });
});

/** Ten lines that stand for a billion values. */
const bomb = [
  'apiVersion: v1',
  'kind: ConfigMap',
  'metadata: {name: bomb}',
  'a: &a [x, x, x, x, x, x, x, x, x, x]',
  ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name, index) => {
    const before = 'abcdefgh'.charAt(index);
    return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
  }),
].join('\n');

describe('a YAML alias bomb', () => {
  const quickly = 3000;

  test('at the API server', async () => {
    const started = performance.now();
    const answer = await api.send('POST', '/api/v1/namespaces/default/configmaps', {
      type: 'application/yaml',
      body: bomb,
    });
    expect([answer.status, messageOf(answer)]).toEqual([
      400,
      expect.stringMatching(/alias|values/),
    ]);
    expect(performance.now() - started).toBeLessThan(quickly);
  });

  test('in kubectl', async () => {
    const ended = await apply(bomb);
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(/^error: .*(alias|values)/);
  });

  test('in the editor of the page', async () => {
    const { rpc } = connection;
    await expect(rpc.call('clusters.apply', { clusterId: 'lab', yaml: bomb })).rejects.toThrow(
      /^error parsing YAML: .*(alias|values)/,
    );
  });

  test('the cluster goes on', async () => {
    expect((await api.send('GET', '/readyz')).body).toBe('ok');
  });
});

describe('a body that is too long', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const configMap = (bytes: number): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'long' },
      data: { a: 'x'.repeat(bytes) },
    });

  test('over 3 MiB: 413, and the next request on the connection is answered', async () => {
    const answer = await api.send('POST', path, {
      type: 'application/json',
      body: configMap(3 * 1024 * 1024),
    });
    expect([answer.status, messageOf(answer)]).toEqual([
      413,
      'Request entity too large: limit is 3145728',
    ]);
    expect((await api.send('GET', '/readyz')).body).toBe('ok');
  });

  test('over 1 MiB in a ConfigMap: 422, with its own words', async () => {
    const answer = await api.send('POST', path, {
      type: 'application/json',
      body: configMap(1024 * 1024 + 1),
    });
    expect([answer.status, messageOf(answer)]).toEqual([
      422,
      'ConfigMap "long" is invalid: []: Too long: may not be more than 1048576 bytes',
    ]);
  });
});

describe('the door of the web host', () => {
  const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { redirect: 'manual', headers });

  test.each([
    {
      name: 'no token',
      path: '/',
      status: 401,
      text: 'open Kijabi by the link that it printed when it started\n',
    },
    {
      name: 'a wrong token',
      path: `/?token=${'0'.repeat(64)}`,
      status: 403,
      text: 'this launch link is wrong or was used already: start Kijabi again for a new one\n',
    },
    {
      name: 'an empty token',
      path: '/?token=',
      status: 403,
      text: 'this launch link is wrong or was used already: start Kijabi again for a new one\n',
    },
  ])('$name', async ({ path, status, text }) => {
    const answer = await get(new URL(path, host.launchUrl).href);
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });

  test('a wrong cookie', async () => {
    const { port } = new URL(host.launchUrl);
    const answer = await get(new URL('/', host.launchUrl).href, {
      cookie: `kijabi-${port}=${'0'.repeat(64)}`,
    });
    expect(answer.status).toBe(401);
  });

  test('the right link still opens it afterwards, once', async () => {
    const first = await get(host.launchUrl);
    expect([first.status, first.headers.get('location')]).toEqual([303, '/']);
    expect((await get(host.launchUrl)).status).toBe(403);
  });
});

describe('what comes over the wire', () => {
  test.each([
    { method: 'no.such', params: {}, message: 'unknown method "no.such"' },
    {
      method: 'clusters.remove',
      params: {},
      message: 'clusters.remove: parameter clusterId must be string',
    },
    {
      method: 'clusters.remove',
      params: { clusterId: 'lab', force: true },
      message: 'clusters.remove: unknown parameter "force"',
    },
    {
      method: 'clusters.create',
      params: { name: 'x', topology: '9cp' },
      message: /topology/,
    },
    {
      method: 'clusters.create',
      params: { name: ' ', topology: '1cp' },
      message: 'clusters.create: the name is empty',
    },
    {
      method: 'library.restore',
      params: { backupId: '../../etc/passwd' },
      message: 'there is no backup "../../etc/passwd"',
    },
  ])('$method $params', async ({ method, params, message }) => {
    await expect(connection.rpc.call(method as 'clusters.remove', params as never)).rejects.toThrow(
      message,
    );
  });

  test('nothing was lost or left behind', async () => {
    const clusters = await connection.rpc.call('clusters.list', {});
    expect(clusters.map(({ clusterId, state }) => `${clusterId} ${state}`)).toEqual(['lab ready']);
    expect((await kijabi(['kubectl', 'get', 'pods,deployments,statefulsets'])).stderr).toBe(
      'No resources found in default namespace.\n',
    );
    expect(host.errors()).toBe('');
  });
});

test('a kubeconfig that is broken names its line', async () => {
  const file = join(data, 'broken.kubeconfig');
  writeFileSync(file, 'apiVersion: v1\nkind: Config\nclusters:\n\t- name: x\n');
  const { code, stderr } = await kijabi(['kubectl', '--kubeconfig', file, 'get', 'pods']);
  expect([code, stderr]).toEqual([
    1,
    `error: error loading config file "${file}": yaml: line 4: found character that cannot start any token\n`,
  ]);
});
