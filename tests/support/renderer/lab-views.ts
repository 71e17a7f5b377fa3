import type {
  ClusterView,
  ExamReport,
  ExamView,
  GradeReport,
  ObjectTableView,
  StationView,
  TaskSummary,
  TaskView,
} from '#contract';
import { sampleNowMs } from './study-views.ts';

const minuteMs = 60_000;

export const cluster = (changes: Partial<ClusterView> = {}): ClusterView => ({
  clusterId: 'play',
  name: 'playground',
  topology: 'base+1cp+2w',
  kubernetesVersion: 'v1.36.3',
  state: 'ready',
  machines: ['base', 'controlplane', 'node01', 'node02'],
  speed: 1,
  nowMs: sampleNowMs,
  kubeconfig: '/home/user/.local/share/kijabi/clusters/play/kubeconfig',
  server: 'https://127.0.0.1:36443',
  purpose: 'playground',
  ...changes,
});

export const taskSummaries: readonly TaskSummary[] = [
  {
    taskId: 'netpol-allow-from',
    title: {
      ko: '한 네임스페이스에서 오는 연결만 허용',
      en: 'Allow traffic from one namespace only',
    },
    domain: 'networking',
    competencies: ['sn.network-policies'],
    tier: 'core',
    targetSeconds: 480,
    weight: 7,
    bestScore: 60,
    attempts: 2,
  },
  {
    taskId: 'expose-deployment',
    title: { ko: '디플로이먼트를 NodePort로 공개', en: 'Expose a Deployment on a NodePort' },
    domain: 'networking',
    competencies: ['sn.services'],
    tier: 'quick',
    targetSeconds: 240,
    weight: 4,
    bestScore: 100,
    attempts: 1,
  },
  {
    taskId: 'kubelet-down',
    title: { ko: 'NotReady 노드 되살리기', en: 'Bring a NotReady node back' },
    domain: 'troubleshooting',
    competencies: ['tr.nodes', 'tr.components'],
    tier: 'deep',
    targetSeconds: 600,
    weight: 8,
    bestScore: null,
    attempts: 0,
  },
];

export const task = (changes: Partial<TaskView> = {}): TaskView => ({
  sessionId: 's1',
  taskId: 'netpol-allow-from',
  seed: 'a1',
  title: '한 네임스페이스에서 오는 연결만 허용',
  text: '네임스페이스 `shop`의 파드 `db`에 **5432** 포트로 들어오는 연결을 막으려 합니다.\n\n- 이름이 `db-allow`인 NetworkPolicy를 만드세요.\n- 레이블 `team=web`이 있는 네임스페이스에서 오는 연결만 허용하세요.\n- 다른 파드는 바꾸지 마세요.',
  host: 'controlplane',
  namespace: 'shop',
  clusterId: 'practice-1',
  targetSeconds: 480,
  startedMs: sampleNowMs - 3 * minuteMs,
  hintCount: 3,
  hints: ['`kubectl explain networkpolicy.spec.ingress`로 시작하세요.'],
  quickref: [
    {
      label: 'Network Policies',
      url: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
    },
  ],
  ...changes,
});

export const grade = (changes: Partial<GradeReport> = {}): GradeReport => ({
  taskId: 'netpol-allow-from',
  points: 7,
  earned: 3,
  criteria: [
    {
      criterionId: 'exists',
      description: 'NetworkPolicy db-allow가 있다',
      points: 3,
      earned: 3,
      outcome: 'passed',
      gate: false,
    },
    {
      criterionId: 'denied',
      description: '다른 네임스페이스에서는 연결되지 않는다',
      points: 4,
      earned: 0,
      outcome: 'failed',
      gate: true,
      expected: 'connection to db.shop:5432 from tools/probe: refused',
      actual: 'connected',
      why: 'ingress.from이 비어 있어 모두 허용됩니다.',
      lessonId: 'network-policies',
      cards: ['netpol-1', 'netpol-2'],
    },
  ],
  ...changes,
});

export const exam = (changes: Partial<ExamView> = {}): ExamView => ({
  sessionId: 'e1',
  examId: 'full',
  title: '모의시험 A',
  seed: 'spring',
  clusterId: 'exam-1',
  startedMs: sampleNowMs - 95 * minuteMs,
  endsMs: sampleNowMs + 25 * minuteMs,
  current: 0,
  notes: '',
  tasks: Array.from({ length: 16 }, (_one, index) => ({
    index,
    taskId: `task-${index}`,
    title: index === 0 ? '한 네임스페이스에서 오는 연결만 허용' : `과제 ${index + 1}`,
    text: task().text,
    host: index % 2 === 0 ? 'controlplane' : 'cka8521',
    namespace: index % 3 === 0 ? 'shop' : null,
    clusterId: 'exam-1',
    weight: 4 + (index % 5),
    domain: 'networking',
    flagged: index === 2,
    quickref: task().quickref,
  })),
  ...changes,
});

