import type { ClockConfirmation, Ledger, LedgerView } from '../ledger/index.js'
import { defaultPath, openLedgerView, sqliteLedger } from '../ledger/sqlite/index.js'
import { loadPolicy } from '../policy/file/index.js'
import { documentOf, type Policy } from '../policy/index.js'
import { type ConfigFile, readConfig } from './config.js'
import { noPolicy, readGeneral, readLedgerPath } from './environment.js'
import type { Environment } from './variables.js'

/** The files that the settings name, and the agent. */
export interface Places {
  /** The settings file. Undefined if there is none. */
  readonly config: string | undefined
  /** The policy file. Undefined if no setting names one. */
  readonly policy: string | undefined
  /** The ledger's file. It may not exist yet. */
  readonly ledger: string
  readonly agent: string
}

/** A ledger that is open for reading, and its policy. */
export interface OpenedView {
  readonly view: LedgerView
  readonly places: Places
  /** Loads the policy file. */
  policy(): Promise<Policy>
}

/**
 * Returns the files that the settings name. No file except the settings file is read.
 *
 * @throws PaymentError `invalid_config` that names the setting.
 */
export async function placesIn(env: Environment): Promise<Places> {
  return placesOf(env, await readConfig(env))
}

/**
 * Opens the ledger that the settings name, for reading only. It needs no wallet and no key.
 *
 * @throws PaymentError `invalid_config`, or an error of {@link openLedgerView}.
 */
export async function openViewFromEnvironment(env: Environment): Promise<OpenedView> {
  const places = await placesIn(env)
  const view = await openLedgerView({ path: places.ledger })
  return { view, places, policy: () => loadedPolicy(places) }
}

function placesOf(env: Environment, file: ConfigFile | undefined): Places {
  const { policy, ledger, agent = 'agent' } = readGeneral(env, file)
  return { config: file?.path, policy, ledger: ledger ?? defaultPath(env), agent }
}

/** Loads the policy file that the settings name. */
export async function loadedPolicy({ policy }: Places): Promise<Policy> {
  if (policy === undefined) throw noPolicy()
  return loadPolicy(policy)
}

/** Returns the names of the agents that a policy has own rules for. `*` is not a name. */
export function agentsIn(policy: Policy): readonly string[] {
  return Object.keys(documentOf(policy)?.agents ?? {}).filter((name) => name !== '*')
}

/**
 * Confirms the clock of the ledger that the settings name. It needs no wallet and no key.
 *
 * @throws PaymentError `invalid_config`, or `ledger_*`: no ledger is made.
 */
export async function confirmClockOf(env: Environment, confirmation: ClockConfirmation): Promise<void> {
  const { ledger: path } = await placesIn(env)
  const ledger = sqliteLedger({ path, create: false })
  try {
    await ledger.confirmClock(confirmation)
  } finally {
    await ledger.close()
  }
}

/**
 * Tells whether people may answer questions in the ledger, from outside of the process that waits: the settings allow it,
 * or the policy names who may answer.
 */
export async function takesOutsideAnswers(env: Environment): Promise<boolean> {
  const file = await readConfig(env)
  if (readGeneral(env, file).approvals === 'ledger') return true
  const places = placesOf(env, file)
  const { agent } = places
  return (await loadedPolicy(places)).approvalSettings({ agent, tasks: [] }).by !== undefined
}

/**
 * Opens the ledger to freeze it or to allow payments again. Nothing else is read: a person must be able to stop payments
 * although the policy or the key is wrong.
 *
 * @throws PaymentError `invalid_config` if the settings file cannot be read and no variable names the ledger.
 */
export async function openToStop(env: Environment): Promise<Pick<Ledger, 'freeze' | 'unfreeze' | 'close'>> {
  const named = readLedgerPath(env) ?? readLedgerPath(env, await readConfig(env))
  return sqliteLedger({ path: named ?? defaultPath(env) })
}
