//! The tables, as a list of steps that only ever grows.
//!
//! Step *n* takes a file of schema *n* to *n + 1*; each runs in one transaction with the new number.

use rusqlite::Connection;

/// The schema this version writes.
pub(super) const NEWEST: i64 = 2;

const STEPS: [&str; 2] = [INITIAL, RUN_FACTS];

const INITIAL: &str = "
CREATE TABLE ingress (
  seq INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  dedupe_key TEXT NOT NULL,
  lane TEXT NOT NULL,
  payload TEXT,
  state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before_ms INTEGER NOT NULL DEFAULT 0,
  received_ms INTEGER NOT NULL,
  settled_ms INTEGER,
  note TEXT
);
CREATE UNIQUE INDEX ingress_key ON ingress (channel, account, dedupe_key);
CREATE INDEX ingress_pending ON ingress (lane, seq) WHERE state = 'pending';
CREATE INDEX ingress_dead ON ingress (seq) WHERE state = 'dead';
CREATE INDEX ingress_done ON ingress (channel, account, seq) WHERE state = 'done';

CREATE TABLE cursors (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  stream TEXT NOT NULL,
  value TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, account, stream)
) WITHOUT ROWID;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  lane TEXT NOT NULL,
  idem_scope TEXT,
  idem_key TEXT,
  body TEXT NOT NULL,
  parts TEXT,
  next_part INTEGER NOT NULL DEFAULT 0,
  provider_key TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'dispatching', 'sent', 'failed', 'unknown')),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before_ms INTEGER NOT NULL DEFAULT 0,
  paced INTEGER NOT NULL DEFAULT 0,
  receipts TEXT NOT NULL DEFAULT '[]',
  error TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX outbox_idem ON outbox (idem_scope, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX outbox_open ON outbox (channel, account, lane, seq)
  WHERE state IN ('queued', 'dispatching');
CREATE INDEX outbox_state ON outbox (state, updated_ms);

CREATE TABLE conversations (
  session_key TEXT PRIMARY KEY,
  session_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT,
  label TEXT,
  display_name TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  overrides TEXT NOT NULL DEFAULT '{}',
  route TEXT,
  entries INTEGER NOT NULL DEFAULT 0,
  last_preview TEXT
) WITHOUT ROWID;
CREATE INDEX conversations_recent ON conversations (updated_ms);

CREATE TABLE entries (
  session_key TEXT NOT NULL REFERENCES conversations (session_key) ON DELETE CASCADE,
  session_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  role TEXT NOT NULL,
  body TEXT NOT NULL,
  run_id TEXT,
  ts_ms INTEGER NOT NULL,
  PRIMARY KEY (session_key, session_id, seq)
);
CREATE UNIQUE INDEX entries_key ON entries (session_key, key);
CREATE UNIQUE INDEX entries_id ON entries (session_key, id);

CREATE TABLE records (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
";

/// What runs leave behind in their conversations.
const RUN_FACTS: &str = "
ALTER TABLE conversations ADD COLUMN tokens TEXT NOT NULL DEFAULT '{}';
ALTER TABLE conversations ADD COLUMN last_run TEXT;
ALTER TABLE conversations ADD COLUMN known_as TEXT;
";

/// The schema number of the file; 0 for a new one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the file from schema `found` to [`NEWEST`].
pub(super) fn migrate(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    for (number, step) in (0_i64..).zip(STEPS) {
        if number < found {
            continue;
        }
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
