import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { IssueOptions, Pki } from '#core/kube';
import { createPki } from '#node/pki';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const yearMs = 365 * 86_400_000;
const validity = { notBeforeMs: nowMs - 1000, notAfterMs: nowMs + yearMs };
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let pki: Pki;
beforeAll(async () => {
  pki = await createPki();
});

type Authority = { certificate: string; privateKey: string };

async function makeAuthority(
  commonName = 'kubernetes',
  more: Partial<IssueOptions> = {},
): Promise<Authority> {
  const { privateKey } = await pki.generateKey();
  const certificate = await pki.issue({
    commonName,
    subjectKey: privateKey,
    isCa: true,
    keyUsages: ['digital signature', 'key encipherment', 'cert sign'],
    extendedKeyUsages: [],
    ...validity,
    ...more,
  });
  return { certificate, privateKey };
}

async function makeClient(issuer: Authority, more: Partial<IssueOptions> = {}): Promise<Authority> {
  const { privateKey, publicKey } = await pki.generateKey();
  const certificate = await pki.issue({
    issuer,
    commonName: 'alice',
    organizations: ['dev', 'ops'],
    subjectKey: publicKey,
    keyUsages: ['digital signature', 'key encipherment'],
    extendedKeyUsages: ['client auth'],
    ...validity,
    ...more,
  });
  return { certificate, privateKey };
}

function scratch(files: Record<string, string>): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kijabi-pki-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(directory, name), text);
  return directory;
}

function openssl(directory: string, ...words: string[]): string {
  const { stdout, stderr } = spawnSync('openssl', words, { cwd: directory, encoding: 'utf8' });
  return stdout + stderr;
}

