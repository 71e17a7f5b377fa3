export { createLocalShell, findOnPath, loadPty, shellEnvironment } from './local-shell.ts';
