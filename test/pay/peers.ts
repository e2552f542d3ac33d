import type { Evidence, LaneGrant, Verdict } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { RefusalProblem, SendOptions } from '../../src/pay/index.js'
import type { Terms } from '../../src/policy/index.js'
import type { Challenge, HttpResource, JsonObject, ReplyInfo } from '../../src/protocol/index.js'
import {
  type Completed,
  type Prepared,
  type Quote,
  type QuoteContext,
  type Spendable,
  spendAuthorization,
  type Unpayable,
  type Wallet,
} from '../../src/wallet/index.js'
import type { TestClock } from '../ledger/fixtures.js'

const usd = CURRENCIES.pathUSD
export const ORIGIN = 'https://api.shop.example'
export const CENT = 10_000_000n
/** The life of a credential on the fake rail, and the time after which its end can be proven. */
const LIFE_MS = 15_000
const PROVEN_MS = 18_000

/** The price of a fake offer in cents, and its payee. */
export interface Asks {
  readonly cents?: number
  readonly payee?: string
  readonly kind?: Challenge['kind']
  readonly fee?: number
}

let ids = 0
/** Makes an offer with a new id. */
export function offer({ cents = 10, payee = '0xaa', kind = 'tempo/charge', fee = 0 }: Asks = {}): Challenge {
  return {
    kind,
    id: `challenge-${++ids}`,
    realm: 'shop',
    request: { cents, payee, fee },
    echo: { envelope: 'mpp', params: {}, header: 'authorization' },
  }
}

/** A reply of a transport that consists only of readings. */
export interface Reply {
  readonly reading: ReplyInfo
  readonly problem?: RefusalProblem
}

/** The record of payments, as a chain has it. */
export class Rail {
  readonly settled = new Set<string>()
  /** The taken steps of lanes, with their credentials: only one credential can settle on each. */
  readonly #taken = new Map<string, string>()

  /** Takes a credential from a server. True if money moved. */
  accept(payload: JsonObject, challengeId: string): boolean {
    const place = payload['place']
    const taken = typeof place === 'string' ? this.#taken.get(place) : undefined
    if (taken !== undefined && taken !== challengeId) return false
    if (typeof place === 'string') this.#taken.set(place, challengeId)
    this.settled.add(challengeId)
    return true
  }
}

/** Hooks of a fake wallet: each may throw, hang or lie. */
export interface Hooks {
  /** Undefined: the wallet's usual quote. */
  quote?: (challenge: Challenge, context: QuoteContext) => Promise<Quote | Unpayable | undefined>
  prepare?: (spendable: Spendable) => Promise<unknown>
  complete?: () => Promise<unknown>
  discard?: () => Promise<unknown>
  inspect?: (evidence: Evidence) => Promise<Verdict> | undefined
}

export interface FakeWallet extends Wallet {
  readonly hooks: Hooks
  /** Every signed authorization. */
  readonly signed: Spendable[]
  discarded: number
}

export interface WalletOptions {
  readonly id?: string
  readonly kinds?: Wallet['kinds']
  /** Names of lanes. Without a lane, nothing excludes an earlier credential. */
  readonly lanes?: readonly string[]
}

export function fakeWallet(rail: Rail, clock: TestClock, options: WalletOptions = {}): FakeWallet {
  const { id = 'fake:1', kinds = ['tempo/charge'], lanes = [] } = options
  const hooks: Hooks = {}
  const signed: Spendable[] = []
  const wallet: FakeWallet = {
    id,
    kinds,
    hooks,
    signed,
    discarded: 0,
    async quote(challenge, context) {
      return (await hooks.quote?.(challenge, context)) ?? quoteOf(challenge, context, id, lanes)
    },
    async prepare(authorization, { now }) {
      const spendable = spendAuthorization(authorization, now)
      await hooks.prepare?.(spendable)
      signed.push(spendable)
      const place = placeOf(spendable)
      const { challenge } = spendable.quote
      const evidence: Evidence = {
        wallet: id,
        kind: challenge.kind,
        refs: [challenge.id],
        recheckAt: now + PROVEN_MS,
        detail: { place: place ?? null },
      }
      return {
        evidence,
        async complete(): Promise<Completed> {
          await hooks.complete?.()
          const payload = place === undefined ? {} : { place }
          return { credential: { challenge, payload }, goodUntil: now + LIFE_MS }
        },
        async discard() {
          wallet.discarded++
          await hooks.discard?.()
        },
      } satisfies Prepared
    },
    async inspect(evidence) {
      const own = await hooks.inspect?.(evidence)
      if (own !== undefined) return own
      const [challengeId = ''] = evidence.refs
      if (rail.settled.has(challengeId)) return { state: 'settled', reference: `tx-${challengeId}` }
      const { recheckAt = 0 } = evidence
      return clock.now() >= recheckAt
        ? { state: 'void', reason: 'it ran out' }
        : { state: 'pending', recheckAt, reason: 'it may still be included' }
    },
  }
  return wallet
}

