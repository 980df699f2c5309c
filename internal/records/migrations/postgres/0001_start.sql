-- The tables of SQLite's migrations up to 0009, which were there first and say more about them. Times are
-- Unix milliseconds, UTC. COLLATE "C" orders by bytes, as SQLite does, whatever language the database was made for.

CREATE TABLE credential (
  device     TEXT COLLATE "C" PRIMARY KEY,
  sha256     TEXT COLLATE "C" NOT NULL, -- of the secret, hexadecimal
  created_at BIGINT NOT NULL,
  revoked_at BIGINT -- null: it lets in
);

CREATE TABLE imported (
  name        TEXT COLLATE "C" PRIMARY KEY, -- of the file
  content     TEXT COLLATE "C" NOT NULL,
  imported_at BIGINT NOT NULL
);

CREATE TABLE progress (
  reader     TEXT COLLATE "C" PRIMARY KEY,
  position   TEXT COLLATE "C" NOT NULL,
  counts     TEXT COLLATE "C" NOT NULL, -- JSON
  updated_at BIGINT NOT NULL
);

CREATE TABLE dead_letter (
  number      BIGINT PRIMARY KEY, -- in the order in which they were kept
  id          TEXT COLLATE "C" NOT NULL UNIQUE,
  received_at BIGINT NOT NULL,
  device      TEXT COLLATE "C" NOT NULL,
  topic       TEXT COLLATE "C" NOT NULL,
  reason      TEXT COLLATE "C" NOT NULL,
  detail      TEXT COLLATE "C" NOT NULL,
  codec       TEXT COLLATE "C" NOT NULL,
  part        BIGINT NOT NULL, -- 1: only a part of a message
  length      BIGINT NOT NULL,
  sha256      TEXT COLLATE "C" NOT NULL,
  payload     BYTEA NOT NULL
);

CREATE INDEX dead_letter_sender ON dead_letter (device, reason, number);

CREATE TABLE dead_letter_count (
  reason  TEXT COLLATE "C" PRIMARY KEY,
  number  BIGINT NOT NULL,
  bytes   BIGINT NOT NULL DEFAULT 0, -- of the payloads that are there
  dropped BIGINT NOT NULL DEFAULT 0, -- letters, to make room
  emptied BIGINT NOT NULL DEFAULT 0  -- payloads of letters that stayed
);

CREATE TABLE decision (
  number   BIGINT PRIMARY KEY, -- in the order in which they were committed
  id       TEXT COLLATE "C" NOT NULL UNIQUE,
  at       BIGINT NOT NULL, -- event time
  site     TEXT COLLATE "C" NOT NULL,
  subject  TEXT COLLATE "C" NOT NULL,
  plot     TEXT COLLATE "C" NOT NULL,
  rule     TEXT COLLATE "C" NOT NULL,
  kind     TEXT COLLATE "C" NOT NULL,
  outcome  TEXT COLLATE "C" NOT NULL,
  severity TEXT COLLATE "C" NOT NULL,
  body     TEXT COLLATE "C" NOT NULL, -- JSON, without the points
  points   TEXT COLLATE "C" NOT NULL -- JSON; empty: none
);

CREATE INDEX decision_at ON decision (at);
CREATE INDEX decision_subject ON decision (subject, at);
CREATE INDEX decision_kind ON decision (kind, at);

CREATE TABLE command (
  id         TEXT COLLATE "C" PRIMARY KEY,
  valve      TEXT COLLATE "C" NOT NULL,
  at         BIGINT NOT NULL, -- event time
  body       TEXT COLLATE "C" NOT NULL, -- JSON
  state      TEXT COLLATE "C" NOT NULL, -- pending: it is to be sent
  updated_at BIGINT NOT NULL
);

CREATE INDEX command_state ON command (state, at);

CREATE TABLE alert (
  id          TEXT COLLATE "C" PRIMARY KEY,
  rule        TEXT COLLATE "C" NOT NULL,
  subject     TEXT COLLATE "C" NOT NULL,
  plot        TEXT COLLATE "C" NOT NULL,
  site        TEXT COLLATE "C" NOT NULL,
  severity    TEXT COLLATE "C" NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  raised_at   BIGINT NOT NULL,
  resolved_at BIGINT -- null: not yet
);

CREATE INDEX alert_raised ON alert (raised_at);
CREATE INDEX alert_plot ON alert (plot, raised_at);

CREATE TABLE alert_act (
  id          TEXT COLLATE "C" PRIMARY KEY, -- an act that is sent twice counts once
  alert       TEXT COLLATE "C" NOT NULL REFERENCES alert (id),
  act         TEXT COLLATE "C" NOT NULL, -- acknowledged or answered
  code        TEXT COLLATE "C" NOT NULL, -- of an answer; empty: none
  account     TEXT COLLATE "C" NOT NULL,
  at          BIGINT NOT NULL, -- event time
  recorded_at BIGINT NOT NULL -- the machine's clock
);

