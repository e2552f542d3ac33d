import type { LaneGrant } from '../../../src/ledger/index.js'
import {
  type Completed,
  type Quote,
  type QuoteContext,
  spendAuthorization,
  type Unpayable,
  type Wallet,
} from '../../../src/wallet/index.js'
import { termsOf } from '../peers.js'
import type { Issued, ModelChain } from './chain.js'
import type { CallPlan } from './plan.js'

const ID = 'model:1'
/** Fewer lanes than concurrent calls, so that some calls find none free. */
const LANES = ['model:1:0', 'model:1:1', 'model:1:2']

type Leaves = (id: string) => Promise<void>

/**
 * A wallet of one account with a few lanes. What the server sponsors has no lane, as sponsors demand.
 *
 * @param leaves Told before a credential is handed out.
 */
export function modelWallet(chain: ModelChain, call: number, plan: CallPlan, leaves: Leaves): Wallet {
  return {
    id: ID,
    kinds: ['tempo/charge'],
    quote: async (challenge, context) => {
      const terms = termsOf(challenge)
      const run = laneFor(terms.fee === undefined, context)
      if ('unpayable' in run) return run
      return { wallet: ID, challenge, resource: context.resource, terms, ...run }
    },
    prepare: async (authorization, { now }) => {
      const { quote, lane, payment } = spendAuthorization(authorization, now)
      const place: LaneGrant | undefined = quote.replaces ?? lane
      const issued = chain.issue({ call, plan, payment, price: quote.terms.most.value, place })
      return {
        evidence: {
          wallet: ID,
          kind: quote.challenge.kind,
          refs: [issued.id],
          recheckAt: issued.until + 3_000,
          detail: placeDetail(issued),
        },
        ...(place === undefined ? {} : { nextLaneValue: place.value + 1n }),
        complete: async (): Promise<Completed> => {
          await leaves(issued.id)
          return {
            credential: { challenge: quote.challenge, payload: { id: issued.id } },
            goodUntil: issued.until,
          }
        },
        discard: async () => void chain.discarded.add(issued.id),
      }
    },
    inspect: async (evidence) => chain.inspect(evidence),
    matchesReceipt: ({ refs }, reference) => reference === `tx-${refs[0]}`,
  }
}

function placeDetail({ place, until }: Issued) {
  return place === undefined ? { until } : { until, lane: place.name, nonce: place.value.toString() }
}

/** A second credential uses the lane of the first, or waits until that one has expired. */
function laneFor(
  sponsored: boolean,
  { earlierEvidence: after }: QuoteContext,
): Pick<Quote, 'lane' | 'replaces'> | Unpayable {
  if (after !== undefined) {
    const { lane: name, nonce, until } = Object(after.detail)
    if (sponsored || typeof name !== 'string')
      return { unpayable: 'an earlier one may settle', earlierExpiresAt: Number(until) + 3_000 }
    const value = BigInt(String(nonce))
    return { lane: { names: [name], otherwise: 'wait' }, replaces: { name, value } }
  }
  return sponsored ? {} : { lane: { names: LANES, otherwise: 'go' } }
}
