import { describe, expect, it } from 'vitest'
import { amount, CURRENCIES, count } from '../../src/money/index.js'
import type { ApprovalAnswer } from '../../src/pay/index.js'
import type { PolicyDocument, Terms } from '../../src/policy/index.js'
import { own } from '../../src/util/objects.js'
import { ORIGIN, offer } from '../pay/peers.js'
import { fakeWorld } from '../pay/world.js'
import { HOSTILE, optionalNames, polluted } from './gadgets.js'

/** What one call came to: how it ended, what a person was asked, what was signed, what counts. */
interface End {
  readonly end: string
  readonly asked: number
  readonly signed: readonly string[]
  readonly counted: number
}

/** Flows that policy must decide, and what an approver answers in each. Answers are what no type would allow, too. */
const FLOWS: readonly {
  readonly flow: string
  readonly policy: PolicyDocument
  readonly answer?: object
}[] = [
  { flow: 'allowed', policy: {} },
  { flow: 'denied', policy: { perPayment: '0.05' } },
  { flow: 'asked, and no', policy: { ask: [{ above: '0.01' }] }, answer: { approved: false, by: 'ann' } },
  { flow: 'asked, and an empty answer', policy: { ask: [{ above: '0.01' }] }, answer: {} },
  { flow: 'asked, and a name alone', policy: { ask: [{ above: '0.01' }] }, answer: { by: 'ann' } },
  { flow: 'asked, and yes', policy: { ask: [{ above: '0.01' }] }, answer: { approved: true, by: 'ann' } },
]

/** One call from the making of its policy to the end, in a world of its own. */
async function run({ policy, answer }: (typeof FLOWS)[number]): Promise<End> {
  let asked = 0
  const world = fakeWorld(
    own({
      policy: { approval: { timeout: '1s' }, ...policy },
      approver: async (): Promise<ApprovalAnswer> => {
        asked++
        return JSON.parse(JSON.stringify(answer ?? {}))
      },
      wallets: [own({})],
    }),
  )
  world.server.offers = () => [
    own(offer(own({ cents: 10, payee: '0xaa', fee: 0, kind: 'tempo/charge' } as const))),
  ]
  const end = await world.pay(own({})).then(
    ({ reading }) => (reading.kind === 'response' ? String(reading.status) : reading.kind),
    (error: unknown) => (error instanceof Error ? error.message : 'no error'),
  )
  const signed = world.wallet.signed.map(
    ({ quote: { terms } }) => `${terms.most.value} to ${terms.payees.map(({ id }) => id).join()}`,
  )
  return { end, asked, signed, counted: await world.counted() }
}

/** A call that hangs is a change too. */
async function inTime<T>(work: Promise<T>): Promise<T | 'no end'> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<'no end'>((resolve) => {
    timer = setTimeout(() => resolve('no end'), 5000)
  })
  const failed = (error: unknown) =>
    Promise.reject(new Error(`it threw ${error instanceof Error ? error.stack : ''}`))
  return Promise.race([work.catch(failed), late]).finally(() => clearTimeout(timer))
}

/**
 * Every name that some record of ours may lack, and names of what people and servers answer. A merge of JSON that puts one
 * of them on `Object.prototype` makes every object have it.
 */
const NAMES = [
  ...new Set([...optionalNames(), 'approved', 'by', 'peg', 'effect', 'decision', 'held', 'ok', 'why']),
]

describe('whatever every object inherits', () => {
  it('the names are those of our records', () => {
    expect(NAMES).toEqual(
      expect.arrayContaining(['earlier', 'grant', 'payingUpfront', 'lane', 'need', 'maxAmount', 'signed']),
    )
    expect(NAMES.length).toBeGreaterThan(250)
  })

  it.each(FLOWS)(
    'what is $flow stays so',
    async (flow) => {
      const usual = await run(flow)
      const changed: string[] = []
      for (const name of NAMES)
        for (const [kind, value] of Object.entries(HOSTILE)) {
          const end = await polluted(name, value(), () => inTime(run(flow))).catch(String)
          if (JSON.stringify(end) !== JSON.stringify(usual))
            changed.push(`${name}, ${kind}: ${JSON.stringify(end)} and not ${JSON.stringify(usual)}`)
        }
      expect(changed).toEqual([])
    },
    120_000,
  )

  it.each<[name: string, value: unknown, flow: (typeof FLOWS)[number]['flow'], policy?: PolicyDocument]>([
    ['earlier', { payment: 'p', terms: dear(), alive: undefined }, 'asked, and no'],
    ['approved', true, 'asked, and a name alone'],
    ['by', 'ann', 'asked, and an empty answer'],
    ['unlimited', true, 'denied'],
    ['unlisted', 'allow', 'denied', { vendors: [{ origin: 'https://other.example' }] }],
    ['payees', 'any', 'denied', { vendors: [{ origin: ORIGIN, payees: ['0xbb'] }] }],
    ['perPayment', 10n ** 18n, 'denied'],
    ['locks', amount(0n, CURRENCIES.pathUSD), 'denied'],
    ['grant', 'g', 'asked, and no'],
    ['usedUp', new Set(), 'asked, and no'],
  ])('%s of a fitting shape opens nothing', async (name, value, flow, policy) => {
    const found = FLOWS.find((one) => one.flow === flow) ?? FLOWS[0]
    const chosen = { flow, ...found, policy: policy ?? found?.policy ?? {} }
    const usual = await run(chosen)
    expect(usual.signed).toEqual([])
    expect(await polluted(name, value, () => inTime(run(chosen)))).toEqual(usual)
  })

  it.each([
    ['peg', 'iso4217:USD'],
    ['rate', { unit: 'iso4217:USD', most: '1' }],
  ])('a currency of no known value gets none by an inherited %s', async (name, value) => {
    const coin = { id: 'eip155:4217/erc20:0xdead', symbol: 'COIN', decimals: 6 }
    expect(await polluted(name, value, async () => count(amount(5n, coin), 'iso4217:USD'))).toBeUndefined()
  })
})

/** Terms that everything else is no worse than. */
function dear(): Terms {
  const most = amount(10n ** 12n, CURRENCIES.pathUSD)
  return {
    ...{ purpose: 'pay', kind: 'tempo/charge', network: 'eip155:4217', most, exact: false },
    ...{ payees: [{ id: '0xaa', amount: most }], fee: { bound: most, usual: most }, locks: most },
  }
}
