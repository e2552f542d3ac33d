import type { Evidence, Verdict } from '../../ledger/index.js'
import { amount, type Instant } from '../../money/index.js'
import { type Detail, readDetail } from './evidence.js'
import { bitcoin } from './networks.js'
import type { Config, LightningAbsence, LightningFailure } from './options.js'
import { checked, lookUpPayment } from './prepare.js'
import type { TriedInvoices } from './tried-invoices.js'

/** The interval between checks of a pending payment, in milliseconds. */
const LOOK_MS = 30_000
/** The time after an invoice's expiry until a node surely has recorded a payment that was requested just before it. */
const MARGIN_MS = 600_000

const WHY: Readonly<Record<LightningFailure, string>> = {
  no_route: 'The node found no route within the fee, and nothing was paid',
  no_balance: 'The node had too little balance on its channels, and nothing was paid',
  refused: 'The payee refused the payment, and nothing was paid',
}

/**
 * Finds out what happened to a payment. It is settled if this process saw, or the node shows, a preimage that hashes to
 * the payment hash. It is void if the node reports a final failure, or if the node has no record of the invoice and the
 * invoice has expired by the node's own clock. The local clock proves nothing, and a payment in flight can be held up
 * for days.
 */
export async function inspectCharge(
  evidence: Evidence,
  config: Config,
  triedInvoices: TriedInvoices,
): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return { state: 'unknown', reason: 'This evidence is not of a Lightning charge' }
  if (detail.paid) return settled(detail, detail.feeMsat, config)
  const here = triedInvoices.get(detail)
  if (here?.state === 'paid') return settled(detail, here.feeMsat, config)
  if (here?.state === 'failed') return fail(here.why)
  return (
    (await atNode(detail, config)) ??
    (here?.state === 'trying'
      ? pending(config.now() + LOOK_MS, 'The node has not answered yet')
      : { state: 'unknown', reason: 'The Lightning node does not report the result of the payment' })
  )
}

/** Undefined if the node's answer proves nothing. */
async function atNode(detail: Detail, config: Config): Promise<Verdict | undefined> {
  const found = await lookUpPayment(detail.hash, config)
  if (found === undefined) return undefined
  if (found.state === 'absent') return neverTried(detail, found, config.now())
  const outcome = checked(found, detail.hash)
  switch (outcome.state) {
    case 'paid':
      return settled(detail, outcome.feeMsat, config)
    case 'failed':
      return fail(outcome.why)
    case 'pending':
      return pending(config.now() + LOOK_MS, 'The payment is still pending')
    default:
      return undefined
  }
}

/**
 * Handles an invoice that the node has no record of. A request to the node may still be in flight, but no node pays an
 * invoice that has expired by its own clock.
 */
function neverTried({ expires }: Detail, { now: there }: LightningAbsence, now: Instant): Verdict {
  const over = expires + MARGIN_MS
  if (there !== undefined && there >= over)
    return { state: 'void', reason: 'The invoice expired, and the node never tried to pay it' }
  if (there === undefined && now >= over)
    return {
      state: 'unknown',
      reason: 'The node never tried to pay the invoice, and does not report its time',
    }
  const recheckAt = Math.max(over, now + LOOK_MS)
  return pending(recheckAt, 'The node has not tried to pay the invoice, and could still be asked to')
}

function settled({ hash }: Detail, feeMsat: bigint | undefined, { network }: Config): Verdict {
  const fee = feeMsat === undefined ? {} : { fee: amount(feeMsat, bitcoin(network)) }
  return { state: 'settled', reference: hash, ...fee }
}

function fail(why: LightningFailure | undefined): Verdict {
  const known = why !== undefined && Object.hasOwn(WHY, why) ? WHY[why] : undefined
  return { state: 'void', reason: known ?? 'The node could not pay the invoice, and nothing was paid' }
}

function pending(recheckAt: Instant, reason: string): Verdict {
  return { state: 'pending', recheckAt, reason }
}
