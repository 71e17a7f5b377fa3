import type { EngineEvents } from '#core/app';
import { type BytePipe, deferred } from '#core/base';
import type { Lab } from '#core/lab';
import { expect, test } from 'vitest';
import { Commands } from '../../../../src-main/node/engine/commands.ts';

const chunks = 30_000;

test('a command whose output is taken bit by bit is told to the end', async () => {
  const exit = deferred<number>();
  const machine = {
    running: true,
    spawn: (_argv: readonly string[], { stdout }: { stdout: BytePipe }) => {
      const write = async (): Promise<void> => {
        await stdout.write(new Uint8Array(1024 * 1024));
        for (let count = 0; count < chunks; count++) await stdout.write(Uint8Array.of(1));
        exit.resolve(0);
      };
      void write();
      return { pid: 1, exit: exit.promise };
    },
  };
  const lab = { machine: () => machine } as unknown as Lab;
  let sizeBytes = 0;
  const ended = deferred<number>();
  const commands = new Commands((name, payload) => {
    if (name === 'commandExit') ended.resolve((payload as EngineEvents['commandExit']).exitCode);
    if (name !== 'commandData') return;
    const { length } = (payload as EngineEvents['commandData']).bytes;
    sizeBytes += length;
    // One byte late: each further one has to wait until this one is taken.
    if (length === 1) setImmediate(() => commands.taken(1, 1));
  });
  commands.start(1, lab, { clusterId: 'lab', host: 'node01', command: 'yes', input: false });
  expect(await ended.promise).toBe(0);
  expect(sizeBytes).toBe(1024 * 1024 + chunks);
});