export const report = (changes: Partial<ExamReport> = {}): ExamReport => ({
  sessionId: 'e0',
  examId: 'full',
  title: { ko: '모의시험 A', en: 'Mock exam A' },
  seed: 'spring',
  startedMs: sampleNowMs - 26 * 60 * minuteMs,
  finishedMs: sampleNowMs - 24 * 60 * minuteMs - 9 * minuteMs,
  score: 71.4,
  passPercent: 66,
  passed: true,
  domains: [
    { domain: 'architecture', points: 25, earned: 21 },
    { domain: 'workloads', points: 15, earned: 15 },
    { domain: 'networking', points: 20, earned: 9 },
    { domain: 'storage', points: 10, earned: 10 },
    { domain: 'troubleshooting', points: 30, earned: 16.4 },
  ],
  tasks: [
    {
      taskId: 'netpol-allow-from',
      title: {
        ko: '한 네임스페이스에서 오는 연결만 허용',
        en: 'Allow traffic from one namespace only',
      },
      domain: 'networking',
      weight: 7,
      spentMs: 14 * minuteMs,
      clusterId: 'exam-1',
      report: grade(),
    },
    {
      taskId: 'expose-deployment',
      title: { ko: '디플로이먼트를 NodePort로 공개', en: 'Expose a Deployment on a NodePort' },
      domain: 'networking',
      weight: 4,
      spentMs: 3 * minuteMs,
      clusterId: 'exam-1',
      report: grade({ earned: 7 }),
    },
  ],
  ...changes,
});

const table = (
  columns: readonly string[],
  rows: readonly (readonly [namespace: string, ...cells: string[]])[],
  wideFrom = 5,
): ObjectTableView => ({
  columns: columns.map((name, index) => ({ name, priority: index < wideFrom ? 0 : 1 })),
  rows: rows.map(([namespace, ...cells]) => ({
    namespace,
    name: cells[0] ?? '',
    uid: `${namespace}/${cells[0]}`,
    cells,
  })),
  revision: 412,
});

export const nodes = table(
  ['Name', 'Status', 'Roles', 'Age', 'Version'],
  [
    ['', 'controlplane', 'Ready', 'control-plane', '14m', 'v1.36.3'],
    ['', 'node01', 'Ready', '<none>', '14m', 'v1.36.3'],
    ['', 'node02', 'NotReady', '<none>', '14m', 'v1.36.3'],
  ],
);

export const pods = table(
  ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node'],
  [
    ['shop', 'db-0', '1/1', 'Running', '0', '12m', '10.244.1.4', 'node01'],
    ['shop', 'web-6d9c4f7b5c-8xk2v', '1/1', 'Running', '0', '9m', '10.244.1.5', 'node01'],
    [
      'shop',
      'web-6d9c4f7b5c-mm4lz',
      '0/1',
      'CrashLoopBackOff',
      '4 (12s ago)',
      '9m',
      '10.244.2.3',
      'node02',
    ],
    ['shop', 'cart-7c5ddbdf54-2vqxp', '0/1', 'Pending', '0', '8s', '<none>', '<none>'],
    [
      'kube-system',
      'etcd-controlplane',
      '1/1',
      'Running',
      '0',
      '14m',
      '172.30.1.2',
      'controlplane',
    ],
    [
      'kube-system',
      'kube-apiserver-controlplane',
      '1/1',
      'Running',
      '0',
      '14m',
      '172.30.1.2',
      'controlplane',
    ],
    ['kube-system', 'kube-proxy-x2x4p', '1/1', 'Running', '0', '14m', '172.30.2.2', 'node01'],
  ],
);

/** A Deployment on its way to a running Pod. */
export const stations: readonly StationView[] = (
  [
    [401, 'client', 'kubectl', 'create', 'deployments.apps/shop/web'],
    [
      402,
      'controller',
      'kube-controller-manager',
      'create',
      'replicasets.apps/shop/web-6d9c4f7b5c',
    ],
    [403, 'controller', 'kube-controller-manager', 'create', 'pods/shop/web-6d9c4f7b5c-8xk2v'],
    [404, 'scheduler', 'kube-scheduler', 'update binding', 'pods/shop/web-6d9c4f7b5c-8xk2v'],
    [405, 'kubelet', 'kubelet', 'update status', 'pods/shop/web-6d9c4f7b5c-8xk2v'],
  ] as const
).flatMap(([revision, station, actor, action, object]): StationView[] => {
  const at = { timeMs: sampleNowMs + (revision - 401) * 137, object, revision };
  return [
    { ...at, station, actor, action },
    { ...at, station: 'api-server', actor: 'kube-apiserver', action },
    { ...at, station: 'etcd', actor: 'etcd', action: 'put' },
  ];
});
