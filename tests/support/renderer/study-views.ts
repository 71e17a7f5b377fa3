import type {
  BackupView,
  Bilingual,
  CardView,
  DoctorCheck,
  DomainReadiness,
  LessonSummary,
  LessonView,
  ProgressView,
  ReviewView,
  Settings,
  TodayView,
} from '#contract';

/** Noon of the sample day, UTC. */
export const sampleNowMs = Date.parse('2026-03-02T12:00:00Z');
const dayMs = 86_400_000;
const day = (offset: number): string =>
  new Date(sampleNowMs + offset * dayMs).toISOString().slice(0, 10);

export const settings = (changes: Partial<Settings> = {}): Settings => ({
  language: 'ko',
  theme: 'light',
  examDate: '2026-04-11',
  newCardsPerDay: 15,
  desiredRetention: 0.9,
  terminalFontSize: 13,
  vimKeys: false,
  ...changes,
});

export const domains: readonly DomainReadiness[] = [
  {
    domain: 'architecture',
    weight: 25,
    readiness: 0.71,
    cardsSeen: 64,
    cardsTotal: 118,
    tasksSolved: 6,
    tasksTotal: 14,
  },
  {
    domain: 'workloads',
    weight: 15,
    readiness: 0.82,
    cardsSeen: 58,
    cardsTotal: 74,
    tasksSolved: 7,
    tasksTotal: 9,
  },
  {
    domain: 'networking',
    weight: 20,
    readiness: 0.44,
    cardsSeen: 31,
    cardsTotal: 90,
    tasksSolved: 3,
    tasksTotal: 12,
  },
  {
    domain: 'storage',
    weight: 10,
    readiness: null,
    cardsSeen: 0,
    cardsTotal: 41,
    tasksSolved: 0,
    tasksTotal: 6,
  },
  {
    domain: 'troubleshooting',
    weight: 30,
    readiness: 0.38,
    cardsSeen: 26,
    cardsTotal: 102,
    tasksSolved: 4,
    tasksTotal: 20,
  },
];

const lesson = (
  lessonId: string,
  note: string,
  domain: LessonSummary['domain'],
  title: LessonSummary['title'],
  summary: LessonSummary['summary'],
  [minutes, stepCount, stepsDone, cardCount]: readonly [number, number, number, number],
): LessonSummary => ({
  lessonId,
  note,
  domain,
  title,
  summary,
  competencies: [],
  minutes,
  stepCount,
  stepsDone,
  cardCount,
});

export const lessons: readonly LessonSummary[] = [
  lesson(
    'pods',
    'N0',
    'workloads',
    { ko: '파드는 왜 컨테이너를 감싸는가', en: 'Why a pod wraps containers' },
    {
      ko: '한 파드의 컨테이너는 IP를 나눠 쓰고 localhost에서 만납니다.',
      en: 'Containers of one pod share an IP and meet on localhost.',
    },
    [12, 6, 6, 9],
  ),
  lesson(
    'labels',
    'N0',
    'workloads',
    { ko: '레이블과 셀렉터', en: 'Labels and selectors' },
    {
      ko: '디플로이먼트가 자기 파드를 알아보는 법, 그리고 레이블을 바꾸면 벌어지는 일.',
      en: 'How a Deployment knows its pods, and what happens when a label changes.',
    },
    [10, 5, 2, 7],
  ),
  lesson(
    'probes',
    'N2',
    'workloads',
    { ko: '라이브니스와 레디니스', en: 'Liveness and readiness' },
    {
      ko: '재시작과 트래픽 차단의 차이.',
      en: 'The difference between a restart and a pause of traffic.',
    },
    [15, 7, 0, 11],
  ),
  lesson(
    'etcd',
    'N3',
    'architecture',
    { ko: 'etcd가 기억하는 것', en: 'What etcd remembers' },
    {
      ko: '스냅샷을 뜨고, 되살리고, 컨트롤 플레인이 다시 읽는 과정을 봅니다.',
      en: 'Take a snapshot, restore it, and watch the control plane read it again.',
    },
    [20, 8, 0, 14],
  ),
  lesson(
    'scheduler',
    'N3',
    'troubleshooting',
    { ko: '스케줄러는 자리만 정한다', en: 'The scheduler only decides the place' },
    {
      ko: 'Pending 파드의 이유를 이벤트에서 찾습니다.',
      en: 'Find in the events why a pod stays Pending.',
    },
    [14, 6, 0, 8],
  ),
  lesson(
    'kube-proxy',
    'N3',
    'networking',
    { ko: 'kube-proxy와 서비스', en: 'kube-proxy and Services' },
    {
      ko: '이름이 주소가 되고 주소가 파드가 되기까지.',
      en: 'How a name becomes an address, and an address a pod.',
    },
    [16, 6, 1, 10],
  ),
];

