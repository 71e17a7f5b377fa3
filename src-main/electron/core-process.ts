import type { App } from '#core/app';
import { makeRoom, serveControl } from '#node/control';
import { failStart, startCore } from '#node/host';
import { prepareDataFolder } from '#node/paths';
import { messagePort, type PortLike } from '#node/rpc';

/** What the main process tells the core when it starts. */
export interface CoreArguments {
  readonly root: string;
  readonly dataFolder: string;
}

interface ParentMessage {
  readonly data: { readonly kind: 'connect' | 'stop' };
  readonly ports: readonly PortLike[];
}

/** Electron's `process.parentPort` of a utility process. */
interface ParentPort {
  on(event: 'message', listener: (message: ParentMessage) => void): void;
}

// The core of the desktop app: a utility process that serves a MessagePort for each page.
async function main(): Promise<void> {
  const { parentPort } = process as unknown as { readonly parentPort?: ParentPort };
  if (!parentPort) throw new Error('the core process is started by the desktop app');
  const args = JSON.parse(process.argv[2] ?? '{}') as CoreArguments;
  const waiting: PortLike[] = [];
  const running: { app?: App; stop?: () => Promise<void> } = {};
  parentPort.on('message', ({ data, ports }) => {
    if (data.kind === 'stop') {
      void (running.stop?.() ?? Promise.resolve()).then(() => process.exit(0));
      return;
    }
    for (const port of ports)
      if (running.app) running.app.attach(messagePort(port));
      else waiting.push(port);
  });

  const data = prepareDataFolder(args.dataFolder);
  await makeRoom(data);
  const core = await startCore({ root: args.root, dataFolder: data, host: 'electron' });
  const control = await serveControl(data, {
    onConnection: (port) => void core.app.attach(port),
    onYield: () => false,
  });
  running.app = core.app;
  running.stop = async () => {
    await core.stop();
    control.dispose();
  };
  for (const port of waiting) core.app.attach(messagePort(port));
  void core.app.resume();
}

main().catch(failStart);
