import { type Session, shell, type WebContents } from 'electron';
import { isAppUrl, isExternalAllowed } from './locks.ts';

/** Refuses every permission: camera, notifications, clipboard reading, files, devices, opening of programs. */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, callback) =>
    // Copying by the page's own button.
    callback(permission === 'clipboard-sanitized-write'),
  );
  session.setPermissionCheckHandler(
    (_contents, permission) => permission === 'clipboard-sanitized-write',
  );
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, callback) => callback({}));
  // The page has no way to the network: neither by itself nor by a lesson's text.
  session.webRequest.onBeforeRequest((details, callback) =>
    callback({ cancel: !isAppUrl(details.url) && !/^(data|blob|devtools):/.test(details.url) }),
  );
}

/** Keeps contents on our page: no navigation elsewhere, no windows, no webviews; known links go to the browser. */
export function lockContents(contents: WebContents): void {
  const openOutside = (url: string): void => {
    if (isExternalAllowed(url)) void shell.openExternal(url);
  };
  contents.on('will-navigate', (event) => {
    if (isAppUrl(event.url)) return;
    event.preventDefault();
    openOutside(event.url);
  });
  contents.on('will-frame-navigate', (event) => {
    if (!isAppUrl(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    if (!isAppUrl(event.url)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: 'deny' };
  });
}
