import type { Mutant } from './list.js'

const LOST = ['test/ledger/lost-log.test.ts']
const BACKUP = ['test/ledger/backup.test.ts']
const COMPANIONS = ['test/ledger/companions.test.ts']

/** Ledgers that lost their log, older copies, backups, and whoever else has the file open. */
export const LOST_LOG: readonly Mutant[] = [
  {
    name: 'lost-log-not-missed',
    breaks: 'a ledger whose log is gone opens at its old state',
    file: 'src/ledger/sqlite/open.ts',
    find: "if (inUse && !hasLog(path)) return 'log_lost'",
    replace: "if (inUse && path === '') return 'log_lost'",
    tests: LOST,
  },
  {
    name: 'mark-stays-in-the-log',
    breaks: 'the mark that a ledger is in use is lost together with its log',
    file: 'src/ledger/sqlite/open.ts',
    find: "  sql.get('PRAGMA wal_checkpoint(PASSIVE)')\n  writeRecord(path, state)",
    replace: '  writeRecord(path, state)',
    tests: LOST,
    named: 'only the file itself outlives',
  },
  {
    name: 'older-copy-not-missed',
    breaks: 'an older copy of a ledger opens as if it were the ledger',
    file: 'src/ledger/sqlite/open.ts',
    find: "return generation < record.generation ? 'older_copy' : undefined",
    replace: 'return undefined',
    tests: LOST,
  },
  {
    name: 'close-leaves-the-mark',
    breaks: 'a ledger that was closed cleanly says that it may have forgotten something',
    file: 'src/ledger/sqlite/store.ts',
    find: '      unmark(opened.sql)\n',
    replace: '',
    tests: LOST,
  },
  {
    name: 'end-without-close-leaves-the-mark',
    breaks:
      'a ledger whose process ended by itself says that it may have forgotten something, and pays nothing',
    file: 'src/ledger/sqlite/close-at-exit.ts',
    find: "    process.on('exit', leaveAll)\n",
    replace: '',
    tests: LOST,
    named: 'ended by itself',
  },
  {
    name: 'gap-lets-holds-through',
    breaks: 'a restored ledger holds budget before a person has stated what was spent',
    file: 'src/ledger/ledger.ts',
    find: '        checkGaps(tables.meta().gaps)\n        return holdIn',
    replace: '        return holdIn',
    tests: BACKUP,
  },
  {
    name: 'gap-lets-commits-through',
    breaks: 'a payment that was held before a restore is committed before a person has stated what was spent',
    file: 'src/ledger/ledger.ts',
    find: '      checkGaps(tables.meta().gaps)\n      if (tables.meta().frozen',
    replace: '      if (tables.meta().frozen',
    tests: BACKUP,
  },
  {
    name: 'unknown-gap-counts-nothing',
    breaks: 'budgets have full room although it is not known how much was spent',
    file: 'src/ledger/gaps.ts',
    find: 'saidOf(confirmed, claim) ?? claim.limit',
    replace: 'saidOf(confirmed, claim) ?? 0n',
    tests: BACKUP,
  },
  {
    name: 'backup-without-its-mark',
    breaks: 'a ledger that was replaced by a backup pays as if nothing had happened since',
    file: 'src/ledger/sqlite/backup.ts',
    find: 'await change(part, (sql) => markBackup(sql, stateOf(sql)))',
    replace: 'await change(part, (sql) => stateOf(sql).high)',
    tests: BACKUP,
  },
  {
    name: 'old-version-writes-on',
    breaks: 'a process writes to tables that a newer version has changed meanwhile',
    file: 'src/ledger/sqlite/connection.ts',
    find: '        checkVersion(db)\n',
    replace: '',
    tests: COMPANIONS,
  },
  {
    name: 'two-copies-of-sqlite',
    breaks: 'two copies of SQLite in one process have the same ledger open',
    file: 'src/ledger/sqlite/one-sqlite.ts',
    find: 'if (known.count > 0 && known.sqlite !== sqlite)',
    replace: 'if (known.count < 0 && known.sqlite !== sqlite)',
    tests: COMPANIONS,
  },
  {
    name: 'log-stays-large',
    breaks: 'a log that a long reader made grow stays large',
    file: 'src/ledger/sqlite/open.ts',
    find: 'const LOG_BYTES = 8 * 1024 * 1024',
    replace: 'const LOG_BYTES = 8000 * 1024 * 1024',
    tests: COMPANIONS,
  },
  {
    name: 'view-copies-the-log',
    breaks: 'a view of a ledger copies the log of a killed process into the file, and removes it',
    file: 'src/ledger/sqlite/open.ts',
    find: 'const file = connect(driver, path, true)',
    replace: 'const file = connect(driver, path, false)',
    tests: ['test/ledger/view.test.ts'],
  },
  {
    name: 'closed-ledger-lingers',
    breaks:
      'a closed ledger stays open until garbage is collected, and then takes the log of another process away',
    file: 'src/ledger/sqlite/open.ts',
    find: 'await destroyStatements?.()',
    replace: 'if (destroyStatements === undefined) return',
    tests: ['test/ledger/letting-go.test.ts'],
  },
]
