import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';
import { catalogue, makeNamespaces, namespacesOf } from './catalogue.ts';
import { DifferentialRun, type Recorded } from './run.ts';
import { Kinds } from './schema.ts';
import { connect, type Server } from './servers.ts';

// Random requests that were answered wrongly once, with the answers of a real API server (`DIFFERENTIAL_RECORD`).
const folder = join(import.meta.dirname, 'recorded');
const recordings = ['answers.json', 'other-groups.json', 'empty-and-ordered.json'].map(
  (file) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')) as { id: string; rows: Recorded[] },
);

describe('recorded requests are answered as by a real server', () => {
  let lab: TestEngine;
  let ours: Server;

  beforeAll(async () => {
    lab = await startEngine();
    ours = connect('ours', (await lab.engine.create(clusterSpec())).kubeconfig);
  });
  afterAll(async () => {
    ours.close();
    await lab.stop();
  });

  describe.each(recordings)('of $id', ({ id, rows }) => {
    let run: DifferentialRun;
    const seeds = catalogue(id);

    beforeAll(async () => {
      const [namespace] = namespacesOf(id);
      run = new DifferentialRun({ real: ours, ours, kinds: new Kinds(ours), namespace });
      await makeNamespaces(ours, id);
      const kinds = new Set(rows.map(({ kind }) => kind));
      const needed = [...seeds].filter(([kind]) => kinds.has(kind));
      expect(await run.prepare(needed.flatMap(([, entry]) => entry.seeds))).toEqual([]);
    });

    test.each(rows.map((row) => [`${row.replay}, ${row.operation}`, row] as const))(
      '%s',
      async (_name, row) => {
        expect(await run.again(row, seeds.get(row.kind)?.seeds ?? [])).toEqual([]);
      },
    );
  });
});
