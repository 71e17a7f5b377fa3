export { callLoopback } from './loopback-https.ts';
