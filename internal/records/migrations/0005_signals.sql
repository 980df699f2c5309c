-- Clues by episode, what people did about them, and what leaves for the
-- monitoring system. Times are Unix milliseconds, UTC.

ALTER TABLE clue RENAME TO clue_before;

CREATE TABLE clue (
  id           TEXT PRIMARY KEY, -- that of the decision that raised it
  household    TEXT NOT NULL,    -- an opaque id
  site         TEXT NOT NULL,
  place        TEXT NOT NULL,
  state        TEXT NOT NULL,    -- of the rules: raised, updated or withdrawn
  level        TEXT NOT NULL,
  cause        TEXT NOT NULL,
  raised_at    BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  withdrawn_at BIGINT,           -- null: not yet
  decision     TEXT NOT NULL,    -- the one that spoke last
  body         TEXT NOT NULL     -- JSON; empty: none
);

CREATE INDEX clue_raised ON clue (raised_at);

INSERT INTO clue (id, household, site, place, state, level, cause, raised_at, updated_at, withdrawn_at, decision, body)
  SELECT d.id, c.household, c.site, '', c.state, c.level, 'drought', d.at, c.updated_at, c.withdrawn_at, d.id, c.body
  FROM clue_before c JOIN decision d ON d.kind = 'clue' AND d.outcome = 'raised' AND d.site = c.site AND d.subject = c.household
  WHERE d.at = (SELECT MAX(e.at) FROM decision e WHERE e.kind = 'clue' AND e.outcome = 'raised' AND e.site = c.site AND e.subject = c.household);

DROP TABLE clue_before;

-- What people did. The database itself refuses to change or to forget it; a
-- REPLACE would go round a trigger on DELETE, so that a second insert is refused as well.
CREATE TABLE clue_act (
  id          TEXT PRIMARY KEY, -- made by the one who sends it, so that sent twice counts once
  clue        TEXT NOT NULL REFERENCES clue (id),
  number      INTEGER NOT NULL, -- of the clue's acts, from 1
  act         TEXT NOT NULL,    -- dispatched, visited, verified or dismissed
  account     TEXT NOT NULL,
  at          BIGINT NOT NULL,  -- event time
  recorded_at BIGINT NOT NULL,  -- the machine's clock
  reason      TEXT NOT NULL,    -- a code; empty: none
  note        TEXT NOT NULL,    -- may be personal: it never leaves this table but for those who may read the clue
  UNIQUE (clue, number)
);

CREATE TRIGGER clue_act_changed BEFORE UPDATE ON clue_act BEGIN SELECT RAISE(ABORT, 'what a person did is never changed'); END;
CREATE TRIGGER clue_act_deleted BEFORE DELETE ON clue_act BEGIN SELECT RAISE(ABORT, 'what a person did is never deleted'); END;
CREATE TRIGGER clue_act_replaced BEFORE INSERT ON clue_act
  WHEN EXISTS (SELECT 1 FROM clue_act WHERE id = NEW.id OR (clue = NEW.clue AND number = NEW.number))
  BEGIN SELECT RAISE(ABORT, 'what a person did is never replaced'); END;

-- Who read the evidence of a clue that a signal pointed to.
CREATE TABLE clue_read (
  number   INTEGER PRIMARY KEY,
  clue     TEXT NOT NULL,
  account  TEXT NOT NULL,
  read_at  BIGINT NOT NULL -- the machine's clock
);

CREATE TRIGGER clue_read_changed BEFORE UPDATE ON clue_read BEGIN SELECT RAISE(ABORT, 'who read a clue is never changed'); END;
CREATE TRIGGER clue_read_deleted BEFORE DELETE ON clue_read BEGIN SELECT RAISE(ABORT, 'who read a clue is never deleted'); END;
CREATE TRIGGER clue_read_replaced BEFORE INSERT ON clue_read WHEN EXISTS (SELECT 1 FROM clue_read WHERE number = NEW.number)
  BEGIN SELECT RAISE(ABORT, 'who read a clue is never replaced'); END;

-- The outbox: a row is written in the transaction of what it tells.
CREATE TABLE signal (
  sequence  INTEGER PRIMARY KEY,  -- in the order of the commits
  id        TEXT NOT NULL UNIQUE, -- follows from the decision or the act
  kind      TEXT NOT NULL,        -- raised, updated, withdrawn, verified or dismissed
  clue      TEXT NOT NULL,
  household TEXT NOT NULL,        -- never sent: each receiver is told a pseudonym of its own
  site      TEXT NOT NULL,
  place     TEXT NOT NULL,
  level     TEXT NOT NULL,
  cause     TEXT NOT NULL,
  at        BIGINT NOT NULL,      -- event time
  decision  TEXT NOT NULL,        -- what it tells; empty: an act
  act       TEXT NOT NULL         -- likewise; empty: a decision
);

CREATE TRIGGER signal_changed BEFORE UPDATE ON signal BEGIN SELECT RAISE(ABORT, 'a signal is never changed'); END;
CREATE TRIGGER signal_deleted BEFORE DELETE ON signal BEGIN SELECT RAISE(ABORT, 'a signal is never deleted'); END;
CREATE TRIGGER signal_replaced BEFORE INSERT ON signal WHEN EXISTS (SELECT 1 FROM signal WHERE sequence = NEW.sequence OR id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'a signal is never replaced'); END;

-- Who is told signals, and the key of the pseudonyms that it is told.
CREATE TABLE receiver (
  id         TEXT PRIMARY KEY,
  key        TEXT NOT NULL, -- 32 random bytes, hexadecimal
  created_at BIGINT NOT NULL
);

CREATE TABLE webhook (
  id            TEXT PRIMARY KEY,
  account       TEXT NOT NULL,   -- whose it is: it tells what that account may see
  url           TEXT NOT NULL,
  secret        TEXT NOT NULL,   -- whsec_…; it signs, so that a hash would not do
  old_secret    TEXT NOT NULL,   -- signs as well until old_until; empty: none
  old_until     BIGINT,
  disabled      TEXT NOT NULL,   -- why nothing is sent; empty: it is in force
  created_at    BIGINT NOT NULL,
  delivered     BIGINT NOT NULL, -- up to this sequence everything has been taken
  attempts      INTEGER NOT NULL,-- of the signal behind it
  next_at       BIGINT,          -- of the next attempt; null: at once
  failing_since BIGINT,          -- null: the last attempt was well
  last_at       BIGINT,          -- of the last attempt
  last_answer   TEXT NOT NULL    -- what it came to
);
