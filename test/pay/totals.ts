import type { Verdict } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { JsonObject } from '../../src/protocol/index.js'
import {
  type AcceptedCredential,
  type Completed,
  type Deliver,
  type Quote,
  type QuoteContext,
  type Spendable,
  spendAuthorization,
  type Unpayable,
  type Wallet,
} from '../../src/wallet/index.js'

export const CHANNEL = '0xc1'

/** A wallet that signs running totals on one channel, without a chain. */
export interface TotalsWallet extends Wallet {
  /** Every signed total, in order. */
  readonly totals: bigint[]
  readonly onAccepted: NonNullable<Wallet['onAccepted']>
  readonly acceptances: AcceptedCredential[]
  /** The claims of streams. */
  readonly needs: JsonObject[]
  readonly hooks: {
    quote?: (quote: Quote, context: QuoteContext) => Quote | Unpayable
    prepare?: (spendable: Spendable, signal: AbortSignal | undefined) => Promise<unknown>
    complete?: (deliver: Deliver, spendable: Spendable) => Promise<unknown>
    inspect?: () => Verdict
  }
}

export function totalsWallet(id = 'totals:1'): TotalsWallet {
  const wallet: TotalsWallet = {
    id,
    kinds: ['tempo/session'],
    totals: [],
    acceptances: [],
    needs: [],
    hooks: {},
    async quote(challenge, context) {
      const { resource, channels, ledger, now, earlierEvidence: after, meterClaims: need } = context
      if (need !== undefined) wallet.needs.push(need)
      if (challenge.expires !== undefined && challenge.expires <= now) return { unpayable: 'it has expired' }
      const lane = `${ledger}:${id}#0`
      const price = amount(BigInt(String(challenge.request['amount'])), CURRENCIES.pathUSD)
      const total = after === undefined ? undefined : BigInt(String(Object(after.detail).total))
      const quote: Quote = {
        wallet: id,
        challenge,
        resource,
        terms: {
          purpose: 'pay',
          kind: 'tempo/session',
          network: 'eip155:4217',
          most: price,
          exact: true,
          payees: [{ id: String(challenge.request['recipient']), amount: price }],
        },
        lane: { names: [lane], otherwise: 'wait', at: total ?? (await channels.signed(lane)) },
        ...(total === undefined ? {} : { replaces: { name: lane, value: total } }),
      }
      return wallet.hooks.quote?.(quote, context) ?? quote
    },
    async prepare(authorization, { now, signal }) {
      const spendable = spendAuthorization(authorization, now)
      await wallet.hooks.prepare?.(spendable, signal)
      const { quote, lane } = spendable
      const total = quote.replaces?.value ?? (lane?.value ?? 0n) + quote.terms.most.value
      return {
        evidence: {
          wallet: id,
          kind: 'tempo/session',
          refs: [`${CHANNEL}:${total}`],
          detail: { total: String(total) },
        },
        signedTotal: total,
        async complete(deliver): Promise<Completed> {
          await wallet.hooks.complete?.(deliver, spendable)
          wallet.totals.push(total)
          const payload = { action: 'voucher', channelId: CHANNEL, cumulativeAmount: String(total) }
          return { credential: { challenge: quote.challenge, payload } }
        },
        async discard() {},
      }
    },
    async inspect() {
      return wallet.hooks.inspect?.() ?? { state: 'unknown', reason: 'there is no chain to look at' }
    },
    matchesReceipt: (_, reference) => reference === CHANNEL,
    async onAccepted(acceptance) {
      wallet.acceptances.push(acceptance)
    },
  }
  return wallet
}
