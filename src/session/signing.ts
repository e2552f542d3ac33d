import type { Evidence, PaymentId } from '../ledger/index.js'
import type { Currency } from '../money/index.js'
import type { Challenge, Credential, JsonObject } from '../protocol/index.js'
import type { PrepareOptions, Quote, Spendable } from '../wallet/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { checkCalls, failed, networkOf, sign, withRecovery } from '../wallet/tempo/shared.js'
import { evidenceOf, type Sending, type SessionDetail } from './evidence.js'
import { descriptorOf, type Identity } from './identity.js'
import type { SessionChannel } from './machine.js'
import { totalOf } from './offer.js'
import type { SessionContext } from './options.js'
import { draft, signed, validBefore } from './transaction.js'
import { voucherHash } from './voucher.js'

/** An authorization with the plan of its quote. */
export interface SigningContext {
  readonly payment: PaymentId
  readonly quote: Quote
  readonly spendable: Spendable
  readonly options: PrepareOptions
  readonly parts: SessionContext
}

/** Returns the running total that this payment signs. The lane was granted at the value of the quote. */
export function newTotal(
  { quote, spendable }: SigningContext,
  channel: Pick<SessionChannel, 'lane' | 'base'>,
  price: bigint,
): bigint {
  const { lane } = spendable
  const { replaces } = quote
  if (lane === undefined || lane.name !== channel.lane || lane.value !== (replaces?.value ?? lane.value))
    throw failed('The granted lane does not belong to the channel, so nothing was signed')
  return replaces?.value ?? totalOf(channel, lane.value) + price
}

/** Signs a transaction that moves a deposit. */
export async function transact(
  {
    kind,
    calls,
    add,
    chainId,
  }: {
    readonly kind: Parameters<typeof draft>[0]
    readonly calls: Parameters<typeof draft>[1]
    readonly add: bigint
    readonly chainId: number
  },
  work: Pick<SigningContext, 'quote' | 'options' | 'parts' | 'spendable'>,
): Promise<{ readonly sending: Sending; readonly raw: Hex; readonly seen: Hex }> {
  const { quote, options, parts, spendable } = work
  const { config } = parts
  await checkCalls(config, chainId, calls)
  const feeCurrency: Currency | undefined = quote.terms.fee?.bound.currency
  const until = validBefore(quote.challenge.expires, options.now, spendable.bounds, config)
  const unsigned = draft(kind, calls, { chainId, validBefore: until, feeCurrency }, config)
  const { raw, hash } = await signed(unsigned, config, options.signal)
  const { seen } = unsigned
  const more = {
    ...(hash === undefined ? {} : { hash }),
    ...(feeCurrency === undefined ? {} : { feeCurrency }),
  }
  return { sending: { add, seen, validBefore: until, ...more }, raw, seen }
}

/** draft-tempo-session-00, "TopUp Payload". */
export function fundingPayload(channel: SessionChannel, raw: Hex, add: bigint): JsonObject {
  const descriptor = descriptorOf(channel.identity)
  return {
    action: 'topUp',
    type: 'transaction',
    channelId: channel.id,
    transaction: raw,
    additionalDeposit: add.toString(),
    ...(descriptor === undefined ? {} : { descriptor }),
  }
}

/** draft-tempo-session-00, "Voucher Payload". The payloads of opening and closing extend it. */
export function voucherPayload(
  action: 'open' | 'voucher' | 'close',
  { id, identity }: Pick<SessionChannel, 'id' | 'identity'>,
  total: bigint,
  signature: Hex,
): JsonObject {
  const descriptor = descriptorOf(identity)
  return {
    action,
    channelId: id,
    cumulativeAmount: total.toString(),
    signature,
    ...(descriptor === undefined ? {} : { descriptor }),
  }
}

export async function signVoucher(
  identity: Identity,
  total: bigint,
  { parts, options }: Pick<SigningContext, 'parts' | 'options'>,
): Promise<Hex> {
  return withRecovery(await sign(voucherHash(identity, total), parts.vouchers, options.signal))
}

export function evidenceFor(
  what: Pick<SessionDetail, 'form' | 'total' | 'price' | 'sending' | 'agreedAt'>,
  { lane, slot, identity, currency, openedAt }: SessionChannel,
  { parts, quote }: Pick<SigningContext, 'parts' | 'quote'>,
): Evidence {
  return evidenceOf(parts.id, quote.challenge.id, { ...what, lane, slot, identity, currency, openedAt })
}

export function credentialOf(
  challenge: Challenge,
  payload: JsonObject,
  { config }: SessionContext,
  identity: Identity,
): Credential {
  return { challenge, payload, source: `did:pkh:${networkOf(identity)}:${config.checksummed}` }
}
