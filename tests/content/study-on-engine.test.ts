import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallContext, type DomainHandlers, studyDomain } from '#core/app';
import { liveBlocks } from '#core/study';
import { readStudyContent } from '#node/content';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';
import { startStudy } from '#tests/study';

const content = readStudyContent(path.resolve('content'));
/** Simulated time a command of a lesson may take. */
const commandLimitMs = 300_000;

let started: TestEngine;
beforeAll(async () => {
  started = await startEngine();
});
afterAll(() => started.stop());

describe.each(content.lessons)('lesson $lessonId on the engine', (lesson) => {
  test(
    'every command ends with 0, in the order of the lesson',
    { timeout: 120_000 },
    async () => {
      const { engine } = started;
      const { clusterId } = await engine.create(
        clusterSpec({ clusterId: lesson.lessonId, topology: lesson.topology }),
      );
      // Commands wait in simulated time; nobody waits for it here.
      await engine.setSpeed(clusterId, 100);
      const failed: string[] = [];
      for (const block of liveBlocks(lesson.blocks.en)) {
        if (block.kind !== 'command') continue;
        const { exitCode, stdout, stderr } = await engine.run(
          clusterId,
          block.host,
          block.command,
          { timeoutMs: commandLimitMs },
        );
        if (exitCode !== 0) failed.push(`${block.blockId} (${exitCode}): ${stderr}${stdout}`);
      }
      await engine.remove(clusterId);
      expect(failed).toEqual([]);
    },
  );
});

describe('command cards on the engine', () => {
  const cards = content.cards.filter((card) => card.kind === 'command');
  const context = { progress: () => undefined } as unknown as CallContext;
  let handlers: DomainHandlers;
  beforeAll(() => {
    const { study } = startStudy({ content });
    const backups = {
      list: () => [],
      create: () => Promise.reject(new Error('not asked for')),
      restore: () => Promise.resolve(),
    };
    handlers = studyDomain({ study, engine: started.engine, backups })(() => undefined);
  });

  test.each(cards)('$cardId: doing nothing is wrong, the answer is right', async (card) => {
    const check = (answer: string) =>
      handlers['review.check']?.({ cardId: card.cardId, answer, language: 'en' }, context);
    expect(await check('true')).toMatchObject({ correct: false });
    expect(await check(card.answer)).toEqual({
      correct: true,
      explanation: card.back?.en ?? 'Correct.',
    });
  });
});
