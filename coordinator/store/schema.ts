/**
 * The tables of the read side. All of them but the metric points are a projection of the journal, so that a change
 * here only needs a new version: the file is dropped and made again.
 */

export const SCHEMA_VERSION = 3;

export const SCHEMA = `
CREATE TABLE position (
	only INTEGER PRIMARY KEY CHECK (only = 1),
	sequence INTEGER NOT NULL,
	-- How many events are kept.
	events INTEGER NOT NULL,
	-- Of all measured runs.
	log_bytes INTEGER NOT NULL
);
INSERT INTO position VALUES (1, 0, 0, 0);

CREATE TABLE runs (
	n INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	pipeline TEXT NOT NULL,
	state TEXT NOT NULL,
	submitter TEXT NOT NULL,
	params TEXT NOT NULL,
	submitted_at INTEGER NOT NULL,
	finished_at INTEGER,
	reason TEXT NOT NULL DEFAULT '',
	based_on TEXT,
	total INTEGER NOT NULL,
	succeeded INTEGER NOT NULL DEFAULT 0,
	failed INTEGER NOT NULL DEFAULT 0,
	running INTEGER NOT NULL DEFAULT 0,
	-- Of its folder of logs; null until it was measured, once the run has been over for a while.
	log_bytes INTEGER
);
CREATE INDEX runs_by_state ON runs (state);
CREATE INDEX runs_by_pipeline ON runs (pipeline);
CREATE INDEX runs_by_pipeline_and_state ON runs (pipeline, state);
CREATE INDEX runs_by_submitter ON runs (submitter);
CREATE INDEX runs_by_time ON runs (submitted_at);
CREATE INDEX runs_by_end ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_to_measure ON runs (finished_at) WHERE finished_at IS NOT NULL AND log_bytes IS NULL;

-- rowid is the run's n; its words are those of the id, the pipeline, the submitter and the parameters.
CREATE VIRTUAL TABLE run_words USING fts5(words, content='', contentless_delete=1);
-- Runs that leave would otherwise make a tenth of the index new at once, now and then.
INSERT INTO run_words (run_words, rank) VALUES ('deletemerge', 0);

-- What a run can be made again from. Most runs of a pipeline share one definition.
CREATE TABLE definitions (
	digest TEXT PRIMARY KEY,
	json TEXT NOT NULL,
	runs INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE run_sources (
	run TEXT PRIMARY KEY,
	definition TEXT NOT NULL,
	code TEXT,
	cache_mode TEXT NOT NULL,
	left_out TEXT NOT NULL
) WITHOUT ROWID;

-- The cells of one step definition share their needs: counted once for all of them.
CREATE TABLE step_groups (
	run TEXT NOT NULL,
	name TEXT NOT NULL,
	-- In the order of the pipeline.
	place INTEGER NOT NULL,
	needs TEXT NOT NULL,
	cells INTEGER NOT NULL,
	-- Cells that have not succeeded, and those that have not settled at all.
	open_cells INTEGER NOT NULL,
	unsettled_cells INTEGER NOT NULL,
	unmet_needs INTEGER NOT NULL,
	-- It has a condition, or was left out: its needs alone do not make it ready.
	asked INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE TABLE step_edges (
	run TEXT NOT NULL,
	need TEXT NOT NULL,
	dependent TEXT NOT NULL,
	PRIMARY KEY (run, need, dependent)
) WITHOUT ROWID;

CREATE TABLE steps (
	n INTEGER PRIMARY KEY,
	run TEXT NOT NULL,
	key TEXT NOT NULL,
	name TEXT NOT NULL,
	place INTEGER NOT NULL,
	matrix TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	failure TEXT,
	metrics TEXT NOT NULL DEFAULT '[]',
	-- Only an event of its own moves it: as its group's, or its cells or its result are still to come.
	asked INTEGER NOT NULL,
	writes_logs INTEGER NOT NULL,
	ready_at INTEGER,
	started_at INTEGER,
	finished_at INTEGER,
	UNIQUE (run, key)
);
CREATE INDEX steps_by_name ON steps (run, name);

-- Results that a step may take instead of running: of the run it repeats, or out of the cache.
CREATE TABLE step_sources (
	run TEXT NOT NULL,
	step TEXT NOT NULL,
	from_run TEXT NOT NULL,
	from_step TEXT NOT NULL,
	-- The cell's values, canonical JSON: a cell of other values is not the same. Any where null.
	matrix TEXT,
	PRIMARY KEY (run, step)
) WITHOUT ROWID;

CREATE TABLE step_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE attempts (
	n INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	run TEXT NOT NULL,
	step TEXT NOT NULL,
	number INTEGER NOT NULL,
	state TEXT NOT NULL,
	agent TEXT NOT NULL,
	-- Of a step on several agents: the others, by rank from 1; null for one on its own.
	members TEXT,
	leased_at INTEGER NOT NULL,
	started_at INTEGER,
	finished_at INTEGER,
	-- By the leader's clock, where finished_at is by the agent's.
	ended_at INTEGER,
	failure TEXT,
	reason TEXT NOT NULL DEFAULT '',
	usage TEXT
);
CREATE INDEX attempts_by_run ON attempts (run);

CREATE TABLE artifacts (
	run TEXT NOT NULL,
	step TEXT NOT NULL,
	name TEXT NOT NULL,
	digest TEXT NOT NULL,
	size_bytes INTEGER NOT NULL,
	file_count INTEGER NOT NULL,
	holders TEXT NOT NULL,
	value TEXT,
	PRIMARY KEY (run, step, name)
) WITHOUT ROWID;
CREATE INDEX artifacts_by_digest ON artifacts (digest);

CREATE TABLE metric_series (
	n INTEGER PRIMARY KEY,
	attempt TEXT NOT NULL,
	name TEXT NOT NULL,
	points INTEGER NOT NULL DEFAULT 0,
	last_step INTEGER NOT NULL DEFAULT 0,
	last_value REAL NOT NULL DEFAULT 0,
	UNIQUE (attempt, name)
);
-- The whole point is the key: points that are sent twice stand once.
CREATE TABLE metric_points (
	series INTEGER NOT NULL,
	step REAL NOT NULL,
	at_ms INTEGER NOT NULL,
	value REAL NOT NULL,
	PRIMARY KEY (series, step, at_ms, value)
) WITHOUT ROWID;

CREATE TABLE model_versions (
	model TEXT NOT NULL,
	version INTEGER NOT NULL,
	digest TEXT NOT NULL,
	size_bytes INTEGER NOT NULL,
	run TEXT NOT NULL,
	step TEXT NOT NULL,
	metrics TEXT NOT NULL,
	registered_at INTEGER NOT NULL,
	-- A replica has served it at some time.
	served INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (model, version)
) WITHOUT ROWID;
CREATE INDEX model_versions_by_run ON model_versions (run);

CREATE TABLE deployments (
	name TEXT PRIMARY KEY,
	model TEXT NOT NULL,
	version INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	run TEXT NOT NULL,
	agents TEXT NOT NULL
) WITHOUT ROWID;

-- What each agent said last.
CREATE TABLE replicas (
	deployment TEXT NOT NULL,
	agent TEXT NOT NULL,
	version INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	state TEXT NOT NULL,
	detail TEXT NOT NULL,
	endpoint TEXT NOT NULL,
	PRIMARY KEY (deployment, agent)
) WITHOUT ROWID;

-- id is sequence * 2^20 + index in the batch: ordered as the journal is.
CREATE TABLE events (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	kind TEXT NOT NULL,
	run TEXT,
	step TEXT,
	data TEXT NOT NULL
);
-- With the step, so that one step's events are found among a large run's.
CREATE INDEX events_by_run ON events (run, id, step) WHERE run IS NOT NULL;

-- Runs that are no more, whose other rows are still being removed.
CREATE TABLE leaving (run TEXT PRIMARY KEY) WITHOUT ROWID;
`;
