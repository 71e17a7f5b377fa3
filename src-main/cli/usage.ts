import { language, say } from './language.ts';

/** The command line is wrong; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface CommandHelp {
  /** The command's words as they are typed. */
  readonly command: string;
  readonly synopsis: string;
  readonly en: string;
  readonly ko: string;
}

const groups: readonly {
  readonly en: string;
  readonly ko: string;
  readonly commands: readonly CommandHelp[];
}[] = [
  {
    en: 'clusters',
    ko: '클러스터',
    commands: [
      {
        command: 'cluster up',
        synopsis: 'cluster up [NAME | --cluster NAME] [--topology base+1cp+2w[+lb]]',
        en: 'bring up a cluster, leave it running, and print the path of its kubeconfig; +lb: LoadBalancers get addresses',
        ko: '클러스터를 띄워 두고 kubeconfig 파일의 경로를 출력합니다. +lb: LoadBalancer에 주소를 줍니다',
      },
      {
        command: 'cluster down',
        synopsis: 'cluster down [NAME | --cluster NAME | --all]',
        en: 'remove a cluster and everything in it; --all: whatever no task or exam needs',
        ko: '클러스터와 그 안의 모든 것을 지웁니다. --all: 과제나 시험에 쓰지 않는 것 모두',
      },
      {
        command: 'cluster list',
        synopsis: 'cluster list',
        en: 'list the clusters',
        ko: '클러스터 목록을 봅니다',
      },
      {
        command: 'cluster kubeconfig',
        synopsis: 'cluster kubeconfig [NAME | --cluster NAME]',
        en: 'print the path of its kubeconfig',
        ko: 'kubeconfig 파일의 경로를 출력합니다',
      },
      {
        command: 'ssh',
        synopsis: 'ssh [-t] [-n] [--cluster NAME] HOST [COMMAND…]',
        en: 'a shell on a machine, or one command (-t: on a terminal, -n: without input)',
        ko: '머신의 셸이나 명령 하나 (-t: 터미널에서, -n: 입력 없이)',
      },
      {
        command: 'kubectl',
        synopsis: 'kubectl ARGUMENTS…',
        en: 'the built-in kubectl, with the files of this computer',
        ko: '이 컴퓨터의 파일을 쓰는 내장 kubectl',
      },
      {
        command: 'clock',
        synopsis: 'clock [--cluster NAME] --speed N | pause | advance DURATION | settle',
        en: 'move the time of a cluster',
        ko: '클러스터의 시간을 움직입니다',
      },
    ],
  },
  {
    en: 'practice',
    ko: '연습',
    commands: [
      {
        command: 'task list',
        synopsis: 'task list',
        en: 'list the practice tasks',
        ko: '연습 과제 목록을 봅니다',
      },
      {
        command: 'task start',
        synopsis: 'task start TASK [--seed SEED]',
        en: 'begin a task on a cluster of its own',
        ko: '새 클러스터에서 과제를 시작합니다',
      },
      {
        command: 'task check',
        synopsis: 'task check [SESSION]',
        en: 'grade what was done so far; exit code 1 below full marks',
        ko: '지금까지 한 것을 채점합니다. 만점이 아니면 종료 코드는 1입니다',
      },
      {
        command: 'task solve',
        synopsis: 'task solve [SESSION]',
        en: 'let the reference solution run',
        ko: '모범 풀이를 실행합니다',
      },
      {
        command: 'task reset',
        synopsis: 'task reset [SESSION]',
        en: 'take the cluster back to the start of the task',
        ko: '클러스터를 과제 시작 상태로 되돌립니다',
      },
      {
        command: 'task end',
        synopsis: 'task end [SESSION]',
        en: 'end the task and remove its cluster',
        ko: '과제를 끝내고 클러스터를 지웁니다',
      },
      {
        command: 'exam list',
        synopsis: 'exam list',
        en: 'list the exams',
        ko: '시험 목록을 봅니다',
      },
      {
        command: 'exam start',
        synopsis: 'exam start EXAM [--seed SEED]',
        en: 'begin an exam: its clock runs from then on',
        ko: '시험을 시작합니다. 그때부터 시간이 흐릅니다',
      },
      {
        command: 'exam status',
        synopsis: 'exam status',
        en: 'show the tasks of the exam in progress and the time left',
        ko: '진행 중인 시험의 문제와 남은 시간을 봅니다',
      },
      {
        command: 'exam submit',
        synopsis: 'exam submit',
        en: 'hand in the exam in progress and print its report',
        ko: '진행 중인 시험을 제출하고 결과를 봅니다',
      },
      {
        command: 'exam report',
        synopsis: 'exam report [SESSION]',
        en: 'print the report of an exam, the last one unless named',
        ko: '시험 결과를 봅니다. 지정하지 않으면 마지막 시험입니다',
      },
    ],
  },
  {
    en: 'data',
    ko: '데이터',
    commands: [
      {
        command: 'backup',
        synopsis: 'backup',
        en: 'back up progress',
        ko: '학습 기록을 백업합니다',
      },
      {
        command: 'restore',
        synopsis: 'restore [BACKUP]',
        en: 'list the backups, or restore one',
        ko: '백업 목록을 보거나 백업 하나를 복원합니다',
      },
      {
        command: 'doctor',
        synopsis: 'doctor',
        en: 'look whether this computer has all that is needed',
        ko: '이 컴퓨터에 필요한 것이 다 있는지 살핍니다',
      },
    ],
  },
];

/** Longer ones have a line of their own. */
const synopsisWidth = 42;

/** All commands, in the language of this terminal. */
export function usage(): string {
  const blocks = groups.map((group) =>
    [
      group[language()],
      ...group.commands.map(({ synopsis, ...texts }) => {
        const gap = synopsis.length > synopsisWidth ? `\n  ${' '.repeat(synopsisWidth)}` : '';
        return `  ${synopsis.padEnd(synopsisWidth)}${gap}  ${texts[language()]}`;
      }),
    ].join('\n'),
  );
  return [
    say(
      'usage: kijabi [--data DIR] [--lang en|ko] [--json] COMMAND',
      '사용법: kijabi [--data 폴더] [--lang en|ko] [--json] 명령',
    ),
    '',
    blocks.join('\n\n'),
    '',
    say(
      'A running Kijabi answers; otherwise one is started in the background, and ends with its last cluster.',
      '실행 중인 키잡이가 답합니다. 없으면 백그라운드에서 시작하고, 마지막 클러스터와 함께 끝납니다.',
    ),
  ].join('\n');
}

/** What one command, or one family of commands (`cluster`), takes. Undefined: there is none of that name. */
export function usageOf(words: readonly string[]): string | undefined {
  const asked = words.join(' ');
  const found = groups
    .flatMap(({ commands }) => commands)
    .filter(({ command }) => command === asked || command.startsWith(`${asked} `));
  if (found.length === 0) return undefined;
  return found.map((each) => `kijabi ${each.synopsis}\n    ${each[language()]}`).join('\n');
}
