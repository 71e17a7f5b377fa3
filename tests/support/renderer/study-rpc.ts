import type { ClusterView } from '#contract';
import { type Answers, fakeRpc, type FakeRpc } from './fake-rpc.ts';
import * as views from './study-views.ts';

export const cluster: ClusterView = {
  clusterId: 'lesson-labels',
  name: 'labels',
  topology: '1cp+1w',
  kubernetesVersion: 'v1.36.3',
  state: 'ready',
  machines: ['controlplane', 'node01'],
  speed: 1,
  nowMs: views.sampleNowMs,
  kubeconfig: '/home/user/.kijabi/lesson.kubeconfig',
  server: 'https://127.0.0.1:36443',
  purpose: 'lesson',
};

/** A core with a study record of some weeks; answers given here replace the usual ones. */
export function studyRpc(answers: Answers = {}): FakeRpc {
  let settings = views.settings();
  let lastTerminal = 0;
  const done = new Set(['create']);
  return fakeRpc({
    'app.info': () => ({
      version: '0.1.0',
      kubernetesVersion: 'v1.36.3',
      host: 'web',
      dataFolder: '/home/user/.local/share/kijabi',
      localShell: true,
    }),
    'app.doctor': () => views.doctor,
    'app.notices': () => [],
    'settings.get': () => settings,
    'settings.update': ({ changes }) => (settings = { ...settings, ...changes }),
    'today.get': () => views.today(),
    'progress.get': () => views.progress(),
    'lessons.list': () => views.lessons,
    'lessons.get': ({ language }) => ({ ...views.lessonView(language), done: [...done] }),
    'lessons.open': () => cluster,
    'lessons.markDone': ({ blockId }) => ({ done: [...done.add(blockId)] }),
    'lessons.check': ({ answer }) =>
      answer === '1' || answer.startsWith('apiVersion')
        ? { correct: true, explanation: 'ReplicaSet은 남는 파드 하나를 지웁니다.' }
        : {
            correct: false,
            explanation: 'error validating data: apiVersion not set',
            expected: 'apiVersion: apps/v1',
            actual: 'appVersion: apps/v1',
          },
    'review.get': () => views.review(),
    'review.answer': () =>
      views.review({ card: views.card({ cardId: 'labels-2', kind: 'typed' }) }),
    'review.undo': () => views.review({ canUndo: false }),
    'review.check': ({ answer }) => ({
      correct: answer.includes('label'),
      explanation: answer.includes('label') ? 'pod/web-1 labeled' : 'error: unknown command',
      ...(answer.includes('label') ? {} : { expected: 'app=other', actual: 'app=web' }),
    }),
    'library.backups': () => views.backups,
    'library.backup': () => views.backups[1] ?? views.backups[0]!,
    'library.restore': () => ({}),
    'terminals.open': ({ host }) => ({ terminalId: ++lastTerminal, title: host }),
    'terminals.attach': ({ terminalId }) => ({ terminalId, title: 'controlplane' }),
    'terminals.resize': () => ({}),
    'terminals.close': () => ({}),
    ...answers,
  });
}
