import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { generateText } from 'ai'
import ky from 'ky'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findPaymentError, type PayingFetch } from '../../src/index.js'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Front, startFront } from './front.js'
import { type Buyer, type BuyerOptions, only, startWorld, type World } from './world.js'

let world: World
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.close()))
})
afterAll(() => world?.stop())

const ANSWERS: Readonly<Record<string, object>> = {
  '/v1/chat/completions': {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'small',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'tea' } }],
  },
  '/v1/messages': {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'small',
    content: [{ type: 'text', text: 'tea' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  },
  '/v1/tea': { text: 'tea' },
}

type Fault = 'dropped' | 'failed'

/** An API of paid models: what it answers is each SDK's shape, and who takes the money is the unmodified server. */
async function models(fault?: Fault): Promise<Front> {
  const front = await startFront(world.api.origin, async ({ request, paid, forward, drop }) => {
    const reply = await forward('/paid')
    if (reply.status !== 200) return reply
    if (paid && fault === 'dropped') return drop()
    if (paid && fault === 'failed') return new Response('{"error":"out of order"}', { status: 500 })
    const headers = new Headers(reply.headers)
    return Response.json(ANSWERS[new URL(request.url).pathname], { headers })
  })
  fronts.push(front)
  return front
}

const message = { role: 'user' as const, content: 'a drink?' }

/** One call by each SDK, with its own retries. The key is of the kind that APIs which charge by the call ignore. */
const SDKS: Readonly<Record<string, (origin: string, fetch: PayingFetch) => Promise<unknown>>> = {
  async openai(origin, fetch) {
    const client = new OpenAI({ apiKey: 'none', baseURL: `${origin}/v1`, fetch, maxRetries: 2 })
    const { choices } = await client.chat.completions.create({ model: 'small', messages: [message] })
    return choices[0]?.message.content
  },
  async anthropic(origin, fetch) {
    const client = new Anthropic({ apiKey: 'none', baseURL: origin, fetch, maxRetries: 2 })
    const { content } = await client.messages.create({ model: 'small', max_tokens: 9, messages: [message] })
    return content[0]?.type === 'text' ? content[0].text : undefined
  },
  async ky(origin, fetch) {
    const retry = { limit: 2, methods: ['post'], delay: () => 50 }
    const reply = await ky.post<{ text: string }>(`${origin}/v1/tea`, { fetch, retry, json: message }).json()
    return reply.text
  },
}

/** The AI SDK retries what failed as often as it is let; a refusal is no such failure. */
async function aiSdk(origin: string, fetch: PayingFetch): Promise<unknown> {
  const headers = { authorization: 'Bearer none' }
  const provider = createOpenAICompatible({ name: 'local', baseURL: `${origin}/v1`, fetch, headers })
  return (await generateText({ model: provider('small'), prompt: 'a drink?', maxRetries: 2 })).text
}

interface Told {
  readonly buyer: Buyer
  readonly front: Front
  readonly answer: unknown
  readonly decisions: unknown[]
  readonly charges: bigint
}

async function call(sdk: string, fault?: Fault, options: BuyerOptions = {}, call = SDKS[sdk]): Promise<Told> {
  const front = await models(fault)
  const buyer = await world.buyer({
    ...options,
    origins: [front.origin],
    // An API key is in the way of the credential; it may go, since the payment is what this API looks at.
    policy: { vendors: [{ origin: front.origin, authorization: 'replace' }], ...options.policy },
  })
  const decisions = buyer.heard('decision')
  const before = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
  const answer = await call?.(front.origin, buyer.purser.fetch).catch((error: unknown) => error)
  const charges = ((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before) / PRICE
  return { buyer, front, answer, decisions, charges }
}

/** A policy that asks ann about everything, and what she says. */
function asked(approved: boolean): { readonly options: BuyerOptions; prompts(): number } {
  let prompts = 0
  const approver = async () => {
    prompts++
    return { approved, by: 'ann' }
  }
  return { options: { policy: { ask: [{ above: '0.001' }] }, approver }, prompts: () => prompts }
}

describe.each(Object.keys(SDKS))('%s', (sdk) => {
  it('pays and gets its answer', async () => {
    const { answer, charges } = await call(sdk)
    expect(answer).toBe('tea')
    expect(charges).toBe(1n)
  })

  it.each([
    ['an answer that was dropped', 'dropped'],
    ['a 500', 'failed'],
  ] as const)('retries %s after payment, and is charged once', async (_, fault) => {
    const approver = asked(true)
    const { buyer, answer, decisions, charges } = await call(sdk, fault, approver.options)
    expect([approver.prompts(), decisions.length]).toEqual([1, 1])
    expect(answer).toBeInstanceOf(Error)
    expect(charges).toBe(1n)
    expect(buyer.signatures()).toBe(1)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', delivered: false })
  })

  it('does not retry what policy refused: one request, one decision, no charge', async () => {
    const { buyer, front, answer, decisions, charges } = await call(sdk, undefined, {
      policy: { perPayment: '0.001' },
    })
    expect(answer).toMatchObject({ name: expect.stringMatching(/Error/) })
    expect(front.unpaid()).toBe(1)
    expect(decisions).toHaveLength(1)
    expect(charges).toBe(0n)
    expect(buyer.signatures()).toBe(0)
  })

  it('does not retry what a person refused: one prompt, one decision, no charge', async () => {
    const approver = asked(false)
    const { buyer, answer, decisions, charges } = await call(sdk, undefined, approver.options)
    expect(answer).toBeInstanceOf(Error)
    expect(approver.prompts()).toBe(1)
    expect(decisions).toHaveLength(1)
    expect(charges).toBe(0n)
    expect(buyer.signatures()).toBe(0)
  })
})

describe.each(Object.entries({ ...SDKS, 'the AI SDK': aiSdk }))('through %s', (sdk, ask) => {
  const TOO_DEAR = /0\.01 USD.*0\.001 USD|0\.001 USD.*0\.01 USD/

  it('a refusal by policy shows its sentence, or at least its code', async () => {
    const { answer, charges } = await call(sdk, undefined, { policy: { perPayment: '0.001' } }, ask)
    expect(String(answer)).toMatch(sdk === 'ky' ? /Payment refused \(refused\)/ : TOO_DEAR)
    expect(charges).toBe(0n)
  })

  it('a refusal over the Authorization header says which setting lets the credential replace it', async () => {
    const front = await models()
    const buyer = await world.buyer({
      origins: [front.origin],
      policy: { vendors: [{ origin: front.origin }] },
    })
    const own: PayingFetch = (input, init) => {
      const headers = new Headers(init?.headers)
      if (!headers.has('authorization')) headers.set('authorization', 'Bearer none')
      return buyer.purser.fetch(input, { ...init, headers })
    }
    const answer = await ask(front.origin, own).catch((error: unknown) => error)
    expect(String(answer)).toMatch(/authorization: replace|authorization_taken/)
    expect(buyer.signatures()).toBe(0)
  })

  it('an error that was thrown after payment is found behind the error of the SDK', async () => {
    const { answer } = await call(sdk, 'dropped', {}, ask)
    const found = findPaymentError(answer)
    // A retry of the same call is refused while the first payment is in doubt: either one names it.
    const named = found?.code ?? String(answer)
    expect(named).toMatch(/paid_not_delivered|payment_in_doubt|already paid|earlier payment/)
  })
})
