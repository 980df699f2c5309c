-- What people said about alerts, and what acts were answered. Times are Unix milliseconds, UTC.

CREATE TABLE alert_act (
  id          TEXT PRIMARY KEY, -- an act that is sent twice counts once
  alert       TEXT NOT NULL REFERENCES alert (id),
  act         TEXT NOT NULL,    -- acknowledged or answered
  code        TEXT NOT NULL,    -- of an answer; empty: none
  account     TEXT NOT NULL,
  at          BIGINT NOT NULL,  -- event time
  recorded_at BIGINT NOT NULL   -- the machine's clock
);

CREATE INDEX alert_act_alert ON alert_act (alert, recorded_at);
CREATE INDEX alert_plot ON alert (plot, raised_at);
CREATE INDEX decision_kind ON decision (kind, at);

-- The answers of acts by their idempotency keys, for a day.
CREATE TABLE answered (
  account  TEXT NOT NULL,
  route    TEXT NOT NULL,
  key      TEXT NOT NULL,
  digest   TEXT NOT NULL,    -- SHA-256 of what was asked
  act      TEXT NOT NULL,    -- the act's id: the same when it has to be tried again
  status   INTEGER NOT NULL, -- 0: the answer is not known yet
  kind     TEXT NOT NULL,    -- Content-Type
  body     BLOB NOT NULL,
  began_at BIGINT NOT NULL,  -- the machine's clock
  PRIMARY KEY (account, route, key)
);

CREATE INDEX answered_began ON answered (began_at);