export function termsOf(challenge: Challenge): Terms {
  const { cents, payee, fee } = challenge.request
  const parts = amount(BigInt(Number(cents)) * 10_000n, usd)
  const bound = amount(BigInt(Number(fee)) * 10_000n, usd)
  return {
    purpose: 'pay',
    kind: challenge.kind,
    network: 'eip155:4217',
    most: parts,
    exact: true,
    payees: [{ id: String(payee), amount: parts }],
    ...(fee === 0 ? {} : { fee: { bound, usual: bound } }),
  }
}

export function quoteOf(
  challenge: Challenge,
  { resource, earlierEvidence: after, now }: QuoteContext,
  wallet: string,
  lanes: readonly string[],
): Quote | Unpayable {
  if (challenge.expires !== undefined && challenge.expires <= now) return { unpayable: 'it has expired' }
  const quote = { wallet, challenge, resource, terms: termsOf(challenge) }
  if (after !== undefined) {
    const { place } = Object(after.detail)
    if (typeof place !== 'string')
      return { unpayable: 'an earlier one may settle', earlierExpiresAt: after.recheckAt ?? 0 }
    const [name = '', value = '0'] = place.split('#')
    return { ...quote, lane: { names: [name], otherwise: 'wait' }, replaces: { name, value: BigInt(value) } }
  }
  return lanes.length === 0 ? quote : { ...quote, lane: { names: lanes, otherwise: 'go' } }
}

function placeOf({ quote, lane }: Spendable): string | undefined {
  const at: LaneGrant | undefined = quote.replaces ?? lane
  return at === undefined ? undefined : `${at.name}#${at.value}`
}

/** A server that asks for money, takes it and answers. Tests replace its methods. */
export class Server {
  readonly #rail: Rail
  readonly sent: SendOptions[] = []
  /** Throws if a credential for this offer cannot be sent with the request. */
  check: (challenge: Challenge) => void | Promise<void> = () => undefined
  offers: () => readonly Challenge[] = () => [offer()]
  /** The time that it sends. */
  date: (() => number) | undefined
  /** Answers a credential. `turn` is 1 for the first. */
  paid: (outgoing: SendOptions, turn: number) => Reply | Promise<Reply>

  constructor(rail: Rail) {
    this.#rail = rail
    this.paid = (outgoing) => this.take(outgoing)
  }

  get credentials(): readonly SendOptions[] {
    return this.sent.filter(({ credential }) => credential !== undefined)
  }

  /** Takes the money and answers with a receipt. */
  take({ credential }: SendOptions): Reply {
    if (credential === undefined) return this.ask()
    const { challenge, payload } = credential
    if (!this.#rail.accept(payload, challenge.id)) return this.ask()
    const receipt = { success: true, challengeId: challenge.id, reference: `tx-${challenge.id}`, claims: {} }
    return { reading: { kind: 'response', ok: true, status: 200, receipt } }
  }

  ask(): Reply {
    const date = this.date?.()
    const said = date === undefined ? {} : { date }
    return { reading: { kind: 'payment-required', at: resource(), offers: this.offers(), ...said } }
  }

  async send(outgoing: SendOptions): Promise<Reply> {
    outgoing.signal?.throwIfAborted()
    this.sent.push(outgoing)
    return outgoing.credential === undefined ? this.ask() : this.paid(outgoing, this.credentials.length)
  }
}

export function resource(path = '/tea'): HttpResource {
  const operation = `GET ${path}`
  return { transport: 'http', vendor: ORIGIN, operation, address: ORIGIN + path, method: 'GET', path }
}
