import type { ClusterView, Language, LessonBlock, LessonView, RpcClient, Verdict } from '#contract';
import { Loader, messageOf } from '../../lib/loading/index.ts';
import { type DeckStorage, TerminalDeck } from '../../ui/terminal/index.ts';

export type StepBlock = Exclude<LessonBlock, { kind: 'prose' }>;

interface Deps {
  readonly rpc: RpcClient;
  readonly lessonId: string;
  readonly language: () => Language;
  readonly storage: DeckStorage;
}

/** One lesson on the screen: its blocks, what has been done, and its cluster with terminals. */
export class LessonState {
  readonly lesson: Loader<LessonView>;
  readonly cluster: Loader<ClusterView>;
  #deck = $state.raw<TerminalDeck | null>(null);
  #verdicts = $state.raw<Readonly<Record<string, Verdict>>>({});
  #answers = $state.raw<Readonly<Record<string, string>>>({});
  #busy = $state<string | null>(null);
  #problems = $state.raw<Readonly<Record<string, string>>>({});
  readonly #deps: Deps;
  #disposed = false;

  readonly steps = $derived.by((): readonly StepBlock[] =>
    (this.lesson.value?.blocks ?? []).filter((block) => block.kind !== 'prose'),
  );
  /** Whether anything here needs the lesson's cluster. */
  readonly live = $derived.by(() => this.steps.some(({ kind }) => kind !== 'quiz'));

  constructor(deps: Deps) {
    this.#deps = deps;
    const { rpc, lessonId } = deps;
    this.lesson = new Loader(() =>
      rpc.call('lessons.get', { lessonId, language: deps.language() }),
    );
    this.cluster = new Loader(() => rpc.call('lessons.open', { lessonId }));
  }

  get deck(): TerminalDeck | null {
    return this.#deck;
  }
  /** The step that is being checked or run. */
  get busy(): string | null {
    return this.#busy;
  }

  isDone(blockId: string): boolean {
    return this.lesson.value?.done.includes(blockId) === true;
  }
  get doneCount(): number {
    return this.steps.filter(({ blockId }) => this.isDone(blockId)).length;
  }
  verdictOf(blockId: string): Verdict | undefined {
    return this.#verdicts[blockId];
  }
  /** Why a step could not be run or checked. */
  problemOf(blockId: string): string | undefined {
    return this.#problems[blockId];
  }
  /** What the person has put in: a manifest, or the index of a quiz option. */
  answerOf(block: StepBlock): string {
    return this.#answers[block.blockId] ?? (block.kind === 'mistake' ? block.manifest : '');
  }

  setAnswer(blockId: string, answer: string): void {
    this.#answers = { ...this.#answers, [blockId]: answer };
  }

  /** Forgets the answer and what was said about it. */
  resetAnswer(blockId: string): void {
    const { [blockId]: _answer, ...answers } = this.#answers;
    const { [blockId]: _verdict, ...verdicts } = this.#verdicts;
    this.#answers = answers;
    this.#verdicts = verdicts;
  }

  /** Brings up the lesson's cluster and a first terminal, once. */
  async open(): Promise<void> {
    if (this.cluster.value === undefined) await this.cluster.load();
    const cluster = this.cluster.value;
    if (cluster === undefined || this.#deck !== null || this.#disposed) return;
    this.#deck = new TerminalDeck({
      rpc: this.#deps.rpc,
      clusterId: cluster.clusterId,
      storage: this.#deps.storage,
    });
    const host = this.steps.find((step) => step.kind === 'command')?.host ?? cluster.machines[0];
    if (host !== undefined) await this.#deck.start(host);
  }

  /** Types a command into a terminal on its machine, opening one when there is none, and counts the step. */
  async run(block: Extract<StepBlock, { kind: 'command' }>): Promise<void> {
    await this.#work(block.blockId, async () => {
      await this.open();
      const deck = this.#deck;
      if (deck === null) throw new Error(this.cluster.error ?? '');
      const open = deck.tabs.find(({ host, state }) => host === block.host && state === 'running');
      if (open === undefined) await deck.open(block.host);
      else deck.select(open.terminalId);
      const terminalId = deck.front[deck.focused];
      if (terminalId === null || deck.error !== null) throw new Error(deck.error ?? '');
      // A terminal sends Return for the end of a line.
      const typed = `${block.command.trimEnd().replaceAll('\n', '\r')}\r`;
      this.#deps.rpc.writeTerminal(terminalId, new TextEncoder().encode(typed));
      await this.#markDone(block.blockId);
    });
  }

  /** Checks a manifest on the cluster, or a quiz answer. Nothing chosen, nothing sent. */
  async check(block: Extract<StepBlock, { kind: 'mistake' | 'quiz' }>): Promise<void> {
    const answer = this.answerOf(block);
    if (answer === '') return;
    await this.#work(block.blockId, async () => {
      if (block.kind === 'mistake') await this.open();
      const verdict = await this.#deps.rpc.call('lessons.check', {
        lessonId: this.#deps.lessonId,
        blockId: block.blockId,
        answer,
        language: this.#deps.language(),
      });
      this.#verdicts = { ...this.#verdicts, [block.blockId]: verdict };
      if (verdict.correct) await this.#markDone(block.blockId);
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#deck?.dispose();
  }

  async #markDone(blockId: string): Promise<void> {
    const { done } = await this.#deps.rpc.call('lessons.markDone', {
      lessonId: this.#deps.lessonId,
      blockId,
    });
    if (this.lesson.value !== undefined) this.lesson.set({ ...this.lesson.value, done });
  }

  async #work(blockId: string, run: () => Promise<void>): Promise<void> {
    if (this.#busy !== null) return;
    this.#busy = blockId;
    const { [blockId]: _old, ...others } = this.#problems;
    this.#problems = others;
    try {
      await run();
    } catch (error) {
      this.#problems = { ...this.#problems, [blockId]: messageOf(error) };
    } finally {
      this.#busy = null;
    }
  }
}