CREATE INDEX alert_act_alert ON alert_act (alert, recorded_at);

CREATE TABLE clue (
  id           TEXT COLLATE "C" PRIMARY KEY, -- that of the decision that raised it
  household    TEXT COLLATE "C" NOT NULL, -- an opaque id
  site         TEXT COLLATE "C" NOT NULL,
  place        TEXT COLLATE "C" NOT NULL,
  state        TEXT COLLATE "C" NOT NULL, -- of the rules: raised, updated or withdrawn
  level        TEXT COLLATE "C" NOT NULL,
  cause        TEXT COLLATE "C" NOT NULL,
  raised_at    BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  withdrawn_at BIGINT, -- null: not yet
  decision     TEXT COLLATE "C" NOT NULL, -- the one that spoke last
  body         TEXT COLLATE "C" NOT NULL -- JSON; empty: none
);

CREATE INDEX clue_raised ON clue (raised_at);

CREATE TABLE clue_act (
  id          TEXT COLLATE "C" PRIMARY KEY, -- made by the one who sends it, so that sent twice counts once
  clue        TEXT COLLATE "C" NOT NULL REFERENCES clue (id),
  number      BIGINT NOT NULL, -- of the clue's acts, from 1
  act         TEXT COLLATE "C" NOT NULL, -- dispatched, visited, verified or dismissed
  account     TEXT COLLATE "C" NOT NULL,
  at          BIGINT NOT NULL, -- event time
  recorded_at BIGINT NOT NULL, -- the machine's clock
  reason      TEXT COLLATE "C" NOT NULL, -- a code; empty: none
  note        TEXT COLLATE "C" NOT NULL CHECK (note = ''), -- of before notes were sealed
  sealed      BYTEA NOT NULL DEFAULT '', -- what they wrote
  UNIQUE (clue, number)
);

CREATE TABLE clue_read (
  number   BIGINT PRIMARY KEY,
  clue     TEXT COLLATE "C" NOT NULL,
  account  TEXT COLLATE "C" NOT NULL,
  read_at  BIGINT NOT NULL, -- the machine's clock
  read_as  TEXT COLLATE "C" NOT NULL
);

CREATE TABLE signal (
  sequence  BIGINT PRIMARY KEY, -- in the order of the commits
  id        TEXT COLLATE "C" NOT NULL UNIQUE, -- follows from the decision or the act
  kind      TEXT COLLATE "C" NOT NULL, -- raised, updated, withdrawn, verified or dismissed
  clue      TEXT COLLATE "C" NOT NULL,
  household TEXT COLLATE "C" NOT NULL, -- never sent: each receiver is told a pseudonym of its own
  site      TEXT COLLATE "C" NOT NULL,
  place     TEXT COLLATE "C" NOT NULL,
  level     TEXT COLLATE "C" NOT NULL,
  cause     TEXT COLLATE "C" NOT NULL,
  at        BIGINT NOT NULL, -- event time
  decision  TEXT COLLATE "C" NOT NULL, -- what it tells; empty: an act
  act       TEXT COLLATE "C" NOT NULL -- likewise; empty: a decision
);

CREATE TABLE snapshot (
  name     TEXT COLLATE "C" PRIMARY KEY,
  position TEXT COLLATE "C" NOT NULL,
  state    BYTEA NOT NULL,
  saved_at BIGINT NOT NULL
);

CREATE TABLE version (
  hash    TEXT COLLATE "C" PRIMARY KEY,
  kind    TEXT COLLATE "C" NOT NULL,
  content TEXT COLLATE "C" NOT NULL
);

CREATE TABLE account (
  id         TEXT COLLATE "C" PRIMARY KEY, -- opaque
  role       TEXT COLLATE "C" NOT NULL,
  sites      TEXT COLLATE "C" NOT NULL, -- JSON
  places     TEXT COLLATE "C" NOT NULL, -- JSON
  household  TEXT COLLATE "C" NOT NULL, -- an opaque id; empty: none
  receiver   TEXT COLLATE "C" NOT NULL,
  language   TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT -- null: in force
);

CREATE TABLE token (
  sha256     TEXT COLLATE "C" PRIMARY KEY,
  account    TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT -- null: in force until it expires
);

