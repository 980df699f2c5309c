-- Times are Unix milliseconds, UTC.

CREATE TABLE credential (
  device     TEXT PRIMARY KEY,
  sha256     TEXT NOT NULL, -- of the secret, hexadecimal
  created_at BIGINT NOT NULL,
  revoked_at BIGINT         -- null: it lets in
);

CREATE TABLE imported (
  name        TEXT PRIMARY KEY, -- of the file
  content     TEXT NOT NULL,
  imported_at BIGINT NOT NULL
);

CREATE TABLE progress (
  reader     TEXT PRIMARY KEY,
  position   TEXT NOT NULL,
  counts     TEXT NOT NULL, -- JSON
  updated_at BIGINT NOT NULL
);

CREATE TABLE dead_letter (
  number      INTEGER PRIMARY KEY, -- in the order in which they were kept
  id          TEXT NOT NULL UNIQUE,
  received_at BIGINT NOT NULL,
  device      TEXT NOT NULL,
  topic       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  detail      TEXT NOT NULL,
  codec       TEXT NOT NULL,
  part        INTEGER NOT NULL, -- 1: only a part of a message
  length      BIGINT NOT NULL,
  sha256      TEXT NOT NULL,
  payload     BLOB NOT NULL
);

CREATE TABLE dead_letter_count (
  reason TEXT PRIMARY KEY,
  number BIGINT NOT NULL
);
