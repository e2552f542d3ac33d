import type { Channel } from '../ledger/index.js'
import type { Amount } from '../money/index.js'
import type { ChannelView, ChannelWallet, Wallet } from '../wallet/index.js'

/** A session, from the ledger. */
export interface Session {
  /** The id for the other methods. */
  readonly id: string
  readonly vendor: string
  readonly wallet: string
  readonly state: Channel['state']
  /** The amount that is locked up. */
  readonly deposit: Amount
  /** The highest total that was ever signed. The vendor may take it, and budgets count it as spent. */
  readonly signed: Amount
  /** The rest of the deposit. It comes back when the session is closed. */
  readonly unspent: Amount
}

/** A session, from the ledger and the chain. */
export interface InspectedSession extends Session {
  /** Undefined if no node of the chain answered, or if the chain has no such channel. */
  readonly chain?: ChannelView
}

/** The sessions of a purser's ledger. */
export interface Sessions {
  /**
   * Lists the sessions, the oldest first.
   *
   * @param query - A vendor, and whether closed sessions are listed too. @default no closed ones
   */
  list(query?: { readonly vendor?: string; readonly closed?: boolean }): Promise<readonly Session[]>

  /**
   * Returns what the ledger and the chain say about a session. What the chain shows is stored.
   *
   * @throws TypeError if there is no such session.
   */
  inspect(id: string): Promise<InspectedSession>

  /**
   * Asks a vendor whether it remembers a session of ours that the ledger does not know, for example after the loss of the
   * ledger. The next call there continues the session, within the policy. The vendor may want a proof of the payer: a
   * charge of zero, which needs a `tempo()` wallet of the same account.
   *
   * @param url - What the session pays for.
   * @returns False if the vendor remembers no session that is ours, open on the chain, and new to the ledger.
   */
  recall(url: string | URL): Promise<boolean>

  /**
   * Increases the deposit, within the policy.
   *
   * @param more - The increase in the session's currency, for example `'0.5'`.
   * @throws PaymentRefusedError if policy refuses it; PaymentError `payment_in_doubt` if the result is not known.
   */
  topUp(id: string, more: string): Promise<Session>

  /**
   * Closes a session together with the vendor: the vendor takes what it is owed, and the rest of the deposit comes back. If
   * the vendor agreed and the chain does not show it yet, the state is `closing`; a later call returns the end. If the
   * vendor has forgotten the session, this does what {@link forceClose} does.
   *
   * @throws PaymentError if the vendor does not agree or does not answer. {@link forceClose} needs no vendor.
   */
  close(id: string): Promise<Session>

  /**
   * Closes a session without the vendor, in two steps. The first call asks the chain, and the vendor then has some time to
   * claim what it is owed. A second call after that time (`chain.withdrawableAt`) gets the rest of the deposit back.
   */
  forceClose(id: string): Promise<InspectedSession>
}

/** The methods that every wallet with channels has. The compiler checks the names. */
const METHODS = ['inspectChannel', 'quoteOperation'] as const satisfies readonly (keyof ChannelWallet)[]

/** Whether this wallet has channels that their owner can manage. */
export function isChannelWallet(wallet: Wallet): wallet is ChannelWallet {
  return METHODS.every((name) => typeof Reflect.get(wallet, name) === 'function')
}
