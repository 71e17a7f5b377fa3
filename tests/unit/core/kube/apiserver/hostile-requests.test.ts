import { describe, expect, test } from 'vitest';
import { utf8 } from '#core/base';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import type { ApiRequest } from '../../../../../src-main/core/kube/machinery/index.ts';
import { type Answer, type TestServer, testServer } from './server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const protobuf = 'application/vnd.kubernetes.protobuf';
/** Generous for a machine under load; what backtracks or grows without bound takes minutes. */
const limitMs = 5000;

const server = (): TestServer => testServer([], { strategyFor });

async function statusOf(
  { server: api }: TestServer,
  method: ApiRequest['method'],
  url: string,
  contentType: string,
  body: string | Uint8Array,
): Promise<number> {
  const started = performance.now();
  const { status } = await api.handle({
    method,
    url,
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? utf8(body) : body,
  });
  expect(performance.now() - started).toBeLessThan(limitMs);
  return status;
}

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + close.repeat(depth);

describe('bodies nobody can hold', () => {
  const json = 'application/json';
  const deep = nested(10_000, '[', ']');
  const deepest = nested(1_000_000, '[', ']');
  const deepMap = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
  test.each([
    ['lists 10,000 deep', 'POST', maps, json, deep],
    ['lists a million deep', 'POST', maps, json, deepest],
    ['lists a million deep that never close', 'POST', maps, json, '['.repeat(1_000_000)],
    ['maps 10,000 deep', 'POST', maps, json, deepMap],
    ['a field 10,000 deep', 'POST', maps, json, `{"metadata":{"name":"a"},"data":${deep}}`],
    ['a merge patch 10,000 deep', 'PATCH', `${maps}/a`, 'application/merge-patch+json', deepMap],
    [
      'a strategic patch 10,000 deep',
      'PATCH',
      `${maps}/a`,
      'application/strategic-merge-patch+json',
      deepMap,
    ],
    [
      'a JSON patch of 10,000 deep values',
      'PATCH',
      `${maps}/a`,
      'application/json-patch+json',
      `[{"op":"add","path":"/data","value":${deep}}]`,
    ],
    [
      'an applied configuration 10,000 deep',
      'PATCH',
      `${maps}/a?fieldManager=m`,
      'application/apply-patch+yaml',
      deepMap,
    ],
    ['options of a deletion 10,001 deep', 'DELETE', `${maps}/a`, json, `{"a":${deepMap}}`],
    ['YAML flow lists 10,000 deep', 'POST', maps, 'application/yaml', deep],
    [
      'YAML blocks 2,000 deep',
      'POST',
      maps,
      'application/yaml',
      Array.from({ length: 2000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    ],
    [
      'YAML aliases of a billion values',
      'POST',
      maps,
      'application/yaml',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
        .split('')
        .map(
          (name, at) =>
            `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[at] ?? 'a'}`).join(',')}]`,
        )
        .join('\n')}`,
    ],
    ['a YAML alias of itself', 'POST', maps, 'application/yaml', 'a: &a [*a]'],
    ['3 MiB of one string', 'POST', maps, json, `{"metadata":{"name":"${'a'.repeat(3_000_000)}"}}`],
    [
      '100,000 keys',
      'POST',
      maps,
      json,
      `{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":1`).join(',')}}`,
    ],
    [
      'a number of a million digits',
      'POST',
      maps,
      json,
      `{"metadata":{"name":"a"},"x":${'9'.repeat(1_000_000)}}`,
    ],
  ] as const)('%s: an error of the client', async (_, method, url, type, body) => {
    const api = server();
    await api.send('POST', maps, { metadata: { name: 'a' } }, { 'content-type': json });
    const status = await statusOf(api, method, url, type, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe('nesting', () => {
  const map = (extra: string): string =>
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"extra":${extra}}`;
  const send = async (body: string, type = 'application/json'): Promise<Answer> =>
    server().send('POST', maps, body, { 'content-type': type });

  test('goes to ten thousand levels where nothing of it is kept', async () => {
    const { status, headers } = await send(map(nested(9999, '[', ']')));
    expect([status, headers['warning']]).toEqual([201, '299 - "unknown field \\"extra\\""']);
  });

  test.each([
    ['[', map(nested(10_000, '[', ']'))],
    ['{', map(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)],
  ])('ends there in the words of Go: %s', async (sign, body) => {
    const { status, json } = await send(body);
    expect(status).toBe(400);
    expect(json.message).toBe(
      `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character '${sign}' exceeded max depth ({"apiVersion":"v1","kind":"Con ...)`,
    );
  });

  test('of YAML ends in the words of its reader', async () => {
    const body = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nextra: ${nested(10_001, '[', ']')}\n`;
    const { json } = await send(body, 'application/yaml');
    expect(json.message).toBe(
      'the object provided is unrecognized (must be of type ConfigMap): yaml: line 4: exceeded max depth of 10000 (61706956657273696f6e3a2076310a6b696e643a20436f6e6669674d6170 ...)',
    );
  });
});

describe('protobuf', () => {
  async function podBytes(api: TestServer): Promise<Uint8Array> {
    const pods = '/api/v1/namespaces/default/pods';
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await api.send('POST', pods, pod, { 'content-type': 'application/json' });
    const { response } = await api.send('GET', `${pods}/p`, undefined, { accept: protobuf });
    if (response.body.kind !== 'bytes') throw new Error('no bytes');
    return response.body.bytes;
  }

  test('cut off anywhere, it is refused or is a shorter object', async () => {
    const api = server();
    const whole = await podBytes(api);
    const seen = new Set<number>();
    for (let length = 0; length < whole.length; length++)
      seen.add(
        await statusOf(
          api,
          'PUT',
          '/api/v1/namespaces/default/pods/p?dryRun=All',
          protobuf,
          whole.subarray(0, length),
        ),
      );
    // The last two fields of the envelope are empty and may be missing.
    expect([...seen].sort()).toEqual([200, 400]);
  });

  test('any byte may be any other without harm', async () => {
    const api = server();
    const whole = await podBytes(api);
    for (let at = 0; at < whole.length; at += 2)
      for (const value of [0, 0x80, 0xff]) {
        const changed = Uint8Array.from(whole);
        changed[at] = value;
        const url = '/api/v1/namespaces/default/pods/p?dryRun=All';
        const { status, body } = await api.server.handle({
          method: 'PUT',
          url,
          headers: { 'content-type': protobuf },
          body: changed,
        });
        // A resource version that is no number is upstream's internal error as well.
        const message = body.kind === 'object' ? JSON.stringify(body.object) : '';
        if (!message.includes('strconv.ParseUint')) expect([200, 400, 409, 422]).toContain(status);
      }
  });

  test.each([
    [
      'a length of 2^63',
      [0x6b, 0x38, 0x73, 0, 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ],
    ['a varint without an end', [0x6b, 0x38, 0x73, 0, ...Array<number>(1000).fill(0xff)]],
    ['groups in groups', [0x6b, 0x38, 0x73, 0, ...Array<number>(100_000).fill(0x0b)]],
    ['messages in messages', [0x6b, 0x38, 0x73, 0, 0x12, ...Array<number>(100_000).fill(0x0a)]],
  ] as const)('%s is refused', async (_, bytes) => {
    expect(await statusOf(server(), 'POST', maps, protobuf, Uint8Array.from(bytes))).toBe(400);
  });
});

describe('request lines', () => {
  test.each([
    [
      'a label selector of 20,000 terms',
      `${maps}?labelSelector=${Array.from({ length: 20_000 }, (_, at) => `k${at}!=v`).join(',')}`,
      200,
    ],
    [
      'a label selector of a megabyte without sense',
      `${maps}?labelSelector=${'('.repeat(1_000_000)}`,
      400,
    ],
    [
      'a set of 50,000 values',
      `${maps}?labelSelector=k+in+(${Array.from({ length: 50_000 }, (_, at) => `v${at}`).join(',')})`,
      200,
    ],
    [
      'a field selector of 20,000 terms',
      `${maps}?fieldSelector=${Array.from({ length: 20_000 }, () => 'metadata.name!=a').join(',')}`,
      200,
    ],
    ['a path of 100,000 parts', `/api/v1${'/a'.repeat(100_000)}`, 404],
    ['a path of 100,000 dots', `${maps}/${'%2e'.repeat(100_000)}`, 404],
    ['an unending watch', `${maps}?watch=1&timeoutSeconds=9223372036854775807`, 200],
    [
      'a watch that is over before it begins',
      `${maps}?watch=1&timeoutSeconds=-9223372036854775808`,
      200,
    ],
    ['a name that climbs', `${maps}/%2e%2e`, 400],
    ['a name with a slash', `${maps}/..%2f..%2fsecrets`, 404],
    ['a name with a zero byte', `${maps}/a%00`, 404],
    ['a name that is no UTF-8', `${maps}/%ff%fe`, 404],
    ['a namespace that climbs', '/api/v1/namespaces/%2e%2e/configmaps', 500],
    ['half an escape', `${maps}/%2`, 400],
    ['100,000 parameters', `${maps}?${'a=b&'.repeat(100_000)}`, 200],
    ['a continue token of a megabyte', `${maps}?limit=1&continue=${'A'.repeat(1_000_000)}`, 400],
  ])('%s', async (_, url, wanted) => {
    const api = server();
    await api.send(
      'POST',
      maps,
      { metadata: { name: 'a' } },
      { 'content-type': 'application/json' },
    );
    const started = performance.now();
    const { response, status } = await api.send('GET', url);
    if (response.body.kind === 'watch')
      response.body.watch
        .start(
          () => undefined,
          () => undefined,
        )
        .dispose();
    expect(status).toBe(wanted);
    expect(performance.now() - started).toBeLessThan(limitMs);
  });

  test('a header of a thousand media types is read once', async () => {
    const accept = Array.from({ length: 10_000 }, (_, at) => `a/b${at};q=0.${at}`).join(',');
    const started = performance.now();
    const { status } = await server().send('GET', maps, undefined, { accept });
    expect(status).toBe(406);
    expect(performance.now() - started).toBeLessThan(limitMs);
  });

  test.each([
    ['abc', 'time: invalid duration "abc"'],
    ['5', 'time: missing unit in duration "5"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
  ])('a timeout of %s is refused before anybody asks who sends it', async (timeout, fault) => {
    const nobody = testServer([], {
      authenticator: { authenticate: () => Promise.resolve(undefined) },
    });
    for (const url of [`${maps}?timeout=${timeout}`, `/version?timeout=${timeout}`]) {
      const { status, json } = await nobody.send('GET', url);
      expect(status).toBe(400);
      expect(json).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `invalid timeout specified in the request URL - ${fault}`,
        reason: 'BadRequest',
        code: 400,
      });
    }
    const { status } = await nobody.send('GET', `${maps}?watch=1&timeout=${timeout}`);
    expect(status).toBe(401);
  });

  test.each(['', '0', '0s', '-1s', '1h'])('a timeout of %j is one', async (timeout) => {
    expect((await server().send('GET', `${maps}?timeout=${timeout}`)).status).toBe(200);
  });
});
