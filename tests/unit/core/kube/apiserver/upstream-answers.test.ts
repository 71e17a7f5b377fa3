import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

/** A request and what a kube-apiserver v1.36.3 answered, with ids, versions and times masked. */
interface Row {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: object | string;
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  /** Absent where controllers or admission of the recorded cluster had a hand in it. */
  readonly answer?: object;
  readonly warning?: string;
}

const rows = JSON.parse(
  readFileSync(new URL('upstream-answers.json', import.meta.url), 'utf8'),
) as Row[];

/** Answers that hang on YAML's own wording, on a PEM check, or on a directive upstream cannot read. */
const elsewhere = [
  'a: [',
  'metadata: [',
  '"$setElementOrder":1',
  'certificatesigningrequests',
] as const;

function mask(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replace(/resourceVersion(\\*": ?\\*")\d+/g, 'resourceVersion$1RV')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replace(/in record \(\d+\)/g, 'in record (RV)')
    .replace(/gen-[a-z0-9]{5}/g, 'gen-X');
}

test('requests are answered as upstream answers them', async () => {
  const api = testServer([], { strategyFor });
  await api.server.bootstrap();
  const differences: unknown[] = [];
  for (const row of rows) {
    const got = await api.send(row.method, row.url, row.body, {
      'content-type': row.contentType ?? 'application/json',
      ...row.headers,
    });
    const name = `${row.method} ${row.url} ${JSON.stringify(row.body ?? '')}`;
    if (elsewhere.some((text) => name.includes(text))) continue;
    if (!row.answer) continue;
    try {
      expect(JSON.parse(mask(got.text)), name).toEqual(row.answer);
      expect(got.status, name).toBe(row.status);
      expect(got.headers['warning'], name).toBe(row.warning);
    } catch (error) {
      differences.push(error);
    }
  }
  expect(differences).toEqual([]);
});
