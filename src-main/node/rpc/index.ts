export { messagePort, type PortLike } from './message-port.ts';
export { type SocketLike, webSocketPort } from './websocket-port.ts';
