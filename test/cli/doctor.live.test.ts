import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { examine } from '../../src/cli/doctor.js'
import { type Finding, PROBES, type Probes } from '../../src/cli/doctor-finding.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { type Chain, startChain } from '../chain/chain.js'
import { type Home, localConfig, localPolicy, makeHome } from './kit.js'

let chain: Chain
let account: Awaited<ReturnType<Chain['account']>>
let home: Home

beforeAll(async () => {
  chain = await startChain()
  account = await chain.account(1_000_000n)
})
afterAll(() => chain?.stop())
beforeEach(() => {
  home = makeHome()
  home.write('agent.key', `${account.key}\n`)
  home.write('config.yaml', localConfig(chain))
  home.write('policy.yaml', localPolicy(['https://api.example']))
})
afterEach(() => home.remove())

const look = (probes: Partial<Probes> = {}, env: Record<string, string> = {}) =>
  examine({ HOME: home.folder, ...env }, { ...PROBES, ...probes })

async function find(check: string, probes?: Partial<Probes>): Promise<readonly Finding[]> {
  return (await look(probes)).filter((finding) => finding.check === check)
}

const ledgerAt = () => `${home.config}/ledger.db`

async function makeLedger(use: (ledger: ReturnType<typeof sqliteLedger>) => Promise<unknown>): Promise<void> {
  const ledger = sqliteLedger({ path: ledgerAt() })
  await use(ledger)
  await ledger.close()
}

describe('purser doctor', () => {
  it('ends with 0 if nothing fails, and with 1 if anything does', async () => {
    const fine = await home.run(['doctor'])
    expect(fine.code).toBe(0)
    expect(JSON.parse(fine.stdout)).toMatchObject({ failed: 0 })
    expect(fine.stdout).not.toContain(account.key.slice(2))
    home.write('policy.yaml', 'nonsense: 1\n')
    const ill = await home.run(['doctor', '--text'])
    expect(ill.code).toBe(1)
    expect(ill.stdout).toMatch(/^FAIL +policy .*nonsense/m)
    expect(ill.stdout).toMatch(/-> edit ~\/\.config\/purser\/policy\.yaml/)
  })

  it('finds that there are no settings yet', async () => {
    rmSync(`${home.config}/config.yaml`)
    expect(await look()).toEqual([
      { check: 'settings', level: 'fail', message: 'there are none yet', fix: 'purser init' },
    ])
  })

  it('finds settings that cannot be read', async () => {
    home.write('config.yaml', 'policy: policy.yaml\nwalets: {}\n')
    expect(await find('settings')).toMatchObject([
      { level: 'fail', message: expect.stringContaining('walets') },
    ])
  })

  it('finds an error in the policy, with its line and column', async () => {
    home.write('policy.yaml', 'perPayment: 0.1\nbudgts: []\n')
    expect(await find('policy')).toMatchObject([
      { level: 'fail', message: expect.stringContaining('line 2, column 1') },
    ])
    rmSync(`${home.config}/policy.yaml`)
    expect(await find('policy')).toMatchObject([{ level: 'fail', fix: 'purser init' }])
  })

  it('finds vendors whose payees are not listed, and that there is none', async () => {
    expect(await find('vendor')).toMatchObject([{ level: 'warn' }])
    home.write('policy.yaml', 'perPayment: 1\nbudgets: [{ limit: 5, per: day }]\nvendors: []\n')
    expect(await find('vendors')).toMatchObject([
      { level: 'warn', fix: 'purser vendor add https://api.example' },
    ])
  })

  it('finds a missing key, a wrong one, and one that other users can read', async () => {
    rmSync(`${home.config}/agent.key`)
    expect(await find('tempo key')).toMatchObject([
      { level: 'fail', message: expect.stringContaining('no such file') },
    ])
    home.write('agent.key', 'not a key')
    const wrong = await find('tempo key')
    expect(wrong).toMatchObject([{ level: 'fail', message: expect.stringContaining('32 bytes') }])
    expect(JSON.stringify(wrong)).not.toContain('not a key')
    home.write('agent.key', account.key)
    chmodSync(`${home.config}/agent.key`, 0o644)
    expect(await find('tempo key')).toMatchObject([
      {
        level: 'fail',
        message: expect.stringContaining('0644'),
        fix: 'chmod 600 ~/.config/purser/agent.key',
      },
    ])
  })

  it('finds a ledger on a network disk, one that cannot be written, and one that is gone', async () => {
    expect(await find('ledger')).toMatchObject([
      { level: 'ok', message: expect.stringContaining('first payment') },
    ])
    expect(await find('ledger', { fileSystem: async () => 0x6969 })).toMatchObject([
      { level: 'fail', message: expect.stringContaining('NFS') },
    ])
    expect(await find('ledger', { writable: async () => false })).toMatchObject([
      { level: 'fail', message: expect.stringContaining('cannot be written') },
    ])
    await makeLedger((ledger) => ledger.grants())
    expect(await find('ledger')).toMatchObject([{ level: 'ok' }])
    for (const end of ['', '-wal', '-shm']) rmSync(`${ledgerAt()}${end}`, { force: true })
    expect(await find('ledger')).toMatchObject([{ level: 'fail', fix: 'purser ledger restore FILE' }])
  })

  it('finds a file that is no ledger, and payments that are frozen', async () => {
    writeFileSync(ledgerAt(), 'this is no database, but a text of some length'.repeat(100))
    expect(await find('ledger')).toMatchObject([{ level: 'fail' }])
    rmSync(ledgerAt())
    await makeLedger((ledger) => ledger.freeze('a look'))
    expect(await find('payments')).toMatchObject([{ level: 'warn', fix: 'purser unfreeze' }])
  })

  it('finds a node that is down, and one of another chain', async () => {
    home.write('config.yaml', localConfig({ id: chain.id, url: 'http://127.0.0.1:59999' }))
    expect(await find('tempo node')).toMatchObject([
      { level: 'fail', message: expect.stringContaining('not answer') },
    ])
    home.write('config.yaml', localConfig({ id: 4217, url: chain.url }))
    expect(await find('tempo node')).toMatchObject([
      { level: 'fail', message: expect.stringContaining('chain 31337, and not of 4217') },
    ])
  })

  it('finds a clock that is off, by the date of the server or the newest block', async () => {
    expect(await find('clock')).toMatchObject([{ level: 'ok' }])
    const behind = { now: () => Date.now() - 60_000 }
    expect(await find('clock', behind)).toMatchObject([
      { level: 'fail', message: expect.stringContaining('behind'), fix: 'sudo timedatectl set-ntp true' },
    ])
    const dated: typeof fetch = async (input, init) => {
      const reply = await fetch(input, init)
      return new Response(reply.body, { headers: { date: new Date(Date.now() - 5_000).toUTCString() } })
    }
    expect(await find('clock', { fetch: dated })).toMatchObject([
      { level: 'warn', message: expect.stringContaining('ahead') },
    ])
  })

  it('finds an empty account', async () => {
    expect(await find('balance')).toMatchObject([
      { level: 'ok', message: expect.stringContaining('1 AlphaUSD') },
    ])
    const empty = await chain.account()
    home.write('agent.key', empty.key)
    expect(await find('balance')).toMatchObject([
      { level: 'fail', message: expect.stringContaining(empty.address) },
    ])
  })
})
