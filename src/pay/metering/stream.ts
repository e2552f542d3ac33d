import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { isPaymentError, PaymentError, PaymentRefusedError } from '../../errors/index.js'
import type { Payment } from '../../ledger/index.js'
import { noWorse, type Terms } from '../../policy/index.js'
import type { Challenge, Credential, JsonObject, Receipt, ReplyInfo } from '../../protocol/index.js'
import { ONCE } from '../../util/objects.js'
import type { Quote } from '../../wallet/index.js'
import { authorize } from '../authorize/authorize.js'
import type { AuthorizedPayment, OfferPurchase } from '../authorize/purchase.js'
import type { Call } from '../env.js'
import type { AnomalyKind } from '../events.js'
import type { Exchange, MeterEvent, Metered } from '../exchange.js'
import { refused } from '../refusal.js'
import { receive, type SubmittedCredential } from '../settle/settle.js'
import type { Submission } from '../submit/submit.js'
import { mostOfStream } from './stream-limit.js'

/** A reply that is being paid for while it is read. */
export interface Streaming<Reply> {
  readonly exchange: Exchange<Reply>
  readonly metered: Metered<Reply>
  /** What it was opened with, and where that payment stands. */
  readonly sending: SubmittedCredential
  readonly payment: Payment
  readonly case: OfferPurchase
  /** Presents a credential and writes down what comes of it, as for any payment. */
  readonly deliver: (
    exchange: Exchange<ReplyInfo>,
    authorized: AuthorizedPayment,
    c: OfferPurchase,
  ) => Promise<ReplyInfo>
}

/** An answer that is paid for while it is read. Only a running total can be raised for it. */
export async function meter<Reply>(
  exchange: Exchange<Reply>,
  presented: Submission<Reply>,
  { prepared }: AuthorizedPayment,
): Promise<{ readonly presented: Submission<Reply>; readonly metered?: Metered<Reply> }> {
  if (presented.kind === 'lost' || presented.reading.kind !== 'response') return { presented }
  if (!presented.reading.ok || prepared.signedTotal === undefined) return { presented }
  const metered = await exchange.metered?.(presented.reply)
  return metered === undefined
    ? { presented }
    : { presented: { ...presented, reply: metered.reply }, metered }
}

/** A challenge that dies sooner than this is asked for again. */
const NEARLY_EXPIRED_MS = 5_000
/** A stream may end before the answer to its last voucher is in: that long it is waited for. */
const LAST_WORD_MS = 2_000
const SAY_MORE =
  'A call without maxAmount takes at most a tenth of a budget: name a maxAmount for one that may take more.'

/**
 * Pays on while a stream is read, as far as policy allows: each time the server says that it needs more, the price of
 * the challenge once more, judged and held as a payment of its own. Ends with the stream, and never throws.
 */
export async function followStream<Reply extends object>(streaming: Streaming<Reply>): Promise<void> {
  const { env } = streaming.case
  try {
    await new Following(streaming).run()
  } catch (error) {
    env.emitter.emit('error', { error, during: 'stream' })
  }
}

type Need = Extract<MeterEvent, { kind: 'need' }>

class Following<Reply extends object> {
  readonly #streaming: Streaming<Reply>
  readonly #case: OfferPurchase
  readonly #deal: AuthorizedPayment
  /** Aborted when the stream ends: nothing that is paid for it outlives it. */
  readonly #ended = new AbortController()
  /** What the server asks now: of several answers the last. */
  #offers: readonly Challenge[]
  #payment: Payment
  /** What this call may come to in all, in the policy's unit. */
  readonly #most: bigint | undefined
  /** What this call has come to so far, in the policy's unit. */
  #units: bigint
  #serial = 0
  /** How much content had come when it was last paid on. */
  #after = -1
  /** Once policy or a failure kept it from being paid on, it is not again. */
  #over = false
  #told = false
  /** A credential is on its way. */
  #sending = false
  #receipts: number
  #unwritten: Receipt | undefined

