import type { MemoryState, Review, StoredReview, StudyRepository } from '#core/study';
import type { Connection } from './connection.ts';

interface MemoryRow {
  readonly card_id: string;
  readonly state: MemoryState['state'];
  readonly due_ms: number;
  readonly stability_days: number;
  readonly difficulty: number;
  readonly scheduled_days: number;
  readonly learning_step: number;
  readonly reps: number;
  readonly lapses: number;
  readonly last_review_ms: number;
}

interface ReviewRow {
  readonly review_id: number;
  readonly card_id: string;
  readonly reviewed_ms: number;
  readonly grade: Review['grade'];
  readonly duration_ms: number;
  readonly before_json: string | null;
  readonly after_json: string;
  readonly brought_forward: 0 | 1;
  readonly scheduler: string;
}

/** Lessons, cards and settings in the database of progress. */
export function createStudyRepository(database: Connection): StudyRepository {
  const memories = database.prepare<[], MemoryRow>('SELECT * FROM card_memories');
  const putMemory = database.prepare(
    `INSERT OR REPLACE INTO card_memories
       (card_id, state, due_ms, stability_days, difficulty, scheduled_days, learning_step, reps, lapses,
        last_review_ms)
     VALUES (@cardId, @state, @dueMs, @stability, @difficulty, @scheduledDays, @learningStep, @reps, @lapses,
        @lastReviewMs)`,
  );
  const dropMemory = database.prepare('DELETE FROM card_memories WHERE card_id = ?');
  const putReview = database.prepare(
    `INSERT INTO reviews
       (card_id, reviewed_ms, grade, duration_ms, before_json, after_json, interval_days, brought_forward, scheduler)
     VALUES (@cardId, @reviewedMs, @grade, @durationMs, @beforeJson, @afterJson, @intervalDays, @broughtForward,
       @scheduler)`,
  );
  const lastReview = database.prepare<[], ReviewRow>(
    `SELECT review_id, card_id, reviewed_ms, grade, duration_ms, before_json, after_json, brought_forward, scheduler
     FROM reviews WHERE undone_ms IS NULL ORDER BY review_id DESC LIMIT 1`,
  );
  const markUndone = database.prepare(
    'UPDATE reviews SET undone_ms = ? WHERE review_id = ? AND undone_ms IS NULL',
  );
  const reviewTimes = database
    .prepare<[number], number>(
      'SELECT reviewed_ms FROM reviews WHERE undone_ms IS NULL AND reviewed_ms >= ? ORDER BY reviewed_ms',
    )
    .pluck();
  const countReviews = database
    .prepare<[], number>('SELECT count(*) FROM reviews WHERE undone_ms IS NULL')
    .pluck();
  const countNew = database
    .prepare<[number], number>(
      `SELECT count(*) FROM reviews
       WHERE undone_ms IS NULL AND before_json IS NULL AND reviewed_ms >= ?`,
    )
    .pluck();
  const recall = database.prepare<[number], { total: number; recalled: number }>(
    `SELECT count(*) AS total, count(*) FILTER (WHERE grade <> 'again') AS recalled FROM reviews
     WHERE undone_ms IS NULL AND interval_days IS NOT NULL AND interval_days >= ?`,
  );
  const forward = database
    .prepare<[], string>('SELECT card_id FROM cards_brought_forward ORDER BY brought_ms, card_id')
    .pluck();
  const putForward = database.prepare(
    'INSERT OR REPLACE INTO cards_brought_forward (card_id, brought_ms) VALUES (?, ?)',
  );
  const dropForward = database.prepare('DELETE FROM cards_brought_forward WHERE card_id = ?');
  const steps = database.prepare<[], { lesson_id: string; block_id: string }>(
    'SELECT lesson_id, block_id FROM lesson_steps ORDER BY done_ms, rowid',
  );
  const putStep = database.prepare(
    'INSERT OR IGNORE INTO lesson_steps (lesson_id, block_id, done_ms) VALUES (?, ?, ?)',
  );
  const settings = database.prepare<[], { name: string; value_json: string }>(
    'SELECT name, value_json FROM settings',
  );
  const putSetting = database.prepare(
    'INSERT OR REPLACE INTO settings (name, value_json) VALUES (?, ?)',
  );

  const addReview = database.transaction((review: Review): StoredReview => {
    const { before, after, broughtForward } = review;
    const { lastInsertRowid } = putReview.run({
      ...review,
      beforeJson: before && JSON.stringify(before),
      afterJson: JSON.stringify(after),
      intervalDays: before?.state === 'review' ? before.scheduledDays : null,
      broughtForward: Number(broughtForward),
      before: null,
      after: null,
    });
    putMemory.run({ cardId: review.cardId, ...after });
    if (broughtForward) dropForward.run(review.cardId);
    return { ...review, reviewId: Number(lastInsertRowid) };
  });
  const undoReview = database.transaction((review: StoredReview, atMs: number) => {
    if (markUndone.run(atMs, review.reviewId).changes === 0) return;
    if (review.before) putMemory.run({ cardId: review.cardId, ...review.before });
    else dropMemory.run(review.cardId);
    if (review.broughtForward) putForward.run(review.cardId, review.reviewedMs);
  });
  const addForward = database.transaction((cardIds: readonly string[], atMs: number) => {
    for (const cardId of cardIds) putForward.run(cardId, atMs);
  });
  const saveSettings = database.transaction((values: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(values)) putSetting.run(name, JSON.stringify(value));
  });

  return {
    memories: () => new Map(memories.all().map((row) => [row.card_id, memoryOf(row)])),
    broughtForward: () => forward.all(),
    addBroughtForward: (cardIds, atMs) => addForward(cardIds, atMs),
    addReview: (review) => addReview(review),
    lastReview: () => {
      const row = lastReview.get();
      return row && reviewOf(row);
    },
    undoReview: (review, atMs) => undoReview(review, atMs),
    reviewTimes: (sinceMs) => reviewTimes.all(sinceMs),
    countReviews: () => countReviews.get() ?? 0,
    countNew: (sinceMs) => countNew.get(sinceMs) ?? 0,
    recall: (minimumDays) => recall.get(minimumDays) ?? { total: 0, recalled: 0 },
    lessonSteps: () => {
      const done = new Map<string, string[]>();
      for (const { lesson_id, block_id } of steps.all())
        done.set(lesson_id, [...(done.get(lesson_id) ?? []), block_id]);
      return done;
    },
    addLessonStep: (lessonId, blockId, atMs) => void putStep.run(lessonId, blockId, atMs),
    settings: () =>
      Object.fromEntries(
        settings.all().map(({ name, value_json }) => [name, JSON.parse(value_json) as unknown]),
      ),
    saveSettings: (values) => saveSettings(values),
  };
}

function memoryOf(row: MemoryRow): MemoryState {
  return {
    state: row.state,
    dueMs: row.due_ms,
    stability: row.stability_days,
    difficulty: row.difficulty,
    scheduledDays: row.scheduled_days,
    learningStep: row.learning_step,
    reps: row.reps,
    lapses: row.lapses,
    lastReviewMs: row.last_review_ms,
  };
}

function reviewOf(row: ReviewRow): StoredReview {
  return {
    reviewId: row.review_id,
    cardId: row.card_id,
    reviewedMs: row.reviewed_ms,
    grade: row.grade,
    durationMs: row.duration_ms,
    before: row.before_json === null ? null : (JSON.parse(row.before_json) as MemoryState),
    after: JSON.parse(row.after_json) as MemoryState,
    broughtForward: row.brought_forward === 1,
    scheduler: row.scheduler,
  };
}
