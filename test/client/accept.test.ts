import { expect, onTestFinished, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser, type OfferKind, type PurserOptions } from '../../src/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, Rail } from '../pay/peers.js'

const ORIGIN = 'https://api.search.example'

/** What a free call announces. */
async function announced(
  kinds: readonly OfferKind[],
  prefer: PurserOptions['prefer'],
): Promise<string | null | undefined> {
  const clock = new TestClock()
  const rail = new Rail()
  const seen: Headers[] = []
  const purser = createPurser({
    wallets: kinds.map((kind, index) => fakeWallet(rail, clock, { id: `w${index}`, kinds: [kind] })),
    policy: { perPayment: '1', budgets: [{ limit: '5', per: 'day' }], vendors: [{ origin: ORIGIN }] },
    ledger: () => memoryLedger({ clock }),
    ...(prefer === undefined ? {} : { prefer }),
    fetch: async (input, init) => {
      seen.push(new Request(input, init).headers)
      return new Response('free')
    },
  })
  onTestFinished(() => purser.close())
  await purser.fetch(`${ORIGIN}/v1`)
  return seen[0]?.get('accept-payment')
}

const ALL: readonly OfferKind[] = [
  'tempo/charge',
  'x402/exact',
  'stripe/charge',
  'evm/charge',
  'tempo/session',
]

test.each<[string, PurserOptions['prefer'], string | null]>([
  ['what the wallets can pay', undefined, 'tempo/charge, stripe/charge, evm/charge, tempo/session'],
  [
    'what is preferred first, in its order',
    ['stripe/charge', 'tempo/*'],
    'stripe/charge, tempo/charge, tempo/session, evm/charge;q=0.9',
  ],
  [
    'how much it is liked',
    [
      { kind: 'tempo/*', q: 0.5 },
      { kind: 'evm/charge', q: 0.95 },
    ],
    'evm/charge;q=0.95, stripe/charge;q=0.9, tempo/charge;q=0.5, tempo/session;q=0.5',
  ],
  ['nothing that is never to be paid', [{ kind: '*/*', q: 0 }, 'tempo/charge'], 'tempo/charge'],
  ['nothing at all where only x402 is left', [{ kind: '*/*', q: 0 }, 'x402/*'], null],
])('a call announces %s', async (_what, prefer, header) => {
  expect(await announced(ALL, prefer)).toBe(header)
})
