import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { isAddress } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadPolicy } from '../../src/entry/policy.js'
import { ACCOUNTS, alphaUSD, type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { type Home, makeHome } from './kit.js'

let chain: Chain
let api: PaidApi
let home: Home

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
})
afterAll(async () => {
  await api?.close()
  await chain?.stop()
})
beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

const text = (name: string): string => readFileSync(`${home.config}/${name}`, 'utf8')
const init = (...more: readonly string[]) =>
  home.run(['init', '--network', 'local', '--rpc', chain.url, '--json', ...more])

function addressIn(stdout: string): `0x${string}` {
  const { address } = JSON.parse(stdout)
  if (typeof address !== 'string' || !isAddress(address)) throw new TypeError('no address')
  return address
}

describe('purser init', () => {
  it('leads to a paid call by a few commands', async () => {
    const { code, stdout, stderr } = await init()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await chain.fund(addressIn(stdout), alphaUSD, 2_000_000n)
    const added = await home.run([
      'vendor',
      'add',
      api.origin,
      '--per-payment',
      '0.02',
      '--per-day',
      '1',
      '--text',
    ])
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(added.stdout).toContain('Added to ~/.config/purser/policy.yaml:')
    const paid = await home.run(['fetch', api.url('/paid')])
    expect(paid.stderr).toMatch(/^paid 0\.01 USD to /)
    expect(paid.code).toBe(0)
    expect(await home.run(['fetch', api.url('/price/0.03')])).toMatchObject({ code: 3 })
  })

  it('makes a key that only its owner can read, and shows it nowhere', async () => {
    const before = process.umask(0)
    const { stdout } = await init().finally(() => process.umask(before))
    expect(statSync(`${home.config}/agent.key`).mode & 0o777).toBe(0o600)
    const key = text('agent.key').trim().slice(2)
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    for (const shown of [stdout, text('config.yaml'), text('policy.yaml')]) expect(shown).not.toContain(key)
    const again = await init('--text')
    expect(again.stdout + again.stderr).not.toContain(key)
  })

  it('never overwrites a file, and says what exists', async () => {
    home.write('policy.yaml', 'perPayment: 1\n')
    await init()
    const key = text('agent.key')
    const { code, stdout } = await home.run(['init', '--text'])
    expect(code).toBe(0)
    expect(text('agent.key')).toBe(key)
    expect(text('policy.yaml')).toBe('perPayment: 1\n')
    expect(stdout).toContain('exists: ~/.config/purser/agent.key, left as it is')
    expect(stdout).toContain('policy.yaml exists, left as it is')
  })

  it('fails if an option changes nothing because its file exists, or if it would write elsewhere', async () => {
    await init()
    const again = await home.run(['init', '--network', 'mainnet', '--per-day', '9', '--text'])
    expect(again.code).toBe(1)
    expect(again.stdout).toContain('Not done: --network, --per-day changed nothing')
    const elsewhere = await home.run(['init', '--config', 'other.yaml'])
    expect(elsewhere.code).toBe(2)
    expect(elsewhere.stderr).toContain('leave --config, --policy and --ledger out')
  })

  it('says how to get money on the test network, and how to authorize a key of an account', async () => {
    const test = await home.run(['init', '--text', '--no-check', '--per-payment', '0.25'])
    expect(test.stdout).toContain('tempo_fundAddress')
    expect(text('policy.yaml')).toContain('perPayment: 0.25')
    const other = makeHome()
    const account = `0x${'ab'.repeat(20)}`
    const { stdout } = await other.run(['init', '--text', '--no-check', '--account', account])
    expect(stdout).toContain('purser keys authorize --with FILE')
    expect(readFileSync(`${other.config}/config.yaml`, 'utf8')).toContain(account)
    other.remove()
  })

  it('refuses arguments that it cannot use, and makes nothing', async () => {
    for (const args of [
      ['--network', 'moon'],
      ['--per-day', 'much'],
      ['--account', 'me'],
      ['--rpc', 'ftp://x'],
    ])
      expect(await home.run(['init', ...args])).toMatchObject({ code: 2 })
    expect(readdirSync(home.config)).toEqual([])
  })
})

