import { ipcRenderer } from 'electron';

// Hands the page a port to the core and nothing of Electron. The page is asked for first, so that its listener
// is there before the port.
ipcRenderer.on('core-port', (event) => {
  window.postMessage('core-port', window.location.origin, [...event.ports]);
});
window.addEventListener('DOMContentLoaded', () => ipcRenderer.send('connect-core'));