CREATE TABLE session (
  sha256     TEXT COLLATE "C" PRIMARY KEY, -- of the cookie
  account    TEXT COLLATE "C" NOT NULL,
  token      TEXT COLLATE "C" NOT NULL, -- the sum of the token that it was made with; the session ends with it
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE receiver (
  id         TEXT COLLATE "C" PRIMARY KEY,
  key        TEXT COLLATE "C" NOT NULL, -- 32 random bytes, hexadecimal
  created_at BIGINT NOT NULL
);

CREATE TABLE webhook (
  id            TEXT COLLATE "C" PRIMARY KEY,
  account       TEXT COLLATE "C" NOT NULL, -- whose it is: it tells what that account may see
  url           TEXT COLLATE "C" NOT NULL,
  secret        TEXT COLLATE "C" NOT NULL, -- whsec_…; it signs, so that a hash would not do
  old_secret    TEXT COLLATE "C" NOT NULL, -- signs as well until old_until; empty: none
  old_until     BIGINT,
  disabled      TEXT COLLATE "C" NOT NULL, -- why nothing is sent; empty: it is in force
  created_at    BIGINT NOT NULL,
  delivered     BIGINT NOT NULL, -- up to this sequence everything has been taken
  attempts      BIGINT NOT NULL, -- of the signal behind it
  next_at       BIGINT, -- of the next attempt; null: at once
  failing_since BIGINT, -- null: the last attempt was well
  last_at       BIGINT, -- of the last attempt
  last_answer   TEXT COLLATE "C" NOT NULL -- what it came to
);

CREATE TABLE contact (
  id        TEXT COLLATE "C" PRIMARY KEY,
  household TEXT COLLATE "C" NOT NULL, -- an opaque id
  channel   TEXT COLLATE "C" NOT NULL,
  language  TEXT COLLATE "C" NOT NULL,
  quiet     TEXT COLLATE "C" NOT NULL, -- 21:00-06:00, or none; empty: as configured
  daily     BIGINT NOT NULL, -- messages a day; 0: as configured
  sealed    BYTEA NOT NULL, -- the address
  added_at  BIGINT NOT NULL
);

CREATE TABLE notice_book (
  contact TEXT COLLATE "C" PRIMARY KEY,
  body    TEXT COLLATE "C" NOT NULL -- JSON
);

CREATE TABLE notice (
  id         TEXT COLLATE "C" PRIMARY KEY, -- the same each time it is sent
  contact    TEXT COLLATE "C" NOT NULL,
  channel    TEXT COLLATE "C" NOT NULL,
  state      TEXT COLLATE "C" NOT NULL,
  at         BIGINT NOT NULL, -- event time in which it was made
  settled_at BIGINT, -- event time; null: not yet
  body       TEXT COLLATE "C" NOT NULL -- JSON, without words
);

CREATE INDEX notice_open ON notice (settled_at, at);

CREATE TABLE answered (
  account  TEXT COLLATE "C" NOT NULL,
  route    TEXT COLLATE "C" NOT NULL,
  key      TEXT COLLATE "C" NOT NULL,
  digest   TEXT COLLATE "C" NOT NULL, -- SHA-256 of what was asked
  act      TEXT COLLATE "C" NOT NULL, -- the act's id: the same when it has to be tried again
  status   BIGINT NOT NULL, -- 0: the answer is not known yet
  kind     TEXT COLLATE "C" NOT NULL, -- Content-Type
  body     BYTEA NOT NULL,
  began_at BIGINT NOT NULL, -- the machine's clock
  PRIMARY KEY (account, route, key)
);

CREATE INDEX answered_began ON answered (began_at);

-- What people did, who read a clue and what was told is refused to be changed or forgotten by the database itself.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE TRIGGER clue_act_changed BEFORE UPDATE ON clue_act FOR EACH ROW EXECUTE FUNCTION refuse('what a person did is never changed');
CREATE TRIGGER clue_act_deleted BEFORE DELETE ON clue_act FOR EACH ROW EXECUTE FUNCTION refuse('what a person did is never deleted');
CREATE TRIGGER clue_act_truncated BEFORE TRUNCATE ON clue_act FOR EACH STATEMENT EXECUTE FUNCTION refuse('what a person did is never deleted');
CREATE TRIGGER clue_read_changed BEFORE UPDATE ON clue_read FOR EACH ROW EXECUTE FUNCTION refuse('who read a clue is never changed');
CREATE TRIGGER clue_read_deleted BEFORE DELETE ON clue_read FOR EACH ROW EXECUTE FUNCTION refuse('who read a clue is never deleted');
CREATE TRIGGER clue_read_truncated BEFORE TRUNCATE ON clue_read FOR EACH STATEMENT EXECUTE FUNCTION refuse('who read a clue is never deleted');
CREATE TRIGGER signal_changed BEFORE UPDATE ON signal FOR EACH ROW EXECUTE FUNCTION refuse('a signal is never changed');
CREATE TRIGGER signal_deleted BEFORE DELETE ON signal FOR EACH ROW EXECUTE FUNCTION refuse('a signal is never deleted');
CREATE TRIGGER signal_truncated BEFORE TRUNCATE ON signal FOR EACH STATEMENT EXECUTE FUNCTION refuse('a signal is never deleted');
