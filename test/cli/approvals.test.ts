import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { approvalTermsHash } from '../../src/pay/index.js'
import { ACTS_ON_A_TERMINAL, CliWorld, HOSTILE, hold, POLICY, SEARCH } from './world.js'

// A person reads the questions in the ledger, and answers them from another process than the one that waits.

const worlds: CliWorld[] = []
let world: CliWorld
beforeEach(() => {
  world = new CliWorld()
  worlds.push(world)
})
afterAll(() => {
  for (const one of worlds) one.remove()
})

/** Asks a person about a payment, as a waiting call does. */
async function ask(id: string, price = 800, serverSays = 'Tea'): Promise<void> {
  await world.write(async (ledger, policy) => {
    const { lane: _, ...held } = await hold(ledger, policy, `payment-${id}`, {
      agent: 'buyer',
      vendor: SEARCH,
      price,
      fee: 1,
    })
    const decision = {
      ...held.decision,
      effect: 'ask' as const,
      reasons: [{ rule: 'ask.above', message: 'It is above 0.50 USD.' }],
    }
    const asked = await ledger.ask({
      id,
      hold: { ...held, decision },
      termsHash: approvalTermsHash({ terms: held.terms, agent: 'buyer', resource: held.resource }),
      serverSays,
      settings: policy.approvalSettings({ agent: 'buyer', tasks: [] }),
    })
    expect(asked.kind).toBe('asked')
  })
}

const only = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
  const rows = await world.json(args)
  expect(rows).toHaveLength(1)
  return Object(rows[0])
}

async function fits(name: string, value: unknown): Promise<void> {
  const schema = await only('schema', name)
  const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema)
  expect([validate(value), validate.errors]).toEqual([true, null])
}

