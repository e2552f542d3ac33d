import { ownOptions, PaymentError } from '../errors/index.js'
import type { Evidence } from '../ledger/index.js'
import {
  type Amount,
  amount,
  type Currency,
  fiat,
  formatAmount,
  type Instant,
  parseUnits,
  type Units,
} from '../money/index.js'
import { type Challenge, type Json, type JsonObject, x402Network } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import {
  type Prepared,
  type Quote,
  type QuoteContext,
  type Spendable,
  spendAuthorization,
  type Unpayable,
  type Wallet,
} from '../wallet/index.js'
import type { TestClock } from './clock.js'
import { network, unitsOf } from './network.js'
import { type PaidKind, STRIPE_NETWORK, USDC } from './rails.js'

/** Options of a {@link testWallet}. */
export interface TestWalletOptions {
  /** @default 'test:wallet' */
  readonly id?: string
  /** The ways to pay. Default: all that {@link paidApi} offers. */
  readonly kinds?: readonly PaidKind[]
  /** The money of the wallet, for example `1 USD`. Default: it never runs out. */
  readonly balance?: string
  /** The clock of the purser that uses the wallet. Default: the runtime's clock. */
  readonly clock?: Pick<TestClock, 'now'>
}

/** A wallet whose signatures are worth no money. */
export interface TestWallet extends Wallet {
  /** How often the wallet signed. A call that policy refuses leads to no signature. */
  readonly signatures: number
}

/** How long a credential can be taken: as on Tempo with a server that pays the fee. */
const LIFE_MS = 15_000
const ALL: readonly PaidKind[] = ['tempo/charge', 'stripe/charge', 'x402/exact']
const NAMES = { id: true, kinds: true, balance: true, clock: true }

/**
 * Creates a wallet that pays {@link paidApi} and signs nothing that is worth money. It reads offers like the wallets of
 * this package, so the policy of your agent applies to the same networks, currencies and payees.
 *
 * @throws TypeError for an unknown option, or a balance that cannot be read.
 * @example
 * ```ts
 * const clock = testClock()
 * const wallet = testWallet({ clock, balance: '1 USD' })
 * const purser = createPurser({ wallets: [wallet], clock, ledger: memoryLedger({ clock }), policy })
 * ```
 */
export function testWallet(options: TestWalletOptions = {}): TestWallet {
  const { id = 'test:wallet', kinds = ALL, balance, clock } = ownOptions(options, NAMES, 'testWallet()')
  const now = clock === undefined ? Date.now : () => clock.now()
  const money = balance === undefined ? undefined : moneyOf(balance)
  // The network knows the wallet by this name, so two tests never share a balance.
  const account = `${id}#${crypto.randomUUID()}`
  let signatures = 0
  const sign = (spendable: Spendable, at: Instant): Prepared => {
    const signed = credentialOf(spendable, at)
    const { quote } = spendable
    return {
      evidence: {
        wallet: id,
        kind: quote.terms.kind,
        refs: [signed.id],
        recheckAt: signed.until,
        detail: { slot: signed.slot },
      },
      async complete() {
        signatures++
        network.add({ ...signed, wallet: account, now })
        const payload = { testPayment: signed.id }
        return { credential: { challenge: quote.challenge, payload }, goodUntil: signed.until }
      },
      discard: async () => undefined,
    }
  }
  return {
    id,
    kinds,
    get signatures() {
      return signatures
    },
    async quote(challenge, context) {
      const read = quoteOf(challenge, context, id)
      if ('unpayable' in read || money === undefined) return read
      return fundedBy(money, read, network.takenFrom(account))
    },
    async prepare(authorization, { now: at, signal }) {
      const spendable = spendAuthorization(authorization, at)
      signal?.throwIfAborted()
      return sign(spendable, at)
    },
    inspect: async ({ refs: [name = ''] }) => network.verdict(name),
    matchesReceipt: ({ refs: [name] }, reference) => name === reference,
  }
}