  constructor(streaming: Streaming<Reply>) {
    const { sending, payment } = streaming
    this.#streaming = streaming
    this.#case = streaming.case
    this.#deal = sending.authorized
    this.#payment = payment
    this.#offers = [sending.authorized.candidate.quote.challenge]
    this.#most = streaming.case.call.context.maxAmount ?? mostOfStream(sending.authorized.candidate)
    this.#units = sending.authorized.candidate.decision.price ?? 0n
    this.#receipts = payment.receipts.length
  }

  async run(): Promise<void> {
    const { metered } = this.#streaming
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
    const { env } = this.#case
    await env.sleep(LAST_WORD_MS, this.#ended.signal).catch(() => undefined)
    this.#ended.abort(reason)
  }

  async #need({ claims, after }: Need): Promise<void> {
    if (this.#over || this.#ended.signal.aborted || !this.#isOurs(claims)) return
    if (after <= this.#after) return this.#stalled()
    try {
      await this.#case.env.runInBackground((closing) => this.#payOn(claims, closing))
      this.#after = after
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Is it about the channel that this stream was opened on? What another one needs is not for this call to pay. */
  #isOurs(claims: JsonObject): boolean {
    const ours = this.#streaming.sending.sent?.credential.payload['channelId']
    const theirs = claims['channelId']
    return (
      typeof ours === 'string' && typeof theirs === 'string' && ours.toLowerCase() === theirs.toLowerCase()
    )
  }

  async #payOn(claims: JsonObject, closing: AbortSignal): Promise<void> {
    const { env } = this.#case
    const close = (): void => this.#ended.abort(closing.reason)
    closing.addEventListener('abort', close, ONCE)
    const place = env.queues.place()
    try {
      const c = { ...this.#caseOf(claims), offers: await this.#challenges(), place }
      const agreement = await authorize(c)
      if (agreement.kind !== 'authorized')
        throw refused([{ rule: 'busy', message: 'An earlier payment stands in the way.' }], { code: 'busy' })
      this.#units += agreement.authorized.candidate.decision.price ?? 0n
      this.#sending = true
      const reading = await this.#streaming.deliver(this.#beside(), agreement.authorized, c)
      if (reading.kind !== 'response' || !reading.ok)
        throw new PaymentError('payment_in_doubt', 'unknown', 'The server did not take what was sent to it.')
    } finally {
      this.#sending = false
      place.leave()
      closing.removeEventListener('abort', close)
    }
  }

  /** The call once more, as a purchase of its own: it continues this very stream, and no other. */
  #caseOf(claims: JsonObject): OfferPurchase {
    const { call, env, fingerprint } = this.#case
    const { candidate, payment } = this.#deal
    const next = JSON.stringify([fingerprint, payment, ++this.#serial])
    return {
      ...this.#case,
      fingerprint: bytesToHex(sha256(utf8ToBytes(next))),
      call: this.#callOf(call),
      env: { ...env, wallets: [candidate.wallet] },
      check: (challenge, at) => this.#streaming.exchange.check(challenge, at),
      requestOffers: () => this.#ask(),
      need: { claims, fits: (quote) => goesOn(quote, candidate.quote) },
    }
  }

  /** The caller's key named the purchase that opened the stream. What the call may cost at most, it may cost in all. */
  #callOf({ context, trace }: Call): Call {
    const left = this.#most === undefined ? undefined : this.#most - this.#units
    return {
      context: left === undefined ? context : { ...context, maxAmount: left < 0n ? 0n : left },
      signal: this.#ended.signal,
      ...(trace === undefined ? {} : { trace }),
    }
  }

  /** The challenge that opened the stream; another one where that is about to die. */
  async #challenges(): Promise<readonly Challenge[]> {
    const soon = this.#case.env.clock.now() + NEARLY_EXPIRED_MS
    const alive = ({ expires }: Challenge): boolean => expires === undefined || expires > soon
    if (!this.#offers.every(alive)) await this.#ask()
    return this.#offers
  }

  async #ask(): Promise<readonly Challenge[]> {
    await this.#notify(undefined)
    return this.#offers
  }

  async #notify(credential: Credential | undefined): Promise<ReplyInfo> {
    const { sendAside } = this.#streaming.exchange
    if (sendAside === undefined)
      throw new PaymentError('not_replayable', 'untouched', 'A credential cannot be sent beside this stream.')
    const { exchange } = this.#streaming
    const reading = await sendAside.call(exchange, credential, this.#ended.signal)
    const { kind } = this.#deal.candidate.quote.challenge
    const offers =
      reading.kind === 'payment-required' ? reading.offers.filter((offer) => offer.kind === kind) : []
    if (offers.length > 0) this.#offers = offers
    return reading
  }

  /** The exchange that delivers beside the stream, where the request itself is not repeated. */
  #beside(): Exchange<ReplyInfo> {
    const { exchange } = this.#streaming
    const sendAside = (credential: Credential | undefined): Promise<ReplyInfo> => this.#notify(credential)
    return {
      resource: exchange.resource,
      fingerprint: () => exchange.fingerprint(),
      send: ({ credential }) => sendAside(credential),
      mayRequirePayment: ({ kind }) => kind === 'payment-required',
      read: async (reading) => reading,
      check: (challenge, at) => exchange.check(challenge, at),
      discard: () => undefined,
      sendAside,
      refuse: () => ({ kind: 'response', ok: false, status: 402 }),
    }
  }

  /** Whoever ended it need not be told that it is not paid on. */
  #failed(error: unknown): void {
    this.#over = !isOfWallet(error)
    if (this.#over) this.#streaming.metered.declined?.(error)
    if (this.#ended.signal.aborted || isPaymentError(error, 'closed')) return
    const { env, at } = this.#case
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
    this.#stop('stream_not_paid_on', this.#isUnsaid(error) ? `${message} ${SAY_MORE}` : message)
  }

  /** Was it stopped by the limit of calls that name none? */
  #isUnsaid(error: unknown): boolean {
    const named = this.#case.call.context.maxAmount !== undefined
    return !named && isPaymentError(error) && error.reasons.some(({ rule }) => rule === 'maxAmount')
  }

  #stalled(): void {
    const message = 'A stream asked for more without having sent anything for what it got.'
    this.#streaming.metered.declined?.(refused([{ rule: 'stream_stalled', message }]))
    this.#stop('stream_stalled', message)
  }

