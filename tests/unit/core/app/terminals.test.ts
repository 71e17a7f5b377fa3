import type { LocalShellOptions } from '#core/app';
import { fromUtf8, utf8 } from '#core/base';
import { testApp } from '#tests/app';
import { clusterState } from '#tests/engine';
import { describe, expect, test } from 'vitest';

const size = { columns: 80, rows: 24 };

/** An open terminal of the engine, number 101 there. */
async function opened(options: Parameters<typeof testApp>[1] = {}) {
  const made = testApp({ get: async (id) => clusterState(id) }, options);
  const { terminalId, title } = await made.rpc.call('terminals.open', {
    clusterId: 'a',
    host: 'base',
    ...size,
  });
  await made.time.advance(0);
  const printed: string[] = [];
  made.rpc.onTerminal(terminalId, (bytes) => printed.push(fromUtf8(bytes)));
  const print = (text: string): void =>
    made.source.emit('terminalData', { terminalId: 101, bytes: utf8(text) });
  return { ...made, terminalId, title, printed, print };
}

describe('a terminal of a machine', () => {
  test('carries bytes both ways under its own number', async () => {
    const { rpc, source, terminalId, title, printed, print } = await opened();
    expect([terminalId, title]).toEqual([1, 'base']);
    print('hello');
    rpc.writeTerminal(terminalId, utf8('ls\r'));
    await rpc.call('terminals.resize', { terminalId, columns: 100, rows: 30 });
    expect(printed).toEqual(['hello']);
    expect(source.calls.slice(1)).toEqual([
      ['writeTerminal', 101, utf8('ls\r')],
      ['resizeTerminal', 101, 100, 30],
    ]);
  });

  test('what it printed before the page knew its number comes after the answer', async () => {
    const { rpc, source, time } = testApp({
      openTerminal: async () => {
        source.emit('terminalData', { terminalId: 7, bytes: utf8('prompt$ ') });
        return 7;
      },
    });
    const { terminalId } = await rpc.call('terminals.open', {
      clusterId: 'a',
      host: 'base',
      ...size,
    });
    const printed: string[] = [];
    rpc.onTerminal(terminalId, (bytes) => printed.push(fromUtf8(bytes)));
    await time.advance(0);
    expect(printed).toEqual(['prompt$ ']);
  });

  test('a page that attaches gets what is remembered, then what follows', async () => {
    const { rpc, connect, print, terminalId, printed } = await opened();
    print('one ');
    rpc.onClose(() => undefined);
    const other = connect();
    const seen: string[] = [];
    other.onTerminal(terminalId, (bytes) => seen.push(fromUtf8(bytes)));
    expect(await other.call('terminals.attach', { terminalId, ...size })).toEqual({
      terminalId,
      title: 'base',
      replayedBytes: 4,
    });
    print('two');
    expect([printed, seen]).toEqual([['one '], ['one ', 'two']]);
  });

  test('the last MiB is remembered', async () => {
    const { connect, print, terminalId } = await opened();
    const block = 'x'.repeat(64 * 1024);
    for (let count = 0; count < 20; count++) print(block);
    print('end');
    const { replayedBytes } = await connect().call('terminals.attach', { terminalId, ...size });
    expect(replayedBytes).toBe(1024 * 1024);
  });

  test('has one writer: who attached last', async () => {
    const { rpc, connect, source, terminalId } = await opened();
    const other = connect();
    other.writeTerminal(terminalId, utf8('not mine'));
    await expect(other.call('terminals.close', { terminalId })).rejects.toThrow(
      `terminal ${terminalId} is shown elsewhere: attach to it before using it`,
    );
    await other.call('terminals.attach', { terminalId, ...size });
    rpc.writeTerminal(terminalId, utf8('no longer mine'));
    other.writeTerminal(terminalId, utf8('mine'));
    expect(source.calls.filter(([method]) => method === 'writeTerminal')).toEqual([
      ['writeTerminal', 101, utf8('mine')],
    ]);
  });

  test('its end is told with the exit code', async () => {
    const { rpc, source, terminalId } = await opened();
    const exits: unknown[] = [];
    rpc.on('terminal.exit', (exit) => exits.push(exit));
    source.emit('terminalExit', { terminalId: 101, exitCode: 3 });
    expect(exits).toEqual([{ terminalId, exitCode: 3 }]);
    await expect(rpc.call('terminals.attach', { terminalId, ...size })).rejects.toThrow(
      `terminals "${terminalId}" not found`,
    );
  });

  test('it outlives its page for ten minutes', async () => {
    const { connect, source, time } = testApp();
    const page = connect();
    const { terminalId } = await page.call('terminals.open', {
      clusterId: 'a',
      host: 'base',
      ...size,
    });
    page.close();
    await time.advance(599_000);
    const again = connect();
    await again.call('terminals.attach', { terminalId, ...size });
    again.close();
    await time.advance(599_000);
    expect(source.calls.map(([method]) => method)).not.toContain('closeTerminal');
    await time.advance(1000);
    expect(source.calls.at(-1)).toEqual(['closeTerminal', 101]);
  });

  test('an edit is asked of its page, again after a reload, and answered once', async () => {
    const { rpc, connect, source, terminalId } = await opened();
    const asked: unknown[] = [];
    rpc.on('terminal.edit', (edit) => asked.push(edit));
    source.emit('edit', { terminalId: 101, editId: 9, path: '/tmp/a', content: 'old' });
    const edit = { terminalId, editId: 9, path: '/tmp/a', content: 'old' };
    expect(asked).toEqual([edit]);
    const other = connect();
    other.on('terminal.edit', (again) => asked.push(again));
    await other.call('terminals.attach', { terminalId, ...size });
    expect(asked).toEqual([edit, edit]);
    await other.call('terminals.edited', { editId: 9, content: 'new' });
    expect(source.calls.at(-1)).toEqual(['answerEdit', 9, 'new']);
    await expect(other.call('terminals.edited', { editId: 9, content: 'x' })).rejects.toThrow(
      'edits "9" not found',
    );
  });

  test.each([
    { columns: 0, rows: 24 },
    { columns: 80, rows: 1001 },
    { columns: 80.5, rows: 24 },
  ])('$columns x $rows is no size', async ({ columns, rows }) => {
    const { rpc } = testApp();
    await expect(
      rpc.call('terminals.open', { clusterId: 'a', host: 'base', columns, rows }),
    ).rejects.toThrow(`a terminal has 1 to 1000 columns and rows, not ${columns}x${rows}`);
  });

  test('there are at most 64', async () => {
    const { rpc } = testApp();
    const open = () => rpc.call('terminals.open', { clusterId: 'a', host: 'base', ...size });
    for (let count = 0; count < 64; count++) await open();
    await expect(open()).rejects.toThrow('64 terminals are open: close one before opening another');
  });
});

