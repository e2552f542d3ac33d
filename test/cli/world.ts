import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Readable, Writable } from 'node:stream'
import { run } from '../../src/cli/program.js'
import type { Hold, Ledger, Move } from '../../src/ledger/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import { loadPolicy } from '../../src/policy/file/index.js'
import type { Policy, Terms } from '../../src/policy/index.js'
import { expectFits } from './fits.js'

export const SEARCH = 'https://api.search.example'
export const MAPS = 'https://api.maps.example'

/** A vendor text that would clear the screen, change its color and reverse what follows. */
export const HOSTILE = 'GET /a\u001b[2J\u001b[31m\u009b1m\u202egpj\u0007\r\nforged  0.00'

/** The characters, other than the end of a line, that a terminal acts on or that reorder text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the tests are about them
export const ACTS_ON_A_TERMINAL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

export const POLICY = `# the limits of the team
name: team
perPayment: 2
maxFee: 0.01
budgets:
  - { limit: 5, per: day }
  - { limit: 1, per: day, each: vendor }
  - { payments: 60, per: day }
  - { limit: 9, per: 30d, rolling: true }
deposits: 5
unlisted: allow
agents:
  researcher:
    budgets:
      - { limit: 2, per: day }
  buyer: {}
`

/** The output of one run of `purser`. */
export interface Output {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A folder with a policy and a ledger, and the command line in it. */
export class CliWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'purser-cli-'))
  readonly ledgerPath = join(this.folder, 'ledger.db')
  readonly policyPath = join(this.folder, 'policy.yaml')

  constructor() {
    writeFileSync(this.policyPath, POLICY)
  }

  get env(): Record<string, string | undefined> {
    return { HOME: this.folder, PURSER_LEDGER: this.ledgerPath, PURSER_POLICY: this.policyPath }
  }

  /** Runs `purser` in this process. `columns`: stdout is a terminal of that width. */
  async run(
    args: readonly string[],
    {
      columns,
      env = {},
      stdin,
    }: {
      readonly columns?: number
      readonly env?: Record<string, string>
      readonly stdin?: Readable
    } = {},
  ): Promise<Output> {
    const out = collector(columns)
    const err = collector(columns)
    const code = await run(args, {
      stdin: stdin ?? process.stdin,
      stdout: out.stream,
      stderr: err.stream,
      env: { ...this.env, ...env },
    })
    const output = { code, out: out.text(), err: err.text() }
    if (args.includes('--json')) expectFits(args, { stdout: output.out, stderr: output.err })
    return output
  }

  /** Runs `purser` and returns its lines of JSON. */
  async json(args: readonly string[]): Promise<readonly unknown[]> {
    const { code, out, err } = await this.run([...args, '--json'])
    if (code !== 0) throw new Error(`purser ${args.join(' ')} ended with ${code}: ${err}`)
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line))
  }

  /** Opens the ledger for writing, and closes it. */
  async write(use: (ledger: Ledger, policy: Policy) => Promise<void>): Promise<void> {
    const ledger = sqliteLedger({ path: this.ledgerPath, synchronous: 'normal' })
    try {
      await ledger.renew('me', 600_000)
      await use(ledger, await loadPolicy(this.policyPath))
    } finally {
      await ledger.close()
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function collector(columns: number | undefined) {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString())
      done()
    },
  })
  return {
    stream: Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns }),
    text: () => chunks.join(''),
  }
}

/** A payment of a test. Prices are thousandths of a dollar. */
export interface Buying {
  readonly price?: number
  /** The highest possible fee. */
  readonly fee?: number
  readonly locks?: number
  readonly agent?: string
  readonly tasks?: readonly string[]
  readonly vendor?: string
  readonly operation?: string
  readonly owner?: string
  readonly payee?: string
}

export const milli = (thousandths: number) => amount(BigInt(thousandths) * 1000n, CURRENCIES.pathUSD)

export function termsFor({ price = 10, fee = 0, locks, payee = '0xaaaa' }: Buying): Terms {
  return {
    purpose: locks === undefined ? 'pay' : 'fund',
    kind: 'tempo/charge',
    network: 'eip155:4217',
    most: milli(price),
    exact: true,
    payees: [{ id: payee, amount: milli(price) }],
    ...(locks === undefined ? {} : { locks: milli(locks) }),
    ...(fee === 0 ? {} : { fee: { bound: milli(fee), usual: milli(fee) } }),
  }
}

