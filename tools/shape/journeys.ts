import { Session } from 'node:inspector/promises'
import { account, alphaUSD, CHAIN_ID, policy, stubNode, stubServer, URL_PAID } from '../../bench/stubs.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Verdict } from '../../src/entry/wallet.js'
import { createPurser, type Ledger, type Purser } from '../../src/index.js'
import { tempoSession } from '../../src/session/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { LOCAL_CURRENCIES, NETWORK } from '../../test/chain/chain.js'
import { slowWallet } from '../../test/client/shop.js'
import { withFault } from '../../test/safety/matrix/faults.js'
import { channelWorld } from '../../test/session/fixtures/world.js'

/** Something that users do, set up and warm. */
interface Ready {
  run(): Promise<unknown>
  end(): Promise<unknown>
}

export type Journey = () => Promise<Ready>

/** What of `src` one run enters. */
export interface Entered {
  readonly files: number
  readonly functions: number
}

/** Runs a journey twice to warm it, and counts the third run. */
export async function walk(journey: Journey): Promise<Entered> {
  const { run, end } = await journey()
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await run()
  await run()
  await session.post('Profiler.takePreciseCoverage')
  await run()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  await end()
  const own = result.filter(({ url }) => /\/src\/[^?]+\.ts/.test(url))
  const named = own.map(({ functions }) =>
    functions.filter(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0),
  )
  return {
    files: named.filter((functions) => functions.length > 0).length,
    functions: named.reduce((sum, functions) => sum + functions.length, 0),
  }
}

const charge: Journey = async () => {
  const purser = createPurser({
    agent: 'shape',
    currencies: [alphaUSD],
    wallets: [tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1' }, fetch: stubNode().fetch })],
    policy,
    ledger: memoryLedger(),
    fetch: stubServer(),
  })
  return { run: async () => paid(await purser.fetch(URL_PAID)), end: () => purser.close() }
}

const voucher: Journey = async () => {
  const world = await channelWorld()
  const server = await world.serve({
    protocol: 'v2',
    price: '0.0001',
    suggestedDeposit: '0.5',
    validityMs: 600_000,
  })
  const payer = await world.chain.account(2_000_000n)
  const purser = createPurser({
    agent: 'shape',
    wallets: [tempoSession({ account: payer, rpc: { [world.chain.id]: world.chain.url }, deposit: '0.5' })],
    policy: {
      perPayment: '1',
      deposits: '5',
      budgets: [{ limit: '50', per: 'day' }],
      vendors: [{ origin: server.origin }],
      networks: [NETWORK],
    },
    currencies: LOCAL_CURRENCIES,
    ledger: memoryLedger(),
  })
  return {
    run: async () => paid(await purser.fetch(server.url('/sponsored/paid'))),
    end: async () => {
      await purser.close()
      await world.stop()
    },
  }
}

const SHOP = 'https://shop.example'
const NOT_YET: Verdict = { state: 'pending', recheckAt: 0, reason: 'the chain does not show it yet' }

/** A process ends while a payment is in doubt, and the next one settles it. Each run has a ledger of its own. */
const recovery: Journey = async () => {
  const ledgers = [await leftInDoubt(), await leftInDoubt(), await leftInDoubt()]
  return {
    run: async () => {
      const ledger = ledgers.shift()
      if (ledger === undefined) throw new TypeError('There is no ledger left')
      const purser = buyer(ledger, { state: 'settled', reference: 'one' })
      const states: string[] = []
      purser.on('payment', ({ payment }) => states.push(payment.state))
      await purser.recover({ reconcile: true })
      await purser.close()
      if (states.join() !== 'settled') throw new TypeError(`The recovery moved payments to: ${states.join()}`)
    },
    end: async () => undefined,
  }
}

/** A ledger whose process has ended. */
async function leftInDoubt(): Promise<Ledger> {
  const ledger = memoryLedger()
  // A purser closes its ledger, and this one is read again.
  const purser = buyer(
    withFault(ledger, 'close', async () => undefined),
    NOT_YET,
  )
  await purser.fetch(SHOP).catch(() => undefined)
  await purser.close()
  return ledger
}

function buyer(ledger: Ledger, verdict: Verdict): Purser {
  return createPurser({
    wallets: [slowWallet(async () => verdict)],
    policy: {
      perPayment: '1',
      maxFee: '0.90',
      budgets: [{ limit: '100', per: 'day' }],
      vendors: [{ origin: SHOP }],
    },
    ledger,
    fetch: breaksOff,
    patience: 0,
  })
}

/** Asks for money, and breaks the connection when it comes. */
async function breaksOff(_: unknown, init?: RequestInit): Promise<Response> {
  if (new Headers(init?.headers).has('authorization')) throw new TypeError('fetch failed')
  const request = Buffer.from('{}').toString('base64url')
  const challenge = `Payment id="one", realm="shop", method="slow", intent="charge", request="${request}"`
  return new Response(null, { status: 402, headers: { 'www-authenticate': challenge } })
}

export const JOURNEYS: Readonly<Record<string, Journey>> = {
  'a paid Tempo charge': charge,
  'a voucher call on an open session': voucher,
  'a recovery of what another process left': recovery,
}

async function paid(reply: Response): Promise<void> {
  if (reply.status !== 200)
    throw new TypeError(`The call was not paid: ${reply.status} ${await reply.text()}`)
  await reply.text()
}
