import type { Instant } from '../../money/index.js'
import type { Scope } from '../../policy/index.js'

/** One budget as it stands. Amounts are units: the policy's unit at nine decimals; `payments` counts payments. */
export interface Budget {
  readonly rule: string
  readonly counts: 'spend' | 'lock' | 'payments'
  /** Whose budget it is: policy, agent, task, vendor, … */
  readonly scope: Scope
  readonly window: string
  readonly limit: bigint
  readonly spent: bigint
  /** Set aside for payments under way or in doubt. */
  readonly held: bigint
  readonly remaining: bigint
  readonly resetsAt?: Instant
  /** The same for people: `1.2 of 5 USD spent, 0.1 USD held`. */
  readonly message: string
}
