import path from 'node:path';
import { Study, type Card, type Lesson, type StudyClock, type StudyContent } from '#core/study';
import { createStudyRepository, openDatabase } from '#node/sqlite';

export const migrationsDirectory = path.resolve('db/migrations');

/** A wall clock that stands still until it is moved; nine hours ahead of UTC unless said. */
export class TestClock implements StudyClock {
  nowMs: number;
  readonly #offset: number;

  constructor(start = '2026-03-02T09:00:00+09:00', offset = 540) {
    this.nowMs = Date.parse(start);
    this.#offset = offset;
  }

  now(): number {
    return this.nowMs;
  }

  offsetMinutes(): number {
    return this.#offset;
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
  }

  passDays(days: number): void {
    this.pass(days * 86_400_000);
  }
}

export function basicCard(cardId: string, overrides: Partial<Card> = {}): Card {
  const text = { ko: `${cardId} ko`, en: `${cardId} en` };
  return {
    cardId,
    kind: 'basic',
    lessonId: 'one',
    domain: 'workloads',
    competencies: ['wl.deployments'],
    front: text,
    back: text,
    ...overrides,
  } as Card;
}

export function lesson(lessonId: string, overrides: Partial<Lesson> = {}): Lesson {
  const blocks: Lesson['blocks']['en'] = [
    { kind: 'prose', markdown: 'text' },
    { kind: 'command', blockId: 'look', command: 'kubectl get nodes', host: 'controlplane' },
    {
      kind: 'quiz',
      blockId: 'ask',
      question: 'which?',
      options: ['this', 'that'],
      answer: 1,
      why: 'because',
    },
  ];
  return {
    lessonId,
    title: { ko: lessonId, en: lessonId },
    summary: { ko: '', en: '' },
    domain: 'workloads',
    competencies: ['wl.deployments'],
    note: 'N0',
    minutes: 5,
    topology: 'base+1cp+2w',
    blocks: { ko: blocks, en: blocks },
    ...overrides,
  };
}

export const numberedCards = (count: number): Card[] =>
  Array.from({ length: count }, (_, index) => basicCard(`card-${index + 1}`));

/** Study over a real database, in memory unless a file is given. */
export function startStudy(options: { content?: Partial<StudyContent>; clock?: TestClock } = {}) {
  const clock = options.clock ?? new TestClock();
  const database = openDatabase(':memory:', { migrationsDirectory, now: () => clock.now() });
  const repository = createStudyRepository(database);
  const content = {
    lessons: [lesson('one'), lesson('two', { note: 'N1' })],
    cards: numberedCards(3),
    ...options.content,
  };
  return { study: new Study({ content, repository, clock }), repository, database, clock };
}
