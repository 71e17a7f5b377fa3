import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { completeDom } from '#tests/renderer/dom';
import { failure, type FakeRpc } from '#tests/renderer/fake-rpc';
import { studyRpc } from '#tests/renderer/study-rpc';
import * as views from '#tests/renderer/study-views';
import App from '../../../../src-renderer/app/App.svelte';
import { I18n } from '../../../../src-renderer/lib/i18n/index.ts';

let app: ReturnType<typeof mount> | undefined;

beforeAll(completeDom);
afterEach(async () => {
  if (app !== undefined) await unmount(app);
  app = undefined;
  document.body.innerHTML = '';
  sessionStorage.clear();
});

async function open(hash: string, rpc: FakeRpc, connect = () => Promise.resolve(rpc)) {
  location.hash = hash;
  app = mount(App, {
    target: document.body,
    props: { i18n: new I18n(['ko']), connect, probe: () => Promise.resolve(false) },
  });
  await vi.waitFor(() => expect(document.querySelector('nav, [role=alert]')).not.toBeNull());
}
const shows = (text: string): Promise<void> =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 8_000 });
const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll('button')].find(
    (each) => each.textContent.trim().startsWith(name) || each.ariaLabel === name,
  );
  if (found === undefined) throw new Error(`no button ${name}`);
  return found;
};
const press = (key: string): void => {
  document.body.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
  );
  flushSync();
};

test.each([
  { hash: '#/today', ko: '복습 시작 (51장)', en: 'Review 51 cards' },
  { hash: '#/learn', ko: '레슨 1/6 완료', en: '1 of 6 lessons done' },
  { hash: '#/review', ko: '답 보기', en: 'Show answer' },
  { hash: '#/progress', ko: '지난 1년의 복습', en: 'Reviews of the last year' },
  { hash: '#/library', ko: '지금 백업', en: 'Back up now' },
  { hash: '#/settings', ko: '환경 진단', en: 'Doctor' },
])('$hash follows the language', async ({ hash, ko, en }) => {
  const rpc = studyRpc();
  await open(hash, rpc);
  await shows(ko);
  rpc.answer('settings.get', () => views.settings({ language: 'en' }));
  rpc.emit('study.changed', { what: 'settings' });
  await shows(en);
  expect(document.documentElement.lang).toBe('en');
});

test.each([
  { hash: '#/today', method: 'today.get' },
  { hash: '#/learn', method: 'lessons.list' },
  { hash: '#/learn/labels', method: 'lessons.get' },
  { hash: '#/review', method: 'review.get' },
  { hash: '#/progress', method: 'progress.get' },
  { hash: '#/library', method: 'library.backups' },
  { hash: '#/settings', method: 'app.doctor' },
] as const)('$hash shows why it failed and tries again', async ({ hash, method }) => {
  const rpc = studyRpc();
  rpc.answer(method, () => {
    throw failure('database disk image is malformed');
  });
  await open(hash, rpc);
  await shows('database disk image is malformed');
  const before = rpc.calls.filter((call) => call.method === method).length;
  button('다시 시도').click();
  await vi.waitFor(() =>
    expect(rpc.calls.filter((call) => call.method === method).length).toBe(before + 1),
  );
});

test('a start that fails can be tried again', async () => {
  const rpc = studyRpc();
  let attempts = 0;
  await open('#/today', rpc, () =>
    attempts++ === 0
      ? Promise.reject(new Error('No connection to the core.'))
      : Promise.resolve(rpc),
  );
  await shows('No connection to the core.');
  button('다시 시도').click();
  await shows('복습 시작 (51장)');
});

test('g and a letter lead to a place, ? shows the keys', async () => {
  await open('#/today', studyRpc());
  await shows('복습 시작');
  press('g');
  press('b');
  await shows('지금 백업');
  press('?');
  await shows('단축키 보기');
});

test('a card is answered by keys alone', async () => {
  const rpc = studyRpc({ 'review.answer': () => views.review({ card: null }) });
  await open('#/review', rpc);
  await shows('어떻게 되나요');
  press('3');
  expect(rpc.calls.some(({ method }) => method === 'review.answer')).toBe(false);
  press(' ');
  await shows('풀려나고');
  press('3');
  await shows('지금 복습할 카드를 모두 마쳤습니다');
  expect(rpc.calls.find(({ method }) => method === 'review.answer')?.params).toMatchObject({
    cardId: 'labels-1',
    grade: 'good',
  });
});

test('a broken connection is told', async () => {
  const rpc = studyRpc();
  await open('#/today', rpc);
  await shows('복습 시작');
  rpc.disconnect();
  await shows('연결이 끊어졌습니다');
});

test('the theme in force stands on the document', async () => {
  const rpc = studyRpc();
  await open('#/settings', rpc);
  await shows('환경 진단');
  expect(document.documentElement.dataset['theme']).toBe('light');
  const dark = [...document.querySelectorAll('label')].find(
    ({ textContent }) => textContent.trim() === '어둡게',
  );
  dark?.querySelector('input')?.click();
  await vi.waitFor(() => expect(document.documentElement.dataset['theme']).toBe('dark'));
});
