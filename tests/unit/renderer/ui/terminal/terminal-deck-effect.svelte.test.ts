import { flushSync } from 'svelte';
import { expect, test } from 'vitest';
import { TerminalDeck } from '../../../../../src-renderer/ui/terminal/terminal-deck.svelte.ts';
import { fakeRpc } from '../../../../support/renderer/fake-rpc.ts';

test('an effect that starts the deck does not run again when tabs come and go', async () => {
  const rpc = fakeRpc({ 'terminals.open': () => ({ terminalId: 1, title: 'base' }) });
  const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  const deck = new TerminalDeck({ rpc, clusterId: 'play', storage });
  let runs = 0;
  let started: Promise<void> | undefined;
  const stop = $effect.root(() => {
    $effect(() => {
      runs += 1;
      started = deck.start('base');
    });
  });
  flushSync();
  await started;
  flushSync();
  deck.markEnded(1, 0);
  flushSync();
  expect([runs, deck.tabs]).toEqual([1, []]);
  stop();
});
