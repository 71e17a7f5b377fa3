import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerPageRequest } from '../../../src-main/electron/app-protocol.ts';
import {
  fuses,
  isAppUrl,
  isExternalAllowed,
  isTrustedSender,
  windowPreferences,
} from '../../../src-main/electron/locks.ts';

test.each([
  { url: 'app://kijabi/', ours: true },
  { url: 'app://kijabi/index.html#/exam', ours: true },
  { url: 'app://kijabi.evil.com/', ours: false },
  { url: 'app://evil/kijabi', ours: false },
  { url: 'app://user@kijabi:1/', ours: false },
  { url: 'app:kijabi', ours: false },
  { url: 'https://kijabi/', ours: false },
  { url: 'file:///app://kijabi/', ours: false },
  { url: 'about:blank', ours: false },
  { url: 'javascript:alert(1)', ours: false },
  { url: '', ours: false },
])('a window may show $url: $ours', ({ url, ours }) => {
  expect(isAppUrl(url)).toBe(ours);
});

test.each([
  { url: 'https://kubernetes.io/docs/', allowed: true },
  { url: 'https://helm.sh/docs', allowed: true },
  { url: 'https://gateway-api.sigs.k8s.io/', allowed: true },
  { url: 'http://kubernetes.io/', allowed: false },
  { url: 'https://kubernetes.io.evil.com/', allowed: false },
  { url: 'https://evilkubernetes.io/', allowed: false },
  { url: 'https://kubernetes.io@evil.com/', allowed: false },
  { url: 'https://user:pass@kubernetes.io/', allowed: false },
  { url: 'https://kubernetes.io:8443/', allowed: false },
  { url: 'https://evil.com/?https://kubernetes.io', allowed: false },
  { url: 'javascript:alert(1)', allowed: false },
  { url: 'file:///etc/passwd', allowed: false },
  { url: 'smb://kubernetes.io/share', allowed: false },
  { url: 'ms-settings:', allowed: false },
  { url: 'not a link', allowed: false },
])('the browser may open $url: $allowed', ({ url, allowed }) => {
  expect(isExternalAllowed(url)).toBe(allowed);
});

test.each([
  { sender: { url: 'app://kijabi/', parent: null }, trusted: true, why: 'our top frame' },
  { sender: { url: 'app://kijabi/', parent: {} }, trusted: false, why: 'a frame within it' },
  { sender: { url: 'https://evil.com/', parent: null }, trusted: false, why: 'another page' },
  { sender: null, trusted: false, why: 'a frame that is gone' },
])('a message of $why is believed: $trusted', ({ sender, trusted }) => {
  expect(isTrustedSender(sender)).toBe(trusted);
});

test('windows keep every default that protects, and fuses close what a window does not need', () => {
  expect(windowPreferences).toMatchObject({
    nodeIntegration: false,
    contextIsolation: true,
    sandbox: true,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
  });
  expect(Object.keys(windowPreferences)).not.toContain('enableBlinkFeatures');
  expect(fuses).toMatchObject({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  });
});

describe('the page over app://', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kijabi-app-'));
  const root = join(folder, 'page');

  beforeAll(() => {
    mkdirSync(join(root, 'assets'), { recursive: true });
    writeFileSync(join(root, 'index.html'), '<title>Kijabi</title>');
    writeFileSync(join(folder, 'secret.txt'), 'secret');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is served with its policy', async () => {
    const answer = await answerPageRequest(root, 'app://kijabi/');
    expect([answer.status, await answer.text()]).toEqual([200, '<title>Kijabi</title>']);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
  });

  test.each([
    { url: 'app://kijabi/nothing', status: 404 },
    { url: 'app://kijabi/assets', status: 404 },
    { url: 'app://kijabi/..%2fsecret.txt', status: 404 },
    { url: 'app://kijabi/%2e%2e/secret.txt', status: 404 },
    { url: 'app://kijabi/%00', status: 404 },
    { url: 'app://other/index.html', status: 403 },
    { url: 'https://kijabi/index.html', status: 403 },
  ])('$url is $status', async ({ url, status }) => {
    const answer = await answerPageRequest(root, url);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain('secret');
  });
});