  /** Told once: a server may ask any number of times. */
  #stop(kind: AnomalyKind, message: string): void {
    this.#over ||= kind === 'stream_stalled'
    if (this.#told) return
    this.#told = true
    this.#case.env.emitter.emit('anomaly', { kind, payment: this.#payment.id, message })
  }

  /** The first receipt is written down at once, and the last when the stream has ended: a server may send any number. */
  async #receipt(receipt: Receipt): Promise<void> {
    this.#receipts++
    if (this.#receipts === 1) await this.#write(receipt)
    else this.#unwritten = receipt
  }

  async #lastReceipt(how: 'whole' | 'broken'): Promise<void> {
    if (this.#unwritten !== undefined) await this.#write(this.#unwritten)
    if (how === 'whole' && this.#receipts === 0)
      this.#case.env.emitter.emit('anomaly', {
        kind: 'receipt_missing',
        payment: this.#payment.id,
        message: 'A paid stream ended without a receipt. It counts until the chain says otherwise.',
      })
  }

  async #write(receipt: Receipt): Promise<void> {
    const { sending, metered } = this.#streaming
    const { env } = this.#case
    try {
      this.#payment = await env.runInBackground(() => receive(receipt, sending, this.#payment, env))
      env.attachOutcome(metered.reply, this.#payment)
    } catch (error) {
      if (!isPaymentError(error, 'closed')) throw error
    }
  }
}

/** A wallet that could not pay this time may the next: another stream of its channel may have been faster. */
function isOfWallet(error: unknown): boolean {
  return error instanceof PaymentRefusedError && error.reasons.every(({ rule }) => rule === 'wallet')
}

/** Does this quote pay on for the same? One price more, to the same payees, out of the same channel. */
function goesOn(next: Quote, first: Quote): boolean {
  const [lane, ...others] = next.lane?.names ?? []
  return others.length === 0 && lane === first.lane?.names[0] && noWorse(priceOf(next), priceOf(first))
}

/** What a deposit is raised by is for policy to judge anew. */
function priceOf({ terms }: Quote): Terms {
  const { locks: _l, escrow: _e, fee: _f, ...price } = terms
  return price
}