/** Holds a payment as the policy decides. */
export async function hold(ledger: Ledger, policy: Policy, id: string, buying: Buying = {}): Promise<Hold> {
  const {
    agent = 'researcher',
    tasks = [],
    vendor = SEARCH,
    operation = 'GET /v1/search',
    owner = 'me',
  } = buying
  const facts = await ledger.facts({ vendor, operation, agent, unit: policy.unit })
  const [method = 'GET', path = '/'] = operation.split(' ')
  const resource = { transport: 'http', vendor, operation, address: vendor + path, method, path } as const
  const terms = termsFor(buying)
  const context = { agent, tasks }
  const decision = policy.evaluate(terms, resource, context, facts)
  return {
    id,
    owner,
    context,
    resource,
    fingerprint: `print of ${id}`,
    pattern: operation,
    terms,
    decision,
    doubtWindowMs: 120_000,
  }
}

/** Adds an attempt, as the payment flow does before a credential leaves. */
export function commit(buying: Buying = {}, challengeId = 'challenge-1'): Move {
  return {
    to: 'committed',
    attempt: {
      challengeId,
      terms: termsFor(buying),
      evidence: { wallet: 'tempo:0xabc', kind: 'tempo/charge', refs: ['0xhash'], detail: { nonce: '1' } },
    },
    pin: false,
    widenPin: false,
  }
}

const RECEIPT = {
  success: true,
  method: 'tempo',
  reference: '0xref',
  challengeId: 'challenge-1',
  claims: { method: 'tempo', reference: '0xref', note: HOSTILE },
}

/** Puts payments of every state into the ledger of a world. Their ids begin with their state. */
export async function fillWithEverything(world: CliWorld): Promise<void> {
  await world.write(async (ledger, policy) => {
    const kept = async (id: string, buying: Buying = {}) => {
      const result = await ledger.hold(await hold(ledger, policy, id, buying))
      if (!result.ok) throw new Error(`${id} could not be held: ${result.why}`)
    }
    await kept('settled-aaaaaa', { price: 10, fee: 1 })
    await ledger.advance('settled-aaaaaa', commit({ price: 10, fee: 1 }))
    await ledger.advance('settled-aaaaaa', {
      to: 'settled',
      proof: 'chain',
      receipt: RECEIPT,
      reference: '0xref',
      spent: milli(9),
      fee: amount(300n, CURRENCIES.pathUSD),
      delivered: true,
    })
    await kept('unread-bbbbbb', { price: 20, fee: 1, agent: 'buyer', tasks: ['trip', 'hotel'] })
    await ledger.advance('unread-bbbbbb', commit({ price: 20, fee: 1 }))
    await ledger.advance('unread-bbbbbb', {
      to: 'settled',
      proof: 'receipt',
      receipt: RECEIPT,
      delivered: true,
    })
    await kept('undelivered-cccccc', { price: 30, vendor: MAPS })
    await ledger.advance('undelivered-cccccc', commit({ price: 30 }))
    await ledger.advance('undelivered-cccccc', {
      to: 'settled',
      proof: 'chain',
      spent: milli(30),
      delivered: false,
    })
    await kept('doubt-dddddd', { price: 50, vendor: MAPS, operation: HOSTILE })
    await ledger.advance('doubt-dddddd', commit({ price: 50 }))
    await ledger.advance('doubt-dddddd', { to: 'unresolved', recheckAt: Date.now() + 20_500 })
    await ledger.advance('doubt-dddddd', {
      to: 'rejected',
      rejection: { status: 500, title: HOSTILE, detail: 'try again' },
    })
    await kept('progress-eeeeee', { price: 5 })
    await ledger.advance('progress-eeeeee', commit({ price: 5 }))
    const asked = await hold(ledger, policy, 'waiting-ffffff', { price: 800, agent: 'buyer', vendor: MAPS })
    const waits = await ledger.hold({
      ...asked,
      decision: { ...asked.decision, effect: 'ask' },
      reserves: 'nothing',
    })
    if (!waits.ok) throw new Error(`The payment cannot wait: ${waits.why}`)
    await kept('released-gggggg', { price: 7 })
    await ledger.advance('released-gggggg', { to: 'released', reason: 'the wallet was closed' })
    await kept('session-hhhhhh', { price: 0, locks: 1000 })
    await ledger.advance('session-hhhhhh', commit({ price: 0, locks: 1000 }))
    await ledger.advance('session-hhhhhh', {
      to: 'settled',
      proof: 'chain',
      spent: milli(0),
      delivered: true,
    })
    await ledger.putChannel({
      lane: 'lane-1',
      slot: 'slot-1',
      wallet: 'tempo:0xabc',
      vendor: SEARCH,
      address: `${SEARCH}/v1/stream`,
      state: 'open',
      deposit: milli(1000),
      funding: ['session-hhhhhh'],
      detail: {},
      rev: 0,
    })
    const dear = await hold(ledger, policy, 'refused-iiiiii', { price: 2600 })
    await ledger.deny(dear, { reason: 'too dear' })
    await ledger.deny({ ...dear, id: 'refused-again' }, { reason: 'too dear' })
  })
}
