import { createHash, randomBytes } from 'node:crypto'
import bolt11 from 'bolt11'
import type {
  InvoicePayment,
  LightningAbsence,
  LightningFailure,
  LightningNetwork,
  LightningOutcome,
} from '../../src/wallet/lightning/index.js'

// A Lightning network in memory: payees who make real invoices, and nodes that pay them as real nodes do.

const COINS = {
  mainnet: { bech32: 'bc', pubKeyHash: 0x00, scriptHash: 0x05, validWitnessVersions: [0, 1] },
  testnet: { bech32: 'tb', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] },
  signet: { bech32: 'tbs', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] },
  regtest: { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] },
} as const

type Encoded = Parameters<typeof bolt11.encode>[0]
type Tag = Encoded['tags'][number]

export interface InvoiceOptions {
  readonly sats?: number
  /** Instead of `sats`. */
  readonly msat?: bigint
  readonly network?: LightningNetwork
  /** Seconds. */
  readonly timestamp?: number
  /** Seconds; `undefined` leaves the field out. */
  readonly expiry?: number | undefined
  readonly hash?: string
  readonly description?: string
  readonly amountless?: true
  /** Whom it names in its `n` field. */
  readonly named?: string
  readonly tags?: readonly Tag[]
}

export interface Issued {
  readonly invoice: string
  readonly hash: string
  readonly preimage: string
}

export function sha256(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')
}

/** A node that is paid: it makes invoices and keeps their preimages until they are bought. */
export class Payee {
  readonly #key = randomBytes(32).toString('hex')
  readonly issued = new Map<string, Issued & { readonly msat: bigint }>()
  readonly paid = new Set<string>()
  /** Its public key, as its invoices show it. */
  readonly id = bolt11.decode(this.issue({}).invoice).payeeNodeKey ?? ''

  issue(options: InvoiceOptions): Issued {
    const preimage = randomBytes(32).toString('hex')
    const hash = options.hash ?? sha256(preimage)
    const msat = options.msat ?? BigInt(options.sats ?? 100) * 1_000n
    const { expiry } = { expiry: 600, ...options }
    const tags: Tag[] = [
      { tagName: 'payment_hash', data: hash },
      { tagName: 'payment_secret', data: randomBytes(32).toString('hex') },
      { tagName: 'description', data: options.description ?? 'tea' },
      ...(expiry === undefined ? [] : [{ tagName: 'expire_time', data: expiry }]),
      ...(options.named === undefined ? [] : [{ tagName: 'payee_node_key', data: options.named }]),
      ...(options.tags ?? []),
    ]
    const unsigned = bolt11.encode({
      network: { ...COINS[options.network ?? 'regtest'], validWitnessVersions: [0, 1] },
      timestamp: options.timestamp ?? Math.floor(Date.now() / 1000),
      tags,
      ...(options.amountless ? {} : { millisatoshis: msat.toString() }),
    })
    const invoice = bolt11.sign(unsigned, this.#key).paymentRequest ?? ''
    const issued = { invoice, hash, preimage }
    this.issued.set(hash, { ...issued, msat })
    return issued
  }

  /** What a node gets for the money: the preimage. */
  take(hash: string): string {
    const found = this.issued.get(hash)
    if (found === undefined) throw new Error('no such invoice')
    this.paid.add(hash)
    return found.preimage
  }
}

/** What a node does with the next payments. */
export type Behaviour =
  | { readonly kind: 'pays'; readonly feeMsat?: bigint }
  | { readonly kind: 'fails'; readonly why?: LightningFailure }
  /** The payment is on its way and stays there, until {@link Node.release}. */
  | { readonly kind: 'holds' }
  | { readonly kind: 'says_pending' }
  /** Answers with a preimage of nothing. */
  | { readonly kind: 'lies' }
  | { readonly kind: 'pays_and_breaks' }
  | { readonly kind: 'breaks' }

interface Known {
  state: 'paid' | 'failed' | 'pending'
  why?: LightningFailure
  feeMsat?: bigint
  preimage?: string
}

/** A node that pays: it pays one invoice once, and refuses fees above the limit. */
export class Node {
  readonly #payee: Payee
  readonly #known = new Map<string, Known>()
  readonly asked: InvoicePayment[] = []
  readonly #held = new Map<string, (outcome: LightningOutcome) => void>()
  behaviour: Behaviour = { kind: 'pays' }
  /** Does it answer when it is looked up? */
  up = true
  /** Everything that left it, fees included. */
  spentMsat = 0n