export const today = (changes: Partial<TodayView> = {}): TodayView => ({
  counts: { newCards: 9, learning: 4, due: 38, done: 17 },
  nextLesson: lessons[1] ?? null,
  drill: {
    taskId: 'coredns-scaled-to-zero',
    title: { ko: '이름이 풀리지 않는 클러스터', en: 'A cluster where names do not resolve' },
    domain: 'troubleshooting',
  },
  examDate: '2026-04-11',
  daysToExam: 40,
  domains,
  streakDays: 12,
  examInProgress: false,
  ...changes,
});

export const lessonView = (language: 'ko' | 'en'): LessonView => ({
  lessonId: 'labels',
  title: language === 'ko' ? '레이블과 셀렉터' : 'Labels and selectors',
  done: ['create'],
  blocks: [
    {
      kind: 'prose',
      markdown:
        language === 'ko'
          ? '디플로이먼트는 파드의 이름을 기억하지 않습니다. **레이블**을 기억합니다. `spec.selector`에 맞는 파드를 자기 것으로 여기고, 수가 모자라면 새로 만듭니다.\n\n## 만들어 보기\n\n| 오브젝트 | 하는 일 |\n| --- | --- |\n| Deployment | ReplicaSet을 만든다 |\n| ReplicaSet | 레이블에 맞는 파드의 수를 지킨다 |\n\n> 레이블을 바꾼 파드는 사라지지 않습니다. *풀려날* 뿐입니다.'
          : 'A Deployment does not remember the names of its pods. It remembers **labels**: whatever matches `spec.selector` is its own, and when too few match it makes new ones.\n\n## Try it\n\n| object | what it does |\n| --- | --- |\n| Deployment | makes a ReplicaSet |\n| ReplicaSet | keeps the number of pods that match |\n\n> A relabelled pod does not go away. It is *released*.',
    },
    {
      kind: 'command',
      blockId: 'create',
      host: 'controlplane',
      command:
        'kubectl create deployment hello-kiamol-2 --image=kiamol/ch02-hello-kiamol --replicas=2',
    },
    {
      kind: 'command',
      blockId: 'relabel',
      host: 'controlplane',
      note:
        language === 'ko'
          ? '파드 하나를 풀어 줍니다. 무엇이 새로 생기나요?'
          : 'Release one pod. What appears?',
      command:
        'kubectl label pods -l app=hello-kiamol-2 --overwrite app=hello-kiamol-x\nkubectl get pods -o wide --show-labels',
    },
    {
      kind: 'mistake',
      blockId: 'typo',
      prompt:
        language === 'ko'
          ? '이 매니페스트는 적용되지 않습니다. 고쳐 보세요.'
          : 'This manifest is refused. Mend it.',
      manifest:
        'appVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: hello-kiamol-4\nspec:\n  selector:\n    matchLabels:\n      app: hello-kiamol-4\n  template:\n    metadata:\n      labels:\n        app: hello-kiamol-4 # must match\n    spec:\n      containers:\n        - name: web\n          image: kiamol/ch02-hello-kiamol\n          ports: [{ containerPort: 80 }]\n',
    },
    {
      kind: 'quiz',
      blockId: 'quiz',
      question:
        language === 'ko'
          ? '레이블을 되돌리면 무슨 일이 생기나요?'
          : 'What happens when the label is put back?',
      options:
        language === 'ko'
          ? ['아무 일도 없다', '파드 하나가 지워진다', '디플로이먼트가 `replicas`를 늘린다']
          : ['Nothing', 'One pod is deleted', 'The Deployment raises `replicas`'],
    },
  ],
});

