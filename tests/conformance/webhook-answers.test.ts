import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createPki } from '#node/pki';
import { realSide } from './patches/side.ts';
import { replyTo } from './webhooks/answering.ts';
import { play } from './webhooks/play.ts';
import { webhookPort } from './webhooks/fixtures.ts';
import { cleaning, preparations, scenarios } from './webhooks/scenarios.ts';
import type { Call } from './webhooks/told.ts';

const real = process.env['REAL_KUBECONFIG_ORACLE'];
const answers = new URL('webhooks/answers.json', import.meta.url);

// A unit test sends the same to the engine and compares (`unit/core/kube/apiserver/admission/webhook-answers.test.ts`).
if (real === undefined) {
  console.warn('NOT RUN: webhooks are recorded only with REAL_KUBECONFIG_ORACLE, a kubeconfig');
  test('webhooks are recorded only with a real cluster', () => {
    expect(scenarios.length).toBeGreaterThan(80);
  });
} else
  test('what a real server makes of webhooks is recorded', { timeout: 900_000 }, async () => {
    const pki = await createPki();
    const { privateKey } = await pki.generateKey();
    const certificate = await pki.issue({
      commonName: 'hooks',
      subjectKey: privateKey,
      isCa: true,
      keyUsages: ['digital signature', 'cert sign'],
      extendedKeyUsages: ['server auth'],
      ipAddresses: ['127.0.0.1'],
      notBeforeMs: Date.now() - 3_600_000,
      notAfterMs: Date.now() + 86_400_000,
    });
    let calls: Call[] = [];
    const server = createServer({ key: privateKey, cert: certificate }, (request, response) => {
      void text(request).then((body) => {
        const url = request.url ?? '';
        calls.push({ url, body: JSON.parse(body) as unknown });
        const reply = replyTo(url.split('?')[0] ?? '', body);
        const end = (): void => {
          response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? '' });
          response.end(reply.body);
        };
        setTimeout(end, reply.afterMs ?? 0);
      });
    });
    await new Promise<void>((resolve) => server.listen(webhookPort, '127.0.0.1', resolve));
    const side = realSide(real);
    const stage = {
      side,
      ca: certificate,
      takeCalls: () => {
        const taken = calls;
        calls = [];
        return taken;
      },
      settle: () => new Promise<void>((resolve) => setTimeout(resolve, 400)),
    };
    for (const step of preparations) await side.send(step);
    const rows: unknown[] = [];
    for (const scenario of scenarios)
      rows.push({ name: scenario.name, told: await play(stage, scenario) });
    for (const step of cleaning) await side.send(step);
    await side.close();
    server.closeAllConnections();
    server.close();
    writeFileSync(answers, JSON.stringify(rows));
  });
