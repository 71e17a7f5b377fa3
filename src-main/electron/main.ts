import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { app, BrowserWindow, dialog, MessageChannelMain, protocol, session } from 'electron';
import { appPaths, defaultDataFolder } from '#node/paths';
import { answerPageRequest } from './app-protocol.ts';
import { type CoreLink, startCoreProcess } from './core-link.ts';
import { onMessage } from './ipc.ts';
import { appOrigin, appScheme, windowPreferences } from './locks.ts';
import { installMenu } from './menu.ts';
import { denyPermissions, lockContents } from './session-locks.ts';

// The desktop host: one window, and the core in a utility process.
const root = resolve(import.meta.dirname, '../..');
const paths = appPaths(root);

app.enableSandbox();
protocol.registerSchemesAsPrivileged([
  { scheme: appScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);
app.on('web-contents-created', (_event, contents) => lockContents(contents));

const { values } = parseArgs({
  args: process.argv.slice(app.isPackaged ? 1 : 2),
  options: { data: { type: 'string' } },
  strict: false,
});
const dataFolder = resolve(typeof values.data === 'string' ? values.data : defaultDataFolder());
// Chromium's own files stay apart from the user's.
app.setPath('userData', join(dataFolder, 'electron'));

if (app.requestSingleInstanceLock()) void run();
else app.quit();

async function run(): Promise<void> {
  await app.whenReady();
  denyPermissions(session.defaultSession);
  protocol.handle(appScheme, (request) => answerPageRequest(paths.page, request.url));
  installMenu();
  const core = startCoreProcess(
    join(root, 'out', 'main', 'core.js'),
    { root, dataFolder },
    (message) => {
      dialog.showErrorBox('Kijabi', message);
      app.exit(1);
    },
  );
  onMessage('connect-core', (event) => {
    const { port1, port2 } = new MessageChannelMain();
    core.connect(port1);
    event.senderFrame?.postMessage('core-port', null, [port2]);
  });
  openWindow();
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openWindow();
  });
  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  stopCoreBeforeQuit(core);
}

/** The app ends only after the core has written what it holds. */
function stopCoreBeforeQuit(core: CoreLink): void {
  let stopped = false;
  app.on('before-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    void core.stop().then(() => {
      stopped = true;
      app.quit();
    });
  });
}

function openWindow(): void {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 960,
    minHeight: 600,
    show: false,
    title: 'Kijabi',
    webPreferences: { ...windowPreferences, preload: join(root, 'out/preload/preload.cjs') },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(`${appOrigin}/`);
}
