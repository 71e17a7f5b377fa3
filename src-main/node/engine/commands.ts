import type { CommandSignal } from '#contract';
import type { CommandStart, EngineEventName, EngineEvents } from '#core/app';
import { BrokenPipeError, BytePipe, type ByteSource } from '#core/base';
import { notFound } from '#core/kube';
import type { Lab } from '#core/lab';
import { runningMachine } from './running-machine.ts';

/** Output under way that nobody has taken yet; beyond it the command waits. */
const untakenLimitBytes = 1024 * 1024;

interface RunningCommand {
  readonly clusterId: string;
  readonly stdin: BytePipe;
  signal(signal: CommandSignal): void;
  untakenBytes: number;
  /** Pumps that wait until something is taken. */
  waiting: (() => void)[];
}

/** Commands of simulated machines whose streams lead out of the engine, by the numbers their callers chose. */
export class Commands {
  readonly #emit: <E extends EngineEventName>(name: E, payload: EngineEvents[E]) => void;
  readonly #running = new Map<number, RunningCommand>();

  constructor(emit: <E extends EngineEventName>(name: E, payload: EngineEvents[E]) => void) {
    this.#emit = emit;
  }

  /** @throws StatusError no such machine; 503 it is off. */
  start(commandId: number, lab: Lab, { clusterId, host, command, input }: CommandStart): void {
    const machine = runningMachine(lab, host);
    const [stdin, stdout, stderr] = [new BytePipe(), new BytePipe(), new BytePipe()];
    if (!input) stdin.end();
    const child = machine.spawn(['/bin/bash', '-c', command], { stdin, stdout, stderr });
    const running: RunningCommand = {
      clusterId,
      stdin,
      signal: (signal) => void machine.processTable.kill(-child.pid, signal),
      untakenBytes: 0,
      waiting: [],
    };
    this.#running.set(commandId, running);
    const pumped = Promise.all([
      this.#pump(commandId, running, 'stdout', stdout),
      this.#pump(commandId, running, 'stderr', stderr),
    ]);
    void child.exit.then(async (exitCode) => {
      // Whoever else holds the pipes (a background job) does not keep the caller waiting.
      stdout.end();
      stderr.end();
      stdin.close();
      await pumped;
      this.#running.delete(commandId);
      this.#emit('commandExit', { commandId, exitCode });
    });
  }

  async write(commandId: number, bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#find(commandId);
    if (bytes.length === 0) {
      stdin.end();
      return;
    }
    try {
      await stdin.write(bytes);
    } catch (error) {
      // Nobody reads it any more: as with a pipe to a program that has closed its input, the rest is dropped.
      if (!(error instanceof BrokenPipeError)) throw error;
    }
  }

  taken(commandId: number, bytes: number): void {
    const running = this.#running.get(commandId);
    if (!running) return;
    running.untakenBytes -= bytes;
    goOn(running);
  }

  signal(commandId: number, signal: CommandSignal): void {
    const running = this.#running.get(commandId);
    if (!running) return;
    running.signal(signal);
    // What it has still to say nobody waits for.
    if (signal === 'SIGHUP' || signal === 'SIGKILL') {
      running.untakenBytes = -Infinity;
      goOn(running);
    }
  }

  /** Ends all commands of a cluster that goes away. */
  closeAll(clusterId: string): void {
    for (const [commandId, running] of this.#running)
      if (running.clusterId === clusterId) this.signal(commandId, 'SIGKILL');
  }

  #find(commandId: number): RunningCommand {
    const running = this.#running.get(commandId);
    if (!running) throw notFound({ group: '', resource: 'commands' }, String(commandId));
    return running;
  }

  async #pump(
    commandId: number,
    running: RunningCommand,
    stream: 'stdout' | 'stderr',
    source: ByteSource,
  ): Promise<void> {
    for (let bytes = await source.read(); bytes; bytes = await source.read()) {
      running.untakenBytes += bytes.length;
      this.#emit('commandData', { commandId, stream, bytes });
      while (running.untakenBytes > untakenLimitBytes)
        await new Promise<void>((resolve) => running.waiting.push(resolve));
    }
  }
}

function goOn(running: RunningCommand): void {
  const { waiting } = running;
  running.waiting = [];
  for (const pump of waiting) pump();
}
