import type { PaymentError } from '../../errors/index.js'
import { ledgerError } from '../ledger-error.js'
import { fields, numberOf } from './codec.js'
import type { Database } from './driver.js'
import { VIEWS } from './views.js'

/** `PURS`. It distinguishes a ledger from other SQLite files. */
export const APPLICATION_ID = 0x50555253

/** One step for each version, the oldest first. A released step is never edited. Every change is a new step. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, high INTEGER NOT NULL, frozen TEXT,
    clock TEXT NOT NULL DEFAULT '{"unseen":[],"lowered":0}',
    filled INTEGER NOT NULL, shapes INTEGER NOT NULL, listed INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0, in_use INTEGER NOT NULL DEFAULT 0, gaps TEXT,
    bought INTEGER
  ) STRICT;
  CREATE TABLE payments (
    place INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL, owner TEXT, agent TEXT NOT NULL,
    vendor TEXT NOT NULL, fingerprint TEXT NOT NULL, key TEXT, created INTEGER NOT NULL, counted INTEGER NOT NULL,
    standing INTEGER, wallet TEXT, due INTEGER, bought INTEGER,
    rev INTEGER NOT NULL, listed INTEGER NOT NULL, body TEXT NOT NULL, core TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX payments_id ON payments (id) WHERE listed = 1;
  CREATE INDEX payments_key ON payments (key, agent, state) WHERE listed = 1 AND key IS NOT NULL;
  CREATE INDEX payments_due ON payments (state, wallet, due, place, owner)
    WHERE listed = 1 AND due IS NOT NULL;
  CREATE INDEX payments_twins ON payments (agent, fingerprint, standing) WHERE listed = 1 AND standing IS NOT NULL;
  CREATE INDEX payments_refused ON payments (agent, fingerprint) WHERE listed = 1 AND state = 'denied';
  CREATE INDEX payments_bought ON payments (agent, fingerprint, bought, place)
    WHERE listed = 1 AND bought IS NOT NULL;
  CREATE INDEX payments_again ON payments (counted) WHERE listed = 1 AND rev > 0;
  CREATE INDEX payments_vendor ON payments (vendor) WHERE listed = 1;
  CREATE INDEX payments_agent ON payments (agent) WHERE listed = 1;
  CREATE INDEX payments_state ON payments (state) WHERE listed = 1;
  CREATE TABLE tasks (task TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (task, place)) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, family TEXT NOT NULL) STRICT;
  CREATE INDEX counters_family ON counters (family);
  CREATE TABLE shapes (n INTEGER PRIMARY KEY, fill INTEGER, through INTEGER, body TEXT NOT NULL) STRICT;
  CREATE TABLE buckets (
    counter INTEGER NOT NULL, at INTEGER NOT NULL, counted INTEGER NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (counter, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE traits (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE owners (name TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE lanes (name TEXT PRIMARY KEY, value TEXT NOT NULL, payment TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE versions (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pins (vendor TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE prices (
    vendor TEXT, operation TEXT, unit TEXT, rail TEXT, day INTEGER, body TEXT NOT NULL,
    PRIMARY KEY (vendor, operation, unit, rail, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE folds (
    n INTEGER PRIMARY KEY, vendor TEXT NOT NULL, unit TEXT NOT NULL, operation TEXT NOT NULL,
    UNIQUE (vendor, unit, operation)
  ) STRICT;
  CREATE TABLE advertised (
    vendor TEXT, operation TEXT, unit TEXT, units TEXT NOT NULL, PRIMARY KEY (vendor, operation, unit)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE grants (
    id TEXT PRIMARY KEY, agent TEXT NOT NULL, vendor TEXT NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX grants_for ON grants (agent, vendor);
  CREATE INDEX grants_until ON grants (until);
  CREATE TABLE known (agent TEXT, vendor TEXT, PRIMARY KEY (agent, vendor)) STRICT, WITHOUT ROWID;
  ${VIEWS}`,
  `
  CREATE TABLE denials (
    n INTEGER PRIMARY KEY, agent TEXT NOT NULL, vendor TEXT NOT NULL, operation TEXT NOT NULL,
    until INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX denials_for ON denials (agent, vendor);
  CREATE INDEX denials_until ON denials (until);
  `,
  `
  CREATE TABLE channels (n INTEGER PRIMARY KEY, lane TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE approvals (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, open INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX approvals_open ON approvals (n) WHERE open = 1;
  `,
]

/** The file's kind and version, which are checked before any table is read. */
export interface Stamp {
  readonly application: number
  readonly version: number
  readonly empty: boolean
}

function readStamp(db: Database): Stamp {
  return {
    application: pragma(db, 'PRAGMA application_id', 'application_id'),
    version: pragma(db, 'PRAGMA user_version', 'user_version'),
    empty: pragma(db, 'SELECT count(*) AS n FROM sqlite_schema', 'n') === 0,
  }
}

function pragma(db: Database, sql: string, name: string): number {
  const row = fields(db.prepare(sql).get())
  if (row === undefined) throw ledgerError('ledger_corrupt', 'The ledger is damaged')
  return numberOf(row, name)
}

function checkedStamp(db: Database): Stamp {
  const stamp = readStamp(db)
  if (!stamp.empty && stamp.application !== APPLICATION_ID)
    throw ledgerError('ledger_corrupt', 'The file is a database, but not a ledger')
  if (stamp.version > MIGRATIONS.length) throw newer()
  return stamp
}

/**
 * Returns whether {@link migrate} has nothing to do.
 *
 * @param made Whether a ledger was made here before. If so, a file without tables is not a new ledger.
 */
export function isCurrent(db: Database, made: boolean): boolean {
  // One transaction reads everything. If another process is making the tables, a half-made state would not look like a
  // ledger.
  db.exec('BEGIN')
  try {
    const { version, empty } = checkedStamp(db)
    if (empty && made) throw ledgerError('ledger_corrupt', 'The ledger has been emptied')
    return !empty && version === MIGRATIONS.length
  } finally {
    db.exec('ROLLBACK')
  }
}

/**
 * Checks the version again, because another process may have updated the tables to a later version while this process
 * has them open.
 *
 * @throws PaymentError `ledger_newer`
 */
export function checkVersion(db: Database): void {
  if (pragma(db, 'PRAGMA user_version', 'user_version') > MIGRATIONS.length) throw newer()
}

function newer(): PaymentError {
  return ledgerError(
    'ledger_newer',
    'The ledger was written by a newer version of Purser. Upgrade this process',
  )
}

/** Returns how many bytes the file should have. */
export function bytesOf(db: Database): number {
  return pragma(db, 'PRAGMA page_count', 'page_count') * pragma(db, 'PRAGMA page_size', 'page_size')
}

/**
 * Updates the schema to this version, inside the caller's transaction.
 *
 * @throws PaymentError `ledger_corrupt` if the file is not a ledger, `ledger_newer` if the ledger has a later version.
 */
export function migrate(db: Database, id: string): void {
  const { version, empty } = checkedStamp(db)
  for (const step of MIGRATIONS.slice(version)) db.exec(step)
  if (version < MIGRATIONS.length) db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  if (!empty) return
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  db.prepare('INSERT INTO meta (one, id, high, filled, shapes) VALUES (1, ?, 0, 0, 0)').run(id)
}
