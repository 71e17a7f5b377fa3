import type { AppInfo, RpcClient } from '#contract';
import type { I18n } from '../i18n/index.ts';
import type { Keyboard } from './keyboard.svelte.ts';
import type { Route } from './route.ts';
import type { Router } from './router.svelte.ts';
import type { SettingsState } from './settings-state.svelte.ts';
import type { ShellState } from './shell-state.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

/** What the shell makes once and passes to every page. */
export interface AppContext {
  readonly rpc: RpcClient;
  readonly info: AppInfo;
  readonly i18n: I18n;
  readonly settings: SettingsState;
  readonly router: Router;
  readonly keyboard: Keyboard;
  readonly toasts: Toasts;
  readonly shell: ShellState;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
}

/** Props of every page. `route` changes while a page stays mounted: derive from it. */
export interface PageProps {
  readonly app: AppContext;
  readonly route: Route;
}
