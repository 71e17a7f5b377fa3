export { createPki } from './pki.ts';
