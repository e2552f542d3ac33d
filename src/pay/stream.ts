import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { isPaymentError, PaymentError, PaymentRefusedError } from '../errors/index.js'
import type { Payment } from '../ledger/index.js'
import type { Units } from '../money/index.js'
import { noWorse, type Terms } from '../policy/index.js'
import type { Challenge, Credential, JsonObject, Receipt, ReplyInfo } from '../protocol/index.js'
import { ONCE } from '../util/objects.js'
import type { Quote } from '../wallet/index.js'
import { authorize } from './authorize/authorize.js'
import type { Candidate } from './authorize/candidates.js'
import { deliver } from './deliver.js'
import type { Call } from './env.js'
import type { AnomalyKind } from './events.js'
import type { Exchange, MeterEvent } from './exchange.js'
import type { OfferPurchase, PaidStream } from './purchase.js'
import { refused } from './refusal.js'
import { settleByLateReceipt } from './settle.js'

/** If a challenge expires sooner than this, Purser asks the server for another one. */
const NEARLY_EXPIRED_MS = 5_000
/** A stream may end before the answer to its last voucher is here. Purser waits so long for it. */
const LAST_ANSWER_MS = 2_000
const RAISE_LIMIT =
  'A call without maxAmount takes at most a tenth of a budget: name a maxAmount for one that may take more.'

/**
 * Pays further while the caller reads a stream, as far as policy allows. Each time the server asks for more, the price
 * of the challenge is judged, held and paid once more, as a separate payment. Ends with the stream, and never throws.
 */
export async function followStream<Reply extends object>(
  stream: PaidStream<Reply>,
  purchase: OfferPurchase<Reply>,
): Promise<void> {
  try {
    await new StreamPayer(stream, purchase).run()
  } catch (error) {
    purchase.env.emitter.emit('error', { error, during: 'stream' })
  }
}

type Need = Extract<MeterEvent, { kind: 'need' }>

class StreamPayer<Reply extends object> {
  readonly #stream: PaidStream<Reply>
  readonly #purchase: OfferPurchase<Reply>
  /** The candidate that the stream was opened with. */
  readonly #first: Candidate
  /** Aborted when the stream ends: no payment for the stream outlives it. */
  readonly #ended = new AbortController()
  /** The server's latest offers. */
  #offers: readonly Challenge[]
  #payment: Payment
  /** The most that this call may cost in all, in the policy's unit. */
  readonly #most: Units | undefined
  /** What this call has cost so far, in the policy's unit. */
  #units: Units
  #serial = 0
  /** How much content had come at the last payment. */
  #after = -1
  /** Set once policy or a failure has stopped the payments. */
  #over = false
  #reported = false
  /** A credential is on its way. */
  #sending = false
  #receipts: number
  #unrecorded: Receipt | undefined

  constructor(stream: PaidStream<Reply>, purchase: OfferPurchase<Reply>) {
    const { candidate } = stream.submitted.authorized
    this.#stream = stream
    this.#purchase = purchase
    this.#first = candidate
    this.#payment = stream.payment
    this.#offers = [candidate.quote.challenge]
    this.#most = purchase.call.context.maxAmount ?? mostOfStream(candidate)
    this.#units = candidate.decision.price ?? 0n
    this.#receipts = stream.payment.receipts.length
  }

