import { expect, test } from 'vitest';
import { BytePipe, fromUtf8, readText, seededRandom, silentLogger, sleep, utf8 } from '#core/base';
import { TestTime } from '#tests/sim';
import { MemoryFileSystem } from '../../../../../src-main/core/machines/filesystem/index.ts';
import {
  type ProcessSystem,
  ProcessTable,
  type Program,
  ProgramRegistry,
  ResourceGroup,
  SpawnError,
} from '../../../../../src-main/core/machines/process/index.ts';
import type { NetNamespace } from '../../../../../src-main/core/machines/network/types.ts';

const net: NetNamespace = {
  name: 'host',
  address: '10.0.0.1',
  addresses: ['10.0.0.1'],
  listen: () => ({ dispose: () => undefined }),
  listeners: () => [],
  dial: () => Promise.reject(new Error('no network')),
};

function world(options: { init?: boolean } = {}) {
  const time = new TestTime();
  const files = new MemoryFileSystem({ now: () => time.clock.now() });
  files.mkdir('/bin');
  files.mkdir('/tmp', { mode: 0o1777 });
  const programs = new ProgramRegistry();
  const table = new ProcessTable(
    { clock: time.clock, random: seededRandom('p'), logger: silentLogger },
    options.init ? {} : { firstPid: 100 },
  );
  const install = (path: string, program: Program): void =>
    files.writeFile(path, programs.add(`test:${path}`, program), 0o755);
  const system: ProcessSystem = { files, net, programs };
  return { time, files, table, install, system };
}

const sleeper: Program = async ({ clock, signal }) => {
  await sleep(clock, 60_000, signal);
  return 0;
};

test.each<{ argv: string[]; setup: string; want: string }>([
  { argv: ['nosuch'], setup: '', want: 'ENOENT No such file or directory' },
  { argv: ['/bin'], setup: '', want: 'EISDIR Is a directory' },
  { argv: ['/tmp/plain'], setup: 'plain', want: 'EACCES Permission denied' },
  { argv: ['/tmp/text'], setup: 'text', want: 'ENOEXEC Exec format error' },
  { argv: ['/tmp/bad'], setup: 'bad', want: 'ENOENT No such file or directory' },
])('spawn $argv: $want', ({ argv, want }) => {
  const { table, files, system } = world();
  files.writeFile('/tmp/plain', 'x');
  files.writeFile('/tmp/text', 'x', 0o755);
  files.writeFile('/tmp/bad', '#!/no/interpreter\n', 0o755);
  let got = '';
  try {
    table.start(system, argv);
  } catch (error) {
    if (error instanceof SpawnError) got = `${error.code} ${error.message}`;
  }
  expect(got).toBe(want);
});

test('a copied binary runs, a removed one is gone, a script runs through its interpreter', async () => {
  const { table, files, install, system } = world();
  install('/bin/echo', async ({ argv, stdout }) => {
    await stdout.write(utf8(argv.join(' ')));
    return 3;
  });
  files.writeFile('/bin/copy', files.readFile('/bin/echo'), 0o755);
  files.unlink('/bin/echo');
  files.writeFile('/bin/script', '#!/bin/copy -x\n', 0o755);
  const run = async (argv: string[]) => {
    const stdout = new BytePipe();
    const child = table.start(system, argv, { stdout, env: { PATH: '/bin' } });
    return [await child.exit, await readText(stdout)];
  };
  expect(await run(['copy', 'a'])).toEqual([3, 'copy a']);
  expect(await run(['script', 'a'])).toEqual([3, '/bin/copy -x /bin/script a']);
  expect(() => table.start(system, ['echo'], { env: { PATH: '/bin' } })).toThrow(SpawnError);
});

test.each([
  { signal: 'SIGTERM', code: 143 },
  { signal: 'SIGKILL', code: 137 },
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGHUP', code: 129 },
] as const)('$signal ends a program with $code', async ({ signal, code }) => {
  const { table, install, system } = world();
  install('/bin/sleep', sleeper);
  const child = table.start(system, ['/bin/sleep']);
  child.kill(signal);
  expect(await child.exit).toBe(code);
  expect(table.list()).toEqual([]);
});

test('init takes no signal it does not handle, but SIGKILL; its end is everybody’s', async () => {
  const { table, install, system, time } = world({ init: true });
  install('/bin/sleep', sleeper);
  const init = table.start(system, ['/bin/sleep', 'init']);
  const other = table.start(system, ['/bin/sleep', 'other']);
  init.kill('SIGTERM');
  await time.advance(1);
  expect(table.list().map((info) => info.pid)).toEqual([1, 2]);
  init.kill('SIGKILL');
  expect(await init.exit).toBe(137);
  expect(await other.exit).toBe(137);
});

test('a handler replaces the default action', async () => {
  const { table, install, system, time } = world();
  install('/bin/server', ({ process }) => {
    return new Promise((resolve) => process.onSignal('SIGTERM', () => resolve(0)));
  });
  const child = table.start(system, ['/bin/server']);
  await time.advance(1);
  child.kill('SIGTERM');
  expect(await child.exit).toBe(0);
});

