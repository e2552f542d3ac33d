import { lazy } from '../util/lazy.js'
import type { InspectedSession, Session, SessionParts } from './session.js'

/** The sessions of a purser's ledger: listed, looked at, topped up, and closed. */
export class Sessions {
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: used below, and by nobody else. React Native reads no `static {}`
  private static readonly make = (parts: SessionParts): Sessions => new Sessions(parts)

  readonly #desk: () => Promise<import('./session-desk.js').SessionDesk>

  private constructor(parts: SessionParts) {
    this.#desk = lazy(async () => new (await import('./session-desk.js')).SessionDesk(parts))
  }

  /** The oldest first; closed ones only if asked for. */
  async list(
    query: { readonly vendor?: string; readonly closed?: boolean } = {},
  ): Promise<readonly Session[]> {
    return (await this.#desk()).list(query)
  }

  /**
   * What the ledger says and what the chain says. What the chain shows is written down.
   *
   * @throws TypeError if there is no such session.
   */
  async inspect(id: string): Promise<InspectedSession> {
    return (await this.#desk()).inspect(id)
  }

  /**
   * Asks a vendor whether it remembers a session of ours that the ledger does not know, as after a loss of the ledger. The
   * next call there goes on with it, within what policy allows. The vendor may want a proof of who asks: a charge of
   * nothing, which takes a `tempo()` wallet of the same account.
   *
   * @param url What the session pays for.
   * @returns False: it remembers none, or none that is ours, open on the chain, and new to the ledger.
   */
  async recall(url: string | URL): Promise<boolean> {
    return (await this.#desk()).recall(url)
  }

  /**
   * Locks up more, within what policy allows.
   *
   * @param more In the session's own currency: `'0.5'`.
   * @throws PaymentRefusedError if policy says no; PaymentError `payment_in_doubt` if it is not known how it ended.
   */
  async topUp(id: string, more: string): Promise<Session> {
    return (await this.#desk()).topUp(id, more)
  }

  /**
   * Closes it together with the vendor: it takes what it is owed, and the rest of the deposit comes back. Where the chain
   * does not show that yet, what the vendor has agreed to, the state is `closing`: called again later, it says how it ended.
   * A vendor that does not know the session any more is not needed: then this does what {@link forceClose} does.
   *
   * @throws PaymentError if the vendor does not agree, or not answer: {@link forceClose} needs no vendor.
   */
  async close(id: string): Promise<Session> {
    return (await this.#desk()).close(id)
  }

  /**
   * Closes it without the vendor, in two steps: the first asks the chain, and the vendor has a while to claim what it is
   * owed; called again when that is over (`chain.withdrawableAt`), the second fetches the rest back.
   */
  async forceClose(id: string): Promise<InspectedSession> {
    return (await this.#desk()).forceClose(id)
  }
}

/** The sessions that one purser shows. */
export const sessionsOf = Sessions['make']
