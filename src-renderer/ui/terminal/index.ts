export {
  type DeckOptions,
  type DeckStorage,
  type DeckTab,
  TerminalDeck,
} from './terminal-deck.svelte.ts';
export { default as TerminalTabs } from './TerminalTabs.svelte';
export { default as TerminalView } from './TerminalView.svelte';
