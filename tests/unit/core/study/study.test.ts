import { describe, expect, test } from 'vitest';
import { type Grade, Study } from '#core/study';
import { basicCard, lesson, numberedCards, startStudy, TestClock } from '#tests/study';

const minuteMs = 60_000;
const dayMs = 86_400_000;

describe('the schedule', () => {
  test('intervals of a card always answered good are those of FSRS-6', () => {
    const { study, clock } = startStudy({ content: { cards: numberedCards(1) } });
    const days: number[] = [];
    for (let answer = 0; answer < 7; answer++) {
      const before = clock.now();
      study.answer('card-1', 'good', 1000);
      const due = study.review().nextDueMs ?? 0;
      days.push(Math.round((due - before) / dayMs));
      clock.nowMs = due;
    }
    expect(days).toEqual([0, 2, 11, 46, 163, 498, 1348]);
  });

  test('a new card shows what each grade would do', () => {
    const { intervalsMs, state } = startStudy().study.review();
    expect(state).toBe('new');
    expect(intervalsMs).toMatchObject({ again: minuteMs, good: 10 * minuteMs });
    expect(intervalsMs.easy).toBeGreaterThan(5 * dayMs);
  });

  test('before the exam no interval jumps past it', () => {
    const { study } = startStudy();
    study.updateSettings({ examDate: '2026-03-06' });
    expect(study.daysToExam()).toBe(4);
    expect(study.review().intervalsMs.easy).toBeLessThanOrEqual(3 * dayMs);
  });
});

describe('the queue', () => {
  test('new cards stop at the limit of the day and go on the next', () => {
    const { study, clock } = startStudy({ content: { cards: numberedCards(5) } });
    study.updateSettings({ newCardsPerDay: 2 });
    expect(study.review().counts).toEqual({ newCards: 2, learning: 0, due: 0, done: 0 });
    study.answer('card-1', 'easy', 1000);
    study.answer('card-2', 'easy', 1000);
    expect(study.review()).toMatchObject({
      card: null,
      counts: { newCards: 0, learning: 0, due: 0, done: 2 },
    });
    clock.passDays(1);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-3' }, counts: { newCards: 2 } });
  });

  test('a learning step that is due comes before anything else', () => {
    const { study, clock } = startStudy();
    study.answer('card-1', 'again', 1000);
    expect(study.review().card?.cardId).toBe('card-2');
    clock.pass(minuteMs);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-1' }, state: 'learning' });
  });

  test('a learning step is taken early when nothing else is left', () => {
    const { study } = startStudy({ content: { cards: numberedCards(1) } });
    study.answer('card-1', 'good', 1000);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-1' }, counts: { learning: 1 } });
  });

  test('the day ends at four in the morning, local time', () => {
    const clock = new TestClock('2026-03-02T23:00:00+09:00');
    const { study } = startStudy({ clock, content: { cards: numberedCards(4) } });
    study.updateSettings({ newCardsPerDay: 1 });
    study.answer('card-1', 'easy', 1000);
    clock.pass(4 * 60 * minuteMs + 59 * minuteMs);
    expect(study.review()).toMatchObject({ card: null, counts: { done: 1 }, canUndo: true });
    clock.pass(minuteMs);
    expect(study.review()).toMatchObject({
      card: { cardId: 'card-2' },
      counts: { done: 0 },
      canUndo: false,
    });
  });

  test('cards of a lesson that was begun come first', () => {
    const cards = [basicCard('a'), basicCard('b', { lessonId: 'two' })];
    const { study } = startStudy({ content: { cards } });
    study.markDone('two', 'look');
    expect(study.review().card?.cardId).toBe('b');
  });

  test('what was failed elsewhere is due now, once, beyond the limit of the day', () => {
    const { study, clock } = startStudy();
    study.updateSettings({ newCardsPerDay: 0 });
    study.bringForward(['card-3', 'no such card']);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-3' }, counts: { newCards: 1 } });
    study.answer('card-3', 'easy', 1000);
    expect(study.review().card).toBeNull();
    study.undo();
    expect(study.review().card?.cardId).toBe('card-3');
    study.answer('card-3', 'easy', 1000);
    clock.pass(minuteMs);
    study.bringForward(['card-3']);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-3' }, counts: { due: 1 } });
  });
});

describe('undo', () => {
  test('takes back one answer after the other, to the first of the day', () => {
    const { study, clock } = startStudy();
    const start = study.review();
    study.answer('card-1', 'easy', 1000);
    study.answer('card-2', 'again', 1000);
    expect(study.undo()).toBe(true);
    expect(study.review()).toMatchObject({ card: { cardId: 'card-2' }, state: 'new' });
    expect(study.undo()).toBe(true);
    expect(study.review()).toEqual(start);
    expect(study.undo()).toBe(false);
    study.answer('card-1', 'good', 1000);
    clock.passDays(1);
    expect(study.undo()).toBe(false);
  });

  test('survives a restart, and the log keeps what was taken back', () => {
    const { study, repository, database, clock } = startStudy();
    study.answer('card-1', 'good', 4321);
    study.answer('card-1', 'good', 1000);
    const again = new Study({ content: study.content, repository, clock });
    again.undo();
    expect(again.review().card?.cardId).toBe('card-2');
    expect(database.prepare('SELECT grade, duration_ms, undone_ms FROM reviews').all()).toEqual([
      { grade: 'good', duration_ms: 4321, undone_ms: null },
      { grade: 'good', duration_ms: 1000, undone_ms: clock.now() },
    ]);
    expect(repository.memories().get('card-1')).toEqual(repository.lastReview()?.after);
  });
});

