import { startHost } from '../host.ts';
import type { Figure } from '../measure.ts';
import { type Part, webProgram } from './context.ts';

/** From the start of the process to the first answer of the core: the first time, and with data there. */
export const start: Part = async ({ root, dataFolder }) => {
  const figures: Figure[] = [];
  for (const name of ['start, nothing there yet', 'start, data there']) {
    const started = performance.now();
    const host = await startHost(webProgram(root), dataFolder);
    figures.push({ name, value: performance.now() - started, unit: 'ms', limit: { atMost: 1500 } });
    await host.stop();
  }
  return figures;
};
