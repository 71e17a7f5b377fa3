export { follow } from './follow.ts';
export { Loader, messageOf } from './loader.svelte.ts';
