import type { Balances } from '../chain/index.js'
import type { Hex } from './charge.js'
import type { KeyLimits } from './key-limits.js'
import type { Config } from './options.js'

/** The state of a Tempo wallet. */
export interface TempoContext {
  readonly config: Config
  readonly balances: Balances
  /** Set if an access key signs: the chain's limits for it. */
  readonly limits: KeyLimits | undefined
  readonly memo: (realm: string, challengeId: string) => Hex
}
