-- What the rules decided, and what became of it. Times are Unix milliseconds, UTC.

CREATE TABLE decision (
  number   INTEGER PRIMARY KEY, -- in the order in which they were committed
  id       TEXT NOT NULL UNIQUE,
  at       BIGINT NOT NULL,     -- event time
  site     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  plot     TEXT NOT NULL,
  rule     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  severity TEXT NOT NULL,
  body     TEXT NOT NULL,       -- JSON, without the points
  points   TEXT NOT NULL        -- JSON; empty: none
);

CREATE INDEX decision_at ON decision (at);
CREATE INDEX decision_subject ON decision (subject, at);

CREATE TABLE command (
  id         TEXT PRIMARY KEY,
  valve      TEXT NOT NULL,
  at         BIGINT NOT NULL, -- event time
  body       TEXT NOT NULL,   -- JSON
  state      TEXT NOT NULL,   -- pending: it is to be sent
  updated_at BIGINT NOT NULL
);

CREATE INDEX command_state ON command (state, at);

CREATE TABLE alert (
  id          TEXT PRIMARY KEY,
  rule        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  plot        TEXT NOT NULL,
  site        TEXT NOT NULL,
  severity    TEXT NOT NULL,
  state       TEXT NOT NULL,
  raised_at   BIGINT NOT NULL,
  resolved_at BIGINT           -- null: not yet
);

CREATE INDEX alert_raised ON alert (raised_at);

CREATE TABLE clue (
  household    TEXT NOT NULL, -- an opaque id
  site         TEXT NOT NULL,
  state        TEXT NOT NULL,
  level        TEXT NOT NULL,
  raised_at    BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  withdrawn_at BIGINT,        -- null: not yet
  body         TEXT NOT NULL, -- JSON
  PRIMARY KEY (household, site)
);

CREATE TABLE snapshot (
  name     TEXT PRIMARY KEY,
  position TEXT NOT NULL,
  state    BLOB NOT NULL,
  saved_at BIGINT NOT NULL
);

CREATE TABLE version (
  hash    TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  content TEXT NOT NULL
);
