import { SimClock, seededRandom, toBase64, utf8 } from '#core/base';
import { createHmac, webcrypto } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { messageOf, TestState, user } from '#tests/server-state';
import {
  createAuthenticator,
  discoveryDocument,
  impersonatedUser,
  issueServiceAccountToken,
  keySetDocument,
} from '../../../../../../src-main/core/kube/apiserver/authentication/index.ts';
import type {
  Attributes,
  Authorizer,
  CertificateInfo,
  Pki,
} from '../../../../../../src-main/core/kube/apiserver/types.ts';
import type {
  ApiRequest,
  KubeObject,
} from '../../../../../../src-main/core/kube/machinery/index.ts';

const { subtle } = webcrypto;
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${toBase64(new Uint8Array(der))}\n-----END ${label}-----\n`;
const derOf = (text: string): Buffer =>
  Buffer.from(text.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''), 'base64');

/** Certificates are `CN/O1,O2` in plain text here; keys and signatures are real. */
const pki = {
  async verify(_algorithm, key, signed, signature) {
    const imported = await subtle.importKey('spki', derOf(key), rsa, false, ['verify']);
    return subtle.verify(rsa, imported, signature, signed);
  },
  async sign(key, data) {
    const imported = await subtle.importKey('pkcs8', derOf(key), rsa, false, ['sign']);
    const signature = new Uint8Array(await subtle.sign(rsa, imported, data));
    return { algorithm: 'RS256', signature };
  },
  sha256: async (data) => new Uint8Array(await subtle.digest('SHA-256', data)),
  readCertificate: (text) => {
    const [commonName = '', organizations = ''] = text.split('/');
    return {
      commonName,
      organizations: organizations === '' ? [] : organizations.split(','),
      notBeforeMs: 0,
      notAfterMs: Date.parse('2027-01-01T00:00:00Z'),
      fingerprint: 'ab12',
    } as unknown as CertificateInfo;
  },
  verifyCertificate: async (text, ca) =>
    text.startsWith('bad') || (ca === 'front-ca') !== text.startsWith('proxy')
      ? 'x509: certificate signed by unknown authority'
      : undefined,
} as Partial<Pki> as Pki;

const issuerUrl = 'https://kubernetes.default.svc.cluster.local';
let privateKey: string;
let publicKey: string;
let state: TestState;
let clock: SimClock;

beforeAll(async () => {
  const pair = await subtle.generateKey(
    { ...rsa, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  privateKey = pem('PRIVATE KEY', await subtle.exportKey('pkcs8', pair.privateKey));
  publicKey = pem('PUBLIC KEY', await subtle.exportKey('spki', pair.publicKey));
});

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toBase64(utf8(value))]));

beforeEach(() => {
  clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  state = new TestState()
    .put('', 'serviceaccounts', { metadata: { name: 'bot', namespace: 'a', uid: 'sa-1' } })
    .put('', 'pods', {
      metadata: { name: 'p', namespace: 'a', uid: 'pod-1' },
      spec: { serviceAccountName: 'bot', nodeName: 'n1' },
    })
    .put('', 'nodes', { metadata: { name: 'n1', uid: 'node-1' } })
    .put('', 'secrets', {
      metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      data: encoded({
        'token-id': 'abcdef',
        'token-secret': '0123456789abcdef',
        expiration: '2026-01-02T00:00:00Z',
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
      }),
    });
});

const authenticator = () =>
  createAuthenticator({
    state,
    pki,
    clock,
    clientCa: 'client-ca',
    requestHeader: {
      ca: 'front-ca',
      allowedNames: ['proxy-client'],
      usernameHeaders: ['X-Remote-User'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    },
    serviceAccounts: { issuers: [issuerUrl], publicKeys: [publicKey], audiences: [issuerUrl] },
    bootstrapTokens: true,
  });
const issuer = () => ({
  state,
  pki,
  clock,
  random: seededRandom('t'),
  issuer: issuerUrl,
  audiences: [issuerUrl],
  privateKey,
  publicKey,
});
const request = (headers: Record<string, string> = {}, peerCertificate?: string): ApiRequest => ({
  method: 'GET',
  url: '/api',
  headers,
  ...(peerCertificate === undefined ? {} : { peerCertificate }),
});
const tokenRequest = (spec: object): KubeObject => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  metadata: {},
  spec,
});
const issue = (spec: object = {}): Promise<KubeObject> =>
  issueServiceAccountToken(issuer(), 'a', 'bot', tokenRequest(spec));
const tokenOf = (answer: KubeObject): string => (answer['status'] as { token: string }).token;
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
const podRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };

describe('who asks', () => {
  test.each([
    {
      why: 'nobody',
      headers: {},
      peer: undefined,
      username: 'system:anonymous',
      groups: ['system:unauthenticated'],
    },
    {
      why: 'another scheme is no credential',
      headers: { authorization: 'Basic eA==' },
      peer: undefined,
      username: 'system:anonymous',
      groups: ['system:unauthenticated'],
    },
    {
      why: 'a client certificate',
      headers: {},
      peer: 'jane/dev,ops',
      username: 'jane',
      groups: ['dev', 'ops', 'system:authenticated'],
    },
    {
      why: 'a front proxy speaks for a user',
      headers: { 'x-remote-user': 'bob', 'x-remote-group': 'g1, g2' },
      peer: 'proxy-client',
      username: 'bob',
      groups: ['g1', 'g2', 'system:authenticated'],
    },
    {
      why: 'others may not use its headers',
      headers: { 'x-remote-user': 'bob' },
      peer: 'jane/dev',
      username: 'jane',
      groups: ['dev', 'system:authenticated'],
    },
    {
      why: 'a bootstrap token',
      headers: { authorization: 'Bearer abcdef.0123456789abcdef' },
      peer: undefined,
      username: 'system:bootstrap:abcdef',
      groups: [
        'system:bootstrappers',
        'system:bootstrappers:kubeadm:default-node-token',
        'system:authenticated',
      ],
    },
  ])('$why', async ({ headers, peer, username, groups }) => {
    expect(await authenticator().authenticate(request(headers, peer))).toMatchObject({
      username,
      groups,
    });
  });

  test.each([
    { why: 'a token nobody knows', headers: { authorization: 'Bearer xx' }, peer: undefined },
    { why: 'a certificate of another authority', headers: {}, peer: 'bad/x' },
    {
      why: 'a bootstrap token with a wrong secret',
      headers: { authorization: 'Bearer abcdef.fedcba9876543210' },
      peer: undefined,
    },
  ])('$why is Unauthorized', async ({ headers, peer }) => {
    expect(await messageOf(() => authenticator().authenticate(request(headers, peer)))).toBe(
      'Unauthorized',
    );
  });

  test('a bootstrap token runs out', async () => {
    clock.moveTo(Date.parse('2026-01-03T00:00:00Z'));
    const message = await messageOf(() =>
      authenticator().authenticate(request({ authorization: 'Bearer abcdef.0123456789abcdef' })),
    );
    expect(message).toBe('Unauthorized');
  });
});

describe('tokens of service accounts', () => {
  test('have upstream’s claims, in order', async () => {
    const answer = await issue();
    const claims = claimsOf(tokenOf(answer));
    expect(Object.keys(claims)).toEqual([
      'aud',
      'exp',
      'iat',
      'iss',
      'jti',
      'kubernetes.io',
      'nbf',
      'sub',
    ]);
    expect(claims).toMatchObject({
      aud: [issuerUrl],
      exp: 1767265200,
      iat: 1767261600,
      'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'bot', uid: 'sa-1' } },
      sub: 'system:serviceaccount:a:bot',
    });
    expect(answer['status']).toMatchObject({ expirationTimestamp: '2026-01-01T11:00:00Z' });
  });

  test('bound to a pod for 3607 seconds live a year and warn', async () => {
    const claims = claimsOf(
      tokenOf(await issue({ expirationSeconds: 3607, boundObjectRef: podRef })),
    );
    expect(claims).toMatchObject({
      exp: 1767261600 + 365 * 24 * 3600,
      'kubernetes.io': {
        node: { name: 'n1', uid: 'node-1' },
        pod: { name: 'p', uid: 'pod-1' },
        warnafter: 1767261600 + 3607,
      },
    });
  });

  test.each([
    {
      spec: { expirationSeconds: 60 },
      message:
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
    },
    { spec: { boundObjectRef: { ...podRef, name: 'x' } }, message: 'pods "x" not found' },
    {
      spec: { boundObjectRef: { ...podRef, uid: 'other' } },
      message:
        'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated',
    },
  ])('refused: $message', async ({ spec, message }) => {
    expect(await messageOf(() => issue(spec))).toBe(message);
  });

  test('name the user, and stop with time or with their pod', async () => {
    const token = tokenOf(await issue({ boundObjectRef: podRef }));
    const door = authenticator();
    const headers = { authorization: `Bearer ${token}` };
    expect(await door.authenticate(request(headers))).toEqual({
      username: 'system:serviceaccount:a:bot',
      uid: 'sa-1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${String(claimsOf(token)['jti'])}`],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': ['node-1'],
        'authentication.kubernetes.io/pod-name': ['p'],
        'authentication.kubernetes.io/pod-uid': ['pod-1'],
      },
    });
    state.put('', 'pods', { metadata: { name: 'p', namespace: 'a', uid: 'pod-2' }, spec: {} });
    expect(await door.reviewToken(token, [])).toEqual({
      user: {},
      error:
        '[invalid bearer token, pod UID (pod-2) does not match service account pod ref claim (pod-1)]',
    });
    const plain = tokenOf(await issue());
    clock.moveTo(clock.now() + 3600_000 + 61_000);
    expect(await door.reviewToken(plain, [])).toEqual({
      user: {},
      error: '[invalid bearer token, service account token has expired]',
    });
  });

  test('are for their audience', async () => {
    const token = tokenOf(await issue({ audiences: ['vault'] }));
    expect(
      await messageOf(() =>
        authenticator().authenticate(request({ authorization: `Bearer ${token}` })),
      ),
    ).toBe('Unauthorized');
    expect(await authenticator().reviewToken(token, ['vault'])).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
    });
  });

  test('a changed payload is refused', async () => {
    const [head, , signature] = tokenOf(await issue()).split('.');
    const body = Buffer.from(JSON.stringify({ iss: issuerUrl, sub: 'x' })).toString('base64url');
    expect(
      await messageOf(() =>
        authenticator().authenticate(
          request({ authorization: `Bearer ${head}.${body}.${signature}` }),
        ),
      ),
    ).toBe('Unauthorized');
  });

  test('forged: no algorithm, the public key as a secret, parts too few and too many', async () => {
    const token = tokenOf(await issue());
    const [head = '', body = '', signature = ''] = token.split('.');
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const kid = (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid;
    const withSecret = `${part({ alg: 'HS256', kid })}.${body}`;
    const mac = createHmac('sha256', publicKey).update(withSecret).digest('base64url');
    const door = authenticator();
    for (const forged of [
      `${part({ alg: 'none' })}.${body}.`,
      `${part({ alg: 'none', kid })}.${body}.${signature}`,
      `${part({ alg: 'None', kid })}.${body}.`,
      `${withSecret}.${mac}`,
      `${part({ alg: 'RS512', kid })}.${body}.${signature}`,
      `${part({ alg: '', kid })}.${body}.${signature}`,
      `${part({ kid })}.${body}.${signature}`,
      `${part({ alg: 'RS256', kid: 'x', jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } })}.${body}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${body}.${signature}.${signature}`,
      `${token}x`,
      `${head}.${'A'.repeat(1_000_000)}.${signature}`,
      `..`,
      `${part([])}.${part([])}.`,
      `${part({ alg: { toString: 1 } })}.${body}.${signature}`,
    ])
      expect(
        await messageOf(() => door.authenticate(request({ authorization: `Bearer ${forged}` }))),
      ).toBe('Unauthorized');
  });

  test('the key set verifies them elsewhere', async () => {
    const token = tokenOf(await issue());
    const { keys } = await keySetDocument(pki, [publicKey]);
    const [head, body, signature] = token.split('.');
    const key = await subtle.importKey('jwk', keys[0] as webcrypto.JsonWebKey, rsa, false, [
      'verify',
    ]);
    expect(
      await subtle.verify(
        rsa,
        key,
        Buffer.from(signature ?? '', 'base64url'),
        Buffer.from(`${head}.${body}`),
      ),
    ).toBe(true);
    expect(discoveryDocument(issuerUrl, 'https://x/openid/v1/jwks', [publicKey])).toEqual({
      issuer: issuerUrl,
      jwks_uri: 'https://x/openid/v1/jwks',
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    });
  });
});

