import { mount, unmount } from 'svelte';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Notice } from '#contract';
import { completeDom } from '#tests/renderer/dom';
import { studyRpc } from '#tests/renderer/study-rpc';
import App from '../../../../src-renderer/app/App.svelte';
import { I18n } from '../../../../src-renderer/lib/i18n/index.ts';

let app: ReturnType<typeof mount> | undefined;

beforeAll(completeDom);
afterEach(async () => {
  if (app !== undefined) await unmount(app);
  app = undefined;
  document.body.innerHTML = '';
});

const damaged: Notice = {
  kind: 'progress-damaged',
  noticeId: 'progress-damaged',
  keptAs: '/data/progress.db.corrupt-2026',
  backup: {
    backupId: 'b1',
    createdMs: Date.UTC(2026, 2, 1, 12),
    sizeBytes: 1,
    reason: 'automatic',
  },
};
const broken: Notice = {
  kind: 'content-broken',
  noticeId: 'x',
  message: 'cards/pods.yaml:3: bad indentation',
};

async function open(notices: readonly Notice[]) {
  let shown = notices;
  const rpc = studyRpc({
    'app.notices': () => shown,
    'app.dismissNotice': ({ noticeId }) => {
      shown = shown.filter((notice) => notice.noticeId !== noticeId);
      rpc.emit('app.notices', shown);
      return {};
    },
    'library.restore': () => {
      shown = shown.filter(({ kind }) => kind !== 'progress-damaged');
      rpc.emit('app.notices', shown);
      return {};
    },
  });
  location.hash = '#/settings';
  app = mount(App, {
    target: document.body,
    props: {
      i18n: new I18n(['ko']),
      connect: () => Promise.resolve(rpc),
      probe: () => Promise.resolve(false),
    },
  });
  await vi.waitFor(() => expect(alerts()).toHaveLength(notices.length));
  return rpc;
}
const alerts = (): string[] =>
  [...document.querySelectorAll('.notice')].map(({ textContent }) =>
    textContent.replace(/\s+/g, ' ').trim(),
  );
const press = (name: string): void =>
  [...document.querySelectorAll('button')]
    .find((each) => each.textContent.trim() === name)
    ?.click();

test('damaged progress is told with its backup, and the backup restored', async () => {
  const rpc = await open([damaged]);
  expect(alerts()[0]).toMatch(
    /^학습 기록 파일이 손상되었습니다\. 2026년 3월 1일.*의 백업이 있습니다\. 복원할까요\? 손상된 파일은 여기에 보관했습니다: \/data\/progress\.db\.corrupt-2026 백업 복원 빈 기록으로 시작$/,
  );
  press('백업 복원');
  await vi.waitFor(() => expect(alerts()).toEqual([]));
  expect(rpc.calls).toContainEqual({ method: 'library.restore', params: { backupId: 'b1' } });
});

test('broken content is named by file and place, until the person knows', async () => {
  await open([{ ...damaged, backup: null }, broken]);
  expect(alerts()[0]).toMatch(/백업이 없어서 빈 기록으로 시작했습니다\..* 알겠습니다$/);
  expect(alerts()[1]).toBe(
    '읽을 수 없는 콘텐츠를 빼고 시작했습니다. cards/pods.yaml:3: bad indentation 알겠습니다',
  );
  press('알겠습니다');
  await vi.waitFor(() => expect(alerts()).toHaveLength(1));
  press('알겠습니다');
  await vi.waitFor(() => expect(alerts()).toEqual([]));
});
