import type { CardView, Grade, Language, ReviewView, RpcClient, Verdict } from '#contract';
import { Loader, messageOf } from '../../lib/loading/index.ts';

/** The grades in the order of their keys 1 to 4. */
export const gradeOrder: readonly Grade[] = ['again', 'hard', 'good', 'easy'];

interface Deps {
  readonly rpc: RpcClient;
  readonly language: () => Language;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
}

/** One sitting of reviews: the card in front, what was answered, and how the sitting goes. */
export class ReviewSession {
  readonly view: Loader<ReviewView>;
  revealed = $state(false);
  /** What the person typed: an answer, a command, a manifest. */
  answer = $state('');
  #verdict = $state.raw<Verdict | null>(null);
  #busy = $state<'checking' | 'grading' | 'undoing' | null>(null);
  #problem = $state<string | null>(null);
  #grades = $state.raw<readonly { readonly grade: Grade; readonly durationMs: number }[]>([]);
  #startedMs = 0;
  readonly #deps: Deps;

  readonly card = $derived.by((): CardView | null => this.view.value?.card ?? null);
  /** Grades may be given: the answer is in sight. */
  readonly gradable = $derived.by(() => this.card !== null && this.revealed && this.#busy === null);

  constructor(deps: Deps) {
    this.#deps = deps;
    this.view = new Loader(async () => {
      const view = await deps.rpc.call('review.get', { language: deps.language() });
      this.#front(view.card);
      return view;
    });
  }

  get verdict(): Verdict | null {
    return this.#verdict;
  }
  get busy(): 'checking' | 'grading' | 'undoing' | null {
    return this.#busy;
  }
  /** Why the last answer could not be checked or stored; null after a success. */
  get problem(): string | null {
    return this.#problem;
  }
  get answered(): number {
    return this.#grades.length;
  }
  get spentMs(): number {
    return this.#grades.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }
  /** Share of this sitting's answers that were recalled, in [0, 1]; null before the first. */
  get recalled(): number | null {
    if (this.#grades.length === 0) return null;
    return this.#grades.filter(({ grade }) => grade !== 'again').length / this.#grades.length;
  }
  /** What the verdict suggests; the person decides. */
  get suggested(): Grade | null {
    if (this.#verdict === null) return null;
    return this.#verdict.correct ? 'good' : 'again';
  }

  reveal(): void {
    if (this.card !== null && this.#busy === null) this.revealed = true;
  }

  /** Checks what was typed; a command or manifest runs in the cards' cluster. An empty answer is not sent. */
  async check(): Promise<void> {
    const card = this.card;
    if (card === null || this.answer.trim() === '') return;
    await this.#work('checking', async () => {
      this.#verdict = await this.#deps.rpc.call('review.check', {
        cardId: card.cardId,
        answer: this.answer,
        language: this.#deps.language(),
      });
      this.revealed = true;
    });
  }

  /** Hides the answer again for another attempt at the same card. */
  retry(): void {
    this.#verdict = null;
    this.revealed = false;
  }

  async grade(grade: Grade): Promise<void> {
    const card = this.card;
    if (card === null || !this.gradable) return;
    const durationMs = Math.max(0, this.#deps.now() - this.#startedMs);
    await this.#work('grading', async () => {
      const view = await this.#deps.rpc.call('review.answer', {
        cardId: card.cardId,
        grade,
        durationMs,
        language: this.#deps.language(),
      });
      this.#grades = [...this.#grades, { grade, durationMs }];
      this.#show(view);
    });
  }

  async undo(): Promise<void> {
    if (this.view.value?.canUndo !== true) return;
    await this.#work('undoing', async () => {
      const view = await this.#deps.rpc.call('review.undo', { language: this.#deps.language() });
      this.#grades = this.#grades.slice(0, -1);
      this.#show(view);
    });
  }

  #show(view: ReviewView): void {
    this.view.set(view);
    this.#front(view.card);
  }

  #front(card: CardView | null): void {
    this.revealed = false;
    this.#verdict = null;
    this.#problem = null;
    this.answer = card?.manifest ?? '';
    this.#startedMs = this.#deps.now();
  }

  async #work(kind: 'checking' | 'grading' | 'undoing', run: () => Promise<void>): Promise<void> {
    if (this.#busy !== null) return;
    this.#busy = kind;
    try {
      await run();
      this.#problem = null;
    } catch (error) {
      this.#problem = messageOf(error);
    } finally {
      this.#busy = null;
    }
  }
}
