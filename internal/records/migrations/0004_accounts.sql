-- Who may come in. Times are Unix milliseconds, UTC. Secrets are kept as SHA-256 only, hexadecimal.

CREATE TABLE account (
  id         TEXT PRIMARY KEY, -- opaque
  role       TEXT NOT NULL,
  sites      TEXT NOT NULL,    -- JSON
  places     TEXT NOT NULL,    -- JSON
  household  TEXT NOT NULL,    -- an opaque id; empty: none
  receiver   TEXT NOT NULL,
  language   TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT            -- null: in force
);

CREATE TABLE token (
  sha256     TEXT PRIMARY KEY,
  account    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT            -- null: in force until it expires
);

CREATE TABLE session (
  sha256     TEXT PRIMARY KEY, -- of the cookie
  account    TEXT NOT NULL,
  token      TEXT NOT NULL,    -- the sum of the token that it was made with; the session ends with it
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
