import type { ExamTaskView, ExamView, Language, Progress, RpcClient } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** Minutes left at which the candidate is told. */
const alertMinutes = [30, 15, 5];
const notesPauseMs = 800;

export interface ExamSessionOptions {
  readonly rpc: RpcClient;
  readonly exam: ExamView;
  readonly language: () => Language;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** The exam was graded; its report can be read. */
  readonly onfinished: (sessionId: string) => void;
}

/** An exam in progress: the task in front, flags, notes and the clock. */
export class ExamSession {
  #exam: ExamView;
  #remainingMs: number;
  #alert = $state<number | null>(null);
  #notes: string;
  #notesState = $state<'saved' | 'saving' | 'failed'>('saved');
  #notesTimer: ReturnType<typeof setTimeout> | undefined;
  #grading = $state(false);
  #progress = $state.raw<Progress | null>(null);
  #error = $state<string | null>(null);
  readonly #options: ExamSessionOptions;
  readonly #subscriptions: readonly { dispose(): void }[];

  constructor(options: ExamSessionOptions) {
    const { rpc, exam, now } = options;
    this.#options = options;
    this.#exam = $state.raw(exam);
    this.#notes = $state(exam.notes);
    this.#remainingMs = $state(Math.max(0, exam.endsMs - now()));
    this.#subscriptions = [
      rpc.on('exam.clock', ({ sessionId, remainingMs }) => {
        if (sessionId === this.#exam.sessionId) this.tick(remainingMs);
      }),
    ];
  }

  get exam(): ExamView {
    return this.#exam;
  }
  get task(): ExamTaskView | undefined {
    return this.#exam.tasks[this.#exam.current];
  }
  get remainingMs(): number {
    return this.#remainingMs;
  }
  /** Share of the time that is left, in [0, 1]. */
  get remainingShare(): number {
    const { startedMs, endsMs } = this.#exam;
    return Math.min(1, this.#remainingMs / Math.max(1, endsMs - startedMs));
  }
  /** How the clock looks: from the first alert on and in the last 5 minutes it stands out. */
  get urgency(): 'calm' | 'soon' | 'last' {
    if (this.#remainingMs <= 5 * 60_000) return 'last';
    const first = Math.max(...this.#alerts);
    return this.#remainingMs <= first * 60_000 ? 'soon' : 'calm';
  }
  /** Alerts that come after the start: half an hour is not "soon" in an exam of half an hour. */
  get #alerts(): readonly number[] {
    const { startedMs, endsMs } = this.#exam;
    return alertMinutes.filter((minutes) => minutes * 60_000 < endsMs - startedMs);
  }
  /** Minutes left that were just reached: 30, 15 or 5. */
  get alert(): number | null {
    return this.#alert;
  }
  get notes(): string {
    return this.#notes;
  }
  get notesState(): 'saved' | 'saving' | 'failed' {
    return this.#notesState;
  }
  get grading(): boolean {
    return this.#grading;
  }
  get progress(): Progress | null {
    return this.#progress;
  }
  get error(): string | null {
    return this.#error;
  }
  get flaggedCount(): number {
    return this.#exam.tasks.filter(({ flagged }) => flagged).length;
  }

  dismissAlert(): void {
    this.#alert = null;
  }

  dismissError(): void {
    this.#error = null;
  }

  /** The time that is left, as the core tells it each second. */
  tick(remainingMs: number): void {
    const before = this.#remainingMs;
    this.#remainingMs = remainingMs;
    const reached = this.#alerts.filter(
      (minutes) => before > minutes * 60_000 && remainingMs <= minutes * 60_000,
    );
    // After a long sleep several are reached at once: the last one counts.
    if (reached.length > 0) this.#alert = Math.min(...reached);
    if (remainingMs <= 0) void this.submit();
  }

  async select(index: number): Promise<void> {
    const { tasks, current } = this.#exam;
    if (index < 0 || index >= tasks.length || index === current) return;
    await this.#change('exams.select', index);
  }

  next(): Promise<void> {
    return this.select(this.#exam.current + 1);
  }

  previous(): Promise<void> {
    return this.select(this.#exam.current - 1);
  }

  async toggleFlag(index: number): Promise<void> {
    const task = this.#exam.tasks[index];
    if (task) await this.#change('exams.flag', index, !task.flagged);
  }

  /** Stored shortly after the last key. */
  writeNotes(notes: string): void {
    this.#notes = notes;
    this.#notesState = 'saving';
    clearTimeout(this.#notesTimer);
    this.#notesTimer = setTimeout(() => void this.saveNotes(), notesPauseMs);
  }

  async saveNotes(): Promise<void> {
    clearTimeout(this.#notesTimer);
    if (this.#notesState === 'saved') return;
    const notes = this.#notes;
    try {
      const { sessionId } = this.#exam;
      await this.#options.rpc.call('exams.notes', { sessionId, notes });
      if (this.#notes === notes) this.#notesState = 'saved';
    } catch {
      if (this.#notes === notes) this.#notesState = 'failed';
    }
  }

  /** Ends the exam; the core grades it, or finds that it did so when the time was up. */
  async submit(): Promise<void> {
    if (this.#grading) return;
    this.#grading = true;
    this.#error = null;
    await this.saveNotes();
    const { sessionId } = this.#exam;
    try {
      await this.#options.rpc.call(
        'exams.submit',
        { sessionId, language: this.#options.language() },
        { onProgress: (progress) => (this.#progress = progress) },
      );
      this.#options.onfinished(sessionId);
    } catch (error) {
      this.#error = messageOf(error);
    } finally {
      this.#grading = false;
      this.#progress = null;
    }
  }

  /** Asks for the texts again, in another language. */
  async reload(): Promise<void> {
    try {
      const exam = await this.#options.rpc.call('exams.current', {
        language: this.#options.language(),
      });
      if (exam?.sessionId === this.#exam.sessionId) this.#exam = exam;
    } catch (error) {
      this.#error = messageOf(error);
    }
  }

  dispose(): void {
    void this.saveNotes();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #change(
    method: 'exams.select' | 'exams.flag',
    index: number,
    flagged = false,
  ): Promise<void> {
    const { rpc, language } = this.#options;
    const { sessionId } = this.#exam;
    const asking = { sessionId, index, language: language() };
    this.#error = null;
    try {
      this.#exam =
        method === 'exams.select'
          ? await rpc.call(method, asking)
          : await rpc.call(method, { ...asking, flagged });
    } catch (error) {
      this.#error = messageOf(error);
    }
  }
}
