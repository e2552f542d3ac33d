import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { PaymentError } from '../../errors/index.js'
import type { Instant } from '../../money/index.js'
import type { Challenge } from '../../protocol/index.js'
import { withTimeout } from '../../util/with-timeout.js'
import type { Completed, Prepared, PrepareOptions, Quote, Spendable } from '../index.js'
import { type Charge, readCharge } from './charge.js'
import { type Detail, evidenceOf } from './evidence.js'
import { bitcoin, DECIMALS } from './networks.js'
import type { Config, LightningOptions, LightningOutcome } from './options.js'
import { goodUntil, termsOf } from './quote.js'
import type { TriedInvoices } from './tried-invoices.js'

export interface LightningContext {
  readonly config: Config
  readonly triedInvoices: TriedInvoices
}

interface Job {
  readonly charge: Charge
  readonly challenge: Challenge
  readonly maxFeeMsat: bigint
  /** The time until which the node may be asked and is waited for. */
  readonly until: Instant
  /** The time until which the server accepts the preimage. */
  readonly life: Instant
  readonly detail: Detail
  readonly signal: AbortSignal | undefined
}

const failed = (text: string): PaymentError => new PaymentError('wallet_failed', 'untouched', text)
const doubt = (text: string): PaymentError => new PaymentError('wallet_failed', 'unknown', text)

/**
 * Performs every step that can fail while the money is safe. Most important: no earlier attempt has used this invoice.
 */
export async function prepareCharge(
  spendable: Spendable,
  options: PrepareOptions,
  { config, triedInvoices }: LightningContext,
): Promise<Prepared> {
  options.signal?.throwIfAborted()
  const charge = agreed(spendable.quote, config)
  await untried(charge.invoice.hash, config)
  const job = jobOf(charge, spendable, options, config)
  if (!triedInvoices.begin(job.detail))
    throw failed('This invoice was tried before: a server must make a new one each time')
  let state: 'prepared' | 'completed' | 'discarded' = 'prepared'
  return {
    evidence: evidenceOf(config.id, job.challenge.id, job.detail, job.until),
    async complete() {
      if (state !== 'prepared') throw new TypeError(`This payment was ${state}`)
      state = 'completed'
      return complete(job, config, triedInvoices)
    },
    async discard() {
      if (state === 'prepared') triedInvoices.forget(job.detail)
      state = 'discarded'
    },
  }
}

/** Reads the charge again and checks it against the judged terms, so that the node pays exactly what was judged. */
function agreed(quote: Quote, config: Config): Charge {
  const charge = readCharge(quote.challenge.request)
  if ('unpayable' in charge || quote.wallet !== config.id)
    throw failed('The quote does not belong to this wallet')
  const { most, network, payees, fee } = quote.terms
  const now = termsOf(charge, most.currency, config)
  const same =
    network === now.network &&
    most.value === now.most.value &&
    most.currency.id === bitcoin(charge.invoice.network).id &&
    most.currency.decimals === DECIMALS &&
    payees.length === 1 &&
    payees[0]?.id === charge.invoice.payee &&
    fee?.bound.value === now.fee?.bound.value
  if (!same) throw failed('The invoice differs from the judged one, so nothing was paid')
  return charge
}

/**
 * Refuses an invoice that the node has already paid or is paying for another purchase, because the node would not pay
 * twice.
 */
async function untried(hash: string, config: Config): Promise<void> {
  if (config.lookUp === undefined) return
  const known = await lookUpPayment(hash, config)
  if (known === undefined)
    throw new PaymentError('wallet_unavailable', 'untouched', 'The Lightning node does not answer')
  if (known.state !== 'absent')
    throw failed('The node has tried this invoice before: a server must make a new one each time')
}

type Found = Awaited<ReturnType<NonNullable<LightningOptions['lookUpPayment']>>>

/**
 * The time limit of a lookup, in milliseconds. It is short, because a lookup delays a payment, and an unclear payment
 * is checked again anyway.
 */
const PATIENCE_MS = 15_000

/**
 * Asks the node for its record of a payment. Undefined if it does not answer, or not in time. The node's own texts are
 * not passed on.
 */
export async function lookUpPayment(hash: string, { lookUp, timeoutMs }: Config): Promise<Found | undefined> {
  if (lookUp === undefined) return undefined
  try {
    const found = await withTimeout(lookUp(hash), Math.min(timeoutMs, PATIENCE_MS))
    return found === 'late' ? undefined : found
  } catch {
    return undefined
  }
}

