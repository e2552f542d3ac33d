import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HELPERS = ['support.ts', 'credits-shop.ts', 'tea-house.ts', 'research-agent.ts', 'models.ts']

/** What a reader of each example should see at the least. */
const SHOWS: Readonly<Record<string, readonly string[]>> = {
  'ai-sdk.ts': ['A kettle, leaves', 'paid 0.02 pathUSD: settled'],
  'anthropic.ts': ['A kettle, leaves', 'paid 0.02 pathUSD: settled'],
  'approver.ts': ['wants to pay 0.25 pathUSD', '200: settled, approved by'],
  'custom-wallet.ts': ['200 a cup of tea', 'paid 0.3 credits: settled', '0.3 USD of 1 USD spent'],
  'delegate.ts': [
    'chain  budget.day: At most 0.5 USD and 0.05 USD of headroom',
    'purser perPayment:',
    'paid: 200',
    'authorized: 0.4',
    'now it is revoked',
  ],
  'discover.ts': [
    'The tea house (food)',
    'GET /tea Tea tempo/charge 0.01 pathUSD allow',
    'GET /cellar  tempo/charge 5 pathUSD deny',
    '0.03 pathUSD ask 0.03 USD is above the advertised 0.02 USD.',
  ],
  'install.ts': ['200 {"paid":true}', 'after restore(): 402', 'ticket-17 paid 0.01 pathUSD: settled'],
  'lightning.ts': [
    '200 a cup of tea',
    'paid 0.000001 rBTC, and 0.000000015 rBTC',
    '0.1015 USD of 1 USD spent',
  ],
  'mcp.ts': [
    '{"found":1}',
    'paid 0.01 AlphaUSD: settled',
    '1 page',
    'PaymentRefusedError: refused, funds untouched',
  ],
  'openai.ts': ['A kettle, leaves', 'paid 0.02 pathUSD: settled'],
  'policy-file.ts': [
    '/articles/tea: 200 paid',
    '/articles/silver: 402 One payment may cost at most 0.1 USD',
    '/admin: 402',
  ],
  'session.ts': [
    '20 of 20 calls answered',
    '0.2 AlphaUSD of 0.5 AlphaUSD spent, 0.3 AlphaUSD locked up',
    'closed: 0 AlphaUSD locked up',
  ],
  'stream-session.ts': ['10 events, and nothing about money among them', '10 payments, 0.01 AlphaUSD in all'],
  'socket-session.ts': [
    'event 4 of 5',
    'PaymentRefusedError',
    'open: 0.04 AlphaUSD of 0.5 AlphaUSD spent',
    'closed: the rest is back',
  ],
  'stripe.ts': [
    'please confirm at https://',
    '200 {"route":"/price/:amount"}',
    'paid 2.5 USD: settled',
    '402 One payment may cost at most 5 USD',
    '2.5 USD of 10 USD spent',
    '1 token was made',
  ],
  'two-agents.ts': [
    'researcher: 200 paid',
    'writer: 402',
    'agents.writer.budget.day: 0 USD of 0.3 USD spent',
    'the vendor took 0.4 USD',
  ],
  'undici.ts': ['200 {"route":"/paid"', 'paid 0.01 AlphaUSD: settled'],
  'x402.ts': [
    'an exact price: 200 tea',
    'before the approval: 402',
    'x402/exact: 0.01 TUSD of at most 0.01 TUSD, settled',
    'x402/upto: 0.012345 TUSD of at most 0.05 TUSD, settled',
    '0.022345 USD of 1 USD spent',
  ],
}

describe('examples', () => {
  it('are all run here', () => {
    // A test runs by itself.
    const files = readdirSync(`${ROOT}/examples`).filter((name) => /(?<!\.test)\.ts$/.test(name))
    expect(files.filter((name) => !HELPERS.includes(name)).sort()).toEqual(Object.keys(SHOWS).sort())
  })

  it.each(Object.entries(SHOWS))(
    '%s runs and shows what it is for',
    { timeout: 60_000 },
    async (name, shown) => {
      const { code, output } = await run(`examples/${name}`, 'y\n')
      expect({ code, output }).toEqual({ code: 0, output: expect.any(String) })
      for (const text of shown) expect(output).toContain(text)
    },
  )

  it('an approver that is answered with no refuses', { timeout: 60_000 }, async () => {
    const { output } = await run('examples/approver.ts', 'n\n')
    expect(output).toContain('402: terminal did not approve this payment.')
  })
})

interface Ran {
  readonly code: number | null
  readonly output: string
}

function run(file: string, input: string): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', USER: 'terminal' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  const read = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
