import { firstStreamId } from '#contract';
import { badRequest, notFound } from '#core/kube';
import type { Engine, EngineEvents } from './engine-port.ts';
import type { Connection, Handlers } from './serve.ts';

type CommandHandlers = Pick<Handlers, Extract<keyof Handlers, `commands.${string}`>>;

interface Command {
  readonly commandId: number;
  readonly connection: Connection;
  readonly streamId: number;
  /** Settles when everything sent so far has been taken in. */
  input: Promise<void>;
  readonly end: (exitCode: number) => void;
}

/** Commands run for one connection each, with their streams beside the frames. */
export class Commands {
  readonly #engine: Engine;
  readonly #commands = new Map<number, Command>();
  #lastId = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  readonly handlers: CommandHandlers = {
    'commands.run': async ({ streamId, ...start }, { connection, signal }) => {
      if (!Number.isInteger(streamId) || streamId < firstStreamId || streamId > 0xffff_fffe)
        throw badRequest(`commands.run: streamId must be from ${firstStreamId} to ${0xffff_fffe}`);
      if (this.#find(connection, streamId))
        throw badRequest(`commands.run: stream ${streamId} belongs to another command`);
      const commandId = ++this.#lastId;
      const ended = new Promise<number>((resolve) => {
        const input = Promise.resolve();
        this.#commands.set(commandId, { commandId, connection, streamId, input, end: resolve });
      });
      const hangUp = (): void => {
        void this.#engine.signalCommand(commandId, 'SIGHUP');
      };
      try {
        const starting = this.#engine.startCommand(commandId, start);
        const command = this.#commands.get(commandId);
        if (command) command.input = starting.catch(() => undefined);
        await starting;
        if (signal.aborted) hangUp();
        signal.addEventListener('abort', hangUp);
        return { exitCode: await ended };
      } finally {
        this.#commands.delete(commandId);
      }
    },
    'commands.drained': async ({ streamId }, { connection }) => {
      await this.#find(connection, streamId)?.input;
      return {};
    },
    'commands.taken': async ({ streamId, bytes }, { connection }) => {
      const command = this.#find(connection, streamId);
      if (bytes < 0) throw badRequest('commands.taken: bytes is negative');
      if (command) await this.#engine.takenFromCommand(command.commandId, bytes);
      return {};
    },
    'commands.signal': async ({ streamId, signal }, { connection }) => {
      const command = this.#find(connection, streamId);
      if (!command) throw notFound({ group: '', resource: 'commands' }, String(streamId));
      await this.#engine.signalCommand(command.commandId, signal);
      return {};
    },
  };

  /** Bytes for a command's input; nothing for those that have ended. */
  write(connection: Connection, streamId: number, bytes: Uint8Array): void {
    const command = this.#find(connection, streamId);
    if (!command) return;
    command.input = command.input
      .then(() => this.#engine.writeCommand(command.commandId, bytes))
      // It has ended meanwhile.
      .catch(() => undefined);
  }

  onEngineData({ commandId, stream, bytes }: EngineEvents['commandData']): void {
    const command = this.#commands.get(commandId);
    const { connection, streamId = 0 } = command ?? {};
    connection?.port.postBytes(stream === 'stdout' ? streamId : streamId + 1, bytes);
  }

  onEngineExit({ commandId, exitCode }: EngineEvents['commandExit']): void {
    this.#commands.get(commandId)?.end(exitCode);
  }

  #find(connection: Connection, streamId: number): Command | undefined {
    for (const command of this.#commands.values())
      if (command.connection === connection && command.streamId === streamId) return command;
    return undefined;
  }
}
