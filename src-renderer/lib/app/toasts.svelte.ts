import { untrack } from 'svelte';
import { messageOf } from '../loading/index.ts';

export interface ToastMessage {
  readonly id: number;
  readonly tone: 'neutral' | 'good' | 'bad';
  readonly text: string;
}

/** Short messages in a corner. Failures stay until dismissed, others leave by themselves. */
export class Toasts {
  #messages = $state.raw<readonly ToastMessage[]>([]);
  #lastId = 0;

  get messages(): readonly ToastMessage[] {
    return this.#messages;
  }

  show(text: string, tone: ToastMessage['tone'] = 'neutral'): void {
    this.#messages = [
      ...untrack(() => this.#messages).slice(-3),
      { id: ++this.#lastId, tone, text },
    ];
  }

  /** Shows why something failed. */
  fail(error: unknown): void {
    this.show(messageOf(error), 'bad');
  }

  dismiss(id: number): void {
    this.#messages = this.#messages.filter((message) => message.id !== id);
  }
}