test('what a dead process still holds is inert', async () => {
  const { table, files, install, system, time } = world();
  let late = '';
  install('/bin/ghost', async (context) => {
    context.clock.setTimer(5000, () => (late += 'timer'));
    await new Promise<void>((resolve) => time.clock.setTimer(5000, resolve));
    try {
      context.files.writeFile('/tmp/late', 'x');
    } catch (error) {
      late += (error as Error).name;
    }
    return 0;
  });
  const child = table.start(system, ['/bin/ghost']);
  await time.advance(10);
  child.kill('SIGKILL');
  await time.advance(10_000);
  expect(late).toBe('ProcessEndedError');
  expect(files.exists('/tmp/late')).toBe(false);
});

test('SIGPIPE ends a writer whose reader is gone', async () => {
  const { table, install, system } = world();
  install('/bin/yes', async ({ stdout }) => {
    for (;;) await stdout.write(utf8('y\n'));
  });
  const pipe = new BytePipe();
  const yes = table.start(system, ['/bin/yes'], { stdout: pipe });
  install('/bin/head', async ({ stdin }) => {
    await stdin.read();
    return 0;
  });
  const head = table.start(system, ['/bin/head'], { stdin: pipe });
  expect(await head.exit).toBe(0);
  expect(await yes.exit).toBe(141);
});

test('a pipe ends when its last writer is gone', async () => {
  const { table, install, system, time } = world();
  install('/bin/child', async ({ clock, stdout }) => {
    await sleep(clock, 1000);
    await stdout.write(utf8('child'));
    return 0;
  });
  install('/bin/parent', async ({ process, stdout }) => {
    process.spawn(['/bin/child']);
    await stdout.write(utf8('parent '));
    return 0;
  });
  const stdout = new BytePipe();
  const text = readText(stdout);
  const parent = table.start(system, ['/bin/parent'], { stdout });
  expect(await parent.exit).toBe(0);
  await time.advance(2000);
  expect(await text).toBe('parent child');
});

test('stopped programs stand still and go on', async () => {
  const { table, install, system, time } = world();
  const ticks: number[] = [];
  install('/bin/tick', async ({ clock }) => {
    for (let i = 0; i < 3; i++) {
      await sleep(clock, 1000);
      ticks.push(clock.now());
    }
    return 0;
  });
  const startMs = time.clock.now();
  const child = table.start(system, ['/bin/tick']);
  await time.advance(1500);
  child.kill('SIGSTOP');
  await time.advance(10_000);
  expect(table.list()[0]?.state).toBe('T');
  child.kill('SIGCONT');
  await time.advance(1000);
  expect(ticks.map((at) => at - startMs)).toEqual([1000, 11_500, 12_500]);
  await time.advance(1000);
  expect(await child.exit).toBe(0);
});

test('above its limit the largest of a group is killed', async () => {
  const { table, install, system, time } = world();
  const victims: string[] = [];
  const resources = new ResourceGroup('/pod', {
    memoryLimitBytes: 100_000_000,
    onOom: (victim) => victims.push(victim.argv.join(' ')),
  });
  install('/bin/eat', async ({ argv, process, clock, signal }) => {
    process.setMemory(Number(argv[1]));
    await sleep(clock, 60_000, signal);
    return 0;
  });
  const small = table.start({ ...system, resources }, ['/bin/eat', '10000000']);
  const large = table.start({ ...system, resources }, ['/bin/eat', '95000000']);
  expect(await large.exit).toBe(137);
  expect(victims).toEqual(['/bin/eat 95000000']);
  await time.advance(60_000);
  expect(await small.exit).toBe(0);
});

test('a process has a pid in its own namespace and in those around', async () => {
  const { table, install, system, time } = world();
  install('/bin/sleep', sleeper);
  const inner = new ProcessTable(table.deps, { parent: table });
  inner.start(system, ['/bin/sleep']);
  await time.advance(1);
  expect(inner.list().map((info) => info.pid)).toEqual([1]);
  expect(table.list().map((info) => info.pid)).toEqual([100]);
  expect(table.kill(100, 'SIGKILL')).toBe(true);
  expect(inner.list()).toEqual([]);
});

test('exec keeps the pid', async () => {
  const { table, install, system } = world();
  install('/bin/second', async ({ argv, process, stdout }) => {
    await stdout.write(utf8(`${argv.join(' ')} ${process.pid}`));
    return 7;
  });
  install('/bin/first', async ({ process }) => process.exec?.(['/bin/second', 'x']) ?? 1);
  const stdout = new BytePipe();
  const child = table.start(system, ['/bin/first'], { stdout });
  expect(await child.exit).toBe(7);
  expect(fromUtf8((await stdout.read()) ?? new Uint8Array())).toBe(`/bin/second x ${child.pid}`);
});