describe('purser approvals', () => {
  it('lists what waits: who pays what to whom, why, what is left afterwards, and until when', async () => {
    await ask('question-aaaa')
    const fact = await only('approvals')
    await fits('approvals', fact)
    expect(fact).toMatchObject({
      id: 'question-aaaa',
      payment: 'payment-question-aaaa',
      state: 'waiting',
      live: true,
      agent: 'buyer',
      vendor: SEARCH,
      price: { value: '0.8', currency: 'USD' },
      feeAtMost: { value: '0.001', currency: 'USD' },
      payees: [{ id: '0xaaaa' }],
      reasons: [{ rule: 'ask.above', message: 'It is above 0.50 USD.' }],
      serverSays: 'Tea',
    })
    expect(fact['after']).toContainEqual({
      rule: 'budget.day',
      left: { value: '4.199', currency: 'USD' },
    })
    const { out } = await world.run(['approvals'], { columns: 80 })
    expect(out).toContain('n-aaaa')
    expect(out).toContain('0.80 USD +0.001 fee')
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it('says that nothing waits, and lists answered questions only with --all', async () => {
    expect((await world.run(['payments'])).code).toBe(1)
    await ask('question-aaaa')
    expect((await world.run(['deny', 'aaaa', '--yes'])).code).toBe(0)
    expect((await world.run(['approvals', '--text'])).out).toBe('No question waits for a person.\n')
    expect(await world.json(['approvals'])).toEqual([])
    expect(await only('approvals', '--all')).toMatchObject({
      state: 'denied',
      answer: { approved: false, signed: false },
    })
  })

  it("prints no control character of the server's words", async () => {
    await ask('question-aaaa', 800, HOSTILE)
    const { out } = await world.run(['approvals', '--text'])
    const { err } = await world.run(['approve', 'question-aaaa'])
    expect(`${out}${err}`).not.toMatch(ACTS_ON_A_TERMINAL)
    expect(err).toContain('(they prove nothing)')
  })
})

describe('purser approve and deny', () => {
  it('show the terms, and without a terminal and --yes wait for nobody and answer nothing', async () => {
    await ask('question-aaaa')
    for (const decision of ['approve', 'deny']) {
      const { code, out, err } = await world.run([decision, 'aaaa'])
      expect([code, out]).toEqual([5, ''])
      expect(err).toContain('0.8 USD + a fee of up to 0.001 USD')
      expect(err).toContain(`answer at a terminal: purser ${decision} question-aaaa\n`)
    }
    expect(await only('approvals')).toMatchObject({ state: 'waiting' })
  })

  it('answer once: the first answer counts, and a later one says so and changes nothing', async () => {
    await ask('question-aaaa')
    const approved = await only('approve', 'aaaa', '--yes', '--because', 'we need it')
    await fits('approve', approved)
    expect(approved).toMatchObject({ id: 'question-aaaa', approved: true, signed: false })
    const late = await world.run(['deny', 'question-aaaa', '--yes'])
    expect(late.code).toBe(2)
    expect(late.err).toContain('Another answer was first.')
    expect(await only('approvals', '--all')).toMatchObject({
      state: 'approved',
      answer: { approved: true, note: 'we need it' },
    })
  })

  it('name a question by the end of its id only if no other waiting question has that end', async () => {
    await ask('question-one-a')
    await ask('question-two-a', 700)
    expect((await world.run(['approve', 'a', '--yes'])).err).toContain('More than one question ends with a')
    expect((await world.run(['approve', 'zz', '--yes'])).err).toContain('No waiting question is called zz')
    expect(await only('approve', 'two-a', '--yes')).toMatchObject({ id: 'question-two-a' })
  })

  it('remember an approval with a total and a time, and at most the price and fee of this payment', async () => {
    await ask('question-aaaa')
    expect((await world.run(['approve', 'aaaa', '--yes', '--remember', 'for ever'])).err).toContain(
      "'10 USD, 7 days'",
    )
    expect((await world.run(['approve', 'aaaa', '--yes', '--remember', '10 EUR, 7 days'])).err).toContain(
      'in USD',
    )
    await only('approve', 'aaaa', '--yes', '--remember', '10 USD, 7 days')
    await world.write(async (ledger) => {
      const remember = (await ledger.approval('question-aaaa'))?.answer?.remember
      expect(remember).toMatchObject({
        upTo: { value: 801_000_000n, currency: { id: 'iso4217:USD', decimals: 9 } },
        total: { value: 10_000_000_000n },
      })
      expect((remember?.until ?? 0) - Date.now()).toBeGreaterThan(6.9 * 86_400_000)
      expect((remember?.until ?? 0) - Date.now()).toBeLessThanOrEqual(7 * 86_400_000)
    })
  })
})

describe('purser approver', () => {
  const key = () => join(world.folder, '.config', 'purser', 'approver.key')

  /** Creates a key, and names it in the policy. */
  async function named(name = 'ann'): Promise<string> {
    const made = await only('approver', 'create', name, '--no-passphrase')
    await fits('approver', made)
    const publicKey = String(made['publicKey'])
    writeFileSync(
      world.policyPath,
      `${POLICY}approval:\n  by:\n    - { name: ${name}, type: ed25519, publicKey: ${publicKey} }\n`,
    )
    return publicKey
  }

  it('creates a key that only its user can read, shows the lines for the policy, and overwrites nothing', async () => {
    const { out } = await world.run(['approver', 'create', 'ann', '--no-passphrase', '--text'])
    expect(out).toContain('- { name: "ann", type: ed25519, publicKey: ')
    expect(statSync(key()).mode & 0o777).toBe(0o600)
    const before = readFileSync(key(), 'utf8')
    expect(out).not.toContain(before.split('\n')[1])
    const again = await world.run(['approver', 'create', 'ann', '--no-passphrase'])
    expect([again.code, readFileSync(key(), 'utf8')]).toEqual([2, before])
  })

  it('asks a person for the passphrase, and without a terminal says what to type', async () => {
    const { code, err } = await world.run(['approver', 'create', 'ann'])
    expect(code).toBe(5)
    expect(err).toContain('next_step: purser approver create')
  })

  it('signs an answer with the key that the policy names', async () => {
    const publicKey = await named()
    await ask('question-aaaa')
    expect(await only('approve', 'aaaa', '--yes')).toMatchObject({ by: 'ann', signed: true })
    await world.write(async (ledger) => {
      expect((await ledger.approval('question-aaaa'))?.answer?.proof).toMatchObject({ publicKey })
    })
  })

  it('stores no answer without a key, with a key of nobody, or with a key that others can read', async () => {
    await named()
    await ask('question-aaaa')
    const refused = async (...more: readonly string[]) => {
      const { code, err } = await world.run(['approve', 'aaaa', '--yes', ...more])
      expect([code, await only('approvals')]).toEqual([2, expect.objectContaining({ state: 'waiting' })])
      return err
    }
    expect(await refused('--key', join(world.folder, 'none.key'))).toContain('purser approver create')
    const stranger = join(world.folder, 'bob.key')
    await only('approver', 'create', 'bob', '--no-passphrase', '--out', stranger)
    expect(await refused('--key', stranger)).toContain('The policy does not name the key')
    expect(await refused('--remember', '10 USD, 7 days')).toContain('leave --remember out')
    chmodSync(key(), 0o644)
    expect(await refused()).toContain(`chmod 600 ${key()}`)
    chmodSync(key(), 0o600)
    writeFileSync(key(), 'no key at all')
    const nonsense = await refused()
    expect(nonsense).toContain('holds no private key')
    expect(nonsense).not.toContain('no key at all')
  })

  it('does not sign a question whose terms were changed in the ledger', async () => {
    await named()
    await world.write(async (ledger, policy) => {
      const { lane: _, ...held } = await hold(ledger, policy, 'payment-changed', {
        agent: 'buyer',
        price: 800,
      })
      await ledger.ask({
        id: 'question-changed',
        hold: { ...held, decision: { ...held.decision, effect: 'ask' } },
        termsHash: 'ab'.repeat(32),
        settings: policy.approvalSettings({ agent: 'buyer', tasks: [] }),
      })
    })
    const { code, err } = await world.run(['approve', 'changed', '--yes'])
    expect(code).toBe(2)
    expect(err).toContain('The question in the ledger was changed')
    expect(await only('approvals')).toMatchObject({ state: 'waiting' })
  })
})

describe('purser freeze', () => {
  it('needs no key: a person who cannot pay can stop all payments, and allow them again', async () => {
    await ask('question-aaaa')
    expect(await only('freeze', 'looking into it')).toEqual({ frozen: true, why: 'looking into it' })
    await world.write(async (ledger) => expect(await ledger.frozen()).toBe('looking into it'))
    expect(await only('unfreeze')).toEqual({ frozen: false })
  })

  it('stops all payments although the policy, or the settings file beside a named ledger, is wrong', async () => {
    await ask('question-aaaa')
    writeFileSync(world.policyPath, 'vendorz: []')
    expect(await only('freeze', 'a wrong policy')).toMatchObject({ frozen: true })
    writeFileSync(join(world.folder, 'config.yaml'), ': : not yaml')
    const { code } = await world.run(['unfreeze', '--config', join(world.folder, 'config.yaml')])
    expect(code).toBe(0)
  })
})