function jobOf(charge: Charge, spendable: Spendable, options: PrepareOptions, config: Config): Job {
  const { payment, quote, bounds } = spendable
  const life = goodUntil(quote.challenge, charge)
  const until = Math.min(life, options.now + Math.min(config.timeoutMs, bounds.maxValidityMs))
  if (!(until > options.now)) throw failed('The offer leaves too little time to pay')
  return {
    charge,
    challenge: quote.challenge,
    maxFeeMsat: quote.terms.fee?.bound.value ?? 0n,
    until,
    life,
    detail: { hash: charge.invoice.hash, payment, expires: charge.invoice.expires },
    signal: options.signal,
  }
}

/**
 * The side effect. The node is asked once. If it answers after the time limit, the result is still remembered, so that
 * a later check finds it.
 */
async function complete(job: Job, config: Config, triedInvoices: TriedInvoices): Promise<Completed> {
  if (config.now() >= job.until) {
    triedInvoices.end(job.detail, { state: 'failed' })
    throw failed('There was no time left to pay, so the node was not asked')
  }
  const outcome = await waitFor(job, config, triedInvoices)
  if (outcome.state === 'failed') throw failed('The node could not pay the invoice, and nothing was paid')
  if (outcome.state !== 'paid') throw doubt('The node did not report the result of the payment in time')
  const { preimage, feeMsat } = outcome
  const detail: Detail = { ...job.detail, paid: true, feeMsat }
  return {
    credential: { challenge: job.challenge, payload: { preimage } },
    evidence: evidenceOf(config.id, job.challenge.id, detail, job.until),
    goodUntil: job.life,
  }
}

type Checked = LightningOutcome | { readonly state: 'unclear' }

/** Waits for the node's answer until the time limit. */
async function waitFor(job: Job, config: Config, triedInvoices: TriedInvoices): Promise<Checked> {
  const waiting = new AbortController()
  const answer = ask(job, config, waiting.signal).then((outcome) => {
    triedInvoices.end(job.detail, toRemember(outcome))
    return outcome
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  const given = new Promise<Checked>((resolve) => {
    const stop = (): void => {
      waiting.abort()
      resolve({ state: 'unclear' })
    }
    timer = setTimeout(stop, job.until - config.now())
    job.signal?.addEventListener('abort', stop, { signal: waiting.signal })
    if (job.signal?.aborted) stop()
  })
  try {
    return await Promise.race([answer, given])
  } finally {
    clearTimeout(timer)
    waiting.abort()
  }
}

/** Never rejects: a node's own error may quote secrets, and proves nothing. */
async function ask(job: Job, config: Config, signal: AbortSignal): Promise<Checked> {
  try {
    const outcome = await config.pay({
      invoice: job.charge.invoice.text,
      paymentHash: job.detail.hash,
      amountMsat: job.charge.invoice.msat,
      maxFeeMsat: job.maxFeeMsat,
      until: job.until,
      signal,
    })
    return checked(outcome, job.detail.hash)
  } catch {
    return { state: 'unclear' }
  }
}

/** A preimage that does not belong to the invoice proves neither success nor failure. */
export function checked(outcome: LightningOutcome, hash: string): Checked {
  if (outcome?.state === 'failed' || outcome?.state === 'pending') return outcome
  if (outcome?.state !== 'paid') return { state: 'unclear' }
  const { preimage, feeMsat } = outcome
  if (typeof preimage !== 'string' || !/^[0-9a-f]{64}$/i.test(preimage)) return { state: 'unclear' }
  if (bytesToHex(sha256(hexToBytes(preimage))) !== hash) return { state: 'unclear' }
  const read = typeof feeMsat === 'bigint' && feeMsat >= 0n
  // draft-lightning-charge-00, Credential Schema: a lowercase hex string.
  return { state: 'paid', preimage: preimage.toLowerCase(), ...(read ? { feeMsat } : {}) }
}

function toRemember(outcome: Checked): Parameters<TriedInvoices['end']>[1] {
  if (outcome.state === 'paid') return { state: 'paid', feeMsat: outcome.feeMsat }
  return outcome.state === 'failed' ? outcome : { state: 'unclear' }
}
