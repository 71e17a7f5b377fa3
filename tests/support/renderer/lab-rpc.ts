import { type Answers } from './fake-rpc.ts';
import * as views from './lab-views.ts';
import { sampleNowMs } from './study-views.ts';

/** A core with clusters, tasks and exams; `nowMs` is the wall clock the pages are shown by. */
export function labAnswers(nowMs = sampleNowMs): Answers {
  const shift = nowMs - sampleNowMs;
  const task = views.task({ startedMs: views.task().startedMs + shift });
  let exam = views.exam({
    startedMs: views.exam().startedMs + shift,
    endsMs: views.exam().endsMs + shift,
  });
  let hints = task.hints;
  let cluster = views.cluster();
  const practice = views.cluster({ clusterId: 'practice-1', name: 'netpol', purpose: 'practice' });
  return {
    'tasks.list': () => views.taskSummaries,
    'tasks.get': () => ({ ...task, hints }),
    'tasks.start': () => task,
    'tasks.check': () => views.grade(),
    'tasks.hint': () => {
      hints = [...hints, '`namespaceSelector`로 네임스페이스의 레이블을 고릅니다.'];
      return { ...task, hints };
    },
    'tasks.solution': () => ({ markdown: '```yaml\nkind: NetworkPolicy\n```' }),
    'tasks.reset': () => task,
    'tasks.end': () => ({}),
    'practice.current': () => ({ ...task, hints }),
    'exams.list': () => [
      {
        examId: 'full',
        title: { ko: '모의시험 A', en: 'Mock exam A' },
        minutes: 120,
        taskCount: 16,
        passPercent: 66,
      },
    ],
    'exams.start': () => exam,
    'exams.current': () => exam,
    'exams.select': ({ index }) => (exam = { ...exam, current: index }),
    'exams.flag': ({ index, flagged }) =>
      (exam = {
        ...exam,
        tasks: exam.tasks.map((one) => (one.index === index ? { ...one, flagged } : one)),
      }),
    'exams.notes': () => ({}),
    'exams.submit': () => views.report(),
    'exams.report': () => views.report(),
    'exams.history': () => [
      {
        sessionId: 'e0',
        examId: 'full',
        finishedMs: nowMs - 86_400_000,
        score: 71.4,
        passed: true,
      },
      { sessionId: 'e9', examId: 'full', finishedMs: nowMs - 9e8, score: 52, passed: false },
    ],
    'clusters.list': () => [cluster, practice],
    'clusters.create': ({ name }) => views.cluster({ clusterId: name, name }),
    'clusters.remove': () => ({}),
    'clusters.setSpeed': ({ speed }) => (cluster = { ...cluster, speed }),
    'clusters.advance': ({ milliseconds }) =>
      (cluster = { ...cluster, nowMs: cluster.nowMs + milliseconds }),
    'clusters.settle': () => ({ ...cluster, settled: true }),
    'clusters.kinds': () => [
      {
        group: '',
        version: 'v1',
        resource: 'pods',
        kind: 'Pod',
        namespaced: true,
        shortNames: ['po'],
      },
      {
        group: '',
        version: 'v1',
        resource: 'nodes',
        kind: 'Node',
        namespaced: false,
        shortNames: ['no'],
      },
      {
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        kind: 'Deployment',
        namespaced: true,
        shortNames: ['deploy'],
      },
    ],
    'clusters.objects': ({ resource }) =>
      resource === 'nodes'
        ? views.nodes
        : resource === 'namespaces'
          ? { ...views.nodes, rows: [{ namespace: '', name: 'shop', uid: '1', cells: ['shop'] }] }
          : views.pods,
    'clusters.object': ({ name }) => ({
      yaml: `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  containers:\n    - name: web\n      image: nginx:1.29\n`,
    }),
    'clusters.apply': () => ({ applied: ['pod/db-0'] }),
    'clusters.events': () => [
      {
        timeMs: sampleNowMs,
        type: 'Warning',
        reason: 'BackOff',
        object: 'pod/web-6d9c4f7b5c-mm4lz',
        namespace: 'shop',
        message: 'Back-off restarting failed container web in pod web-6d9c4f7b5c-mm4lz_shop',
        count: 12,
        source: 'kubelet, node02',
      },
      {
        timeMs: sampleNowMs - 9_000,
        type: 'Normal',
        reason: 'Scheduled',
        object: 'pod/db-0',
        namespace: 'shop',
        message: 'Successfully assigned shop/db-0 to node01',
        count: 1,
        source: 'default-scheduler',
      },
    ],
    'clusters.stations': ({ revision }) =>
      views.stations.filter((station) => station.revision > revision),
    'terminals.edited': () => ({}),
  };
}