describe('impersonation', () => {
  const bot = user('system:serviceaccount:kj:bot');
  const attributes: Attributes = {
    kind: 'resource',
    user: bot,
    verb: 'list',
    group: '',
    version: 'v1',
    resource: 'nodes',
    subresource: '',
    namespace: '',
    name: '',
  };
  const nobody: Authorizer = { authorize: () => ({ decision: 'no-opinion', reason: '' }) };
  const legacy: Authorizer = {
    authorize: ({ verb }) => ({
      decision: verb === 'impersonate' ? 'allow' : 'no-opinion',
      reason: '',
    }),
  };

  test.each([
    {
      headers: { 'impersonate-user': 'jane' },
      message:
        'nodes is forbidden: User "system:serviceaccount:kj:bot" cannot impersonate-on:user-info:list resource "nodes" in API group "" at the cluster scope',
    },
    {
      headers: { 'impersonate-user': 'system:serviceaccount:a:b' },
      message:
        'nodes is forbidden: User "system:serviceaccount:kj:bot" cannot impersonate-on:serviceaccount:list resource "nodes" in API group "" at the cluster scope',
    },
    {
      headers: { 'impersonate-user': 'system:serviceaccount:a:b', 'impersonate-group': 'g' },
      message:
        'serviceaccounts "b" is forbidden: User "system:serviceaccount:kj:bot" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"',
    },
    {
      headers: { 'impersonate-group': 'a' },
      message:
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)} without impersonating a user name',
    },
  ])('refused: $message', async ({ headers, message }) => {
    expect(await messageOf(() => impersonatedUser(nobody, headers, attributes))).toBe(message);
  });

  test.each([
    { headers: {}, expected: bot },
    {
      headers: { 'impersonate-user': 'jane', 'impersonate-group': 'dev, ops' },
      expected: { username: 'jane', groups: ['dev', 'ops', 'system:authenticated'] },
    },
    {
      headers: { 'impersonate-user': 'system:serviceaccount:a:b' },
      expected: {
        username: 'system:serviceaccount:a:b',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      },
    },
    {
      headers: { 'impersonate-user': 'system:anonymous' },
      expected: { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    },
    {
      headers: {
        'impersonate-user': 'jane',
        'impersonate-uid': '7',
        'impersonate-extra-scopes%2fx': 'a',
      },
      expected: {
        username: 'jane',
        uid: '7',
        groups: ['system:authenticated'],
        extra: { 'scopes/x': ['a'] },
      },
    },
  ])('acts as $expected.username', async ({ headers, expected }) => {
    expect(await impersonatedUser(legacy, headers as Record<string, string>, attributes)).toEqual(
      expected,
    );
  });
});
