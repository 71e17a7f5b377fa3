import { expect, test } from 'vitest';
import { TerminalDeck } from '../../../../../src-renderer/ui/terminal/terminal-deck.svelte.ts';
import { failure, fakeRpc, type FakeRpc } from '../../../../support/renderer/fake-rpc.ts';

function storage(): {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
} {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

function rpcWithTerminals(): FakeRpc {
  let last = 0;
  return fakeRpc({
    'terminals.open': ({ host }) => ({ terminalId: ++last, title: host }),
    'terminals.openLocal': () => ({ terminalId: ++last, title: 'play (local)' }),
    'terminals.close': () => ({}),
    'terminals.edited': () => ({}),
  });
}

test('the first terminal opens on the asked host, once', async () => {
  const rpc = rpcWithTerminals();
  const deck = new TerminalDeck({ rpc, clusterId: 'play', storage: storage() });
  await deck.start('base');
  await deck.start('base');
  expect(deck.tabs).toEqual([{ terminalId: 1, title: 'base', host: 'base', state: 'running' }]);
  expect(deck.front).toEqual([1, null]);
});

test('splitting shows another terminal, or opens one on the same host', async () => {
  const deck = new TerminalDeck({ rpc: rpcWithTerminals(), clusterId: 'play', storage: storage() });
  await deck.start('node01');
  await deck.split();
  expect(deck.tabs.map(({ host }) => host)).toEqual(['node01', 'node01']);
  expect([deck.front, deck.focused]).toEqual([[1, 2], 1]);
  deck.join();
  expect([deck.front, deck.focused]).toEqual([[2, null], 0]);
  await deck.split();
  expect([deck.front, deck.tabs.length]).toEqual([[2, 1], 2]);
});

test('a reload finds the terminals and their names again', async () => {
  const kept = storage();
  const rpc = rpcWithTerminals();
  const before = new TerminalDeck({ rpc, clusterId: 'play', storage: kept });
  await before.start('base');
  await before.open(null);
  before.rename(2, 'tools');
  before.dispose();
  const after = new TerminalDeck({ rpc, clusterId: 'play', storage: kept });
  expect(after.tabs).toEqual([
    { terminalId: 1, title: 'base', host: 'base', state: 'running' },
    { terminalId: 2, title: 'tools', host: null, state: 'running' },
  ]);
  expect(after.front).toEqual([2, null]);
  expect(new TerminalDeck({ rpc, clusterId: 'other', storage: kept }).tabs).toEqual([]);
});

test.each([
  { exitCode: 0, tabs: [2], why: '`exit` closes its tab' },
  { exitCode: 130, tabs: [1, 2], why: 'a failure stays to be read' },
])('a shell that ends with $exitCode: $why', async ({ exitCode, tabs }) => {
  const deck = new TerminalDeck({ rpc: rpcWithTerminals(), clusterId: 'play', storage: storage() });
  await deck.open('base');
  await deck.open('base');
  deck.markEnded(1, exitCode);
  expect(deck.tabs.map(({ terminalId }) => terminalId)).toEqual(tabs);
});

test('a terminal the core no longer knows can be opened again in its place', async () => {
  const rpc = rpcWithTerminals();
  const deck = new TerminalDeck({ rpc, clusterId: 'play', storage: storage() });
  await deck.open('node01');
  deck.rename(1, 'logs');
  deck.markGone(1);
  await deck.reopen(1);
  expect(deck.tabs).toEqual([{ terminalId: 2, title: 'logs', host: 'node01', state: 'running' }]);
  expect(deck.front).toEqual([2, null]);
});

test('an edit comes to the front, is asked again after a reload, and is answered once', async () => {
  const rpc = rpcWithTerminals();
  const deck = new TerminalDeck({ rpc, clusterId: 'play', storage: storage() });
  await deck.open('base');
  await deck.open('base');
  const edit = { terminalId: 1, editId: 7, path: '/tmp/pod.yaml', content: 'kind: Pod\n' };
  rpc.emit('terminal.edit', edit);
  rpc.emit('terminal.edit', edit);
  rpc.emit('terminal.edit', { ...edit, terminalId: 99, editId: 8 });
  expect(deck.editOf(1)).toEqual(edit);
  expect(deck.front[0]).toBe(1);
  await deck.answerEdit(7, null);
  expect(deck.editOf(1)).toBeNull();
  expect(rpc.calls.at(-1)).toEqual({
    method: 'terminals.edited',
    params: { editId: 7, content: null },
  });
});

test('why a terminal could not be opened is told', async () => {
  const rpc = rpcWithTerminals();
  rpc.answer('terminals.open', () => {
    throw failure(
      '64 terminals are open: close one before opening another',
      'TooManyRequests',
      429,
    );
  });
  const deck = new TerminalDeck({ rpc, clusterId: 'play', storage: storage() });
  await deck.start('base');
  expect(deck.error).toBe('64 terminals are open: close one before opening another');
  expect([deck.tabs, deck.opening]).toEqual([[], false]);
});
