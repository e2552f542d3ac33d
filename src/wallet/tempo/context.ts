import type { Balances } from '../chain/index.js'
import type { Hex } from './charge.js'
import type { KeyLimits } from './key-limits.js'
import type { Config } from './options.js'

/** What a wallet is made of. */
export interface TempoContext {
  readonly config: Config
  readonly balances: Balances
  /** Where an access key signs: what the chain lets it spend. */
  readonly limits: KeyLimits | undefined
  readonly memo: (realm: string, challengeId: string) => Hex
}
