import { createHmac, createPublicKey, createSign } from 'node:crypto';
import { request, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';
import { createPki } from '#node/pki';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Credentials nobody gave out, over TLS. What a kube-apiserver v1.36.3 answered to each stands beside it.
const dayMs = 86_400_000;
const known = 'User "jane" cannot list';
const nobody = 'User "system:anonymous" cannot list';
const issuer = 'https://kubernetes.default.svc.cluster.local';

interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}
let plane: ControlPlane;
let pairs: Readonly<Record<string, Pair>>;

beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
  const pki = await createPki();
  const now = Date.now();
  const { ca, caKey } = plane.keys;
  const own = { certificate: ca, privateKey: caKey };
  const subject = {
    commonName: 'jane',
    organizations: ['devs'],
    keyUsages: ['digital signature'] as const,
    extendedKeyUsages: ['client auth'] as readonly ('client auth' | 'server auth')[],
    notBeforeMs: now - dayMs,
    notAfterMs: now + dayMs,
  };
  const issue = async (changes: Partial<typeof subject> = {}, by: Pair = own): Promise<Pair> => {
    const { publicKey, privateKey } = await pki.generateKey();
    const certificate = await pki.issue({
      ...subject,
      ...changes,
      issuer: by,
      subjectKey: publicKey,
    });
    return { certificate, privateKey };
  };
  const authority = { ...subject, isCa: true, keyUsages: ['cert sign'] as const };
  const strange = await pki.generateKey();
  const between = await pki.generateKey();
  const alone = await pki.generateKey();
  const strangeCa = await pki.issue({
    ...authority,
    commonName: 'kubernetes',
    extendedKeyUsages: [],
    subjectKey: strange.privateKey,
  });
  const intermediate = await pki.issue({
    ...authority,
    commonName: 'between',
    extendedKeyUsages: [],
    issuer: own,
    subjectKey: between.publicKey,
  });
  const leaf = await issue({}, { certificate: intermediate, privateKey: between.privateKey });
  pairs = {
    good: await issue(),
    expired: await issue({ notBeforeMs: now - 2 * dayMs, notAfterMs: now - dayMs }),
    'not valid yet': await issue({ notBeforeMs: now + dayMs, notAfterMs: now + 2 * dayMs }),
    "a server's": await issue({ extendedKeyUsages: ['server auth'] }),
    'of no purpose': await issue({ extendedKeyUsages: [] }),
    'of another authority of that name': await issue(
      {},
      { certificate: strangeCa, privateKey: strange.privateKey },
    ),
    'of an authority in between, alone': leaf,
    'of an authority in between': { ...leaf, certificate: leaf.certificate + intermediate },
    'signed by itself': {
      certificate: await pki.issue({ ...subject, subjectKey: alone.privateKey }),
      privateKey: alone.privateKey,
    },
  };
}, 60_000);
afterAll(() => plane.stop());

function answerTo(options: RequestOptions): Promise<{ status: number; message: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: plane.listener.port,
        path: '/api/v1/pods',
        rejectUnauthorized: false,
        agent: false,
        ...options,
      },
      (incoming) => {
        text(incoming).then((body) => {
          const { message } = JSON.parse(body) as { message: string };
          resolve({ status: incoming.statusCode ?? 0, message });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test.each([
  ['good', 403, known],
  ['expired', 401, 'Unauthorized'],
  ['not valid yet', 401, 'Unauthorized'],
  ["a server's", 401, 'Unauthorized'],
  ['of no purpose', 403, known],
  ['of another authority of that name', 401, 'Unauthorized'],
  ['of an authority in between, alone', 401, 'Unauthorized'],
  ['of an authority in between', 403, known],
  ['signed by itself', 401, 'Unauthorized'],
])('a certificate that is %s: %d', async (name, status, message) => {
  const { certificate, privateKey } = pairs[name] ?? { certificate: '', privateKey: '' };
  const answer = await answerTo({ cert: certificate, key: privateKey });
  expect(answer).toEqual({ status, message: expect.stringContaining(message) as string });
});

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (): number => Math.floor(Date.now() / 1000);
const claims = (changes: object = {}): object => ({
  aud: [issuer],
  exp: seconds() + 3600,
  iat: seconds(),
  nbf: seconds(),
  iss: issuer,
  sub: 'system:serviceaccount:default:default',
  'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'default', uid: 'x' } },
  ...changes,
});
const signed = (data: string): string =>
  createSign('SHA256')
    .update(data)
    .sign({ key: plane.keys.tokenKey, dsaEncoding: 'ieee-p1363' })
    .toString('base64url');
const token = (header: object, body: object, sign: (data: string) => string = () => ''): string => {
  const data = `${base64(header)}.${base64(body)}`;
  return `${data}.${sign(data)}`;
};
const es256 = { alg: 'ES256', typ: 'JWT' };
/** The public key taken for a shared secret. */
const mixedUp = (data: string): string =>
  createHmac('sha256', createPublicKey(plane.keys.tokenKey).export({ type: 'spki', format: 'pem' }))
    .update(data)
    .digest('base64url');

test.each<[string, () => string]>([
  ['without a signature', () => token({ alg: 'none' }, claims())],
  ['without a signature, oddly spelt', () => token({ alg: 'NoNe' }, claims())],
  ['with an empty signature', () => token(es256, claims())],
  ['signed with the public key', () => token({ alg: 'HS256' }, claims(), mixedUp)],
  ['for another audience', () => token(es256, claims({ aud: ['other'] }), signed)],
  ['that is expired', () => token(es256, claims({ exp: seconds() - 100 }), signed)],
  ['that is not good yet', () => token(es256, claims({ nbf: seconds() + 500 }), signed)],
  ['of another issuer', () => token(es256, claims({ iss: 'other' }), signed)],
  ['of an account that is gone', () => token(es256, claims(), signed)],
  ['that is none', () => 'a.b.c'],
])('a token %s is refused', async (_what, of) => {
  const answer = await answerTo({ headers: { authorization: `Bearer ${of()}` } });
  expect(answer).toEqual({ status: 401, message: 'Unauthorized' });
});

test('who shows nothing is nobody, and a good certificate outweighs a bad token', async () => {
  const empty = await answerTo({ headers: { authorization: 'Bearer ' } });
  expect(empty).toEqual({ status: 403, message: expect.stringContaining(nobody) as string });
  const { certificate, privateKey } = pairs['good'] ?? { certificate: '', privateKey: '' };
  const both = await answerTo({
    cert: certificate,
    key: privateKey,
    headers: { authorization: 'Bearer x' },
  });
  expect(both).toEqual({ status: 403, message: expect.stringContaining(known) as string });
});
