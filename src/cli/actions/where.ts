import { placesIn } from '../../config/index.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'

/** Prints the files that Purser reads and writes. */
export const where: Action<CommonOptions> = async ({ options, terminal }) => {
  const places = await placesIn(environmentWith(options, terminal.env))
  const json: JsonOf<'where'> = places
  return {
    kind: 'single',
    json,
    text: () =>
      [
        `settings   ${places.config ?? 'none'}`,
        `policy     ${places.policy ?? 'none'}`,
        `ledger     ${places.ledger}`,
        `agent      ${places.agent}`,
      ].join('\n'),
  }
}