  async run(): Promise<void> {
    const { metered } = this.#stream
    const ending = metered.end.then((how) => this.#end(how))
    for await (const event of metered.events) {
      if (event.kind === 'need') await this.#need(event)
      else await this.#receipt(event.receipt)
    }
    await ending
    await this.#lastReceipt(await metered.end)
  }

  /** A stream that was read to its end may have been faster than the answer to its last voucher. */
  async #end(how: 'whole' | 'broken'): Promise<void> {
    const reason = new DOMException('The stream has ended.', 'AbortError')
    if (how === 'broken' || !this.#sending) return this.#ended.abort(reason)
    await this.#purchase.env.sleep(LAST_ANSWER_MS, this.#ended.signal).catch(() => undefined)
    this.#ended.abort(reason)
  }

  async #need({ claims, after }: Need): Promise<void> {
    if (this.#over || this.#ended.signal.aborted || !this.#isOurs(claims)) return
    if (after <= this.#after) return this.#stalled()
    try {
      await this.#purchase.env.runInBackground((closing) => this.#payFurther(claims, closing))
      this.#after = after
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Whether the server asks for the channel that this stream was opened on. This call pays on no other one. */
  #isOurs(claims: JsonObject): boolean {
    const ours = this.#stream.submitted.sent?.credential.payload['channelId']
    const theirs = claims['channelId']
    return (
      typeof ours === 'string' && typeof theirs === 'string' && ours.toLowerCase() === theirs.toLowerCase()
    )
  }

  async #payFurther(claims: JsonObject, closing: AbortSignal): Promise<void> {
    const close = (): void => this.#ended.abort(closing.reason)
    closing.addEventListener('abort', close, ONCE)
    const place = this.#purchase.env.queues.place()
    try {
      const purchase = { ...this.#purchaseOf(claims), offers: await this.#liveOffers(), place }
      const result = await authorize(purchase)
      if (result.kind !== 'authorized')
        throw refused([{ rule: 'busy', message: 'An earlier payment stands in the way.' }], { code: 'busy' })
      this.#units += result.authorized.candidate.decision.price ?? 0n
      this.#sending = true
      const delivery = await deliver(result.authorized, purchase)
      const reading = delivery.kind === 'answered' ? delivery.reply : undefined
      if (reading?.kind !== 'response' || !reading.ok)
        throw new PaymentError('payment_in_doubt', 'unknown', 'The server did not take what was sent to it.')
    } finally {
      this.#sending = false
      place.leave()
      closing.removeEventListener('abort', close)
    }
  }

  /** A separate purchase that continues this very stream, and no other one. */
  #purchaseOf(claims: JsonObject): OfferPurchase<ReplyInfo> {
    const { call, env, fingerprint } = this.#purchase
    const { payment } = this.#stream.submitted.authorized
    const next = JSON.stringify([fingerprint, payment, ++this.#serial])
    return {
      ...this.#purchase,
      exchange: this.#exchangeBeside(),
      fingerprint: bytesToHex(sha256(utf8ToBytes(next))),
      call: this.#callOf(call),
      env: { ...env, wallets: [this.#first.wallet] },
      need: { claims, fits: (quote) => continues(quote, this.#first.quote) },
    }
  }

  /**
   * The caller's key named the purchase that opened the stream. The call's `maxAmount` bounds all payments together.
   */
  #callOf({ context, trace }: Call): Call {
    const left = this.#most === undefined ? undefined : this.#most - this.#units
    return {
      context: left === undefined ? context : { ...context, maxAmount: left < 0n ? 0n : left },
      key: undefined,
      signal: this.#ended.signal,
      trace,
    }
  }

  /** The challenge that opened the stream; another one if that expires soon. */
  async #liveOffers(): Promise<readonly Challenge[]> {
    const soon = this.#purchase.env.clock.now() + NEARLY_EXPIRED_MS
    const alive = ({ expires }: Challenge): boolean => expires === undefined || expires > soon
    if (!this.#offers.every(alive)) await this.#sendAside(undefined)
    return this.#offers
  }

  async #sendAside(credential: Credential | undefined): Promise<ReplyInfo> {
    const { exchange } = this.#purchase
    if (exchange.sendAside === undefined)
      throw new PaymentError('not_replayable', 'untouched', 'A credential cannot be sent beside this stream.')
    const reading = await exchange.sendAside(credential, this.#ended.signal)
    const { kind } = this.#first.quote.challenge
    const offers =
      reading.kind === 'payment-required' ? reading.offers.filter((offer) => offer.kind === kind) : []
    if (offers.length > 0) this.#offers = offers
    return reading
  }

  /** An exchange that sends credentials next to the stream, and does not repeat the request. */
  #exchangeBeside(): Exchange<ReplyInfo> {
    const { exchange } = this.#purchase
    const sendAside = (credential: Credential | undefined): Promise<ReplyInfo> => this.#sendAside(credential)
    return {
      resource: exchange.resource,
      fingerprint: () => exchange.fingerprint(),
      send: async ({ credential }) => {
        const reading = await sendAside(credential)
        return credential === undefined
          ? { kind: 'payment-required', at: exchange.resource, offers: this.#offers }
          : reading
      },
      mayRequirePayment: ({ kind }) => kind === 'payment-required',
      read: async (reading) => reading,
      check: (challenge, at) => exchange.check(challenge, at),
      discard: () => undefined,
      sendAside,
      refuse: () => ({ kind: 'response', ok: false, status: 402 }),
    }
  }

  /** A caller who ended the stream hears nothing of payments that stopped. */
  #failed(error: unknown): void {
    this.#over = !isOfWallet(error)
    if (this.#over) this.#stream.metered.declined?.(error)
    if (this.#ended.signal.aborted || isPaymentError(error, 'closed')) return
    const { env, at } = this.#purchase
    if (!isPaymentError(error)) env.emitter.emit('error', { error, during: 'stream' })
    if (error instanceof PaymentRefusedError) {
      const { code, reasons, paymentId } = error
      env.emitter.emit('refusal', {
        resource: at,
        code,
        reasons,
        ...(paymentId === undefined ? {} : { payment: paymentId }),
      })
    }
    const why = isPaymentError(error) ? error.message : 'Paying on failed.'
    const message = `A stream asked for more, and did not get it. ${why}`
    this.#report('stream_not_paid_on', this.#isDefaultLimit(error) ? `${message} ${RAISE_LIMIT}` : message)
  }

  /** Whether the limit for calls without a `maxAmount` stopped the payments. */
  #isDefaultLimit(error: unknown): boolean {
    const named = this.#purchase.call.context.maxAmount !== undefined
    return !named && isPaymentError(error) && error.reasons.some(({ rule }) => rule === 'maxAmount')
  }

  #stalled(): void {
    const message = 'A stream asked for more without having sent anything for what it got.'
    this.#stream.metered.declined?.(refused([{ rule: 'stream_stalled', message }]))
    this.#over = true
    this.#report('stream_stalled', message)
  }

  /** Reports once, because a server may ask any number of times. */
  #report(kind: AnomalyKind, message: string): void {
    if (this.#reported) return
    this.#reported = true
    this.#purchase.env.emitter.emit('anomaly', { kind, payment: this.#payment.id, message })
  }

  /** Records the first receipt at once, and the last one at the end of the stream: a server may send any number. */
  async #receipt(receipt: Receipt): Promise<void> {
    this.#receipts++
    if (this.#receipts === 1) await this.#record(receipt)
    else this.#unrecorded = receipt
  }

  async #lastReceipt(how: 'whole' | 'broken'): Promise<void> {
    if (this.#unrecorded !== undefined) await this.#record(this.#unrecorded)
    if (how === 'whole' && this.#receipts === 0)
      this.#purchase.env.emitter.emit('anomaly', {
        kind: 'receipt_missing',
        payment: this.#payment.id,
        message: 'A paid stream ended without a receipt. It counts until the chain says otherwise.',
      })
  }

  async #record(receipt: Receipt): Promise<void> {
    const { submitted, metered } = this.#stream
    const { call, env } = this.#purchase
    try {
      this.#payment = await env.runInBackground(() =>
        settleByLateReceipt(receipt, { submitted, payment: this.#payment, call, env }),
      )
      env.attachOutcome(metered.reply, this.#payment)
    } catch (error) {
      if (!isPaymentError(error, 'closed')) throw error
    }
  }
}

/**
 * Whether the wallet could not pay this time. It may pay the next one: another stream of its channel may have been
 * faster.
 */
function isOfWallet(error: unknown): boolean {
  return error instanceof PaymentRefusedError && error.reasons.every(({ rule }) => rule === 'wallet')
}

/** Whether a quote pays for the same stream: one price more, to the same payees, from the same channel. */
function continues(next: Quote, first: Quote): boolean {
  const [lane, ...others] = next.lane?.names ?? []
  return others.length === 0 && lane === first.lane?.names[0] && noWorse(priceOf(next), priceOf(first))
}

/** The terms without a further deposit, which policy judges by itself. */
function priceOf({ terms }: Quote): Terms {
  const { locks: _l, escrow: _e, fee: _f, ...price } = terms
  return price
}

/** A metered call without a `maxAmount` takes at most this part of a budget. */
const PART = 10n

/**
 * The most that a metered call without a `maxAmount` may cost in all, in the policy's unit: a tenth of the tightest
 * budget that it counts in, or the most that policy allows one payment to cost, if that is more. Without this limit one
 * stream could take a whole day's budget, one small price after another.
 *
 * @returns Undefined if no budget of money limits the call, because policy then sets no limit.
 */
function mostOfStream({ bounds, decision }: Pick<Candidate, 'bounds' | 'decision'>): Units | undefined {
  const budgets = decision.claims.flatMap(({ counts, limit }) => (counts === 'spend' ? [limit] : []))
  const [first, ...others] = budgets
  if (first === undefined) return undefined
  const part = others.reduce((least, limit) => (limit < least ? limit : least), first) / PART
  const { maxPrice = 0n } = bounds
  return part > maxPrice ? part : maxPrice
}
