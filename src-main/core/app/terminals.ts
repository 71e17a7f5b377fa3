import type { EditRequestView, EventFrame, TerminalView } from '#contract';
import type { Clock, Disposable } from '#core/base';
import { badRequest, failure, notFound } from '#core/kube';
import type { Engine, EngineEvents } from './engine-port.ts';
import { OutputRing } from './output-ring.ts';
import type { Connection, Handlers } from './serve.ts';

/** A shell of this computer on a pseudo-terminal. */
export interface LocalShell {
  open(options: LocalShellOptions): LocalShellProcess;
}

export interface LocalShellOptions {
  readonly columns: number;
  readonly rows: number;
  /** Path for KUBECONFIG. */
  readonly kubeconfig: string;
  readonly onData: (bytes: Uint8Array) => void;
  readonly onExit: (exitCode: number) => void;
}

export interface LocalShellProcess {
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  kill(): void;
}

export interface TerminalsOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Absent where the host offers none. */
  readonly localShell?: LocalShell;
}

type TerminalHandlers = Pick<Handlers, Extract<keyof Handlers, `terminals.${string}`>>;

/** What a terminal remembers for a page that loads again. */
const rememberedBytes = 1024 * 1024;
/** A terminal whose page went away is kept this long. */
const orphanLimitMs = 10 * 60_000;
const maxTerminals = 64;

interface Backend {
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

interface Terminal {
  readonly id: number;
  readonly title: string;
  readonly output: OutputRing;
  readonly edits: Map<number, EditRequestView>;
  backend: Backend;
  /** The one connection that reads and writes; null while no page shows it. */
  owner: Connection | null;
  /** Until the answer to `open` is out: the page cannot listen to a number that it does not know. */
  held: boolean;
  /** Set when it ended while held. */
  exitCode?: number;
  orphanTimer?: Disposable;
}

/**
 * All terminals of the app. Each has one connection at a time; it outlives its page for a while, so that a
 * reload finds it again with what it printed.
 */
export class Terminals {
  readonly #options: TerminalsOptions;
  readonly #terminals = new Map<number, Terminal>();
  /** Our number of each terminal of the engine. */
  readonly #byEngineId = new Map<number, Terminal>();
  /** Bytes of terminals whose `open` has not answered yet. */
  readonly #early = new Map<number, Uint8Array[]>();
  readonly #watched = new WeakSet<Connection>();
  #opening = 0;
  #lastId = 0;

  constructor(options: TerminalsOptions) {
    this.#options = options;
  }

  readonly handlers: TerminalHandlers = {
    'terminals.open': async ({ clusterId, host, columns, rows, command }, { connection }) => {
      const { engine } = this.#options;
      this.#checkRoom();
      checkSize(columns, rows);
      this.#opening += 1;
      try {
        const engineId = await engine.openTerminal(
          clusterId,
          host,
          columns,
          rows,
          ...(command === undefined ? [] : [command]),
        );
        const terminal = this.#add(host, connection, {
          write: (bytes) => void engine.writeTerminal(engineId, bytes),
          resize: (wide, high) => void engine.resizeTerminal(engineId, wide, high),
          close: () => {
            this.#byEngineId.delete(engineId);
            void engine.closeTerminal(engineId);
          },
        });
        this.#byEngineId.set(engineId, terminal);
        for (const bytes of this.#early.get(engineId) ?? []) this.#received(terminal, bytes);
        this.#releaseLater(terminal);
        return viewOf(terminal);
      } finally {
        this.#opening -= 1;
        if (this.#opening === 0) this.#early.clear();
      }
    },
    'terminals.openLocal': async ({ clusterId, columns, rows }, { connection }) => {
      const { engine, localShell } = this.#options;
      if (!localShell)
        throw failure(501, 'MethodNotAllowed', 'this host cannot open a shell of this computer');
      this.#checkRoom();
      checkSize(columns, rows);
      const { kubeconfig, name } = await engine.get(clusterId);
      const terminal = this.#add(`${name} (local)`, connection, {
        write() {},
        resize() {},
        close() {},
      });
      const shell = localShell.open({
        columns,
        rows,
        kubeconfig,
        onData: (bytes) => this.#received(terminal, bytes),
        onExit: (exitCode) => this.#ended(terminal, exitCode),
      });
      terminal.backend = {
        write: (bytes) => shell.write(bytes),
        resize: (wide, high) => shell.resize(wide, high),
        close: () => shell.kill(),
      };
      this.#releaseLater(terminal);
      return viewOf(terminal);
    },
    'terminals.attach': ({ terminalId, columns, rows }, { connection }) => {
      const terminal = this.#find(terminalId);
      checkSize(columns, rows);
      this.#own(terminal, connection);
      terminal.held = false;
      let replayedBytes = 0;
      for (const bytes of terminal.output.chunks()) {
        connection.port.postBytes(terminal.id, bytes);
        replayedBytes += bytes.length;
      }
      terminal.backend.resize(columns, rows);
      for (const payload of terminal.edits.values())
        send(connection, { kind: 'event', event: 'terminal.edit', payload });
      return Promise.resolve({ ...viewOf(terminal), replayedBytes });
    },
    'terminals.resize': ({ terminalId, columns, rows }, { connection }) => {
      checkSize(columns, rows);
      this.#owned(terminalId, connection).backend.resize(columns, rows);
      return Promise.resolve({});
    },
    'terminals.close': ({ terminalId }, { connection }) => {
      const terminal = this.#owned(terminalId, connection);
      this.#forget(terminal);
      terminal.backend.close();
      return Promise.resolve({});
    },
    'terminals.edited': async ({ editId, content }, { connection }) => {
      const terminal = [...this.#terminals.values()].find(({ edits }) => edits.has(editId));
      if (!terminal) throw notFound({ group: '', resource: 'edits' }, String(editId));
      this.#owned(terminal.id, connection).edits.delete(editId);
      await this.#options.engine.answerEdit(editId, content);
      return {};
    },
  };

