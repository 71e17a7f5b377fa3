export type { AppContext, PageProps } from './app-context.ts';
export { isTyping, Keyboard, type KeyBinding } from './keyboard.svelte.ts';
export { type Place, places } from './places.ts';
export { parseHash, type Route } from './route.ts';
export { Router } from './router.svelte.ts';
export { SettingsState } from './settings-state.svelte.ts';
export { ShellState } from './shell-state.svelte.ts';
export { type ToastMessage, Toasts } from './toasts.svelte.ts';
