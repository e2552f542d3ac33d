import { homedir } from 'node:os'
import { type Configured, createFromEnvironment, type Places, placesIn } from '../config/index.js'
import type { Approver } from '../index.js'
import { environmentWith } from './settings.js'
import type { CommonOptions } from './shell.js'
import type { Terminal } from './terminal.js'

/** A purser of the settings, for one command. */
export interface OpenedPurser extends Configured {
  readonly places: Places
}

/** How a command asks a person. */
export interface Asking {
  readonly approver?: Approver | undefined
  /** `ledger`: the question stays in the ledger after the command has ended. */
  readonly approvals?: 'ledger' | undefined
}

/**
 * Creates the purser of the settings. A refusal is an error, so that a command never takes a refusal for an answer.
 *
 * @param asking - Who answers for a person. Without it, the purser refuses a payment that needs one.
 * @throws PaymentError as `createFromEnvironment` does.
 */
export async function openPurser(
  options: CommonOptions & { readonly agent?: string | undefined },
  { env: given, stderr }: Pick<Terminal, 'env' | 'stderr'>,
  { approver, approvals }: Asking = {},
): Promise<OpenedPurser> {
  const env = environmentWith(options, given)
  const places = await placesIn(env)
  env['PURSER_ON_REFUSAL'] = 'throw'
  env['PURSER_LEDGER'] = places.ledger
  const remark = (sentence: string): void => void stderr.write(`purser: ${sentence}\n`)
  return { ...(await createFromEnvironment({ env, remark }, { approver, approvals })), places }
}

/** Returns a path for people: below the home directory it starts with `~`. */
export function shownPath(path: string, env: Readonly<Record<string, string | undefined>>): string {
  const home = env['HOME'] ?? homedir()
  return home !== '' && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}