describe('purser vendor', () => {
  const POLICY = `# the limits of the team
perPayment: 0.10 # ten cents
budgets:
  - { limit: 5.50, per: day } # and no more
networks: [ "eip155:31337" ]
vendors:
  # the search
  - origin: https://api.search.example
    payees: any
`
  beforeEach(async () => {
    await init()
    writeFileSync(`${home.config}/policy.yaml`, POLICY)
  })

  it('adds lines and keeps the comments, the numbers and the mode', async () => {
    chmodSync(`${home.config}/policy.yaml`, 0o640)
    const { code, stdout } = await home.run([
      'vendor',
      'add',
      'https://b.example',
      '--no-ask',
      '--per-payment',
      '0.02',
    ])
    expect(code).toBe(0)
    expect(text('policy.yaml')).toBe(`${POLICY}  - origin: https://b.example\n    perPayment: 0.02\n`)
    expect(JSON.parse(stdout).lines).toEqual(['+   - origin: https://b.example', '+     perPayment: 0.02'])
    expect(statSync(`${home.config}/policy.yaml`).mode & 0o777).toBe(0o640)
    await loadPolicy(`${home.config}/policy.yaml`)
    expect(await home.run(['vendor', 'remove', 'https://b.example'])).toMatchObject({ code: 0 })
    expect(text('policy.yaml')).toBe(POLICY)
  })

  it('writes nothing that the parser of policies refuses', async () => {
    writeFileSync(`${home.config}/policy.yaml`, `${POLICY}budgts: 1\n`)
    expect(await home.run(['vendor', 'add', 'https://b.example', '--no-ask'])).toMatchObject({ code: 2 })
    expect(text('policy.yaml')).toBe(`${POLICY}budgts: 1\n`)
    writeFileSync(`${home.config}/policy.yaml`, POLICY)
    for (const args of [
      ['http://plain.example'],
      ['https://api.search.example'],
      ['https://b.example', '--per-payment', '1e3'],
    ])
      expect(await home.run(['vendor', 'add', '--no-ask', ...args])).toMatchObject({ code: 2 })
    expect(text('policy.yaml')).toBe(POLICY)
    expect(readdirSync(home.config).filter((name) => name.endsWith('.new'))).toEqual([])
  })
})

