import { quantile, timed, times } from '../measure.ts';
import { type Part, withHost } from './context.ts';

/** Answers to cards, each durable and with the next card in it. */
export const cards: Part = (context) =>
  withHost(context, async ({ rpc }) => {
    await rpc.call('settings.update', { changes: { newCardsPerDay: 500 } });
    let { card } = await rpc.call('review.get', { language: 'en' });
    const taken = await times(80, async () => {
      if (!card) throw new Error('there are fewer cards than answers');
      const { cardId } = card;
      const answer = { cardId, grade: 'good', durationMs: 1000, language: 'en' } as const;
      ({ card } = await rpc.call('review.answer', answer));
    });
    return [
      { name: 'answer a card, p50', value: quantile(taken, 0.5), unit: 'ms' },
      { name: 'answer a card, p99', value: quantile(taken, 0.99), unit: 'ms' },
    ];
  });

/** Every task: started, checked and reset. */
export const tasks: Part = (context) =>
  withHost(context, async ({ rpc }) => {
    const [started, checked, reset]: [number[], number[], number[]] = [[], [], []];
    for (const { taskId } of await rpc.call('tasks.list', {})) {
      const session = { id: '' };
      started.push(
        await timed(async () => {
          const start = { taskId, seed: 'bench', language: 'en' } as const;
          session.id = (await rpc.call('tasks.start', start)).sessionId;
        }),
      );
      const call = { sessionId: session.id, language: 'en' } as const;
      checked.push(await timed(() => rpc.call('tasks.check', call)));
      reset.push(await timed(() => rpc.call('tasks.reset', call)));
      await rpc.call('tasks.end', { sessionId: session.id });
    }
    const longest = (values: readonly number[]): number => Math.max(...values);
    return [
      { name: 'start a task, median', value: quantile(started, 0.5), unit: 'ms' },
      { name: 'start a task, longest', value: longest(started), unit: 'ms' },
      { name: 'check a task, median', value: quantile(checked, 0.5), unit: 'ms' },
      { name: 'check a task, longest', value: longest(checked), unit: 'ms' },
      { name: 'reset a task, median', value: quantile(reset, 0.5), unit: 'ms' },
      { name: 'reset a task, longest', value: longest(reset), unit: 'ms', limit: { atMost: 300 } },
    ];
  });
