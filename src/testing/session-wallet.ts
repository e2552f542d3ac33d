import { PaymentError } from '../errors/index.js'
import type { Channel, Channels, Evidence, Verdict } from '../ledger/index.js'
import { type Amount, amount, parseAmount, partsWithin } from '../money/index.js'
import { type Challenge, type Json, type JsonObject, PROBLEMS, type Resource } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type {
  ChannelOperation,
  ChannelView,
  ChannelWallet,
  Completed,
  Deliver,
  InspectOptions,
  Prepared,
  Quote,
  QuoteContext,
  Spendable,
  Unpayable,
} from '../wallet/index.js'
import { channels } from './channels.js'
import type { AskedPrice } from './read-offer.js'

/** How often an open channel is looked at, in milliseconds. */
const LOOK_MS = 60_000
/** The number of calls that a deposit covers. */
const CALLS = 100n

/** What an allowed quote will do. */
interface Plan {
  readonly kind: 'voucher' | ChannelOperation['kind']
  readonly channelId: string
  readonly lane: string
  readonly slot: string
  /** The total that is signed. */
  readonly total: bigint
  readonly price: bigint
  /** The amount that is locked up in addition. */
  readonly add: Amount
  readonly payee: string
  /** The channel as the ledger has it. Undefined if it must be opened. */
  readonly record: Channel | undefined
}

/** The settings of the sessions of one test wallet. */
export interface SessionSettings {
  readonly id: string
  /** The name of the wallet on the test network. */
  readonly account: string
  /** The deposit of a new channel, for example `0.50`. */
  readonly deposit: string | undefined
  readonly signed: () => void
}

