import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fromUtf8, utf8 } from '#core/base';
import type { ApiRequest } from '#core/kube';
import { callLoopback } from '#node/loopback';
import { createPki } from '#node/pki';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Webhooks by URL that somebody develops on this computer.
let server: Server;
let ca = '';
let other = '';
let port = 0;

beforeAll(async () => {
  const pki = await createPki();
  const issue = async (
    commonName: string,
  ): Promise<{ readonly certificate: string; readonly privateKey: string }> => {
    const { privateKey } = await pki.generateKey();
    const certificate = await pki.issue({
      commonName,
      subjectKey: privateKey,
      isCa: true,
      keyUsages: ['digital signature', 'cert sign'],
      extendedKeyUsages: ['server auth'],
      ipAddresses: ['127.0.0.1'],
      notBeforeMs: Date.now() - 3_600_000,
      notAfterMs: Date.now() + 86_400_000,
    });
    return { certificate, privateKey };
  };
  const { certificate, privateKey } = await issue('hooks');
  ca = certificate;
  other = (await issue('others')).certificate;
  server = createServer({ key: privateKey, cert: certificate }, (request, response) => {
    if (request.url === '/silent') return;
    void text(request).then((body) => {
      response.setHeader('content-type', 'text/plain');
      response.end(`${request.method} ${request.url} ${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const target = { host: '127.0.0.1', serverName: '127.0.0.1', asFrontProxy: false };
const post = (url = '/hook?timeout=5s'): ApiRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  body: utf8('{}'),
});

test('a server on this computer answers', async () => {
  const { status, headers, body } = await callLoopback({ ...target, port, roots: ca }, post());
  expect([status, headers['content-type']]).toEqual([200, 'text/plain']);
  expect(body.kind === 'bytes' && fromUtf8(body.bytes)).toBe('POST /hook?timeout=5s {}');
});

test.each([
  ['of an authority nobody named', () => other],
  ['that no bundle vouches for', () => ''],
])('a certificate %s is refused', async (_what, roots) => {
  await expect(callLoopback({ ...target, port, roots: roots() }, post())).rejects.toThrow(
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  );
});

test.each(['example.com', '10.0.0.1', '127.0.0.1.example.com', '0.0.0.0', '127.0.0.2', '::2'])(
  '%s is not this computer',
  async (host) => {
    await expect(
      callLoopback({ ...target, host, serverName: host, port: 443, roots: ca }, post()),
    ).rejects.toThrow(`dial tcp ${host}:443: connect: no route to host`);
  },
);

test('a server that is not there, or silent', async () => {
  await expect(callLoopback({ ...target, port: 1, roots: ca }, post())).rejects.toThrow(
    'dial tcp 127.0.0.1:1: connect: connection refused',
  );
  await expect(
    callLoopback({ ...target, port, roots: ca, timeoutMs: 50 }, post('/silent')),
  ).rejects.toThrow('context deadline exceeded');
});
