import { BytePipe, readText, seededRandom, silentLogger, utf8 } from '#core/base';
import { TestTime } from '#tests/sim';
import {
  createMachine,
  type SimulatedMachine,
} from '../../../../../src-main/core/machines/machine/index.ts';
import type { NetNamespace } from '../../../../../src-main/core/machines/network/types.ts';
import type { Program } from '../../../../../src-main/core/machines/process/index.ts';

const net: NetNamespace = {
  name: 'host',
  address: '10.0.0.11',
  addresses: ['127.0.0.1', '10.0.0.11'],
  listen: () => ({ dispose: () => undefined }),
  listeners: () => [],
  dial: () => Promise.reject(new Error('no network')),
};

/** A machine without containers, booted. */
export async function bootedMachine(
  programs: Readonly<Record<string, Program>> = {},
  prepare: (machine: SimulatedMachine) => void = () => undefined,
) {
  const time = new TestTime();
  const machine = createMachine(
    {
      hostname: 'node01',
      address: '10.0.0.11',
      cpuMilli: 2000,
      memoryBytes: 4_294_967_296,
      diskBytes: 42_949_672_960,
    },
    {
      clock: time.clock,
      random: seededRandom('machine'),
      logger: silentLogger,
      catalogue: { find: () => undefined, hasRepository: () => false },
      programs,
    },
    {
      net,
      runtime: () => ({
        runtime: {} as never,
        images: {} as never,
        programs: {},
        writableBytes: () => 0,
        powerOff: () => undefined,
      }),
      probe: () => Promise.resolve({ kind: 'ok' }),
    },
  );
  prepare(machine);
  await machine.boot();
  const run = async (
    argv: readonly string[],
    options: { stdin?: string; env?: Record<string, string>; cwd?: string; forMs?: number } = {},
  ) => {
    const stdout = new BytePipe();
    const stderr = new BytePipe();
    const texts = Promise.all([readText(stdout), readText(stderr)]);
    const stdin = new BytePipe();
    if (options.stdin !== undefined && options.stdin !== '')
      void stdin.write(utf8(options.stdin)).catch(() => undefined);
    stdin.end();
    const child = machine.spawn(argv, {
      stdin,
      stdout,
      stderr,
      ...(options.env ? { env: options.env } : {}),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let code: number | undefined;
    void child.exit.then((value) => {
      code = value;
    });
    for (let waited = 0; code === undefined && waited < (options.forMs ?? 10_000); waited += 100)
      await time.advance(100);
    if (code === undefined) child.kill('SIGKILL');
    const [out, err] = await texts;
    return { code: code ?? 137, stdout: out, stderr: err };
  };
  return { machine, time, run };
}
