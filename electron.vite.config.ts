import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

const at = (path: string): string => resolve(import.meta.dirname, path);

/**
 * Escapes what is not ASCII. V8 keeps the source of a module as long as it lives, and a single arrow in a comment would
 * double it: two bytes for each character, in every thread that loads it.
 */
const asciiOutput: Plugin = {
  name: 'ascii-output',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle))
      if (chunk.type === 'chunk')
        chunk.code = chunk.code.replace(
          /[\u0080-\uffff]/g,
          (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
  },
};

// One build for Node, with an entry for each process; the packages of `dependencies` stay outside the bundles.
// Entries alone may ask where they lie (`import.meta.dirname`): shared code ends in out/main/chunks.
export default defineConfig({
  main: {
    plugins: [asciiOutput],
    build: {
      outDir: at('out/main'),
      // node-pty is optional, because it has to be compiled; playwright-core is for measurements alone.
      externalizeDeps: { include: ['node-pty', 'playwright-core'] },
      rolldownOptions: {
        input: {
          electron: at('src-main/electron/main.ts'),
          core: at('src-main/electron/core-process.ts'),
          web: at('src-main/web/main.ts'),
          cli: at('src-main/cli/main.ts'),
          bench: at('src-main/tools/bench/main.ts'),
          'engine-worker': at('src-main/node/engine/worker.ts'),
        },
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: at('out/preload'),
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: at('src-main/preload/preload.ts') },
        // A sandboxed preload script must be CommonJS.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: at('src-renderer'),
    plugins: [svelte({ configFile: at('svelte.config.js') })],
    build: {
      outDir: at('out/renderer'),
      rolldownOptions: {
        input: { index: at('src-renderer/index.html') },
        // How long a build takes on a slow machine says nothing to who starts the app.
        checks: { bundlerTimings: false },
      },
    },
  },
});
