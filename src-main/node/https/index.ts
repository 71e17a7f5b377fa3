export { PortTakenError } from './errors.ts';
export { type ApiListener, serveApi, type ServeApiOptions } from './listener.ts';
