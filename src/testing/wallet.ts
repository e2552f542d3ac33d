import { ownOptions, PaymentError } from '../errors/index.js'
import type { Evidence } from '../ledger/index.js'
import { formatAmount, type Instant, parseUnits, type Units } from '../money/index.js'
import type { Challenge } from '../protocol/index.js'
import {
  type ChannelWallet,
  type Prepared,
  type Quote,
  type QuoteContext,
  type Spendable,
  spendAuthorization,
  type Unpayable,
} from '../wallet/index.js'
import { channels } from './channels.js'
import type { TestClock } from './clock.js'
import { network, type Signed, unitsOf } from './network.js'
import { KINDS, type PaidKind } from './rails.js'
import { type AskedPrice, isJsonObject, readOffer } from './read-offer.js'
import { TestSessions } from './session-wallet.js'

/** Options of a {@link testWallet}. */
export interface TestWalletOptions {
  /** @default 'test:wallet' */
  readonly id?: string
  /** The ways to pay. Default: all that {@link paidApi} offers. */
  readonly kinds?: readonly PaidKind[]
  /** The money of the wallet, for example `1 USD`. Default: it never runs out. */
  readonly balance?: string
  /** The deposit of a new session, in its currency: `0.50`. Default: a hundred prices. */
  readonly deposit?: string
  /** The clock of the purser that uses the wallet. Default: the runtime's clock. */
  readonly clock?: Pick<TestClock, 'now'>
}

/** A wallet whose signatures are worth no money. */
export interface TestWallet extends ChannelWallet {
  /** How often the wallet signed. A call that policy refuses leads to no signature. */
  readonly signatures: number
}

/** How long a credential can be taken: as on Tempo with a server that pays the fee. */
const LIFE_MS = 15_000
const NAMES = { id: true, kinds: true, balance: true, deposit: true, clock: true }

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
  const {
    id = 'test:wallet',
    kinds = KINDS,
    balance,
    deposit,
    clock,
  } = ownOptions(options, NAMES, 'testWallet()')
  const now = clock === undefined ? Date.now : () => clock.now()
  const money = balance === undefined ? undefined : moneyOf(balance)
  // The network knows the wallet by this name, so two tests never share a balance.
  const account = `${id}#${crypto.randomUUID()}`
  let signatures = 0
  const signed = (): void => void signatures++
  const sign = (credential: Omit<Signed, 'wallet' | 'now'>): void => {
    signatures++
    network.add({ ...credential, wallet: account, now })
  }
  const sessions = new TestSessions({ id, account, deposit, signed })
  return {
    id,
    kinds,
    get signatures() {
      return signatures
    },
    async quote(challenge, context) {
      const asked = readOffer(challenge, context)
      if ('unpayable' in asked) return asked
      const read = await (isSession(challenge)
        ? sessions.quote(challenge, asked, context)
        : quoteOf(challenge, asked, context, id))
      if ('unpayable' in read || money === undefined) return read
      return fundedBy(money, read, spentBy(account))
    },
    async prepare(authorization, { now: at, signal, channels }) {
      const spendable = spendAuthorization(authorization, at)
      signal?.throwIfAborted()
      return isSession(spendable.quote.challenge)
        ? sessions.prepare(spendable, channels)
        : preparedCharge(spendable, at, id, sign)
    },
    async inspect(evidence, context) {
      const [name = ''] = evidence.refs
      return isSession(evidence) ? sessions.inspect(evidence, context ?? {}) : network.verdict(name)
    },
    matchesReceipt: ({ refs: [name] }, reference) => name === reference,
    async onAccepted({ challenge, resource, evidence }) {
      if (isSession(challenge)) sessions.accepted(challenge, resource, evidence)
    },
    rememberedChallenge: (resource) => sessions.rememberedChallenge(resource),
    inspectChannel: (record, ledger) => sessions.inspectChannel(record, ledger),
    quoteOperation: (operation, record, context) => sessions.quoteOperation(operation, record, context),
  }
}

/** A payment of its own, outside of a session. `sign` records the credential on the test network. */
function preparedCharge(
  spendable: Spendable,
  at: Instant,
  wallet: string,
  sign: (credential: Omit<Signed, 'wallet' | 'now'>) => void,
): Prepared {
  const { challenge, terms } = spendable.quote
  const credential = credentialOf(spendable, at)
  const { id, slot, until } = credential
  return {
    evidence: { wallet, kind: terms.kind, refs: [id], recheckAt: until, detail: { slot } },
    async complete() {
      sign(credential)
      return { credential: { challenge, payload: { testPayment: id } }, goodUntil: until }
    },
    discard: async () => undefined,
  }
}

function credentialOf({ quote }: Spendable, at: Instant): Omit<Signed, 'wallet' | 'now'> {
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

function isSession({ kind }: Pick<Challenge, 'kind'>): boolean {
  return kind === 'tempo/session'
}

function quoteOf(
  challenge: Challenge,
  { price, payee, on }: AskedPrice,
  context: QuoteContext,
  wallet: string,
): Quote | Unpayable {
  const { now, resource, earlierEvidence } = context
  const until = Math.min(challenge.expires ?? Number.POSITIVE_INFINITY, now + LIFE_MS)
  if (until <= now) return { unpayable: 'The offer has expired' }
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

function moneyOf(balance: string): Units {
  const units = parseUnits(/^([0-9.]+)(?: [A-Z]{3})?$/.exec(balance)?.[1] ?? '')
  if (units === undefined) throw new TypeError("balance must be a decimal text, for example '1 USD'")
  return units
}

function fundedBy(money: Units, quote: Quote, spent: Units): Quote | Unpayable {
  const { most, locks } = quote.terms
  // A voucher is paid from a deposit that has left the wallet before.
  const needs = isSession(quote.challenge) ? locks : most
  if (needs === undefined || spent + unitsOf(needs) <= money) return quote
  return {
    unpayable: `The test wallet has too little money for ${formatAmount(needs)}`,
    code: 'insufficient_funds',
  }
}

/** What was taken from a wallet, and what is locked up in its channels. */
function spentBy(account: string): Units {
  return channels.lockedBy(account).reduce((sum, locked) => sum + unitsOf(locked), network.takenFrom(account))
}