  /** Bytes that a page typed; only the terminal's own connection is heard. */
  write(connection: Connection, terminalId: number, bytes: Uint8Array): void {
    const terminal = this.#terminals.get(terminalId);
    if (terminal?.owner === connection) terminal.backend.write(bytes);
  }

  /** What the engine tells of its terminals. */
  onEngineData({ terminalId, bytes }: EngineEvents['terminalData']): void {
    const terminal = this.#byEngineId.get(terminalId);
    if (terminal) this.#received(terminal, bytes);
    else if (this.#opening > 0)
      this.#early.set(terminalId, [...(this.#early.get(terminalId) ?? []), bytes]);
  }

  onEngineExit({ terminalId, exitCode }: EngineEvents['terminalExit']): void {
    const terminal = this.#byEngineId.get(terminalId);
    this.#byEngineId.delete(terminalId);
    if (terminal) this.#ended(terminal, exitCode);
  }

  onEngineEdit({ terminalId, ...edit }: EngineEvents['edit']): void {
    const terminal = this.#byEngineId.get(terminalId);
    if (!terminal) {
      void this.#options.engine.answerEdit(edit.editId, null);
      return;
    }
    const payload: EditRequestView = { terminalId: terminal.id, ...edit };
    terminal.edits.set(edit.editId, payload);
    if (terminal.owner) send(terminal.owner, { kind: 'event', event: 'terminal.edit', payload });
  }

  dispose(): void {
    for (const terminal of [...this.#terminals.values()]) {
      this.#forget(terminal);
      terminal.backend.close();
    }
  }

  #checkRoom(): void {
    if (this.#terminals.size >= maxTerminals)
      throw failure(
        429,
        'TooManyRequests',
        `${maxTerminals} terminals are open: close one before opening another`,
      );
  }

  #add(title: string, owner: Connection, backend: Backend): Terminal {
    const terminal: Terminal = {
      id: ++this.#lastId,
      title,
      output: new OutputRing(rememberedBytes),
      edits: new Map(),
      backend,
      owner: null,
      held: true,
    };
    this.#terminals.set(terminal.id, terminal);
    this.#own(terminal, owner);
    return terminal;
  }

  /** Lets output through as soon as the answer of the running call has left. */
  #releaseLater(terminal: Terminal): void {
    this.#options.clock.setTimer(0, () => {
      if (!terminal.held) return;
      terminal.held = false;
      for (const bytes of terminal.output.chunks())
        terminal.owner?.port.postBytes(terminal.id, bytes);
      if (terminal.exitCode !== undefined) this.#tellExit(terminal, terminal.exitCode);
    });
  }

  #own(terminal: Terminal, connection: Connection): void {
    terminal.orphanTimer?.dispose();
    terminal.owner = connection;
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    connection.port.onClose(() => {
      for (const other of this.#terminals.values())
        if (other.owner === connection) this.#abandon(other);
    });
  }

  #abandon(terminal: Terminal): void {
    terminal.owner = null;
    terminal.orphanTimer = this.#options.clock.setTimer(orphanLimitMs, () => {
      this.#forget(terminal);
      terminal.backend.close();
    });
  }

  #received(terminal: Terminal, bytes: Uint8Array): void {
    terminal.output.push(bytes);
    if (!terminal.held) terminal.owner?.port.postBytes(terminal.id, bytes);
  }

  #ended(terminal: Terminal, exitCode: number): void {
    this.#forget(terminal);
    if (terminal.held) terminal.exitCode = exitCode;
    else this.#tellExit(terminal, exitCode);
  }

  #tellExit({ owner, id }: Terminal, exitCode: number): void {
    const payload = { terminalId: id, exitCode };
    if (owner) send(owner, { kind: 'event', event: 'terminal.exit', payload });
  }

  #forget(terminal: Terminal): void {
    terminal.orphanTimer?.dispose();
    this.#terminals.delete(terminal.id);
  }

  #find(terminalId: number): Terminal {
    const terminal = this.#terminals.get(terminalId);
    if (!terminal) throw notFound({ group: '', resource: 'terminals' }, String(terminalId));
    return terminal;
  }

  #owned(terminalId: number, connection: Connection): Terminal {
    const terminal = this.#find(terminalId);
    if (terminal.owner !== connection)
      throw failure(
        403,
        'Forbidden',
        `terminal ${terminalId} is shown elsewhere: attach to it before using it`,
      );
    return terminal;
  }
}

const viewOf = ({ id, title }: Terminal): TerminalView => ({ terminalId: id, title });

const send = ({ port }: Connection, frame: EventFrame): void => port.post(frame);

function checkSize(columns: number, rows: number): void {
  for (const size of [columns, rows])
    if (!Number.isInteger(size) || size < 1 || size > 1000)
      throw badRequest(`a terminal has 1 to 1000 columns and rows, not ${columns}x${rows}`);
}
