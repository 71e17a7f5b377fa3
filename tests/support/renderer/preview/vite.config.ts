import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** Shows the real page with sample data and no core: `vite -c tests/support/renderer/preview/vite.config.ts`. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [svelte()],
  cacheDir: fileURLToPath(new URL('../../../../node_modules/.cache/preview', import.meta.url)),
  server: { port: 5199, strictPort: true },
});
