import type { App } from '#core/app';
import { makeRoom, serveControl } from '#node/control';
import { endOnSignals, startCore } from '#node/host';
import { prepareDataFolder } from '#node/paths';

/** How long a background host without clusters and callers stays. */
const idleLimitMs = 5000;
const lookMs = 500;

/** Serves the command line without a window, until it has had no cluster and no caller for a while. */
export async function runDaemon(root: string, dataFolder: string): Promise<void> {
  const data = prepareDataFolder(dataFolder);
  await makeRoom(data);
  const core = await startCore({ root, dataFolder: data, host: 'web' });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    clearInterval(watch);
    await core.stop();
    // The one who waits for room sees the socket close when all files are closed.
    control.dispose();
  };
  const control = await serveControl(data, {
    onConnection: (port) => void core.app.attach(port),
    onYield: () => {
      void stop().then(() => process.exit(0));
      return true;
    },
  });
  endOnSignals(stop);
  const resumed = core.app.resume();
  let idleMs = 0;
  const watch = setInterval(() => {
    void resumed
      .then(() => clusterCount(core.app))
      .then((count) => {
        idleMs = count === 0 && control.connectionCount === 0 ? idleMs + lookMs : 0;
        if (idleMs >= idleLimitMs) return stop().then(() => process.exit(0));
        return undefined;
      });
  }, lookMs);
}

async function clusterCount(app: App): Promise<number> {
  return (await app.clusters()).length;
}
