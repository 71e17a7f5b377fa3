import type { AppInfo, RpcClient, Settings } from '#contract';
import {
  type AppContext,
  Keyboard,
  Router,
  SettingsState,
  ShellState,
  Toasts,
} from '../lib/app/index.ts';
import type { I18n } from '../lib/i18n/index.ts';

/** Joins what the shell owns; nothing of it is a module's own. */
export function createContext(
  rpc: RpcClient,
  i18n: I18n,
  start: { readonly info: AppInfo; readonly settings: Settings },
  page: Window,
): AppContext {
  const now = (): number => Date.now();
  return {
    rpc,
    info: start.info,
    i18n,
    settings: new SettingsState(rpc, start.settings),
    router: new Router(page),
    keyboard: new Keyboard(now),
    toasts: new Toasts(),
    shell: new ShellState(),
    now,
  };
}
