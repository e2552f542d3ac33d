import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Agent, request, fetch as undiciFetch } from 'undici'
import { generatePrivateKey } from 'viem/accounts'
import { Account, Actions } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { CURRENCIES, createPurser } from '../../src/index.js'
import { purserInterceptor, replyBehind } from '../../src/undici/index.js'
import { tempo, tempoKeys } from '../../src/wallet/tempo/index.js'
import { ACCOUNTS, addressOf, alphaUSD, clientFor, startChain } from '../chain/chain.js'
import { PRICE, startPaidApi } from '../chain/server.js'
import { newKey } from './delegated.js'
import { DOLLAR, policyFor, problemIn, record, startWorld, type World } from './world.js'

let world: World
let folder: string
beforeAll(async () => {
  world = await startWorld()
  folder = await mkdtemp(join(tmpdir(), 'purser-live-'))
})
afterAll(async () => {
  await world?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('two agents on one SQLite ledger', () => {
  const path = () => join(folder, 'shared.db')
  const agents = {
    researcher: { budgets: [{ limit: '0.05', per: 'day' as const }] },
    buyer: { budgets: [{ limit: '1', per: 'day' as const }] },
  }

  it('spend from budgets of their own, and see each other in the shared one', async () => {
    const made = async (agent: string) =>
      world.buyer({ agent, ledger: sqliteLedger({ path: path() }), policy: { agents } })
    const researcher = await made('researcher')
    const buyer = await made('buyer')
    let researched = 0
    while ((await researcher.get(`/paid?n=${researched}`)).status === 200) researched++
    expect(researched).toBeGreaterThan(0)
    expect(researched).toBeLessThan(5)
    for (let n = 0; n < 5; n++) expect((await buyer.get(`/paid?n=${n}`)).status).toBe(200)
    const left = (await researcher.left()) + (await buyer.left())
    await researcher.purser.recover({ reconcile: true })
    await buyer.purser.recover({ reconcile: true })
    // The ledger is one: each sees all payments, and together they are what left both accounts.
    expect(await buyer.booked()).toBe(left)
    const shared = (await buyer.purser.budgets()).find(({ scope }) => scope.agent === undefined)
    expect(shared?.spent).toBe(left * 1_000n)
    const own = (await buyer.purser.budgets()).find(({ scope }) => scope.agent === 'buyer')
    expect(own?.spent).toBe((await buyer.left()) * 1_000n)
    const stranger = await made('stranger')
    expect((await problemIn(await stranger.get('/paid')))['funds']).toBe('untouched')
  })

  it('leave what they spent to the next process: it is counted, and readable by nobody else', async () => {
    const before = await world.buyer({
      agent: 'researcher',
      ledger: sqliteLedger({ path: path() }),
      policy: { agents },
    })
    const payments = await before.payments({ agent: 'buyer' })
    expect(payments).toHaveLength(5)
    // Fees that were read meanwhile may have made room for a payment or two, and for no more.
    let response = await before.get('/paid?n=9')
    for (let n = 10; response.status === 200 && n < 20; n++) response = await before.get(`/paid?n=${n}`)
    expect((await problemIn(response))['code']).toBe('refused')
    const own = (await before.purser.budgets()).find(({ scope }) => scope.agent === 'researcher')
    expect(own?.limit).toBeGreaterThanOrEqual((own?.spent ?? 0n) + (own?.held ?? 0n))
    expect((await stat(path())).mode & 0o077).toBe(0)
    const bytes = await readFile(path())
    expect(bytes.includes('Payment ey')).toBe(false)
  })
})

describe('an access key', () => {
  it('pays for its root, within limits that the chain enforces', async () => {
    const root = await world.chain.account(DOLLAR)
    const rootAccount = Account.fromSecp256k1(root.key)
    const accessKey = Account.fromSecp256k1(generatePrivateKey(), { access: rootAccount })
    await Actions.accessKey.authorizeSync(clientFor(world.chain.url, rootAccount), {
      accessKey,
      expiry: Math.floor(Date.now() / 1000) + 3600,
      limits: [{ token: addressOf(alphaUSD), limit: 500_000n }],
      feeToken: addressOf(alphaUSD),
      gas: 3_000_000n,
    })
    const buyer = await world.buyer({ account: accessKey })
    expect((await buyer.get('/paid')).status).toBe(200)
    expect((await buyer.get('/sponsored')).status).toBe(200)
    expect(buyer.signatures()).toBe(2)
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
    expect(await buyer.left()).toBeGreaterThan(2n * PRICE)
  })
})

describe('undici', () => {
  it('pays by request()', async () => {
    const buyer = await world.buyer()
    const dispatcher = new Agent().compose(purserInterceptor(buyer.purser))
    const reply = await request(world.api.url('/paid'), { dispatcher, method: 'POST', body: 'tea' })
    expect(reply.statusCode).toBe(200)
    expect(await reply.body.json()).toEqual({ route: '/paid', method: 'POST', body: 'tea' })
    const behind = replyBehind(reply)
    expect(behind && buyer.purser.paymentFor(behind)).toMatchObject({ state: 'settled', delivered: true })
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
    await dispatcher.close()
  })

  it('pays by fetch()', async () => {
    const buyer = await world.buyer()
    const dispatcher = new Agent().compose(purserInterceptor(buyer.purser))
    const reply = await undiciFetch(world.api.url('/paid'), { dispatcher })
    expect(await reply.json()).toMatchObject({ route: '/paid' })
    expect(buyer.signatures()).toBe(1)
    await dispatcher.close()
  })

  it('refuses with a problem, as fetch does', async () => {
    const buyer = await world.buyer({ policy: { perPayment: '0.001' } })
    const dispatcher = new Agent().compose(purserInterceptor(buyer.purser))
    const reply = await request(world.api.url('/paid'), { dispatcher })
    expect(reply.statusCode).toBe(402)
    expect(record(await reply.body.json())).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(buyer.signatures()).toBe(0)
    await dispatcher.close()
  })
})

describe('purser/auto', () => {
  const run = promisify(execFile)
  const auto = fileURLToPath(new URL('../../src/entry/auto.ts', import.meta.url))
  const repository = fileURLToPath(new URL('../..', import.meta.url))

  async function start(env: Record<string, string>, script: string): Promise<unknown> {
    const { stdout } = await run(
      process.execPath,
      ['--import', 'tsx', '--import', auto, '--input-type=module', '-e', script],
      { cwd: repository, env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }, timeout: 25_000 },
    )
    return JSON.parse(stdout)
  }

  it('pays from the environment and a policy file, and takes the key out of the environment', async () => {
    // The public test network's id, whose tokens everybody knows.
    const chain = await startChain([], 42431)
    const api = await startPaidApi({ chain })
    try {
      const account = await chain.account(DOLLAR)
      const policy = join(folder, 'policy.json')
      const ledger = join(folder, 'auto.db')
      await writeFile(policy, JSON.stringify(policyFor([api.origin], { networks: ['eip155:42431'] })))
      const env = {
        PURSER_POLICY: policy,
        PURSER_LEDGER: ledger,
        PURSER_TEMPO_KEY: account.key,
        PURSER_TEMPO_RPC: `42431=${chain.url}`,
      }
      const result = await start(
        env,
        `const reply = await fetch(${JSON.stringify(api.url('/paid'))}, { method: 'POST', body: 'tea' })
         const body = await reply.json()
         console.log(JSON.stringify({ status: reply.status, body, key: process.env.PURSER_TEMPO_KEY ?? null }))`,
      )
      expect(result).toEqual({
        status: 200,
        body: { route: '/paid', method: 'POST', body: 'tea' },
        key: null,
      })
      expect(await chain.balanceOf(alphaUSD, account.address)).toBeLessThan(DOLLAR - PRICE)
      expect((await stat(ledger)).mode & 0o077).toBe(0)
      const written = sqliteLedger({ path: ledger, create: false })
      for await (const payment of written.find({}))
        expect(payment).toMatchObject({ state: 'settled', delivered: true, context: { agent: 'agent' } })
      await written.close()
    } finally {
      await api.close()
      await chain.stop()
    }
  })

  it('pays with a delegated key, and knows the account by its address alone', async () => {
    const chain = await startChain([], 42431)
    const api = await startPaidApi({ chain })
    try {
      const account = await chain.account(DOLLAR)
      const policy = policyFor([api.origin], { networks: ['eip155:42431'] })
      const key = newKey()
      const keys = tempoKeys({ account, chain: 42431, rpc: { 42431: chain.url } })
      const owner = createPurser({ wallets: [tempo({ account })], policy, ledger: memoryLedger() })
      const delegation = await owner.delegate({
        keys,
        key,
        expires: Date.now() + 3_600_000,
        tokens: [CURRENCIES.testAlphaUSD],
        recipients: [ACCOUNTS.payee.address],
      })
      await delegation.authorize()
      const file = join(folder, 'delegated.json')
      await writeFile(file, JSON.stringify(policy))
      const before = await chain.balanceOf(alphaUSD, account.address)
      const env = {
        PURSER_POLICY: file,
        PURSER_LEDGER: join(folder, 'delegated.db'),
        PURSER_TEMPO_KEY: key.key,
        PURSER_TEMPO_ACCOUNT: account.address,
        PURSER_TEMPO_RPC: `42431=${chain.url}`,
      }
      const script = `console.log((await fetch(${JSON.stringify(api.url('/paid'))})).status)`
      expect(await start(env, script)).toBe(200)
      expect(before - (await chain.balanceOf(alphaUSD, account.address))).toBeGreaterThan(PRICE)
    } finally {
      await api.close()
      await chain.stop()
    }
  })

  it('does not start without a policy, and says what to do', async () => {
    const error = record(
      await start({ PURSER_TEMPO_KEY: generatePrivateKey() }, '0').catch((thrown: unknown) => thrown),
    )
    expect(error['code']).not.toBe(0)
    expect(String(error['stderr'])).toContain('PURSER_POLICY must name a policy file')
  })
})
