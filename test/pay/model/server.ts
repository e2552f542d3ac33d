import type { SendOptions } from '../../../src/pay/index.js'
import { offer, type Reply } from '../peers.js'
import type { ModelChain } from './chain.js'
import { type CallPlan, resourceOf } from './plan.js'

const ANSWER: Reply = { reading: { kind: 'response', ok: true, status: 200 } }
const FAILURE: Reply = { reading: { kind: 'response', ok: false, status: 500 } }

/** A server for one call, which treats credentials by its plan. */
export class ModelServer {
  readonly #chain: ModelChain
  readonly #plan: CallPlan
  /** Credentials that it keeps back; all servers share them. */
  readonly #kept: string[]
  #turns = 0
  #first = ''

  constructor(chain: ModelChain, plan: CallPlan, kept: string[]) {
    this.#chain = chain
    this.#plan = plan
    this.#kept = kept
  }

  async answer({ credential, signal }: SendOptions): Promise<Reply> {
    signal?.throwIfAborted()
    if (credential === undefined) return this.#ask()
    this.#turns++
    const id = String(credential.payload['id'])
    if (this.#turns === 1) this.#first = id
    const receipt = receiptFor(credential.challenge.id, id)
    switch (this.#plan.serves) {
      case 'pays':
        break
      case 'rotates':
      case 'dearer':
        if (this.#turns === 1) return this.#ask()
        break
      case 'loses':
        this.#chain.submit(id)
        throw new TypeError('connection lost')
      case 'payment-required':
        this.#chain.submit(id)
        return this.#ask()
      case 'fails':
        this.#chain.submit(id)
        return FAILURE
      case 'reverts':
        this.#chain.submit(id, true)
        return this.#turns === 1 ? this.#ask() : FAILURE
      case 'late':
        this.#kept.push(id)
        throw new TypeError('connection lost')
      case 'hoards':
        this.#kept.push(id)
        return this.#turns === 1 ? this.#ask() : FAILURE
      case 'crosses':
        if (this.#turns === 1) return this.#ask()
        this.#chain.submit(this.#first)
        return receipt
      case 'begs':
        return this.#ask()
      case 'free':
        return ANSWER
      case 'mislabels':
        return this.#plan.path === '/tea'
          ? receiptFor('another', id)
          : receiptFor(credential.challenge.id, 'another')
      case 'lies':
        return receipt
      case 'hangs':
        this.#kept.push(id)
        return new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
    }
    return this.#chain.submit(id) ? receipt : this.#ask()
  }

  #ask(): Reply {
    const { cents, serves, fee } = this.#plan
    const price = cents + (serves === 'dearer' ? 7 * this.#turns : 0)
    const challenge = offer({ cents: price, fee: fee?.bound ?? 0 })
    return { reading: { kind: 'payment-required', at: resourceOf(this.#plan), offers: [challenge] } }
  }
}

function receiptFor(challengeId: string, id: string): Reply {
  const receipt = { success: true, challengeId, reference: `tx-${id}`, claims: {} }
  return { reading: { kind: 'response', ok: true, status: 200, receipt } }
}