  constructor(payee: Payee) {
    this.#payee = payee
  }

  readonly pay = async (payment: InvoicePayment): Promise<LightningOutcome> => {
    this.asked.push(payment)
    const { paymentHash } = payment
    const before = this.#known.get(paymentHash)
    if (before !== undefined && before.state !== 'failed') throw new Error('invoice is already paid')
    const { behaviour } = this
    switch (behaviour.kind) {
      case 'pays':
        return this.#settle(payment, behaviour.feeMsat ?? 1_500n)
      case 'fails':
        return this.#fail(paymentHash, behaviour.why)
      case 'holds':
        this.#known.set(paymentHash, { state: 'pending' })
        return new Promise((resolve) => this.#held.set(paymentHash, resolve))
      case 'says_pending':
        this.#known.set(paymentHash, { state: 'pending' })
        return { state: 'pending' }
      case 'lies':
        this.#known.set(paymentHash, { state: 'pending' })
        return { state: 'paid', preimage: '00'.repeat(32) }
      case 'pays_and_breaks':
        this.#settle(payment, 1_500n)
        throw new Error(`lost the answer with ${this.#payee.issued.get(paymentHash)?.preimage}`)
      case 'breaks':
        throw new Error('connection refused')
    }
  }

  /** What time it is for the node. Undefined: it does not say. */
  clock: (() => number) | undefined = Date.now

  readonly lookUp = async (hash: string): Promise<LightningOutcome | LightningAbsence> => {
    if (!this.up) throw new Error('connection refused')
    const known = this.#known.get(hash)
    if (known === undefined) return { state: 'absent', ...(this.clock && { now: this.clock() }) }
    const { state, why, feeMsat, preimage = '' } = known
    if (state === 'paid') return { state, preimage, ...(feeMsat === undefined ? {} : { feeMsat }) }
    return state === 'failed' && why !== undefined ? { state, why } : { state: state as 'pending' }
  }

  /** What is on its way arrives, or comes back; whoever waits for it is told nothing. */
  arrive(hash: string, how: 'pays' | 'fails'): LightningOutcome {
    const payment = this.asked.find(({ paymentHash }) => paymentHash === hash)
    if (payment === undefined) throw new Error('nothing is on its way')
    return how === 'pays' ? this.#settle(payment, 1_500n) : this.#fail(hash)
  }

  /** The same, and whoever waits for it is told. */
  release(hash: string, how: 'pays' | 'fails'): void {
    this.#held.get(hash)?.(this.arrive(hash, how))
  }

  #settle(payment: InvoicePayment, feeMsat: bigint): LightningOutcome {
    const { paymentHash, maxFeeMsat, amountMsat } = payment
    if (feeMsat > maxFeeMsat) return this.#fail(paymentHash, 'no_route')
    const preimage = this.#payee.take(paymentHash)
    this.spentMsat += amountMsat + feeMsat
    this.#known.set(paymentHash, { state: 'paid', feeMsat, preimage })
    return { state: 'paid', preimage, feeMsat }
  }

  #fail(hash: string, why?: LightningFailure): LightningOutcome {
    this.#known.set(hash, { state: 'failed', ...(why ? { why } : {}) })
    return { state: 'failed', ...(why ? { why } : {}) }
  }
}