function credentialOf({ quote }: Spendable, at: Instant) {
  const [payee] = quote.terms.payees
  if (payee === undefined) throw new PaymentError('wallet_failed', 'untouched', 'The offer names no payee')
  const id = `test-${crypto.randomUUID()}`
  return {
    id,
    slot: quote.replaces?.name ?? id,
    price: quote.terms.most,
    payee: payee.id,
    until: Math.min(quote.goodUntil ?? Number.POSITIVE_INFINITY, at + LIFE_MS),
  }
}

function quoteOf(challenge: Challenge, context: QuoteContext, wallet: string): Quote | Unpayable {
  const { now, resource, earlierEvidence } = context
  const until = Math.min(challenge.expires ?? Number.POSITIVE_INFINITY, now + LIFE_MS)
  if (until <= now) return { unpayable: 'The offer has expired' }
  const read = readOffer(challenge, context)
  if ('unpayable' in read) return read
  const { price, payee, on } = read
  const quote: Quote = {
    wallet,
    challenge,
    resource,
    terms: {
      purpose: 'pay',
      kind: challenge.kind,
      network: on,
      most: price,
      exact: true,
      payees: [{ id: payee, amount: price }],
    },
    goodUntil: until,
  }
  if (earlierEvidence === undefined) return quote
  const slot = slotOf(earlierEvidence, wallet)
  // Two credentials with one slot can never both be taken.
  if (slot !== undefined) return { ...quote, replaces: { name: slot, value: 0n } }
  return { unpayable: 'An earlier credential may still be taken', earlierExpiresAt: now + LIFE_MS }
}

function slotOf({ wallet, detail }: Evidence, own: string): string | undefined {
  const slot = isJsonObject(detail) ? detail['slot'] : undefined
  return wallet === own && typeof slot === 'string' ? slot : undefined
}

/** What an offer asks for, read from its own parameters. */
interface Asked {
  readonly price: Amount
  readonly payee: string
  readonly on: string
}

function readOffer({ kind, request }: Challenge, { currencies }: QuoteContext): Asked | Unpayable {
  const details = isJsonObject(request['methodDetails']) ? request['methodDetails'] : {}
  const tokenOn = (on: string, address: string): Currency | undefined =>
    currencies.token(on, address) ?? (USDC.id === `${on}/erc20:${address.toLowerCase()}` ? USDC : undefined)
  switch (kind) {
    case 'tempo/charge': {
      const on = `eip155:${Number(details['chainId'] ?? Number.NaN)}`
      return asked(request['amount'], tokenOn(on, text(request, 'currency')), text(request, 'recipient'), on)
    }
    case 'stripe/charge': {
      const code = text(request, 'currency').toUpperCase()
      const currency = currencies.get(`iso4217:${code}`) ?? (code.length === 3 ? fiat(code, 2) : undefined)
      return asked(request['amount'], currency, text(details, 'networkId'), STRIPE_NETWORK)
    }
    default: {
      const on = x402Network(text(request, 'network')) ?? ''
      const value = request['amount'] ?? request['maxAmountRequired']
      return asked(value, tokenOn(on, text(request, 'asset')), text(request, 'payTo'), on)
    }
  }
}

function asked(value: Json | undefined, currency: Currency | undefined, payee: string, on: string) {
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,30}$/.test(value))
    return { unpayable: 'The amount is not a whole number above zero' }
  if (currency === undefined)
    return { unpayable: 'The currency is unknown', code: 'unknown_currency' } as const
  if (payee === '') return { unpayable: 'No recipient is named' }
  return { price: amount(BigInt(value), currency), payee, on }
}

function text(record: JsonObject, name: string): string {
  const value = record[name]
  return typeof value === 'string' ? value : ''
}

function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value)
}

function moneyOf(balance: string): Units {
  const units = parseUnits(/^([0-9.]+)(?: [A-Z]{3})?$/.exec(balance)?.[1] ?? '')
  if (units === undefined) throw new TypeError("balance must be a decimal text, for example '1 USD'")
  return units
}

function fundedBy(money: Units, quote: Quote, spent: Units): Quote | Unpayable {
  const { most } = quote.terms
  if (spent + unitsOf(most) <= money) return quote
  return {
    unpayable: `The test wallet has too little money for ${formatAmount(most)}`,
    code: 'insufficient_funds',
  }
}
