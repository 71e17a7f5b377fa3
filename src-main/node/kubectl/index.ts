export { runLocalKubectl } from './local-kubectl.ts';
