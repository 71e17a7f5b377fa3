export { Loader, messageOf } from './loader.svelte.ts';