describe('purser keys', () => {
  /** Makes an account with money, its key file, and a policy that lists the payee. */
  async function withOwner(...more: readonly string[]) {
    const owner = await chain.account(5_000_000n)
    await init(...(more.includes('p256') ? ['--account', owner.address] : []))
    writeFileSync(
      `${home.config}/policy.yaml`,
      `perPayment: 0.10\nbudgets: [{ limit: 0.50, per: day }]\nnetworks: ["eip155:31337"]\nvendors: [{ origin: "${api.origin}", payees: ["${ACCOUNTS.payee.address}"] }]\n`,
    )
    return { owner, file: home.write('owner.key', owner.key) }
  }

  it('gives a key of the agent limits on the chain, and takes it back', async () => {
    const { owner, file } = await withOwner()
    const waits = await home.run(['keys', 'authorize', '--with', file, '--token', 'AlphaUSD'])
    expect(waits).toMatchObject({ code: 5, stdout: '' })
    expect(waits.stderr).toContain('next_step: purser keys authorize')
    const done = await home.run(['keys', 'authorize', '--with', file, '--token', 'AlphaUSD', '--yes'])
    expect(done.stderr).toContain(`to ${ACCOUNTS.payee.address.toLowerCase()}`)
    expect(done.code).toBe(0)
    expect(done.stdout + done.stderr).not.toContain(owner.key.slice(2))
    const { key } = JSON.parse(done.stdout)
    expect(text('config.yaml')).toContain(owner.address)
    expect(text('config.yaml')).toContain('# The file with the key of the agent.')

    const before = await chain.balanceOf(alphaUSD, owner.address)
    expect(await home.run(['fetch', api.url('/paid')])).toMatchObject({ code: 0 })
    expect(await chain.balanceOf(alphaUSD, owner.address)).toBeLessThan(before)
    const listed = await home.run(['keys', 'list'])
    expect(JSON.parse(listed.stdout)).toMatchObject({
      key: String(key).toLowerCase(),
      state: 'authorized',
      limited: true,
    })
    const healthy = await home.run(['doctor', '--text'])
    expect(healthy.stdout).toMatch(/^ok +access key /m)

    // The policy is lowered, and the key on the chain is not.
    writeFileSync(`${home.config}/policy.yaml`, text('policy.yaml').replace('0.50', '0.20'))
    expect((await home.run(['doctor', '--text'])).stdout).toMatch(/^WARN +access key .*above the policy's/m)

    expect(await home.run(['keys', 'revoke', key, '--with', file, '--yes'])).toMatchObject({ code: 0 })
    const ill = await home.run(['doctor', '--text'])
    expect(ill.stdout).toMatch(/^FAIL +access key .*revoked/m)
    expect(ill.code).toBe(1)
    expect((await home.run(['fetch', api.url('/paid')])).code).not.toBe(0)
  })

  it('needs a key file that other users cannot read, and finds a key that nobody authorized', async () => {
    const owner = await chain.account()
    await init('--account', owner.address)
    const file = home.write('owner.key', owner.key)
    chmodSync(file, 0o644)
    expect(await home.run(['keys', 'authorize', '--with', file, '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`chmod 600 ${file}`),
    })
    expect((await home.run(['doctor', '--text'])).stdout).toMatch(/FAIL +balance/)
    await chain.fund(owner.address, alphaUSD, 1_000_000n)
    expect((await home.run(['doctor', '--text'])).stdout).toMatch(
      /^FAIL +access key .*has not authorized[^\n]*\n +-> purser keys authorize --with FILE/m,
    )
  })

  it.each(['secp256k1', 'p256'])(
    'renews a %s key of the agent: the new one pays, and the old one is revoked',
    async (type) => {
      const { owner, file } = await withOwner(type)
      const args = ['--with', file, '--token', 'AlphaUSD']
      expect(await home.run(['keys', 'authorize', ...args, '--yes'])).toMatchObject({ code: 0 })
      const old = text('agent.key')
      expect(old.startsWith('p256:')).toBe(type === 'p256')
      const waits = await home.run(['keys', 'renew', ...args])
      expect(waits).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('next_step: purser keys renew'),
      })
      expect(text('agent.key')).toBe(old)
      const renewed = await home.run(['keys', 'renew', ...args, '--yes', '--json'])
      expect(renewed).toMatchObject({ code: 0 })
      expect(renewed.stdout + renewed.stderr).not.toContain(owner.key.slice(2))
      expect(text('agent.key')).not.toBe(old)
      expect(statSync(`${home.config}/agent.key`).mode & 0o777).toBe(0o600)
      const { key, revoked, type: renewedType } = JSON.parse(renewed.stdout)
      expect(renewedType).toBe(type)
      const keys = (await home.run(['keys', 'list'])).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(keys.find((one) => one.key === String(key).toLowerCase())).toMatchObject({ state: 'authorized' })
      expect(keys.find((one) => one.key === String(revoked).toLowerCase())).toMatchObject({
        state: 'revoked',
      })
      const before = await chain.balanceOf(alphaUSD, owner.address)
      expect(await home.run(['fetch', api.url('/paid')])).toMatchObject({ code: 0 })
      expect(await chain.balanceOf(alphaUSD, owner.address)).toBeLessThan(before)
      expect(readdirSync(home.config).filter((name) => name.endsWith('.new'))).toEqual([])
    },
  )

  it('pays nothing with a P-256 key that acts for no account, and says what to set', async () => {
    const { owner } = await withOwner('p256')
    writeFileSync(`${home.config}/config.yaml`, text('config.yaml').replace(/ +account: .*\n/, ''))
    const { code, stderr } = await home.run(['fetch', api.url('/paid')])
    expect(code).toBe(2)
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('set wallets.tempo.account')
    expect(await chain.balanceOf(alphaUSD, owner.address)).toBe(5_000_000n)
  })

  it('refuses to renew a key that is the account itself', async () => {
    await init()
    const file = home.write('owner.key', text('agent.key'))
    const key = text('agent.key')
    const { code, stderr } = await home.run(['keys', 'renew', '--with', file, '--yes'])
    expect(code).toBe(2)
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('nothing to renew')
    expect(text('agent.key')).toBe(key)
  })

  it('goes on with the renewal of a run that died after the authorization', async () => {
    const { file } = await withOwner('p256')
    const args = ['--with', file, '--token', 'AlphaUSD']
    const old = text('agent.key')
    const draft = `${home.config}/agent.key.new`
    expect(await home.run(['keys', 'authorize', ...args, '--yes'])).toMatchObject({ code: 0 })
    // The key of the draft is authorized, as if the process had died before it took the place of the old one.
    expect(await home.run(['keys', 'create', draft, '--type', 'p256'])).toMatchObject({ code: 0 })
    const renewed = readFileSync(draft, 'utf8')
    writeFileSync(`${home.config}/agent.key`, renewed)
    expect(await home.run(['keys', 'authorize', ...args, '--yes'])).toMatchObject({ code: 0 })
    writeFileSync(`${home.config}/agent.key`, old)
    const again = await home.run(['keys', 'renew', ...args, '--yes', '--json'])
    expect(again).toMatchObject({ code: 0 })
    expect(again.stderr).not.toContain('may spend from')
    expect(text('agent.key')).toBe(renewed)
    expect(await home.run(['fetch', api.url('/paid')])).toMatchObject({ code: 0 })
  })

  it('never gives the agent a draft key that is revoked', async () => {
    const { file } = await withOwner('p256')
    const args = ['--with', file, '--token', 'AlphaUSD']
    const authorized = await home.run(['keys', 'authorize', ...args, '--yes'])
    const revoked = text('agent.key')
    const { key } = JSON.parse(authorized.stdout)
    expect(await home.run(['keys', 'revoke', key, '--with', file, '--yes'])).toMatchObject({ code: 0 })
    const current = `p256:0x${'7'.repeat(64)}\n`
    writeFileSync(`${home.config}/agent.key`, current)
    writeFileSync(`${home.config}/agent.key.new`, revoked, { mode: 0o600 })
    const { code } = await home.run(['keys', 'renew', ...args, '--yes'])
    expect(code).not.toBe(0)
    expect(text('agent.key')).toBe(current)
  })

  it('makes a key file, and never overwrites one', async () => {
    const file = home.path('second.key')
    expect(await home.run(['keys', 'create', file])).toMatchObject({ code: 0 })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const key = readFileSync(file, 'utf8')
    expect(await home.run(['keys', 'create', file])).toMatchObject({ code: 2 })
    expect(readFileSync(file, 'utf8')).toBe(key)
  })
})

describe('purser sessions close', () => {
  it('needs exactly one way to say which', async () => {
    await init()
    await home.run(['vendor', 'add', api.origin])
    for (const args of [[], ['--all', '--idle', '1h'], ['a', '--all'], ['--idle', 'long'], ['a-session']])
      expect(await home.run(['sessions', 'close', ...args])).toMatchObject({ code: 2 })
    expect(await home.run(['sessions', 'close', '--all', '--text'])).toMatchObject({
      code: 0,
      stdout: 'No session to close.\n',
    })
  })
})
