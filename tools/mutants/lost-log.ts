import type { Mutant } from './list.js'

const LOST = ['test/ledger/lost-log.test.ts']
const BACKUP = ['test/ledger/backup.test.ts']
const COMPANIONS = ['test/ledger/companions.test.ts']

/** Faults with lost logs, older copies, backups, and other users of a ledger file. */
export const LOST_LOG: readonly Mutant[] = [
  {
    name: 'lost-log-not-missed',
    breaks: 'a ledger opens in an old state if its log is missing',
    file: 'src/ledger/sqlite/open.ts',
    find: "if (inUse && !hasLog(path)) return 'log_lost'",
    replace: "if (inUse && path === '') return 'log_lost'",
    tests: LOST,
  },
  {
    name: 'mark-stays-in-the-log',
    breaks: 'the ledger loses its in-use mark together with its log',
    file: 'src/ledger/sqlite/open.ts',
    find: "  sql.get('PRAGMA wal_checkpoint(PASSIVE)')\n  writeRecord(path, state)",
    replace: '  writeRecord(path, state)',
    tests: LOST,
    named: 'only the file itself outlives',
  },
  {
    name: 'older-copy-not-missed',
    breaks: 'Purser opens an older copy of a ledger as the current ledger',
    file: 'src/ledger/sqlite/open.ts',
    find: "return generation < record.generation ? 'older_copy' : undefined",
    replace: 'return undefined',
    tests: LOST,
  },
  {
    name: 'close-leaves-the-mark',
    breaks: 'a ledger reports that it may have lost payments although it was closed cleanly',
    file: 'src/ledger/sqlite/store.ts',
    find: '      unmark(opened.sql)\n',
    replace: '',
    tests: LOST,
  },
  {
    name: 'end-without-close-leaves-the-mark',
    breaks:
      'a ledger reports that it may have lost payments and pays nothing although its process ended normally',
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
    breaks: 'budgets allow their full amount although the spent amount is unknown',
    file: 'src/ledger/gaps.ts',
    find: 'saidOf(confirmed, claim) ?? claim.limit',
    replace: 'saidOf(confirmed, claim) ?? 0n',
    tests: BACKUP,
  },
  {
    name: 'backup-without-its-mark',
    breaks: 'Purser pays from a restored backup as if there were no later payments',
    file: 'src/ledger/sqlite/backup.ts',
    find: 'await change(part, (sql) => markBackup(sql, stateOf(sql)))',
    replace: 'await change(part, (sql) => stateOf(sql).high)',
    tests: BACKUP,
  },
  {
    name: 'old-version-writes-on',
    breaks: 'a process writes to tables that a newer version has changed in the meantime',
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
    breaks: 'a log stays large after a long read made it grow',
    file: 'src/ledger/sqlite/open.ts',
    find: 'const LOG_BYTES = 8 * 1024 * 1024',
    replace: 'const LOG_BYTES = 8000 * 1024 * 1024',
    tests: COMPANIONS,
  },
  {
    name: 'view-copies-the-log',
    breaks: 'a read-only view of a ledger moves the log of a killed process into the file and deletes it',
    file: 'src/ledger/sqlite/open.ts',
    find: 'const file = connect(driver, path, true)',
    replace: 'const file = connect(driver, path, false)',
    tests: ['test/ledger/view.test.ts'],
  },
  {
    name: 'closed-ledger-lingers',
    breaks:
      'a closed ledger stays open until garbage collection, which then deletes the log of another process',
    file: 'src/ledger/sqlite/open.ts',
    find: 'await destroyStatements?.()',
    replace: 'if (destroyStatements === undefined) return',
    tests: ['test/ledger/letting-go.test.ts'],
  },
]
