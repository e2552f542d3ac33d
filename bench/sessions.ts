import { setTimeout as sleep } from 'node:timers/promises'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { keccak256, stringToHex } from 'viem/utils'
import { memoryLedger } from '../src/entry/ledger-memory.js'
import { createPurser, type Wallet } from '../src/index.js'
import { currencyTable } from '../src/money/index.js'
import { tempoSession } from '../src/session/index.js'
import { mintAuthorization } from '../src/wallet/authorization.js'
import { LOCAL_CURRENCIES, NETWORK } from '../test/chain/chain.js'
import { referenceClient } from '../test/session/fixtures/reference.js'
import { type ChannelWorld, channelWorld } from '../test/session/fixtures/world.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'

/** What is added to every request to the API, there and back together. */
const NETWORK_MS = 20
const CALLS = 50

/** Calls on an open channel, beside the reference client, against the same real server. */
export async function benchSessions(): Promise<readonly Row[]> {
  const direct = globalThis.fetch
  const world = await channelWorld()
  const server = await world.serve({
    protocol: 'v2',
    price: '0.0001',
    suggestedDeposit: '0.5',
    validityMs: 600_000,
  })
  const url = server.url('/sponsored/paid')
  globalThis.fetch = async (input, init) => {
    const far = new Request(input).url.startsWith(server.origin)
    if (far) await sleep(NETWORK_MS / 2)
    const reply = await direct(input, init)
    if (far) await sleep(NETWORK_MS / 2)
    return reply
  }
  try {
    const { purser } = await buyer(world, server.origin, '0.5')
    const reference = referenceClient(world, 'v2', await world.chain.account(2_000_000n))
    const ours = () => answered(purser.fetch(url))
    const theirs = () => answered(reference.fetch(url))
    const [purserTime, mppxTime] = await sideBySide(
      [
        { name: 'purser', run: ours },
        { name: 'mppx', run: theirs },
      ],
      { rounds: 20, batch: 5, warmUp: 10 },
    )
    const requests = async (call: () => Promise<void>): Promise<string> => {
      server.forget()
      for (let count = 0; count < CALLS; count++) await call()
      return (server.seen.length / CALLS).toFixed(1)
    }
    const [ourRequests, theirRequests] = [await requests(ours), await requests(theirs)]
    await purser.close()
    if (purserTime === undefined || mppxTime === undefined) return []
    return [
      {
        what: 'HTTP requests for a call on an open session',
        measured: `${ourRequests} (mppx ${theirRequests})`,
        target: '1.0',
      },
      {
        what: `a call on an open session with ${NETWORK_MS} ms of network / mppx`,
        measured: `${ratio(purserTime, mppxTime)} (${micros(purserTime)} / ${micros(mppxTime)})`,
        target: '≤ 0.6 ×',
      },
      await vouchers(world),
    ]
  } finally {
    globalThis.fetch = direct
    await world.stop()
  }
}

/** A purser with an account of its own that may pay that vendor by sessions. */
async function buyer(world: ChannelWorld, origin: string, deposit: string) {
  const account = await world.chain.account(2_000_000n)
  const wallet = tempoSession({ account, rpc: { [world.chain.id]: world.chain.url }, deposit })
  const ledger = memoryLedger()
  const purser = createPurser({
    agent: 'bench',
    wallets: [wallet],
    policy: {
      perPayment: '1',
      deposits: '5',
      budgets: [{ limit: '50', per: 'day' }],
      vendors: [{ origin }],
      networks: [NETWORK],
    },
    currencies: LOCAL_CURRENCIES,
    ledger,
  })
  return { purser, wallet, ledger }
}

async function answered(call: Promise<Response>): Promise<void> {
  const reply = await call
  if (reply.status !== 200)
    throw new TypeError(`a session call was not paid: ${reply.status} ${await reply.text()}`)
  await reply.text()
}

/** Voucher credentials of the wallet alone, on a channel that a real payment opened, beside bare signatures. */
async function vouchers(world: ChannelWorld): Promise<Row> {
  const server = await world.serve({ protocol: 'v2', price: '0.000001', validityMs: 600_000 })
  const { purser, wallet, ledger } = await buyer(world, server.origin, '1')
  await answered(purser.fetch(server.url('/sponsored/paid')))
  const sign = voucherMaker(wallet, ledger, server.url('/sponsored/paid'), server.origin)
  const bare = privateKeyToAccount(generatePrivateKey())
  const hash = keccak256(stringToHex('a voucher'))
  const [signature, voucher] = await sideBySide(
    [
      { name: 'one bare signature', run: () => bare.sign({ hash }) },
      { name: 'voucher', run: sign },
    ],
    { rounds: 40, batch: 25, warmUp: 500 },
  )
  await purser.close()
  return {
    what: 'voucher credentials per second / bare signatures per second',
    measured: `${ratio(signature, voucher)} (${cpuRatio(signature, voucher)} by processor time)`,
    target: '≥ 0.8 ×',
  }
}

function voucherMaker(
  wallet: Wallet,
  ledger: ReturnType<typeof memoryLedger>,
  address: string,
  vendor: string,
): () => Promise<void> {
  const operation = `GET ${new URL(address).pathname}`
  const { pathname: path } = new URL(address)
  const resource = { transport: 'http', vendor, operation, address, method: 'GET', path } as const
  const bounds = { maxValidityMs: 600_000, maxLock: 10n ** 12n, unit: 'iso4217:USD' }
  const currencies = currencyTable(LOCAL_CURRENCIES)
  let serial = 0
  return async () => {
    const now = Date.now()
    const challenge = wallet.rememberedChallenge?.(resource, now)
    if (challenge === undefined) throw new TypeError('no session stands open')
    const context = { resource, bounds, now, ledger: 'bench', currencies, channels: ledger }
    const quote = await wallet.quote(challenge, context)
    if ('unpayable' in quote) throw new TypeError(quote.unpayable)
    const name = quote.lane?.names[0] ?? ''
    const lane = { name, value: quote.lane?.at ?? 0n }
    const payment = `bench-${++serial}`
    const authorization = mintAuthorization({
      payment,
      quote,
      bounds,
      lane,
      ledger: 'bench',
      expires: now + 60_000,
    })
    const prepared = await wallet.prepare(authorization, { now, channels: ledger })
    await prepared.complete(async () => ({ kind: 'response', ok: true, status: 204 }))
  }
}
