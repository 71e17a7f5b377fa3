import type { EngineEventName, EngineEvents } from '#core/app';
import { notFound } from '#core/kube';
import type { Lab } from '#core/lab';
import type { EditRequest, TerminalSession } from '#core/machines';
import { runningMachine } from './running-machine.ts';

interface TerminalStart {
  readonly columns: number;
  readonly rows: number;
  readonly command?: string | undefined;
}

interface OpenTerminal {
  readonly clusterId: string;
  readonly session: TerminalSession;
}

/** Shells of simulated machines, by number, and the files their people are asked to edit. */
export class Terminals {
  readonly #emit: <E extends EngineEventName>(name: E, payload: EngineEvents[E]) => void;
  readonly #open = new Map<number, OpenTerminal>();
  readonly #edits = new Map<number, (content: string | null) => void>();
  #lastTerminal = 0;
  #lastEdit = 0;

  constructor(emit: <E extends EngineEventName>(name: E, payload: EngineEvents[E]) => void) {
    this.#emit = emit;
  }

  /**
   * A login shell of root, or `command` alone.
   * @returns its number. @throws StatusError 404 no such machine; 503 it is off.
   */
  open(
    clusterId: string,
    lab: Lab,
    host: string,
    { columns, rows, command }: TerminalStart,
  ): number {
    const machine = runningMachine(lab, host);
    const terminalId = ++this.#lastTerminal;
    const session = machine.openTerminal(
      'root',
      { columns, rows },
      {
        edit: (request) => this.#edit(terminalId, request),
        ...(command === undefined ? {} : { command }),
      },
    );
    this.#open.set(terminalId, { clusterId, session });
    void this.#pump(terminalId, session);
    return terminalId;
  }

  write(terminalId: number, bytes: Uint8Array): void {
    this.#find(terminalId).session.input(bytes);
  }

  resize(terminalId: number, columns: number, rows: number): void {
    this.#find(terminalId).session.resize(Math.max(2, columns), Math.max(2, rows));
  }

  close(terminalId: number): void {
    this.#open.get(terminalId)?.session.close();
    this.#open.delete(terminalId);
  }

  closeAll(clusterId: string): void {
    for (const [terminalId, terminal] of this.#open)
      if (terminal.clusterId === clusterId) this.close(terminalId);
  }

  answerEdit(editId: number, content: string | null): void {
    const answer = this.#edits.get(editId);
    if (!answer) throw notFound({ group: '', resource: 'edits' }, String(editId));
    this.#edits.delete(editId);
    answer(content);
  }

  #find(terminalId: number): OpenTerminal {
    const terminal = this.#open.get(terminalId);
    if (!terminal) throw notFound({ group: '', resource: 'terminals' }, String(terminalId));
    return terminal;
  }

  async #pump(terminalId: number, session: TerminalSession): Promise<void> {
    const ended = session.exit;
    for (let bytes = await session.output.read(); bytes; bytes = await session.output.read())
      this.#emit('terminalData', { terminalId, bytes });
    const exitCode = await ended;
    this.#open.delete(terminalId);
    this.#emit('terminalExit', { terminalId, exitCode });
  }

  #edit(terminalId: number, request: EditRequest): Promise<void> {
    const editId = ++this.#lastEdit;
    const { files, path } = request;
    const content = files.exists(path) ? files.readText(path) : '';
    return new Promise((resolve) => {
      this.#edits.set(editId, (edited) => {
        if (edited !== null && !request.readOnly) files.writeFile(path, edited);
        resolve();
      });
      this.#emit('edit', { terminalId, editId, path: request.name, content });
    });
  }
}
