import { readFileSync } from 'node:fs';
import { fromUtf8, utf8 } from '#core/base';
import { expect, test } from 'vitest';
import { ConnectionError, type SendHttps } from '#core/kube';
import { ourSide, type Step } from '../../../../../conformance/patches/side.ts';
import { replyTo } from '../../../../../conformance/webhooks/answering.ts';
import { play } from '../../../../../conformance/webhooks/play.ts';
import { webhookPort } from '../../../../../conformance/webhooks/fixtures.ts';
import { preparations, scenarios } from '../../../../../conformance/webhooks/scenarios.ts';
import type { Call, Told } from '../../../../../conformance/webhooks/told.ts';

/** What a kube-apiserver v1.36.3 did; `conformance/webhook-answers.test.ts` records it. */
const recorded = JSON.parse(
  readFileSync(
    new URL('../../../../../conformance/webhooks/answers.json', import.meta.url),
    'utf8',
  ),
) as readonly { readonly name: string; readonly told: readonly Told[] }[];

/** How often a conversion webhook is asked for one object is upstream's own affair. */
const compared = ({ calls, body, ...told }: Told): object => ({
  ...told,
  body: withoutSystem(body),
  calls: calls.filter(({ url }) => !url.startsWith('/convert')).sort(byPlace),
});
const placeOf = ({ url, body }: Call): string =>
  `${url} ${JSON.stringify((body as { request: { kind: unknown } }).request.kind)}`;
/** Hooks of one kind are asked at the same time. */
const byPlace = (a: Call, b: Call): number => (placeOf(a) < placeOf(b) ? -1 : 1);
/** Definitions stand here for what is done with them; what they look like is asked elsewhere. */
const withoutSystem = (body: unknown): unknown =>
  typeof body === 'object' &&
  body !== null &&
  'kind' in body &&
  body.kind === 'CustomResourceDefinition'
    ? 'a definition'
    : body;

/** No controller is here to make it. */
const account: Step = {
  method: 'POST',
  url: '/api/v1/namespaces/kijabi-hooks/serviceaccounts',
  body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
};

let calls: Call[] = [];
const send: SendHttps = async ({ host, port }, { url, body, signal }) => {
  if (port !== webhookPort)
    throw new ConnectionError(
      'ECONNREFUSED',
      `dial tcp ${host}:${port}: connect: connection refused`,
    );
  const text = fromUtf8(body ?? new Uint8Array());
  calls.push({ url, body: JSON.parse(text) as unknown });
  const reply = replyTo(url.split('?')[0] ?? '', text);
  if (reply.afterMs !== undefined)
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
  return {
    status: reply.status ?? 200,
    headers: { 'content-type': reply.type ?? '' },
    body: { kind: 'bytes', bytes: utf8(reply.body) },
  };
};

test('webhooks are asked, heard and followed as upstream does', { timeout: 120_000 }, async () => {
  const side = await ourSide({ sendHttps: send });
  const stage = {
    side,
    ca: 'none',
    takeCalls: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
    settle: () => Promise.resolve(),
  };
  for (const step of [...preparations.slice(0, 1), account, ...preparations.slice(1)])
    await side.send(step);
  const differences: object[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const real = recorded[index];
    expect(scenario.name).toBe(real?.name);
    const ours = await play(stage, scenario);
    ours.forEach((told, step) => {
      const wanted = real?.told[step];
      try {
        expect(compared(told)).toEqual(wanted && compared(wanted));
      } catch {
        differences.push({
          scenario: scenario.name,
          step,
          ours: compared(told),
          wanted: wanted && compared(wanted),
        });
      }
    });
  }
  await side.close();
  expect(differences).toEqual([]);
});
