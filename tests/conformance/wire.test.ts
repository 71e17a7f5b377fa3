import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startControlPlane } from '#tests/control-plane';
import { type WireAnswer, WireClient, wireTarget } from '#tests/wire';
import { wireRows } from './wire/rows.ts';

// What a kube-apiserver v1.36.3 without controllers answers to raw requests: status, headers and body, masked. To record again:
// start one on a port of four digits with an empty etcd, and run this test with WIRE_RECORD=<its kubeconfig>.
const file = join(import.meta.dirname, 'wire', 'answers.json');
const record = process.env['WIRE_RECORD'];
const atOnce = 8;

/** Long bodies are kept as their hash. */
const kept = (body: string): string =>
  body.length > 400 ? createHash('sha256').update(body).digest('hex') : body;

async function answersOf(client: WireClient): Promise<Map<string, WireAnswer>> {
  const rows = wireRows();
  for (const row of rows.filter(({ setup }) => setup)) await established(client, row);
  const answers = new Map<string, WireAnswer>();
  const asked = rows.filter(({ setup }) => !setup);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let row = asked[next++]; row; row = asked[next++])
      answers.set(row.name, await client.send(row));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return new Map(asked.map(({ name }) => [name, answers.get(name) as WireAnswer]));
}

/** A custom resource is there a moment after its definition. */
async function established(
  client: WireClient,
  row: ReturnType<typeof wireRows>[number],
): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { status, body } = await client.send(row);
    // There from an earlier recording.
    if (status === 201 || status === 409) return;
    if (status !== 404) throw new Error(`${row.name}: ${status} ${body}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

if (record)
  test('records', { timeout: 300_000 }, async () => {
    const client = new WireClient(wireTarget(record));
    const answers = await answersOf(client);
    client.close();
    const lines = [...answers].map(
      ([name, { status, headers, body }]) =>
        `${JSON.stringify(name)}: ${JSON.stringify({ status, headers, body: kept(body) })}`,
    );
    writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
  });

test('raw requests are answered as upstream answers them', { timeout: 300_000 }, async () => {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, WireAnswer>;
  const plane = await startControlPlane({ controllers: false });
  const client = new WireClient(wireTarget(plane.kubeconfig));
  try {
    const answers = await answersOf(client);
    expect([...answers.keys()].sort()).toEqual(Object.keys(recorded).sort());
    const differing: Record<string, { ours: WireAnswer; upstream: WireAnswer | undefined }> = {};
    for (const [name, answer] of answers) {
      const ours = { ...answer, body: kept(answer.body) };
      const upstream = recorded[name];
      if (JSON.stringify(ours) !== JSON.stringify(upstream))
        differing[name] = { ours: answer, upstream };
    }
    expect(differing).toEqual({});
  } finally {
    client.close();
    await plane.stop();
  }
});
