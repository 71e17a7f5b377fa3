import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

type LibraryHandlers = Pick<Handlers, Extract<keyof Handlers, `library.${string}`>>;

const everything = ['cards', 'lessons', 'tasks', 'exams', 'settings'] as const;

/** Backups of all progress. */
export function libraryHandlers({ study, backups, tell }: StudyDeps): LibraryHandlers {
  return {
    'library.backups': () => Promise.resolve(backups.list()),
    'library.backup': () => backups.create('manual'),
    'library.restore': async ({ backupId }) => {
      await backups.restore(backupId);
      study.reload();
      for (const what of everything)
        tell({ kind: 'event', event: 'study.changed', payload: { what } });
      return {};
    },
  };
}
