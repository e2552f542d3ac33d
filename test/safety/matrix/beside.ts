import { token, type Wallet } from '../../../src/index.js'
import { tempoSession } from '../../../src/session/index.js'
import { alphaUSD, countingAccount, type Got, type Payer, type SetUp } from '../kit.js'
import { stubNode } from '../node.js'
import { CHAIN_ID, OTHER_DOLLAR } from '../offers.js'
import { AT_ONCE, type Fault, LATER, withFault } from './faults.js'
import {
  allCounted,
  type Rule,
  type SceneOptions,
  silent,
  uncounted,
  unpaid,
  unsent,
  unsigned,
} from './scene.js'

// What fails beside a payment: giving up a channel, other tokens' balances, the chain that a node is of, bodies made anew.

/** A node that fails for some of what it is asked. */
function nodeWith(act: Fault['act'], fails: (body: string) => boolean, poor = false) {
  const node = stubNode()
  node.poor = poor
  const fetching = async (input: string, init?: RequestInit): Promise<unknown> =>
    fails(String(init?.body)) ? act() : node.fetch(input, init)
  return { node, fetch: fetching as typeof fetch }
}

const otherDollar = token(`eip155:${CHAIN_ID}`, OTHER_DOLLAR, {
  symbol: 'BetaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
})

/** A wallet of sessions, one of whose methods fails. */
function sessions(
  method: keyof Wallet | 'isForgotten' | 'inspectChannel',
  act: Fault['act'],
  count: () => void,
): SetUp {
  const wallet = tempoSession({
    account: countingAccount(count),
    rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' },
    fetch: stubNode().fetch,
    deposit: '0.05',
  })
  return {
    policy: { deposits: '0.50 USD' },
    purser: { wallets: [withFault(wallet, method as keyof typeof wallet, act)] },
  }
}

/** Opens a channel, has it denied, and calls again. */
const threeCalls = async (payer: Payer): Promise<Got> => {
  await payer.call('/a')
  await payer.call('/b', { signal: AbortSignal.timeout(1_000) })
  return payer.call('/c', { signal: AbortSignal.timeout(1_000) })
}

/** Of each channel the highest total is all that its vendor can cash. */
const vouchersCounted: Rule = async ({ server, payer }) => {
  const totals = new Map<unknown, number>()
  for (const { credential } of server.paid) {
    const { channelId, cumulativeAmount } = credential?.payload ?? {}
    totals.set(channelId, Math.max(totals.get(channelId) ?? 0, Number(cumulativeAmount) / 10_000))
  }
  const left = [...totals.values()].reduce((sum, each) => sum + each, 0)
  const cents = await payer.counted()
  return cents >= left ? undefined : `vouchers of ${left} cents left, and ${cents} cents are counted`
}

/** Whatever becomes of giving it up, the caller is not served by a voucher that was denied, nor told that it is. */
const denied: Rule = ({ server }) => {
  const all = server.paid.map(({ credential }) => String(credential?.payload['action']))
  return all.filter((action) => action === 'voucher').length <= 2 ? undefined : `${all.join()} left`
}

/** No second credential, whatever the body of the first became. */
const onceAtMost: Rule = ({ signatures }) => (signatures <= 1 ? undefined : `${signatures} signatures`)

interface Row {
  readonly dependency: string
  readonly faults: readonly Fault[]
  scene(fault: Fault): SceneOptions
}

export const BESIDE_PARTS: readonly Row[] = [
  {
    dependency: 'wallet.onRejected',
    faults: LATER,
    scene: ({ act }) => ({
      server: 'session-v2-forgets',
      set: (_, count) => sessions('onRejected', act, count),
      act: threeCalls,
      rules: [vouchersCounted, denied, silent],
    }),
  },
  {
    dependency: 'wallet.isForgotten',
    faults: AT_ONCE,
    scene: ({ act }) => ({
      server: 'session-v2-forgets',
      set: (_, count) => sessions('isForgotten', act, count),
      act: threeCalls,
      rules: [vouchersCounted, denied, silent],
    }),
  },
  {
    dependency: 'wallet.inspectChannel',
    faults: LATER,
    scene: ({ act }) => ({
      server: 'session-v2-forgets',
      set: (_, count) => sessions('inspectChannel', act, count),
      act: threeCalls,
      rules: [vouchersCounted, denied, silent],
    }),
  },
  {
    dependency: 'balances of other tokens',
    faults: LATER,
    scene: ({ act }) => ({
      set: () => {
        const { fetch } = nodeWith(act, (body) => body.includes(OTHER_DOLLAR), true)
        return { purser: { currencies: [alphaUSD, otherDollar] }, wallet: { fetch } }
      },
      act: (payer) => payer.call('/a'),
      rules: [unsigned, unsent, unpaid, uncounted, silent],
    }),
  },
  {
    dependency: 'the chain of a node',
    faults: LATER,
    scene: ({ act }) => {
      const { node, fetch } = nodeWith(act, (body) => body.includes('eth_chainId'))
      return {
        server: 'storm-of-pushes',
        set: () => ({ wallet: { fetch } }),
        act: (payer) => payer.call('/a', { signal: AbortSignal.timeout(1_000) }),
        // Nothing is handed to a node that may be of another chain.
        rules: [unsent, unpaid, () => (node.sent.length === 0 ? undefined : 'it was broadcast'), silent],
      }
    },
  },
  {
    dependency: 'a body function',
    faults: LATER,
    scene: ({ act }) => ({
      set: () => ({}),
      act: (payer) => {
        let made = 0
        // The first one is good: it fails for the payment.
        const body = () => (made++ === 0 ? 'tea' : act())
        return payer.call('/a', {
          method: 'POST',
          signal: AbortSignal.timeout(500),
          payment: { body: body as never },
        })
      },
      rules: [allCounted, onceAtMost, silent],
    }),
  },
]