/** The part of a test wallet that pays by sessions. */
export class TestSessions
  implements Pick<ChannelWallet, 'inspectChannel' | 'quoteOperation' | 'rememberedChallenge'>
{
  readonly #settings: SessionSettings
  readonly #plans = new WeakMap<Quote, Plan>()
  /** The last challenge that was accepted, by operation and address. */
  readonly #remembered = new Map<string, Challenge>()
  /** A challenge of each channel, for the operations of its owner. */
  readonly #challenges = new Map<string, Challenge>()

  constructor(settings: SessionSettings) {
    this.#settings = settings
  }

  async quote(challenge: Challenge, asked: AskedPrice, context: QuoteContext): Promise<Quote | Unpayable> {
    const { price, payee, on } = asked
    const slot = [this.#settings.id, on, context.resource.vendor, payee, price.currency.id].join(' ')
    const records = await context.channels.channels({ slot })
    const last = records.at(-1)
    if (context.earlierEvidence !== undefined) return this.#again(challenge, asked, last, context)
    const lane = `${slot}#${records.length}`
    if (last?.state !== 'open') return this.#opening(challenge, asked, { slot, lane }, context)
    const at = await context.channels.signed(last.lane)
    const step = stepOf(price.value, at, context)
    if (step === 0n)
      return { unpayable: 'The signed total already covers the amount that the server asks for' }
    const lacks = at + step - last.deposit.value
    const add =
      lacks > 0n ? this.#deposit(price, lacks, last.deposit.value, context) : amount(0n, price.currency)
    const plan: Plan = {
      kind: 'voucher',
      channelId: idOf(last),
      lane: last.lane,
      slot,
      total: at + step,
      price: step,
      add,
      payee,
      record: last,
    }
    return this.#planned(challenge, asked, context, plan, at)
  }

  async prepare({ quote, payment }: Spendable, ledger: Channels): Promise<Prepared> {
    const plan = this.#plans.get(quote)
    if (plan === undefined) throw new TypeError('This quote is not of this wallet')
    const evidence: Evidence = {
      wallet: this.#settings.id,
      kind: 'tempo/session',
      // When a channel is closed, its vouchers are found by the lane. The operations of its owner are none of them.
      refs: plan.kind === 'voucher' ? [plan.channelId, plan.lane] : [plan.channelId],
      detail: {
        kind: plan.kind,
        lane: plan.lane,
        slot: plan.slot,
        total: plan.total.toString(),
        price: plan.price.toString(),
      },
    }
    const complete = (deliver: Deliver): Promise<Completed> =>
      plan.kind === 'voucher'
        ? this.#sign(plan, quote, payment, ledger)
        : this.#operate(plan, quote, payment, ledger, deliver)
    return { evidence, signedTotal: plan.total, complete, discard: async () => undefined }
  }

  async inspect(
    { detail, refs: [id = ''] }: Evidence,
    { problem }: Partial<InspectOptions>,
  ): Promise<Verdict> {
    const channel = channels.get(id)
    const read: JsonObject = isJsonObject(detail) ? detail : {}
    if (channel === undefined) return { state: 'void', reason: 'the channel was never opened' }
    const { currency } = channel.deposit
    if (read['kind'] !== 'voucher') {
      const done = read['kind'] === 'topUp' || channel.captured !== undefined
      if (done) return { state: 'settled', reference: id }
      return { state: 'void', reason: 'the channel is as it was before' }
    }
    const [total, price] = [bigintOf(read['total']), bigintOf(read['price'])]
    // The server says that it took this total before. That is to the payer's disadvantage, so it is believed.
    if (problem?.type === PROBLEMS.sessionInsufficientBalance) return { state: 'settled', reference: id }
    if (channel.captured === undefined)
      return { state: 'unknown', reason: 'the channel is open, so its payee may still take the voucher' }
    const covered = channel.captured - (total - price)
    if (covered <= 0n) return { state: 'void', reason: 'the channel was closed without this voucher' }
    return { state: 'settled', reference: id, amount: amount(covered < price ? covered : price, currency) }
  }

  accepted(challenge: Challenge, resource: Resource, { refs: [, lane = ''] }: Evidence): void {
    this.#remembered.set(keyOf(resource), challenge)
    this.#challenges.set(lane, challenge)
  }

  rememberedChallenge(resource: Resource): Challenge | undefined {
    return this.#remembered.get(keyOf(resource))
  }

  async inspectChannel(record: Channel, ledger: Channels): Promise<ChannelView | undefined> {
    const channel = channels.get(idOf(record))
    if (channel === undefined) return undefined
    const closed = channel.captured !== undefined
    if (closed && record.state !== 'closed') {
      await ledger.putChannel({ ...record, state: 'closed' })
      this.#remembered.clear()
    }
    const { deposit } = channel
    return { deposit, captured: amount(channel.captured ?? 0n, deposit.currency), closed }
  }

  async quoteOperation(
    operation: ChannelOperation,
    record: Channel,
    context: QuoteContext,
  ): Promise<Quote | Unpayable> {
    const challenge = this.#challenges.get(record.lane)
    const channel = channels.get(idOf(record))
    if (challenge === undefined || channel === undefined)
      return { unpayable: 'This wallet has no such channel' }
    const { currency } = record.deposit
    const add = amount(operation.kind === 'topUp' ? operation.amount : 0n, currency)
    const total = await context.channels.signed(record.lane)
    const [, on = ''] = record.slot.split(' ')
    const asked: AskedPrice = { price: amount(0n, currency), payee: channel.payee, on }
    const plan: Plan = {
      kind: operation.kind,
      channelId: channel.id,
      lane: record.lane,
      slot: record.slot,
      total,
      price: 0n,
      add,
      payee: channel.payee,
      record,
    }
    return this.#planned(challenge, asked, context, plan, total)
  }

  #opening(
    challenge: Challenge,
    asked: AskedPrice,
    { slot, lane }: { readonly slot: string; readonly lane: string },
    context: QuoteContext,
  ): Quote {
    const { price, payee } = asked
    const step = stepOf(price.value, 0n, context)
    const plan: Plan = {
      kind: 'voucher',
      channelId: `test-channel-${crypto.randomUUID()}`,
      lane,
      slot,
      total: step,
      price: step,
      add: this.#deposit(price, step, 0n, context),
      payee,
      record: undefined,
    }
    return this.#planned(challenge, asked, context, plan, 0n)
  }

  /** The same total once more, for a fresh challenge: together, both credentials move the money only once. */
  #again(
    challenge: Challenge,
    asked: AskedPrice,
    record: Channel | undefined,
    context: QuoteContext,
  ): Quote | Unpayable {
    const detail = context.earlierEvidence?.detail
    const read = isJsonObject(detail) ? detail : {}
    const [total, price] = [bigintOf(read['total']), bigintOf(read['price'])]
    if (record === undefined || record.lane !== read['lane'] || asked.price.value > price)
      return { unpayable: 'An earlier payment for this may still be taken' }
    const { lane, slot } = record
    const add = amount(0n, asked.price.currency)
    const plan: Plan = {
      ...{
        kind: 'voucher',
        channelId: idOf(record),
        lane,
        slot,
        total,
        price,
        add,
        payee: asked.payee,
        record,
      },
    }
    const quote = this.#planned(challenge, asked, context, plan, total, { name: lane, value: total })
    return quote
  }

  #planned(
    challenge: Challenge,
    { payee, on }: AskedPrice,
    { resource, now }: QuoteContext,
    plan: Plan,
    at: bigint,
    replaces?: Quote['replaces'],
  ): Quote {
    const most = amount(plan.price, plan.add.currency)
    const quote: Quote = {
      wallet: this.#settings.id,
      challenge,
      resource,
      terms: {
        purpose: plan.price === 0n ? 'fund' : 'pay',
        kind: 'tempo/session',
        network: on,
        most,
        exact: true,
        payees: [{ id: payee, amount: most }],
        ...(plan.add.value === 0n ? {} : { locks: plan.add }),
      },
      lane: { names: [plan.lane], otherwise: 'wait', at },
      goodUntil: Math.min(challenge.expires ?? Number.POSITIVE_INFINITY, now + LOOK_MS),
      ...(replaces === undefined ? {} : { replaces }),
    }
    this.#plans.set(quote, plan)
    return quote
  }

  /** Opens or tops up the channel if the plan says so, and signs the total. */
  async #sign(plan: Plan, quote: Quote, payment: string, ledger: Channels): Promise<Completed> {
    const { channelId, total, add, payee, record } = plan
    if (record === undefined)
      channels.open({ id: channelId, wallet: this.#settings.account, payee, deposit: add })
    else channels.raise(channelId, add.value)
    if (add.value > 0n) await this.#store(plan, quote, payment, ledger)
    channels.sign({ channelId, total })
    this.#settings.signed()
    return credentialOf(quote.challenge, plan, 'voucher')
  }

  /** An operation of the owner. Only a close needs the vendor. */
  async #operate(
    plan: Plan,
    quote: Quote,
    payment: string,
    ledger: Channels,
    deliver: Deliver,
  ): Promise<Completed> {
    const completed = credentialOf(quote.challenge, plan, plan.kind)
    this.#settings.signed()
    if (plan.kind === 'topUp') {
      channels.raise(plan.channelId, plan.add.value)
      await this.#store(plan, quote, payment, ledger)
      return completed
    }
    if (plan.kind === 'close') {
      const reply = await deliver(completed.credential)
      if (reply.kind !== 'response' || !reply.ok)
        throw new PaymentError('wallet_failed', 'unknown', 'The vendor did not close the channel')
    }
    channels.close(plan.channelId)
    this.#remembered.clear()
    return completed
  }

  async #store(plan: Plan, { resource }: Quote, payment: string, ledger: Channels): Promise<void> {
    const { record, add, channelId, lane, slot } = plan
    await ledger.putChannel({
      lane,
      slot,
      wallet: this.#settings.id,
      vendor: record?.vendor ?? resource.vendor,
      address: record?.address ?? resource.address.split('?')[0] ?? '',
      state: 'open',
      deposit: amount((record?.deposit.value ?? 0n) + add.value, add.currency),
      funding: [...(record?.funding ?? []), payment],
      detail: { channel: channelId },
      rev: record?.rev ?? 0,
    })
  }

  /** A hundred prices, or the deposit of the options: at least what is needed, at most what policy allows to lock up. */
  #deposit(price: Amount, needs: bigint, has: bigint, { bounds }: QuoteContext): Amount {
    const { currency, value } = price
    const { deposit } = this.#settings
    const wished = deposit === undefined ? value * CALLS : parseAmount(deposit, currency).value
    const room = (partsWithin(bounds.maxLock, currency, bounds.unit) ?? wished) - has
    const capped = wished < room ? wished : room
    return amount(capped > needs ? capped : needs, currency)
  }
}

function credentialOf(challenge: Challenge, { channelId, total }: Plan, action: string): Completed {
  return { credential: { challenge, payload: { action, channelId, cumulativeAmount: total.toString() } } }
}

/** The amount that is added to the total: the price, or in a stream the amount that is missing, if that is less. */
function stepOf(price: bigint, before: bigint, { meterClaims }: QuoteContext): bigint {
  const required = bigintOf(meterClaims?.['requiredCumulative'] ?? null, before + price)
  const missing = required > before ? required - before : 0n
  return missing < price ? missing : price
}

function idOf({ detail }: Channel): string {
  const id = isJsonObject(detail) ? detail['channel'] : undefined
  return typeof id === 'string' ? id : ''
}

function keyOf({ vendor, operation, address }: Resource): string {
  return [vendor, operation, address].join(' ')
}

function bigintOf(value: Json | undefined, otherwise = 0n): bigint {
  return typeof value === 'string' && /^[0-9]{1,40}$/.test(value) ? BigInt(value) : otherwise
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value)
}
