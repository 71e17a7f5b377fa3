export {
  connectControl,
  type ControlSocket,
  controlSocketPath,
  HostRunningError,
  makeRoom,
  serveControl,
} from './control-socket.ts';
export { socketPort, type SocketPort } from './socket-port.ts';
