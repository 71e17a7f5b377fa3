import { resolve } from 'node:path';
import type { App } from '#core/app';
import { makeRoom, serveControl } from '#node/control';
import { endOnSignals, failStart, startCore } from '#node/host';
import { appPaths, defaultDataFolder, prepareDataFolder } from '#node/paths';
import { openBrowser } from './open-browser.ts';
import { parseWebOptions, usage } from './options.ts';
import { startWebServer } from './server.ts';

// The web host: the core and its page on 127.0.0.1, in one plain Node process.
const root = resolve(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const options = parseWebOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return;
  }
  const dataFolder = prepareDataFolder(options.data ?? defaultDataFolder());
  // A background host must have let go of the files before they are opened here.
  await makeRoom(dataFolder);
  const connect: { attach?: (port: Parameters<App['attach']>[0]) => void } = {};
  const server = await startWebServer({
    pageRoot: appPaths(root).page,
    port: options.port,
    // Nobody knows the link before it is printed below.
    onConnection: (port) => connect.attach?.(port),
  });
  const core = await startCore({ root, dataFolder, host: 'web' });
  connect.attach = (port) => void core.app.attach(port);
  const control = await serveControl(dataFolder, {
    onConnection: (port) => void core.app.attach(port),
    onYield: () => false,
  });
  endOnSignals(async () => {
    server.dispose();
    await core.stop();
    control.dispose();
  });
  void core.app.resume();
  console.log(`Kijabi: ${server.launchUrl}`);
  if (options.open && !(await openBrowser(server.launchUrl)))
    console.error('kijabi: no browser could be opened here: open the link above yourself');
}

main().catch(failStart);
