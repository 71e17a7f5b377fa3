import { untrack } from 'svelte';
import type { EditRequestView, RpcClient } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** One terminal of the deck. */
export interface DeckTab {
  readonly terminalId: number;
  readonly title: string;
  /** The simulated machine it was opened on; null is a shell of this computer. */
  readonly host: string | null;
  /** `running`, the exit code of a shell that ended, or `gone` when the core no longer knows it. */
  readonly state: 'running' | 'gone' | number;
}

/** The part of `sessionStorage` that remembers which terminals a page had. */
export interface DeckStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface DeckOptions {
  readonly rpc: RpcClient;
  readonly clusterId: string;
  readonly storage: DeckStorage;
}

/** Before a terminal is shown nobody knows its size; attaching tells it. */
const firstSize = { columns: 100, rows: 30 };

/**
 * The terminals of one cluster: tabs, of which one or two are in front. They outlive the page that shows them,
 * so that leaving and coming back, or loading the page again, finds them as they were.
 */
export class TerminalDeck {
  #tabs = $state.raw<readonly DeckTab[]>([]);
  #front = $state.raw<readonly [number | null, number | null]>([null, null]);
  #focused = $state<0 | 1>(0);
  #edits = $state.raw<readonly EditRequestView[]>([]);
  #opening = $state(false);
  #error = $state<string | null>(null);
  readonly #options: DeckOptions;
  readonly #subscription: { dispose(): void };
  #disposed = false;

  constructor(options: DeckOptions) {
    this.#options = options;
    this.#restore();
    this.#subscription = options.rpc.on('terminal.edit', (edit) => this.#edit(edit));
  }

  get clusterId(): string {
    return this.#options.clusterId;
  }
  get tabs(): readonly DeckTab[] {
    return this.#tabs;
  }
  /** Terminal in the first and in the second pane; the second is null unless the deck is split. */
  get front(): readonly [number | null, number | null] {
    return this.#front;
  }
  get focused(): 0 | 1 {
    return this.#focused;
  }
  get isSplit(): boolean {
    return this.#front[1] !== null;
  }
  get opening(): boolean {
    return this.#opening;
  }
  get error(): string | null {
    return this.#error;
  }

  /** The file that a program in this terminal waits for; null when none does. */
  editOf(terminalId: number): EditRequestView | null {
    return this.#edits.find((edit) => edit.terminalId === terminalId) ?? null;
  }

  /** Which pane shows a terminal. */
  paneOf(terminalId: number): 0 | 1 | null {
    const index = this.#front.indexOf(terminalId);
    return index === 0 || index === 1 ? index : null;
  }

  /** Opens a first terminal unless some are there. */
  async start(host: string): Promise<void> {
    // Called from effects, which must not run again because a tab was opened or closed.
    if (untrack(() => this.#tabs.length) === 0) await this.open(host);
  }

  /** @param host a machine of the cluster; null is a shell of this computer. */
  async open(host: string | null): Promise<void> {
    const tab = await this.#opened(host);
    if (tab === undefined) return;
    this.#tabs = [...this.#tabs, tab];
    this.select(tab.terminalId);
  }

  /** Opens a terminal in the place of one that ended. */
  async reopen(terminalId: number): Promise<void> {
    const old = this.#tabs.find((tab) => tab.terminalId === terminalId);
    if (old === undefined) return;
    const tab = await this.#opened(old.host);
    if (tab === undefined) return;
    this.#tabs = this.#tabs.map((other) =>
      other.terminalId === terminalId ? { ...tab, title: old.title } : other,
    );
    const [first, second] = this.#front;
    this.#front = [
      first === terminalId ? tab.terminalId : first,
      second === terminalId ? tab.terminalId : second,
    ];
    this.#remember();
  }

  /** Brings a terminal to the front, in the pane that has the focus. */
  select(terminalId: number): void {
    const shown = this.paneOf(terminalId);
    if (shown !== null) this.#focused = shown;
    else {
      const [first, second] = this.#front;
      this.#front = this.#focused === 0 ? [terminalId, second] : [first, terminalId];
    }
    this.#remember();
  }

  focusPane(pane: 0 | 1): void {
    if (this.#front[pane] !== null) this.#focused = pane;
  }

  /** Shows a second terminal beside the first: another one, or a new one on the same machine. */
  async split(): Promise<void> {
    const [first] = this.#front;
    if (first === null || this.isSplit) return;
    const front = this.#tabs.find((tab) => tab.terminalId === first);
    const other = this.#tabs.find((tab) => tab.terminalId !== first && tab.state === 'running');
    this.#focused = 1;
    if (other !== undefined) this.select(other.terminalId);
    else await this.open(front?.host ?? null);
    if (!this.isSplit) this.#focused = 0;
  }

  join(): void {
    const kept = this.#front[this.#focused];
    this.#front = [kept, null];
    this.#focused = 0;
    this.#remember();
  }

  rename(terminalId: number, title: string): void {
    const name = title.trim();
    if (name === '') return;
    this.#tabs = this.#tabs.map((tab) =>
      tab.terminalId === terminalId ? { ...tab, title: name } : tab,
    );
    this.#remember();
  }