export const card = (changes: Partial<CardView> = {}): CardView => ({
  cardId: 'labels-1',
  kind: 'basic',
  lessonId: 'labels',
  domain: 'workloads',
  front: '디플로이먼트가 관리하던 파드의 레이블을 바꾸면 어떻게 되나요?',
  back: '파드는 **풀려나고**, 디플로이먼트의 ReplicaSet은 모자란 수만큼 새 파드를 만듭니다.\n\n```sh\nkubectl label pod web-1 --overwrite app=other\n```',
  state: 'review',
  intervalsMs: { again: 600_000, hard: 3 * dayMs, good: 9 * dayMs, easy: 46 * dayMs },
  ...changes,
});

export const review = (changes: Partial<ReviewView> = {}): ReviewView => ({
  card: card(),
  counts: { newCards: 9, learning: 4, due: 38, done: 17 },
  canUndo: true,
  nextDueMs: sampleNowMs + 3 * 3_600_000,
  ...changes,
});

export const progress = (changes: Partial<ProgressView> = {}): ProgressView => ({
  domains,
  heatmap: Array.from({ length: 365 }, (_, index) => ({
    day: day(index - 364),
    reviews: index < 200 || index % 6 === 0 ? 0 : (index * 37) % 61,
  })),
  forecast: Array.from({ length: 30 }, (_, index) => ({
    day: day(index),
    due: Math.round(42 * Math.exp(-index / 12) + ((index * 7) % 9)),
  })),
  retention: 0.913,
  reviewsTotal: 3481,
  exams: [
    {
      sessionId: 'a',
      examId: 'mock-1',
      finishedMs: sampleNowMs - 20 * dayMs,
      score: 48.5,
      passed: false,
    },
    {
      sessionId: 'b',
      examId: 'mock-2',
      finishedMs: sampleNowMs - 9 * dayMs,
      score: 61,
      passed: false,
    },
    {
      sessionId: 'c',
      examId: 'mock-1',
      finishedMs: sampleNowMs - 2 * dayMs,
      score: 74.2,
      passed: true,
    },
  ],
  ...changes,
});

export const backups: readonly BackupView[] = [
  { backupId: '1', createdMs: sampleNowMs - dayMs, sizeBytes: 1_843_200, reason: 'automatic' },
  { backupId: '2', createdMs: sampleNowMs - 3_600_000, sizeBytes: 1_859_584, reason: 'manual' },
  {
    backupId: '3',
    createdMs: sampleNowMs - 9 * dayMs,
    sizeBytes: 1_503_232,
    reason: 'before-restore',
  },
];

const same = (text: string): Bilingual => ({ ko: text, en: text });

export const doctor: readonly DoctorCheck[] = [
  { name: same('Node'), state: 'ok', detail: same('v24.21.0') },
  { name: same('better-sqlite3'), state: 'ok', detail: same('13.2.0') },
  {
    name: same('kubectl'),
    state: 'missing',
    detail: same('no kubectl on PATH'),
    mend: same('The built-in kubectl is used; install kubectl to use your own.'),
  },
  {
    name: same('Electron'),
    state: 'broken',
    detail: same('libnss3.so: cannot open shared object file'),
    mend: same('apt-get install libnss3'),
  },
  { name: same('disk'), state: 'ok', detail: same('41 GB free') },
];
