export { openPort, probe } from './open-port.ts';
export { pagePort } from './page-port.ts';
export { socketPort } from './socket-port.ts';