describe('statistics', () => {
  test('retention counts answers to cards of three weeks and more', () => {
    const { study, clock } = startStudy({ content: { cards: numberedCards(2) } });
    expect(study.statistics().retention).toBeNull();
    const answer = (cardId: string, grade: Grade): void => study.answer(cardId, grade, 1000);
    for (const cardId of ['card-1', 'card-2']) answer(cardId, 'easy');
    clock.passDays(10);
    for (const cardId of ['card-1', 'card-2']) answer(cardId, 'easy');
    clock.passDays(120);
    answer('card-1', 'good');
    answer('card-2', 'again');
    expect(study.statistics()).toMatchObject({ retention: 0.5, reviewsTotal: 6 });
  });

  test('heatmap, forecast and streak go by study days', () => {
    const { study, clock } = startStudy();
    study.answer('card-1', 'easy', 1000);
    clock.passDays(1);
    study.answer('card-2', 'easy', 1000);
    study.answer('card-3', 'easy', 1000);
    const { heatmap, forecast } = study.statistics();
    expect(heatmap).toHaveLength(365);
    expect(heatmap.slice(-3)).toEqual([
      { day: '2026-03-01', reviews: 0 },
      { day: '2026-03-02', reviews: 1 },
      { day: '2026-03-03', reviews: 2 },
    ]);
    expect(forecast).toHaveLength(30);
    expect(forecast[0]).toEqual({ day: '2026-03-03', due: 0 });
    expect(forecast.reduce((sum, { due }) => sum + due, 0)).toBe(3);
    expect(study.streakDays()).toBe(2);
    clock.passDays(1);
    expect(study.streakDays()).toBe(2);
    clock.passDays(1);
    expect(study.streakDays()).toBe(0);
  });

  test('readiness is nothing without evidence, then half cards, half tasks', () => {
    const { study, clock } = startStudy({ content: { cards: numberedCards(2) } });
    const title = { ko: '', en: '' };
    const task = (bestScore: number | null) => [
      { taskId: 't', title, domain: 'workloads' as const, bestScore },
    ];
    const ready = (tasks: Parameters<Study['readiness']>[0]) =>
      study.readiness(tasks).find(({ domain }) => domain === 'workloads');
    expect(ready(task(null))?.readiness).toBeNull();
    study.answer('card-1', 'easy', 1000);
    clock.pass(minuteMs);
    expect(ready([])?.readiness).toBeCloseTo(0.5, 2);
    expect(ready(task(1))).toMatchObject({
      weight: 15,
      cardsSeen: 1,
      cardsTotal: 2,
      tasksSolved: 1,
      tasksTotal: 1,
    });
    expect(ready(task(1))?.readiness).toBeCloseTo(0.75, 2);
  });
});

describe('lessons', () => {
  test('steps are told in the order of the lesson, and the next lesson is the one begun', () => {
    const { study } = startStudy();
    expect(study.nextLesson()?.lessonId).toBe('one');
    study.markDone('two', 'ask');
    expect(study.nextLesson()?.lessonId).toBe('two');
    study.markDone('two', 'look');
    study.markDone('two', 'look');
    expect(study.stepsDone('two')).toEqual(['look', 'ask']);
    expect(study.nextLesson()?.lessonId).toBe('one');
  });

  test('what is not there is named', () => {
    const { study } = startStudy({ content: { lessons: [lesson('one')] } });
    expect(() => study.markDone('one', 'x')).toThrow('lesson one has no block "x"');
    expect(() => study.stepsDone('x')).toThrow('there is no lesson "x"');
    expect(() => study.answer('x', 'good', 0)).toThrow('there is no card "x"');
  });
});

describe('settings', () => {
  test.each([
    {
      changes: { desiredRetention: 0.5 },
      error: 'settings: desiredRetention must be a number from 0.7 to 0.99',
    },
    {
      changes: { newCardsPerDay: 1.5 },
      error: 'settings: newCardsPerDay must be a whole number from 0 to 500',
    },
    {
      changes: { examDate: '2026-02-30' },
      error: 'settings: examDate must be a date such as 2026-12-31, or null',
    },
    { changes: { theme: 'pink' }, error: 'settings: theme must be one of system, light, dark' },
    { changes: { colour: 1 }, error: 'settings: there is no "colour"' },
    { changes: { vimKeys: 1 }, error: 'settings: vimKeys must be true or false' },
  ])('$error', ({ changes, error }) => {
    const { study } = startStudy();
    const before = study.settings();
    expect(() => study.updateSettings({ terminalFontSize: 20, ...changes })).toThrow(error);
    expect(study.settings()).toEqual(before);
  });

  test('what is changed is kept, the rest are the defaults; what is unreadable falls back', () => {
    const { study, repository } = startStudy();
    study.updateSettings({ examDate: '2026-12-31', vimKeys: true });
    repository.saveSettings({ theme: 'from another version' });
    expect(study.settings()).toEqual({
      language: 'system',
      theme: 'system',
      examDate: '2026-12-31',
      newCardsPerDay: 15,
      desiredRetention: 0.9,
      terminalFontSize: 14,
      vimKeys: true,
    });
  });
});
