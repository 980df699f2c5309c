-- Messages to farmers. Who they are is in contact.sealed alone, encrypted. Times are Unix milliseconds, UTC.

CREATE TABLE contact (
  id        TEXT PRIMARY KEY,
  household TEXT NOT NULL,   -- an opaque id
  channel   TEXT NOT NULL,
  language  TEXT NOT NULL,
  quiet     TEXT NOT NULL,   -- 21:00-06:00, or none; empty: as configured
  daily     INTEGER NOT NULL, -- messages a day; 0: as configured
  sealed    BLOB NOT NULL,   -- the address
  added_at  BIGINT NOT NULL
);

-- What a contact was told of and what waits to be told.
CREATE TABLE notice_book (
  contact TEXT PRIMARY KEY,
  body    TEXT NOT NULL -- JSON
);

CREATE TABLE notice (
  id         TEXT PRIMARY KEY, -- the same each time it is sent
  contact    TEXT NOT NULL,
  channel    TEXT NOT NULL,
  state      TEXT NOT NULL,
  at         BIGINT NOT NULL,  -- event time in which it was made
  settled_at BIGINT,           -- event time; null: not yet
  body       TEXT NOT NULL     -- JSON, without words
);

CREATE INDEX notice_open ON notice (settled_at, at);
