export { type CallContext, type Connection, type Handlers, serve } from './serve.ts';
