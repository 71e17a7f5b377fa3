import { mount } from 'svelte';
import type { CardView } from '#contract';
import App from '../../../../src-renderer/app/App.svelte';
import '../../../../src-renderer/app/theme.css';
import '../../../../src-renderer/app/base.css';
import { I18n } from '../../../../src-renderer/lib/i18n/index.ts';
import { failure } from '../fake-rpc.ts';
import { labAnswers } from '../lab-rpc.ts';
import { studyRpc } from '../study-rpc.ts';
import * as views from '../study-views.ts';

// The real page without a core, to look at: `?language=en&theme=dark&state=empty|failed|loading&card=command`.
const query = new URLSearchParams(location.search);
const settings = views.settings({
  language: query.get('language') === 'en' ? 'en' : 'ko',
  theme: query.get('theme') === 'dark' ? 'dark' : 'light',
  vimKeys: query.has('vim'),
});
const rpc = studyRpc({ ...labAnswers(Date.now()), 'settings.get': () => settings });
const state = query.get('state');
const asked = [
  'today.get',
  'lessons.list',
  'lessons.get',
  'review.get',
  'progress.get',
  'library.backups',
  'app.doctor',
  'tasks.list',
  'exams.list',
  'clusters.list',
  'clusters.kinds',
  'clusters.objects',
  'clusters.stations',
] as const;
if (state === 'failed')
  for (const method of asked)
    rpc.answer(method, () => {
      throw failure('database disk image is malformed (page 42)');
    });
if (state === 'loading')
  for (const method of asked) rpc.answer(method, () => new Promise<never>(() => undefined));
if (state === 'empty') {
  rpc.answer('today.get', () =>
    views.today({
      counts: { newCards: 0, learning: 0, due: 0, done: 0 },
      nextLesson: null,
      drill: null,
      examDate: null,
      daysToExam: null,
      domains: [],
      streakDays: 0,
    }),
  );
  rpc.answer('lessons.list', () => []);
  rpc.answer('review.get', () => views.review({ card: null }));
  rpc.answer('progress.get', () =>
    views.progress({
      domains: [],
      heatmap: [],
      forecast: [],
      exams: [],
      retention: null,
      reviewsTotal: 0,
    }),
  );
  rpc.answer('library.backups', () => []);
  rpc.answer('app.doctor', () => []);
  rpc.answer('tasks.list', () => []);
  rpc.answer('exams.list', () => []);
  rpc.answer('exams.current', () => null);
  rpc.answer('exams.history', () => []);
  rpc.answer('practice.current', () => null);
  rpc.answer('clusters.list', () => []);
}
const cards: Readonly<Record<string, Partial<CardView>>> = {
  typed: { kind: 'typed', front: '모든 네임스페이스의 파드를 보는 짧은 옵션은?', back: '`-A`' },
  cloze: {
    kind: 'cloze',
    front: '`kubectl get pods` **[…]** `-o wide`',
    back: '`kubectl get pods -A -o wide`',
  },
  command: {
    kind: 'command',
    state: 'new',
    front: '파드 `web-1`의 레이블 `app`을 `other`로 바꾸세요.',
  },
  manifest: {
    kind: 'manifest',
    state: 'learning',
    front: '이 파드가 `ssd` 노드에만 뜨게 하세요.',
    manifest:
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web\n      image: nginx:1.29\n',
  },
};
const kind = query.get('card');
if (kind !== null) rpc.answer('review.get', () => views.review({ card: views.card(cards[kind]) }));

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
mount(App, {
  target,
  props: {
    i18n: new I18n([settings.language]),
    connect: () => Promise.resolve(rpc),
    probe: () => Promise.resolve(false),
  },
});
setTimeout(
  () =>
    rpc.emitTerminal(
      1,
      '\u001b[32mroot@controlplane\u001b[0m:\u001b[34m~\u001b[0m# kubectl get pods\r\nNAME                              READY   STATUS    RESTARTS   AGE\r\nhello-kiamol-2-6d9c4f7b5c-8xk2v   1/1     Running   0          12s\r\n\u001b[32mroot@controlplane\u001b[0m:\u001b[34m~\u001b[0m# ',
    ),
  800,
);
