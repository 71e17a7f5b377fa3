import { untrack } from 'svelte';

/** How much room the shell takes. */
export class ShellState {
  /** `full` shows names, `compact` only signs, `hidden` nothing: an exam fills the window. */
  rail = $state<'full' | 'compact' | 'hidden'>('full');

  /** For the effect of a page that wants another rail while it is shown. @returns puts it back. */
  borrowRail(rail: ShellState['rail']): () => void {
    const before = untrack(() => this.rail);
    this.rail = rail;
    return () => (this.rail = before);
  }
}
