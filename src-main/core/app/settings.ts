import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

type SettingsHandlers = Pick<Handlers, Extract<keyof Handlers, `settings.${string}`>>;

export function settingsHandlers({ study, tell }: StudyDeps): SettingsHandlers {
  return {
    'settings.get': () => Promise.resolve(study.settings()),
    'settings.update': ({ changes }) => {
      const settings = study.updateSettings(changes);
      tell({ kind: 'event', event: 'study.changed', payload: { what: 'settings' } });
      return Promise.resolve(settings);
    },
  };
}
