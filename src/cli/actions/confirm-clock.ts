import { confirmClockOf } from '../../config/index.js'
import { environmentOf } from '../ledger-reading.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser confirm-clock`. */
export interface ConfirmClockOptions extends CommonOptions {
  readonly to: 'store' | 'wall'
}

/** Confirms that the clock of this machine is right. */
export const confirmClock: Action<ConfirmClockOptions> = async ({ options, terminal }) => {
  const { to } = options
  await confirmClockOf(environmentOf(options, terminal), { to })
  const json: JsonOf<'confirm-clock'> = { confirmed: true, to }
  return { kind: 'single', json, text: () => 'The clock is confirmed. Payments are allowed again.' }
}
