import { type UtilityProcess, utilityProcess, type MessagePortMain } from 'electron';
import type { CoreArguments } from './core-process.ts';

export interface CoreLink {
  /** Hands the core one end of a channel to a page. */
  connect(port: MessagePortMain): void;
  /** Asks the core to write everything and end. */
  stop(): Promise<void>;
}

const stopLimitMs = 15_000;

/** Starts the core in a process of its own, so that no work there ever holds up a window. */
export function startCoreProcess(
  file: string,
  args: CoreArguments,
  onEnded: (message: string) => void,
): CoreLink {
  const child: UtilityProcess = utilityProcess.fork(file, [JSON.stringify(args)], {
    serviceName: 'Kijabi core',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let stderr = '';
  let stopping = false;
  child.stderr?.on('data', (data: Buffer) => {
    stderr = (stderr + data.toString()).slice(-4000);
    process.stderr.write(data);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      resolve();
      if (!stopping) onEnded(stderr.trim() || `the core ended with code ${code}`);
    });
  });
  return {
    connect: (port) => child.postMessage({ kind: 'connect' }, [port]),
    stop: async () => {
      stopping = true;
      child.postMessage({ kind: 'stop' });
      const timer = setTimeout(() => child.kill(), stopLimitMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
