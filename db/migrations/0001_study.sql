-- Lessons, cards, settings. Times are milliseconds since the Unix epoch; ids of content are its own.

-- What is known of how well a card is remembered; a card without a row was never answered.
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

-- Every answer ever given, never deleted: an answer taken back keeps its row. The states of all cards can be
-- made again from it.
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

-- Cards due now because what they ask was failed elsewhere, until they are answered.
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

-- One row for each setting that is not the default.
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value_json TEXT NOT NULL
) STRICT;