describe('a shell of this computer', () => {
  test('runs with the kubeconfig of its cluster', async () => {
    const shells: LocalShellOptions[] = [];
    const done: unknown[] = [];
    const { rpc, time } = await opened({
      localShell: {
        open: (options) => {
          shells.push(options);
          return {
            write: (bytes) => done.push(fromUtf8(bytes)),
            resize: (...to) => done.push(to),
            kill: () => done.push('kill'),
          };
        },
      },
    });
    const { terminalId, title } = await rpc.call('terminals.openLocal', {
      clusterId: 'a',
      ...size,
    });
    const [printed, exits]: [string[], unknown[]] = [[], []];
    rpc.onTerminal(terminalId, (bytes) => printed.push(fromUtf8(bytes)));
    rpc.on('terminal.exit', (exit) => exits.push(exit));
    await time.advance(0);
    const [shell] = shells as [LocalShellOptions];
    expect([title, shell.kubeconfig]).toEqual(['a (local)', '/data/clusters/a.kubeconfig']);
    shell.onData(utf8('$ '));
    rpc.writeTerminal(terminalId, utf8('x'));
    await rpc.call('terminals.resize', { terminalId, columns: 10, rows: 5 });
    shell.onExit(130);
    expect([printed, done, exits]).toEqual([
      ['$ '],
      ['x', [10, 5]],
      [{ terminalId, exitCode: 130 }],
    ]);
  });

  test('a host without it says so', async () => {
    const { rpc } = await opened();
    await expect(rpc.call('terminals.openLocal', { clusterId: 'a', ...size })).rejects.toThrow(
      'this host cannot open a shell of this computer',
    );
  });
});

test('a row without a handler says so', async () => {
  const { rpc } = testApp();
  await expect(rpc.call('today.get', {})).rejects.toMatchObject({
    status: { code: 501, message: 'today.get is not offered by this host' },
  });
});
