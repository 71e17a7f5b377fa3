/** How much room the shell takes; a page sets it while it is shown and puts it back when it leaves. */
export class ShellState {
  /** `full` shows names, `compact` only signs, `hidden` nothing: an exam fills the window. */
  rail = $state<'full' | 'compact' | 'hidden'>('full');
}
