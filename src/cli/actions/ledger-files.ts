import { resolve } from 'node:path'
import { backupLedger, placesIn, restoreLedger } from '../../config/index.js'
import { timeFact } from '../facts.js'
import { environmentOf, operand } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import { openPurser, shownPath } from '../open-purser.js'
import { given } from '../payment-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** Copies the ledger into a new file. */
export const ledgerBackup: Action<CommonOptions> = async ({ args, options, terminal }) => {
  const { ledger } = await placesIn(environmentOf(options, terminal))
  const backup = resolve(operand(args))
  const { until } = await usable(() => backupLedger(ledger, backup))
  const json: JsonOf<'ledger backup'> = { ledger, backup, until: timeFact(until) }
  return {
    kind: 'single',
    json,
    text: () => `${shownPath(backup, terminal.env)} has all payments up to ${json.until}.`,
  }
}

/** The options of `purser ledger restore`. */
export interface RestoreOptions extends CommonOptions {
  readonly yes?: boolean | undefined
}

/** Puts a backup in the place of the ledger. */
export const ledgerRestore: Action<RestoreOptions> = async ({ args, options, terminal }) => {
  const file = resolve(operand(args))
  if (options.yes !== true)
    throw misuse(
      `Stop every process that uses the ledger. Then type: purser ledger restore ${shownPath(file, terminal.env)} --yes`,
    )
  const { ledger } = await placesIn(environmentOf(options, terminal))
  const { since, replaced } = await usable(() => restoreLedger(file, ledger))
  const json: JsonOf<'ledger restore'> = { ledger, since: timeFact(since), ...given({ replaced }) }
  return {
    kind: 'single',
    json,
    text: () =>
      [
        `Restored. Payments after ${json.since} may be missing, so nothing is paid yet.`,
        ...(replaced === undefined ? [] : [`The earlier ledger is ${shownPath(replaced, terminal.env)}`]),
        'Find out how much was spent since then (docs/ledger.md#restore), and state it:',
        'purser ledger confirm-restore --by NAME --spent AMOUNT --payments COUNT --deposits AMOUNT',
      ].join('\n'),
  }
}

/** The options of `purser ledger confirm-restore`. */
export interface ConfirmRestoreOptions extends CommonOptions {
  readonly by?: string | undefined
  readonly spent?: string | undefined
  readonly payments?: string | undefined
  readonly deposits?: string | undefined
}

/** States the spending that the ledger has lost. Purser looks at all open payments first, so it needs the wallets. */
export const ledgerConfirmRestore: Action<ConfirmRestoreOptions> = async ({ options, terminal }) => {
  const { by, spent, payments, deposits } = options
  if (by === undefined || spent === undefined) throw misuse('--by and --spent are required')
  if (payments !== undefined && !/^\d{1,12}$/.test(payments))
    throw misuse('--payments must be a whole number, for example 12')
  const count = payments === undefined ? undefined : Number(payments)
  const { purser } = await openPurser(options, terminal)
  try {
    const statement = { by, spent, ...given({ payments: count, deposits }) }
    const { settled, released, open } = await usable(() => purser.confirmRestore(statement))
    const json: JsonOf<'ledger confirm-restore'> = { by, settled, released, open }
    return {
      kind: 'single',
      json,
      text: () => `Stated by ${by}. Payments are allowed again. ${open} payments are in doubt.`,
    }
  } finally {
    await purser.close()
  }
}

/** A wrong argument of a public function is a wrong argument of the command. */
async function usable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TypeError ? misuse(error.message) : error
  }
}
