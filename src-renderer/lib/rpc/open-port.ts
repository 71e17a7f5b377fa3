import type { CoreFrame, FramePort, RendererFrame } from '#contract';
import { pagePort } from './page-port.ts';
import { socketPort } from './socket-port.ts';

const waitMs = 20_000;

/**
 * Opens the way to the core. Pages served over HTTP open a WebSocket to `/rpc` of their own origin; in the
 * desktop app the preload script posts the window message `core-port` with a MessagePort.
 * @throws Error nobody answered, in words a person can read.
 */
export function openPort(): Promise<FramePort<RendererFrame, CoreFrame>> {
  return location.protocol.startsWith('http') ? openSocket() : receivePort();
}

async function openSocket(): Promise<FramePort<RendererFrame, CoreFrame>> {
  return socketPort(await connect());
}

function connect(): Promise<WebSocket> {
  const address = new URL('/rpc', location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    socket.addEventListener('open', () => resolve(socket), { once: true });
    socket.addEventListener(
      'error',
      () => reject(new Error(`No connection to the core at ${address.href}.`)),
      { once: true },
    );
  });
}

/** Whether the core can be reached again; the page may then be loaded anew. */
export async function probe(): Promise<boolean> {
  if (!location.protocol.startsWith('http')) return true;
  try {
    (await connect()).close(1000);
    return true;
  } catch {
    return false;
  }
}

function receivePort(): Promise<FramePort<RendererFrame, CoreFrame>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      window.removeEventListener('message', receive);
      reject(new Error('The desktop app handed over no port to the core.'));
    }, waitMs);
    const receive = (event: MessageEvent<unknown>): void => {
      const [port] = event.ports;
      if (event.source !== window || event.data !== 'core-port' || port === undefined) return;
      clearTimeout(timer);
      window.removeEventListener('message', receive);
      resolve(pagePort(port));
    };
    window.addEventListener('message', receive);
  });
}
