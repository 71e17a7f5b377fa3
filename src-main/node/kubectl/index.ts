export { connectionError } from './connection-errors.ts';
export { runLocalKubectl } from './local-kubectl.ts';
