import { expect, test } from 'vitest';
import { failure } from '#tests/renderer/fake-rpc';
import { studyRpc } from '#tests/renderer/study-rpc';
import { settings } from '#tests/renderer/study-views';
import { SettingsForm } from '../../../../../src-renderer/features/settings/settings-form.svelte.ts';
import { SettingsState } from '../../../../../src-renderer/lib/app/index.ts';

test.each([
  { name: 'newCardsPerDay', value: 0, sent: true },
  { name: 'newCardsPerDay', value: -1, sent: false },
  { name: 'newCardsPerDay', value: Number.NaN, sent: false },
  { name: 'terminalFontSize', value: 24, sent: true },
  { name: 'terminalFontSize', value: 25, sent: false },
  { name: 'desiredRetention', value: 0.7, sent: true },
  { name: 'desiredRetention', value: 0.69, sent: false },
] as const)('$name $value is stored: $sent', async ({ name, value, sent }) => {
  const rpc = studyRpc();
  const form = new SettingsForm(new SettingsState(rpc, settings()));
  await form.changeNumber(name, value);
  expect([rpc.calls.length === 1, form.saved, form.outOfRange === name]).toEqual([
    sent,
    sent,
    !sent,
  ]);
});

test('a refused change keeps the old value and says why', async () => {
  const rpc = studyRpc({
    'settings.update': () => {
      throw failure('attempt to write a readonly database');
    },
  });
  const form = new SettingsForm(new SettingsState(rpc, settings({ language: 'ko' })));
  await form.change({ language: 'en' });
  expect([form.values.language, form.saved, form.problem]).toEqual([
    'ko',
    false,
    'attempt to write a readonly database',
  ]);
});
