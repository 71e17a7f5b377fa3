import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';

const at = (path: string): string => resolve(import.meta.dirname, path);

// One build for Node, with an entry for each process; the packages of `dependencies` stay outside the bundles.
// Entries alone may ask where they lie (`import.meta.dirname`): shared code ends in out/main/chunks.
export default defineConfig({
  main: {
    build: {
      outDir: at('out/main'),
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
      rolldownOptions: { input: { index: at('src-renderer/index.html') } },
    },
  },
});
