-- Generated from db/migrations by `npm run generate`; do not edit.
PRAGMA user_version = 2;
CREATE TABLE card_memories (
  card_id TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('learning', 'review', 'relearning')),
  due_ms INTEGER NOT NULL,
  stability_days REAL NOT NULL CHECK (stability_days > 0),
  difficulty REAL NOT NULL CHECK (difficulty BETWEEN 1 AND 10),
  scheduled_days INTEGER NOT NULL CHECK (scheduled_days >= 0),
  learning_step INTEGER NOT NULL,
  reps INTEGER NOT NULL,
  lapses INTEGER NOT NULL,
  last_review_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX card_memories_by_due ON card_memories (due_ms);
CREATE TABLE reviews (
  review_id INTEGER NOT NULL PRIMARY KEY,
  card_id TEXT NOT NULL,
  reviewed_ms INTEGER NOT NULL,
  grade TEXT NOT NULL CHECK (grade IN ('again', 'hard', 'good', 'easy')),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  -- JSON of the memory; NULL before the first answer.
  before_json TEXT,
  after_json TEXT NOT NULL,
  -- Interval the card had come from; NULL unless it was in state review.
  interval_days INTEGER,
  brought_forward INTEGER NOT NULL CHECK (brought_forward IN (0, 1)),
  scheduler TEXT NOT NULL,
  undone_ms INTEGER
) STRICT;
CREATE INDEX reviews_by_time ON reviews (reviewed_ms) WHERE undone_ms IS NULL;
CREATE INDEX reviews_by_card ON reviews (card_id, reviewed_ms);
CREATE INDEX reviews_by_interval ON reviews (interval_days, grade)
  WHERE undone_ms IS NULL AND interval_days IS NOT NULL;
CREATE INDEX first_reviews ON reviews (reviewed_ms)
  WHERE undone_ms IS NULL AND before_json IS NULL;
CREATE TABLE cards_brought_forward (
  card_id TEXT NOT NULL PRIMARY KEY,
  brought_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE lesson_steps (
  lesson_id TEXT NOT NULL,
  block_id TEXT NOT NULL,
  done_ms INTEGER NOT NULL,
  PRIMARY KEY (lesson_id, block_id)
) STRICT;
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value_json TEXT NOT NULL
) STRICT;
CREATE TABLE practice_sessions (
  session_id TEXT NOT NULL PRIMARY KEY,
  task_id TEXT NOT NULL,
  seed TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  -- NULL while it runs.
  ended_ms INTEGER CHECK (ended_ms >= started_ms),
  hints_shown INTEGER NOT NULL CHECK (hints_shown >= 0),
  solution_shown INTEGER NOT NULL CHECK (solution_shown IN (0, 1)),
  resets INTEGER NOT NULL CHECK (resets >= 0),
  -- Objects as they were at the start, JSON by reference.
  baseline TEXT NOT NULL CHECK (json_valid(baseline))
) STRICT;
CREATE INDEX practice_sessions_open ON practice_sessions (ended_ms) WHERE ended_ms IS NULL;
CREATE TABLE task_attempts (
  attempt_id INTEGER NOT NULL PRIMARY KEY,
  -- A practice session, or a task of an exam: `<exam session>/<index>`.
  session_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  seed TEXT NOT NULL,
  graded_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  points REAL NOT NULL CHECK (points >= 0),
  earned REAL NOT NULL CHECK (earned BETWEEN 0 AND points),
  hints_shown INTEGER NOT NULL CHECK (hints_shown >= 0),
  solution_shown INTEGER NOT NULL CHECK (solution_shown IN (0, 1)),
  in_exam INTEGER NOT NULL CHECK (in_exam IN (0, 1))
) STRICT;
CREATE INDEX task_attempts_by_task ON task_attempts (task_id, graded_ms);
CREATE TABLE exam_sessions (
  session_id TEXT NOT NULL PRIMARY KEY,
  exam_id TEXT NOT NULL,
  seed TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL CHECK (ends_ms > started_ms),
  -- NULL while it runs.
  finished_ms INTEGER CHECK (finished_ms >= started_ms),
  current_index INTEGER NOT NULL CHECK (current_index >= 0),
  current_since_ms INTEGER NOT NULL,
  notes TEXT NOT NULL,
  -- Drawn tasks with their clusters, flags, times and starting objects, JSON.
  tasks TEXT NOT NULL CHECK (json_valid(tasks)),
  -- What each task earned, JSON; NULL until it is graded.
  results TEXT CHECK (results IS NULL OR json_valid(results)),
  -- Percent; NULL until it is graded.
  score REAL CHECK (score BETWEEN 0 AND 100),
  passed INTEGER CHECK (passed IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX exam_sessions_running ON exam_sessions ((1)) WHERE finished_ms IS NULL;
CREATE INDEX exam_sessions_by_finish ON exam_sessions (finished_ms);
