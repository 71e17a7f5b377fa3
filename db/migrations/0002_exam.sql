-- Practice sessions, exams and what came of them. Times are milliseconds since the Unix epoch, wall clock.

-- One attempt at one task on a cluster of its own.
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

-- Every grading of a task, kept for ever.
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
-- At most one exam runs.
CREATE UNIQUE INDEX exam_sessions_running ON exam_sessions ((1)) WHERE finished_ms IS NULL;
CREATE INDEX exam_sessions_by_finish ON exam_sessions (finished_ms);
