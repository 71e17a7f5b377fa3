import path from 'node:path';
import { readStudyContent, readTasks } from '#node/content';
import { startStudy } from '#tests/study';
import { describe, expect, test } from 'vitest';

const folder = path.resolve('content');
const { cards, lessons } = readStudyContent(folder);
const { study } = startStudy({ content: { cards, lessons } });
const ids = new Set(cards.map(({ cardId }) => cardId));

describe.each(readTasks(folder))('who fails $id', ({ checks, cards: named = [], competencies }) => {
  test('has cards to look at again', () => {
    const misses = checks.flatMap(({ miss = [] }) => miss.flatMap((each) => each.cards ?? []));
    expect([...misses, ...named].filter((card) => !ids.has(card))).toEqual([]);
    const ofTopic = named.length > 0 ? named : study.cardsOf(competencies, 10);
    expect(ofTopic.length).toBeGreaterThan(0);
    expect(ofTopic.length).toBeLessThanOrEqual(10);
  });
});
