import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nameSuffix, seededRandom } from '#core/base';
import { clusterSpec, startEngine } from '#tests/lab';
import { catalogue, makeNamespaces, namespacesOf } from './catalogue.ts';
import { recordOf, reportOf } from './report.ts';
import { DifferentialRun, type Outcome } from './run.ts';
import { Kinds } from './schema.ts';
import { connect } from './servers.ts';

// Random requests, sent to a real API server of the version the engine serves and to the engine: validation, defaulting,
// warnings and decoding must not differ. All writes are dry runs but those of the catalogue, which go into a namespace of
// their own and are removed in the end.
//
//     REAL_KUBECONFIG_ORACLE  kubeconfig of the real cluster
//     DIFFERENTIAL_KINDS      kinds or catalogue files, by comma: Pod,Service or core (default: all)
//     DIFFERENTIAL_COUNT      requests for each kind (default 100)
//     DIFFERENTIAL_SEED       of the random choices (default 1)
//     DIFFERENTIAL_REPLAY     requests to send again, by comma, as a report names them: Pod:1:17; prints both answers
//     DIFFERENTIAL_RECORD     file for the requests that were answered alike, which recorded.test.ts sends again
//     DIFFERENTIAL_REPORT     file of the whole report (default: a file in the temporary folder)
const env = (name: string, otherwise: string): string => process.env[name] || otherwise;
const oracle = process.env['REAL_KUBECONFIG_ORACLE'];
if (!oracle)
  test('differential: NOT RUN, REAL_KUBECONFIG_ORACLE names no real cluster', () => {
    console.warn(
      'NOT RUN: the differential test needs a real cluster of v1.36.3 (REAL_KUBECONFIG_ORACLE)',
    );
  });
else
  describe('random requests', () => {
    test('are answered as by a real server', { timeout: 3_600_000 }, async () => {
      const replays = env('DIFFERENTIAL_REPLAY', '').split(',').filter(Boolean);
      const wanted = replays.length
        ? replays.map((key) => key.split(':')[0] ?? '')
        : env('DIFFERENTIAL_KINDS', '').split(',').filter(Boolean);
      const id = nameSuffix(seededRandom(`${process.pid} ${Date.now()}`));
      const kinds = [...catalogue(id)].filter(
        ([kind, { file }]) => wanted.length === 0 || wanted.includes(kind) || wanted.includes(file),
      );
      const seeds = kinds.flatMap(([, entry]) => entry.seeds);
      const lab = await startEngine();
      const real = connect('real', oracle);
      const ours = connect('ours', (await lab.engine.create(clusterSpec())).kubeconfig);
      const [namespace] = namespacesOf(id);
      const run = new DifferentialRun({ real, ours, kinds: new Kinds(real), namespace });
      const outcomes: Outcome[] = [];
      try {
        for (const server of [real, ours]) await makeNamespaces(server, id);
        expect.soft(await run.prepare(seeds)).toEqual([]);
        await settle(2000);
        const [count, seed] = [
          Number(env('DIFFERENTIAL_COUNT', '100')),
          env('DIFFERENTIAL_SEED', '1'),
        ];
        const requests = replays.length
          ? kinds.flatMap(([kind, entry]) =>
              replays.filter((key) => key.startsWith(`${kind}:`)).map((key) => ({ key, entry })),
            )
          : kinds.flatMap(([kind, entry]) =>
              Array.from({ length: count }, (_, n) => ({ key: `${kind}:${seed}:${n}`, entry })),
            );
        const next = requests[Symbol.iterator]();
        const worker = async (): Promise<void> => {
          for (const { key, entry } of next)
            try {
              outcomes.push(await run.request(key, entry.seeds));
            } catch (error) {
              // Some handlers of a real server panic over what nobody means, and drop the connection.
              if (!(error instanceof Error) || error.message !== 'socket hang up') throw error;
            }
        };
        await Promise.all([worker(), worker(), worker(), worker()]);
      } finally {
        await run.remove(seeds);
        for (const name of namespacesOf(id))
          await real.send('DELETE', `/api/v1/namespaces/${name}`);
        for (const server of [real, ours]) server.close();
        await lab.stop();
      }
      if (replays.length) console.log(JSON.stringify(outcomes, null, 1));
      const record = env('DIFFERENTIAL_RECORD', '');
      if (record) writeFileSync(record, recordOf(id, outcomes));
      const file = env('DIFFERENTIAL_REPORT', join(tmpdir(), 'differential.txt'));
      writeFileSync(file, reportOf(outcomes, 10_000));
      console.log(`${reportOf(outcomes, 15)}\n\nall of it: ${file}`);
      expect(outcomes.filter((outcome) => outcome.differences.length > 0).length).toBe(0);
    });
  });

/** Controllers have seen what was created. */
function settle(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
