/** The scheme under which the page is served; no `file://`, whose pages may read each other. */
export const appScheme = 'app';
export const appOrigin = `${appScheme}://kijabi`;

/** Sites that a link of a lesson may open in the browser, subdomains included. */
const externalHosts: readonly string[] = [
  'kubernetes.io',
  'k8s.io',
  'helm.sh',
  'cncf.io',
  'linuxfoundation.org',
  'etcd.io',
  'containerd.io',
  'docs.cilium.io',
  'docs.tigera.io',
];

/** Whether a window may show this address. */
export function isAppUrl(text: string): boolean {
  const url = parse(text);
  return url?.protocol === `${appScheme}:` && url.host === 'kijabi';
}

/** Whether a link may be handed to the system's browser: https to a known site, with nothing hidden in it. */
export function isExternalAllowed(text: string): boolean {
  const url = parse(text);
  if (url?.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '')
    return false;
  return externalHosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`));
}

/** What a frame that sends a message must be: our page, and the top one. */
export interface Sender {
  readonly url: string;
  readonly parent: unknown;
}

/** Whether an IPC message may be believed. */
export function isTrustedSender(frame: Sender | null | undefined): boolean {
  return frame !== null && frame !== undefined && frame.parent === null && isAppUrl(frame.url);
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Preferences of every window; the ones that are Electron's own defaults are said again, so that a test can hold them. */
export const windowPreferences = {
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  contextIsolation: true,
  sandbox: true,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false,
} as const;

/**
 * Switches inside the packaged binary, to be set and read back when the app is packaged.
 * With `runAsNode` off the kubectl shim of local shells needs a Node.js of the computer.
 * @see Electron, docs/tutorial/fuses.md
 */
export const fuses = {
  runAsNode: false,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
} as const;