test('a certificate says what was asked for', async () => {
  const ca = await makeAuthority();
  const { certificate } = await makeClient(ca, {
    dnsNames: ['api', 'api.local'],
    ipAddresses: ['10.96.0.1', 'fd00::1'],
    extendedKeyUsages: ['server auth', 'client auth'],
  });
  const info = pki.readCertificate(certificate);
  expect(info).toMatchObject({
    commonName: 'alice',
    organizations: ['dev', 'ops'],
    issuerCommonName: 'kubernetes',
    notBeforeMs: validity.notBeforeMs,
    notAfterMs: validity.notAfterMs,
    dnsNames: ['api', 'api.local'],
    ipAddresses: ['10.96.0.1', 'fd00::1'],
    isCa: false,
    keyUsages: ['digital signature', 'key encipherment'],
    extendedKeyUsages: ['server auth', 'client auth'],
  });
  expect(info.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(pki.readCertificate(ca.certificate)).toMatchObject({
    isCa: true,
    keyUsages: ['digital signature', 'key encipherment', 'cert sign'],
  });
});

test('chains: good and bad, in the words of Go', async () => {
  const ca = await makeAuthority();
  const namesake = await makeAuthority();
  const other = await makeAuthority('other');
  const oldCa = await makeAuthority('old', { notAfterMs: nowMs - 5000 });
  const notCa = await makeAuthority('leaf', { isCa: false, keyUsages: ['digital signature'] });
  const client = await makeClient(ca);
  const server = await makeClient(ca, { extendedKeyUsages: ['server auth'] });
  const plain = await makeClient(ca, { extendedKeyUsages: [] });
  const middle = await makeAuthority('middle', { issuer: ca });
  const below = await makeClient(middle);
  const ofOld = await makeClient(oldCa);
  const ofLeaf = await makeClient(notCa);
  const rows: [string, string, string, string | undefined, number?][] = [
    ['client of the authority', client.certificate, ca.certificate, undefined],
    ['no extended usages', plain.certificate, ca.certificate, undefined],
    ['two in the bundle', client.certificate, other.certificate + ca.certificate, undefined],
    ['the root itself', ca.certificate, ca.certificate, undefined],
    ['with its intermediate', below.certificate + middle.certificate, ca.certificate, undefined],
    [
      'without its intermediate',
      below.certificate,
      ca.certificate,
      'x509: certificate signed by unknown authority',
    ],
    [
      'another authority',
      client.certificate,
      other.certificate,
      'x509: certificate signed by unknown authority',
    ],
    [
      'an authority of the same name',
      client.certificate,
      namesake.certificate,
      'x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "kubernetes")',
    ],
    [
      'signed by a leaf',
      ofLeaf.certificate,
      notCa.certificate,
      'x509: certificate signed by unknown authority (possibly because of "x509: invalid signature: parent certificate cannot sign this kind of certificate" while trying to verify candidate authority certificate "leaf")',
    ],
    [
      'expired',
      client.certificate,
      ca.certificate,
      'x509: certificate has expired or is not yet valid: current time 2028-01-01T10:00:00Z is after 2027-01-01T10:00:00Z',
      nowMs + 2 * yearMs,
    ],
    [
      'not yet valid',
      client.certificate,
      ca.certificate,
      'x509: certificate has expired or is not yet valid: current time 2026-01-01T09:00:00Z is before 2026-01-01T09:59:59Z',
      nowMs - 3_600_000,
    ],
    [
      'expired authority',
      ofOld.certificate,
      oldCa.certificate,
      'x509: certificate has expired or is not yet valid: current time 2026-01-01T10:00:00Z is after 2026-01-01T09:59:55Z',
    ],
    [
      'a server where a client is wanted',
      server.certificate,
      ca.certificate,
      'x509: certificate specifies an incompatible key usage',
    ],
  ];
  for (const [name, certificate, bundle, expected, at = nowMs] of rows)
    expect([name, await pki.verifyCertificate(certificate, bundle, at, 'client')]).toEqual([
      name,
      expected,
    ]);
  expect(
    await pki.verifyCertificate(server.certificate, ca.certificate, nowMs, 'server'),
  ).toBeUndefined();
});

test.each([
  { key: 'RSA, PKCS#1', type: 'rsa', format: 'pkcs1', algorithm: 'RS256' },
  { key: 'RSA, PKCS#8', type: 'rsa', format: 'pkcs8', algorithm: 'RS256' },
  { key: 'EC, SEC 1', type: 'ec', format: 'sec1', algorithm: 'ES256' },
  { key: 'EC, PKCS#8', type: 'ec', format: 'pkcs8', algorithm: 'ES256' },
] as const)('signs and issues with a key read from PEM: $key', async (row) => {
  const pair =
    row.type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKey = pair.privateKey.export({ type: row.format, format: 'pem' }).toString();
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const data = new TextEncoder().encode('header.payload');
  const { algorithm, signature } = await pki.sign(privateKey, data);
  expect(algorithm).toBe(row.algorithm);
  expect(await pki.verify(algorithm, publicKey, data, signature)).toBe(true);
  expect(await pki.verify(algorithm, privateKey, data, signature)).toBe(true);
  expect(await pki.verify('none', publicKey, data, signature)).toBe(false);
  const wrong = row.algorithm === 'RS256' ? 'ES256' : 'RS256';
  expect(await pki.verify(wrong, publicKey, data, signature)).toBe(false);
  data[0] = 0;
  expect(await pki.verify(algorithm, publicKey, data, signature)).toBe(false);
  const certificate = await pki.issue({
    commonName: 'kubernetes',
    subjectKey: privateKey,
    isCa: true,
    keyUsages: ['cert sign'],
    extendedKeyUsages: [],
    ...validity,
  });
  const client = await makeClient({ certificate, privateKey });
  expect(await pki.verifyCertificate(client.certificate, certificate, nowMs, 'client')).toBe(
    undefined,
  );
  expect(await pki.verify(algorithm, certificate, new Uint8Array(1), signature)).toBe(false);
});

test('malformed PEM is refused', async () => {
  expect(() => pki.readCertificate('nonsense')).toThrow(
    'data does not contain any valid RSA or ECDSA certificates',
  );
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(() => pki.readCertificate(broken)).toThrow();
  await expect(pki.readRequest('nonsense')).rejects.toThrow(
    'PEM block type must be CERTIFICATE REQUEST',
  );
});

test('openssl agrees with chains and reads what was issued', async () => {
  if (!hasOpenssl) {
    console.warn('NOT RUN: openssl agrees: no openssl on this machine');
    return;
  }
  const ca = await makeAuthority();
  const client = await makeClient(ca, { dnsNames: ['api'], ipAddresses: ['10.96.0.1'] });
  const directory = scratch({
    'ca.crt': ca.certificate,
    'client.crt': client.certificate,
    'client.key': client.privateKey,
  });
  const at = String(nowMs / 1000);
  expect(
    openssl(directory, 'verify', '-attime', at, '-x509_strict', '-CAfile', 'ca.crt', 'client.crt'),
  ).toBe('client.crt: OK\n');
  const text = openssl(directory, 'x509', '-in', 'client.crt', '-noout', '-text');
  expect(text).toContain('Subject: O = dev + O = ops, CN = alice');
  expect(text).toContain('DNS:api, IP Address:10.96.0.1');
  expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
  expect(text).toMatch(/X509v3 Basic Constraints: critical\n\s+CA:FALSE/);
  expect(text).toContain('X509v3 Authority Key Identifier');
  expect(openssl(directory, 'pkey', '-in', 'client.key', '-noout', '-check')).toMatch(/valid/);
});

test.each([
  { key: 'rsa', newkey: ['rsa:2048'] },
  { key: 'ec', newkey: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
])('reads a request that openssl made: $key', async ({ newkey }) => {
  if (!hasOpenssl) {
    console.warn('NOT RUN: requests by openssl: no openssl on this machine');
    return;
  }
  const directory = scratch({});
  const made = openssl(
    directory,
    ...['req', '-new', '-newkey', ...newkey, '-nodes', '-keyout', 'key', '-out', 'csr'],
    ...['-subj', '/O=dev/O=ops/CN=alice'],
    ...['-addext', 'subjectAltName=DNS:a.local,IP:10.0.0.1,email:a@b.c,URI:spiffe://x/y'],
  );
  const pem = fs.readFileSync(path.join(directory, 'csr'), 'utf8');
  const request = await pki.readRequest(pem);
  expect([made.includes('rror'), request]).toMatchObject([
    false,
    {
      commonName: 'alice',
      organizations: ['dev', 'ops'],
      dnsNames: ['a.local'],
      ipAddresses: ['10.0.0.1'],
      emailAddresses: ['a@b.c'],
      uris: ['spiffe://x/y'],
    },
  ]);
  const ca = await makeAuthority();
  const { certificate } = await makeClient(ca, { subjectKey: request.publicKey });
  expect(await pki.verifyCertificate(certificate, ca.certificate, nowMs, 'client')).toBe(undefined);
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  await expect(pki.readRequest(forged)).rejects.toThrow();
});

test.each<[string, Partial<IssueOptions>, string, string | undefined]>([
  ['its name', { dnsNames: ['a.b.svc'] }, 'a.b.svc', undefined],
  ['a wildcard', { dnsNames: ['*.b.svc'] }, 'x.b.svc', undefined],
  ['its address', { ipAddresses: ['10.0.0.1'] }, '10.0.0.1', undefined],
  [
    'another name',
    { dnsNames: ['a.b.svc', 'a'] },
    'c.b.svc',
    'x509: certificate is valid for a.b.svc, a, not c.b.svc',
  ],
  [
    'a name two labels away',
    { dnsNames: ['*.svc'] },
    'a.b.svc',
    'x509: certificate is valid for *.svc, not a.b.svc',
  ],
  [
    'another address',
    { ipAddresses: ['10.0.0.1'] },
    '10.0.0.2',
    'x509: certificate is valid for 10.0.0.1, not 10.0.0.2',
  ],
  [
    'an address for names',
    { dnsNames: ['node01'] },
    '172.30.2.2',
    "x509: cannot validate certificate for 172.30.2.2 because it doesn't contain any IP SANs",
  ],
  [
    'the common name alone',
    { commonName: 'a.b.svc' },
    'a.b.svc',
    'x509: certificate relies on legacy Common Name field, use SANs instead',
  ],
  [
    'no name at all',
    {},
    'a.b.svc',
    'x509: certificate is not valid for any names, but wanted to match a.b.svc',
  ],
])('a server shows a certificate for %s', async (_what, more, serverName, problem) => {
  const ca = await makeAuthority();
  const server = await makeClient(ca, { extendedKeyUsages: ['server auth'], ...more });
  expect(
    await pki.verifyCertificate(server.certificate, ca.certificate, nowMs, 'server', serverName),
  ).toBe(problem);
});
