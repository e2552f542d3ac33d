import type { HttpPaymentHandler } from '../http/index.js'
import type { Channel } from '../ledger/index.js'
import type { Amount } from '../money/index.js'
import type { Env } from '../pay/index.js'
import type { Context } from '../policy/index.js'
import type { ChannelView } from '../wallet/index.js'
import type { Settings } from './options.js'

/** A session as the ledger knows it. */
export interface Session {
  /** What the other methods take. */
  readonly id: string
  readonly vendor: string
  readonly wallet: string
  readonly state: Channel['state']
  /** What is locked up. */
  readonly deposit: Amount
  /** The highest total ever signed: what the vendor may take of it, and what the budgets count as spent. */
  readonly signed: Amount
  /** The rest: exposure, and nothing else. It comes back when the session is closed. */
  readonly unspent: Amount
}

/** A session as the chain shows it, too. */
export interface InspectedSession extends Session {
  /** Undefined: no node of the chain answered, or it knows of no such channel. */
  readonly chain?: ChannelView
}

/** What the sessions of a purser are made of. */
export interface SessionParts {
  readonly env: () => Promise<Env>
  readonly settings: Settings
  readonly face: HttpPaymentHandler
  readonly context: () => Context
}
