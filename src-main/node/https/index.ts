export { onMessages, sendMessage, socketChannel } from './byte-channel.ts';
export { PortTakenError } from './errors.ts';
export { type ApiListener, serveApi, type ServeApiOptions } from './listener.ts';
export { SpdyClient } from './spdy-client.ts';
