import { untrack } from 'svelte';

export interface KeyBinding {
  /** As `KeyboardEvent.key`: `j`, `Enter`, `?`, ` ` (space); or two after each other: `g t`. */
  readonly keys: string;
  /** Shown in the list of keys; a function, so that it follows the language. */
  readonly label: () => string;
  readonly run: () => void;
}

/** The part of a KeyboardEvent that matters here. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly target: EventTarget | null;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
}

const sequenceMs = 1_500;

/** Whether what has the focus takes letters itself: fields, editors, terminals, or an open dialog. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest(
      'input:not([type=checkbox],[type=radio]), textarea, select, .cm-editor, .xterm, dialog',
    ) !== null
  );
}

/**
 * Keys of the shell and of the page in front. The binding added last wins. Keys pressed with Ctrl, Alt or Meta
 * belong to the browser, and those in fields to the field.
 */
export class Keyboard {
  #groups = $state.raw<readonly (readonly KeyBinding[])[]>([]);
  #prefix = '';
  #prefixUntilMs = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Groups in the order they were added: the shell's first. */
  get groups(): readonly (readonly KeyBinding[])[] {
    return this.#groups;
  }

  /** @returns a function that takes the bindings away: return it from an `$effect`. */
  add(bindings: readonly KeyBinding[]): () => void {
    // Called from effects, which must not run again because another page added keys.
    this.#groups = [...untrack(() => this.#groups), bindings];
    return () => {
      this.#groups = untrack(() => this.#groups).filter((group) => group !== bindings);
    };
  }

  handle(event: KeyPress): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    // Space and Enter press the button that has the focus.
    const onControl =
      event.target instanceof HTMLElement && event.target.closest('button, a, summary') !== null;
    if (onControl && (event.key === ' ' || event.key === 'Enter')) return;
    const prefix = this.#now() <= this.#prefixUntilMs ? this.#prefix : '';
    this.#prefix = '';
    const all = this.#groups.flat().reverse();
    const binding =
      all.find(({ keys }) => prefix !== '' && keys === `${prefix} ${event.key}`) ??
      all.find(({ keys }) => keys === event.key);
    if (binding !== undefined) {
      event.preventDefault();
      binding.run();
    } else if (all.some(({ keys }) => keys.length > 1 && keys.startsWith(`${event.key} `))) {
      this.#prefix = event.key;
      this.#prefixUntilMs = this.#now() + sequenceMs;
    }
  }
}