  async close(terminalId: number): Promise<void> {
    const tab = this.#tabs.find((other) => other.terminalId === terminalId);
    if (tab === undefined) return;
    this.#drop(terminalId);
    if (tab.state !== 'running') return;
    // It may have ended in the meantime, which is what was asked for.
    await this.#options.rpc.call('terminals.close', { terminalId }).catch(() => undefined);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#tabs.map(({ terminalId }) => this.close(terminalId)));
  }

  /** The shell ended: `exit` closes a terminal as everywhere else, a failure stays to be read. */
  markEnded(terminalId: number, exitCode: number): void {
    this.#edits = this.#edits.filter((edit) => edit.terminalId !== terminalId);
    if (exitCode === 0) this.#drop(terminalId);
    else this.#setState(terminalId, exitCode);
  }

  /** The terminal could not be shown: the core was started anew, or its cluster is gone. */
  markGone(terminalId: number): void {
    this.#setState(terminalId, 'gone');
  }

  /** @param content what the file shall hold; null leaves it as it was. */
  async answerEdit(editId: number, content: string | null): Promise<void> {
    this.#error = null;
    try {
      await this.#options.rpc.call('terminals.edited', { editId, content });
      this.#edits = this.#edits.filter((edit) => edit.editId !== editId);
    } catch (error) {
      this.#error = messageOf(error);
    }
  }

  dismissError(): void {
    this.#error = null;
  }

  /** Stops listening; the terminals stay. */
  dispose(): void {
    this.#disposed = true;
    this.#subscription.dispose();
  }

  async #opened(host: string | null): Promise<DeckTab | undefined> {
    const { rpc, clusterId } = this.#options;
    this.#opening = true;
    this.#error = null;
    try {
      const { terminalId, title } =
        host === null
          ? await rpc.call('terminals.openLocal', { clusterId, ...firstSize })
          : await rpc.call('terminals.open', { clusterId, host, ...firstSize });
      if (!this.#disposed) return { terminalId, title, host, state: 'running' };
      // The page was left before the answer came: nobody would ever see this one.
      await rpc.call('terminals.close', { terminalId }).catch(() => undefined);
    } catch (error) {
      this.#error = messageOf(error);
    } finally {
      this.#opening = false;
    }
    return undefined;
  }

  #edit(edit: EditRequestView): void {
    if (!this.#tabs.some(({ terminalId }) => terminalId === edit.terminalId)) return;
    // A reload asks for the same edit again.
    this.#edits = [...this.#edits.filter(({ editId }) => editId !== edit.editId), edit];
    this.select(edit.terminalId);
  }

  #setState(terminalId: number, state: DeckTab['state']): void {
    this.#tabs = this.#tabs.map((tab) => (tab.terminalId === terminalId ? { ...tab, state } : tab));
  }

  #drop(terminalId: number): void {
    const index = this.#tabs.findIndex((tab) => tab.terminalId === terminalId);
    if (index < 0) return;
    const pane = this.paneOf(terminalId);
    this.#tabs = this.#tabs.filter((tab) => tab.terminalId !== terminalId);
    this.#edits = this.#edits.filter((edit) => edit.terminalId !== terminalId);
    if (pane !== null) {
      const other = this.#front[pane === 0 ? 1 : 0];
      const next = this.#tabs[Math.min(index, this.#tabs.length - 1)]?.terminalId ?? null;
      this.#front = [other ?? next, null];
      this.#focused = 0;
    }
    this.#remember();
  }

  get #storageKey(): string {
    return `kijabi.terminals.${this.#options.clusterId}`;
  }

  #remember(): void {
    const { storage } = this.#options;
    if (this.#tabs.length === 0) storage.removeItem(this.#storageKey);
    else
      storage.setItem(
        this.#storageKey,
        JSON.stringify({
          tabs: this.#tabs.map(({ terminalId, title, host }) => ({ terminalId, title, host })),
          front: this.#front,
        }),
      );
  }

  #restore(): void {
    const text = this.#options.storage.getItem(this.#storageKey);
    if (text === null) return;
    const { tabs, front } = JSON.parse(text) as {
      tabs: Pick<DeckTab, 'terminalId' | 'title' | 'host'>[];
      front: [number | null, number | null];
    };
    this.#tabs = tabs.map((tab) => ({ ...tab, state: 'running' }));
    this.#front = front;
  }
}
