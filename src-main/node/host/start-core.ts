import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type App,
  createApp,
  examDomain,
  type LocalShell,
  practiceResults,
  studyDomain,
} from '#core/app';
import { type Disposable, type Logger, seededRandom } from '#core/base';
import { Study } from '#core/study';
import type { AppInfo } from '#contract';
import { fileMemory, readExams, readStudyContent, readTasks } from '#node/content';
import { runDoctor } from '#node/doctor';
import { startEngineThread } from '#node/engine';
import { openFileLog } from '#node/log';
import { appPaths, prepareDataFolder } from '#node/paths';
import { createLocalShell } from '#node/pty';
import {
  type Connection,
  createBackupStore,
  createExamRepository,
  createStudyRepository,
  DatabaseCorruptError,
  openDatabase,
} from '#node/sqlite';
import { backUpAutomatically } from './automatic-backups.ts';
import { fileClusterRegistry } from './cluster-file-registry.ts';
import { noticeBoard, rememberDamage } from './notice-board.ts';
import { sweepClusters } from './sweep-clusters.ts';
import { wallClock } from './wall-clock.ts';
import { writeKubectlShim } from './kubectl-shim.ts';

export interface CoreOptions {
  /** Folder of `package.json`. */
  readonly root: string;
  readonly dataFolder: string;
  readonly host: AppInfo['host'];
}

export interface Core {
  readonly app: App;
  readonly logger: Logger;
  readonly dataFolder: string;
  /** Ends after every store has written what it holds. */
  stop(): Promise<void>;
}

const kubernetesVersion = 'v1.36.3';
/** Cards of a topic that fall due after a failed check which names none: a sitting of some minutes. */
const cardsPerMiss = 10;

/**
 * Everything behind the contract, as all hosts run it: engine thread, database, terminals, log.
 * @throws DataFolderError | DatabaseInUseError | DatabaseCorruptError | DatabaseTooNewError
 */
export async function startCore({ root, dataFolder, host }: CoreOptions): Promise<Core> {
  demandNode();
  const paths = appPaths(root);
  const data = prepareDataFolder(dataFolder);
  const log: Logger & Disposable = openFileLog({ folder: join(data, 'logs') });
  log.log('info', 'Kijabi starts', { host, node: process.version, data });
  const database = openProgress(data, paths.migrations, log);
  const localShell = await tryLocalShell(data, paths.cli, log);
  mkdirSync(join(data, 'clusters'), { recursive: true, mode: 0o700 });
  const random = seededRandom(randomUUID());
  const now = (): number => Date.now();
  const checked = fileMemory(join(data, 'checked-content.json'));
  const contentProblems: string[] = [];
  const report = (problem: Error): void => {
    contentProblems.push(problem.message);
    log.log('error', 'a piece of content is left out', { problem: problem.message });
  };
  const study = new Study({
    content: readStudyContent(paths.content, report, checked),
    repository: createStudyRepository(database),
    clock: { now, offsetMinutes: (atMs) => -new Date(atMs).getTimezoneOffset() },
  });
  const backups = createBackupStore(database, database.name, {
    migrationsDirectory: paths.migrations,
    now,
  });
  const notices = noticeBoard(data, () => backups.list(), contentProblems);
  const tasks = readTasks(paths.content, report, checked);
  const repository = createExamRepository(database);
  const lastExam = repository.outcomes()[0]?.sessionId ?? '';
  const swept = sweepClusters(
    join(data, 'clusters'),
    new Set(
      [repository.currentExam(), repository.exam(lastExam)].flatMap(
        (session) => session?.tasks.map(({ clusterId }) => clusterId) ?? [],
      ),
    ),
  );
  if (swept.length > 0)
    log.log('info', 'files of clusters without an owner are removed', { swept });
  const blueprints = readExams(paths.content, tasks, report, checked);
  saveChecked(checked, log);
  // Last of all: what is wrong with files and content has been found by now.
  const thread = startEngineThread(
    paths.engineWorker,
    {
      dataFolder: data,
      ...(existsSync(paths.descriptions) ? { descriptionsFile: paths.descriptions } : {}),
    },
    log,
  );
  const app = createApp({
    engine: thread,
    registry: fileClusterRegistry(join(data, 'clusters', 'clusters.json'), log),
    clock: wallClock,
    random,
    logger: log,
    info: {
      version: versionOf(root),
      kubernetesVersion,
      host,
      dataFolder: data,
      localShell: localShell !== undefined,
    },
    doctor: () => runDoctor({ root, dataFolder: data }),
    notices,
    ...(localShell ? { localShell } : {}),
    domains: [
      studyDomain({
        study,
        engine: thread.engine,
        backups: {
          ...backups,
          restore: async (backupId) => {
            await backups.restore(backupId);
            notices.progressMended();
          },
        },
        practice: practiceResults(repository, tasks),
      }),
      examDomain({
        engine: thread.engine,
        repository,
        tasks,
        blueprints,
        clock: wallClock,
        random,
        logger: log,
        onMissed: ({ cards, competencies }) =>
          study.bringForward([...cards, ...study.cardsOf(competencies, cardsPerMiss)]),
      }),
    ],
  });
  const countChanges = database.prepare('SELECT total_changes()').pluck();
  const automatic = backUpAutomatically(wallClock, backups, () => Number(countChanges.get()), log);
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    app.dispose();
    await thread.stop();
    await automatic.stop();
    database.close();
    log.log('info', 'Kijabi ends');
    log.dispose();
  };
  return {
    app,
    logger: log,
    dataFolder: data,
    stop: () => (stopped ??= stop()),
  };
}

/**
 * The database of progress. A damaged one is kept aside, an empty one takes its place, and everybody is told until a
 * backup is restored: nothing starts over in silence, and nothing is put back unasked.
 */
function openProgress(dataFolder: string, migrationsDirectory: string, logger: Logger): Connection {
  const file = join(dataFolder, 'progress.db');
  const open = (): Connection => openDatabase(file, { migrationsDirectory, now: () => Date.now() });
  try {
    return open();
  } catch (error) {
    if (!(error instanceof DatabaseCorruptError)) throw error;
    const { newestBackup, keptAs } = error;
    logger.log('error', error.message);
    rememberDamage(dataFolder, {
      keptAs,
      backupId: newestBackup === undefined ? null : basename(newestBackup),
    });
    return open();
  }
}

/** Without it the next start checks all content again, no more. */
function saveChecked(checked: ReturnType<typeof fileMemory>, logger: Logger): void {
  try {
    checked.save();
  } catch (error) {
    logger.log('warn', 'what content was checked could not be written down', { error });
  }
}

/** With an older Node-API, opening the first database would end the process without a word. */
function demandNode(): void {
  if (Number(process.versions['napi']) < 10)
    throw new Error(
      `Node.js ${process.version} is too old: start Kijabi with npm, which brings Node.js 24, or install that`,
    );
}

/** A computer without the native module has every other terminal all the same. */
async function tryLocalShell(
  dataFolder: string,
  cli: string,
  logger: Logger,
): Promise<LocalShell | undefined> {
  try {
    return await createLocalShell({ kubectlFolder: writeKubectlShim(dataFolder, cli) });
  } catch (error) {
    logger.log('warn', 'no local shell: node-pty cannot be loaded', { error });
    return undefined;
  }
}

function versionOf(root: string): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
