import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Programs, programs, type TokenShop, tokenShop } from './kit.js'

let run: Programs
let shop: TokenShop

beforeAll(async () => {
  run = await programs()
  shop = await tokenShop()
  const write = (name: string, text: string, mode = 0o600) =>
    writeFileSync(join(run.folder, name), text, { mode })
  write(
    'policy.yaml',
    `{ perPayment: 2, budgets: [{ limit: 50, per: day }], networks: ["stripe:test"], vendors: [{ origin: "${shop.origin}" }] }`,
  )
  write('tokens.mjs', 'let n = 0; export const createToken = async () => "spt_test_" + ++n')
  write('node.mjs', "export const payInvoice = async () => ({ state: 'failed' })")
  write('tempo.key', 'a1b2'.repeat(16))
  write('evm.key', 'b2c3'.repeat(16))
  write('stripe.key', 'rk_test_a1b2c3d4')
  write(
    'config.yaml',
    `
policy: policy.yaml
wallets:
  stripe: { module: tokens.mjs, livemode: false }
`,
  )
})

beforeEach(() => {
  shop.requests.length = 0
})

afterAll(async () => {
  run.remove()
  await shop.close()
})

const config = () => ({ PURSER_CONFIG: join(run.folder, 'config.yaml') })
const paidFor = () => shop.requests.filter(({ paid }) => paid)

describe('settings in a file', () => {
  test('are enough to pay with', async () => {
    const { stdout, stderr, code } = await run.run(
      config(),
      `const reply = await fetch(${JSON.stringify(`${shop.origin}/tea`)}, { method: 'POST', body: 'green' })
       console.log(reply.status, await reply.text())`,
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '200 served POST green\n', stderr: '' })
    expect(paidFor()).toHaveLength(1)
  })

  test('create every wallet, with keys next to the file', async () => {
    const file = join(run.folder, 'all.yaml')
    writeFileSync(
      file,
      `
policy: policy.yaml
agent: researcher
rates: { EUR: 1.12 }
prefer: [x402/exact, evm/*, lightning/charge;q=0.2, tempo/session;q=0]
currencies: [{ network: "eip155:31337", address: "0x${'12'.repeat(20)}", symbol: TestUSD, decimals: 6, peg: "iso4217:USD" }]
wallets:
  tempo: { key: tempo.key, chains: [42431], lanes: 2 }
  session: { deposit: 0.50 }
  evm: { key: evm.key, chains: [84532] }
  stripe: { key: stripe.key, paymentMethod: pm_1 }
  lightning: { node: alice, module: node.mjs, network: regtest }
`,
    )
    const { stderr, code } = await run.run(
      { PURSER_CONFIG: file, PURSER_AGENT: 'other' },
      `await (await fetch(${JSON.stringify(`${shop.origin}/free`)})).text()`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const accepts = shop.requests[0]?.accepts ?? ''
    expect(accepts).toMatch(/^evm\/charge, /)
    expect(
      accepts
        .split(', ')
        .map((entry) => entry.split(';')[0])
        .sort(),
    ).toEqual(['evm/charge', 'lightning/charge', 'stripe/charge', 'tempo/charge', 'usdc/charge'])
    expect(accepts).toContain('lightning/charge;q=0.2')
  })

  test('are found in the user’s configuration folder, and not in the working directory', async () => {
    const { code, stderr } = await run.run({}, '')
    expect(code).not.toBe(0)
    expect(stderr).toContain('PURSER_POLICY must name a policy file')
    const { stdout } = await run.run(
      { XDG_CONFIG_HOME: join(run.folder, 'xdg') },
      `console.log((await fetch(${JSON.stringify(`${shop.origin}/tea`)})).status)`,
    )
    expect(stdout).toBe('')
  })

  test('name the setting that a wallet refuses, and the module that cannot be loaded', async () => {
    const said = async (env: Record<string, string>) => (await run.run({ ...config(), ...env }, '')).stderr
    expect(await said({ PURSER_STRIPE_VALIDITY_MS: '5' })).toMatch(
      /wallets\.stripe: validityMs must be a whole number/,
    )
    expect(await said({ PURSER_STRIPE_MODULE: '/none.mjs' })).toMatch(
      /The module that wallets\.stripe names cannot be loaded/,
    )
    expect(await said({ PURSER_STRIPE_MODULE: join(run.folder, 'node.mjs') })).toMatch(
      /must export the function createToken/,
    )
    expect(await said({ PURSER_EVM_CHAINS: '1' })).toMatch(
      /wallets\.evm needs a key: name a file by PURSER_EVM_KEY_FILE/,
    )
    expect(await said({ PURSER_SESSION_DEPOSIT: '1' })).toMatch(/wallets\.session needs a key/)
    expect(await said({ PURSER_RATES: 'EUR=one' })).toMatch(/rates must be decimal texts/)
    expect(
      await said({
        PURSER_TEMPO_KEY_FILE: join(run.folder, 'tempo.key'),
        PURSER_TEMPO_ACCOUNT: `0x${'12'.repeat(20)}`,
        PURSER_SESSION_DEPOSIT: '1',
      }),
    ).toMatch(/wallets\.session needs a key of its own/)
  })
})

describe("undici's request under purser/auto", () => {
  const USE = `import { request, Agent, setGlobalDispatcher, getGlobalDispatcher, interceptors } from 'undici'`

  test('pays through the global dispatcher, with bodies and streams', async () => {
    const { stdout, stderr } = await run.run(
      config(),
      `${USE}
       const { Readable } = await import('node:stream')
       const url = ${JSON.stringify(`${shop.origin}/tea`)}
       for (const body of ['green', Readable.from([Buffer.from('bl'), Buffer.from('ack')])]) {
         const { statusCode, body: reply } = await request(url, { method: 'POST', body })
         console.log(statusCode, await reply.text())
       }`,
    )
    expect({ stdout, stderr }).toEqual({
      stdout: '200 served POST green\n200 served POST black\n',
      stderr: '',
    })
    expect(paidFor().map(({ body }) => body)).toEqual(['green', 'black'])
  })

  test('and fetch in one program each pay once', async () => {
    const { stdout, stderr } = await run.run(
      config(),
      `${USE}
       import { purser } from ${JSON.stringify(run.auto)}
       const url = ${JSON.stringify(`${shop.origin}/tea`)}
       const reply = await fetch(url + '/fetched')
       console.log(reply.status, await reply.text(), purser.paymentFor(reply)?.state)
       setGlobalDispatcher(getGlobalDispatcher().compose(interceptors.retry()))
       const again = await fetch(url + '/again')
       console.log(again.status, await again.text(), purser.paymentFor(again)?.state)
       const { statusCode, body } = await request(url + '/requested')
       console.log(statusCode, await body.text())
       let paid = 0
       for await (const _ of purser.payments()) paid++
       console.log(paid)`,
    )
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^200 served GET {2}(settled|committed)$/),
      expect.stringMatching(/^200 served GET {2}(settled|committed)$/),
      '200 served GET ',
      '3',
      '',
    ])
    expect(paidFor()).toHaveLength(3)
  })

  test('can be aborted before it is paid, and is refused by policy like fetch', async () => {
    const { stdout, stderr } = await run.run(
      { ...config(), PURSER_LOG: 'off' },
      `${USE}
       const url = ${JSON.stringify(shop.origin)}
       console.log(await request(url + '/tea', { signal: AbortSignal.abort() }).catch((error) => error.name))
       const { statusCode, body } = await request(url.replace('127.0.0.1', 'localhost') + '/tea')
       console.log(statusCode, await body.text())`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'AbortError\n402 pay first\n', stderr: '' })
    expect(paidFor()).toHaveLength(0)
  })

  test('is not paid any more after restore()', async () => {
    const { stdout } = await run.run(
      config(),
      `${USE}
       import { restore } from ${JSON.stringify(run.auto)}
       restore()
       const url = ${JSON.stringify(`${shop.origin}/tea`)}
       console.log((await request(url)).statusCode, (await fetch(url)).status)`,
    )
    expect(stdout).toBe('402 402\n')
  })
})

describe('a 402 that is not paid under purser/auto', () => {
  test('is one line with the reasons, and the same line is not repeated', async () => {
    const { stderr } = await run.run(
      config(),
      `const url = ${JSON.stringify(shop.origin)}
       for (const path of ['/strange', '/strange', '/strange?key=secret']) await (await fetch(url + path)).text()
       await (await fetch(url.replace('127.0.0.1', 'localhost') + '/tea')).text()`,
    )
    const lines = stderr.trim().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(
      /^purser\/auto: GET \/strange of http:\S+ is not paid: No wallet here pays barter\/charge/,
    )
    expect(lines[1]).toMatch(/^purser\/auto: GET \/tea of http:\/\/localhost:\d+ is not paid: .*localhost/)
    expect(stderr).not.toContain('secret')
  })

  test('is one line for a refusal too, with its code', async () => {
    const { stderr, stdout } = await run.run(
      { ...config(), PURSER_POLICY: policyOf('perPayment: 0.50') },
      `console.log((await fetch(${JSON.stringify(`${shop.origin}/tea`)})).status)`,
    )
    expect(stdout).toBe('402\n')
    expect(stderr).toMatch(/^purser\/auto: GET \/tea of \S+ is refused \(refused\): .*0\.50? USD/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('through node:http is one line per origin that says how to fix it', async () => {
    const { stderr, stdout } = await run.run(
      config(),
      `import { get } from 'node:http'
       const ask = (path) => new Promise((resolve, reject) => get(${JSON.stringify(shop.origin)} + path, (reply) => {
         reply.resume().once('end', () => resolve(reply.statusCode))
       }).once('error', reject))
       console.log(await ask('/tea?key=secret'), await ask('/more'), await ask('/free'))`,
    )
    expect(stdout).toBe('402 402 200\n')
    expect(stderr).toMatch(
      /^purser\/auto: GET \/tea of \S+ is not paid: it was called through node:http, .*axios/,
    )
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).not.toContain('secret')
    expect(paidFor()).toHaveLength(0)
  })

  test('prints nothing with PURSER_LOG=off', async () => {
    const { stderr } = await run.run(
      { ...config(), PURSER_LOG: 'off' },
      `await (await fetch(${JSON.stringify(`${shop.origin}/strange`)})).text()`,
    )
    expect(stderr).toBe('')
  })
})

describe('a cluster under purser/auto', () => {
  test('shares one budget: its workers together never pay more than it has', async () => {
    const { code, stdout, stderr } = await run.run(
      { ...config(), PURSER_POLICY: policyOf('perPayment: 1.00', 5), PURSER_LOG: 'off' },
      `import cluster from 'node:cluster'
       if (cluster.isPrimary) {
         const workers = Array.from({ length: 3 }, () => cluster.fork())
         const said = await Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
           const statuses = []
           worker.on('message', (status) => statuses.push(status))
           worker.once('error', reject)
           worker.once('exit', (code) => resolve([code, statuses]))
         })))
         console.log(JSON.stringify(said))
       } else {
         for (let n = 0; n < 4; n++) {
           const reply = await fetch(${JSON.stringify(`${shop.origin}/tea`)} + '/' + cluster.worker.id + '/' + n)
           await reply.text()
           process.send(reply.status)
         }
         cluster.worker.disconnect()
       }`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const workers: readonly [number, readonly number[]][] = JSON.parse(stdout)
    expect(workers.map(([ended]) => ended)).toEqual([0, 0, 0])
    const statuses = workers.flatMap(([, all]) => all)
    expect(statuses.filter((status) => status === 200)).toHaveLength(5)
    expect(statuses.filter((status) => status === 402)).toHaveLength(7)
    expect(paidFor()).toHaveLength(5)
  })

  test('keeps a key that can be read once in the primary: workers explain it and pay nothing', async () => {
    const keyFile = join(run.folder, 'once.key')
    writeFileSync(keyFile, 'rk_test_a1b2c3d4', { mode: 0o600 })
    const { code, stdout, stderr } = await run.run(
      {
        PURSER_POLICY: join(run.folder, 'policy.yaml'),
        PURSER_STRIPE_KEY_FILE: keyFile,
        PURSER_STRIPE_KEY_UNLINK: '1',
        PURSER_STRIPE_PAYMENT_METHOD: 'pm_1',
      },
      `import cluster from 'node:cluster'
       if (cluster.isPrimary) {
         const worker = cluster.fork()
         worker.on('message', (text) => console.log(text))
         await new Promise((resolve) => worker.once('exit', resolve))
       } else {
         const reply = await fetch(${JSON.stringify(`${shop.origin}/tea`)})
         process.send((await reply.json()).code)
         cluster.worker.disconnect()
       }`,
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'wallet_failed\n' })
    expect(stderr).toMatch(/^purser\/auto: Process \d+ has the key and keeps it/)
    expect(paidFor()).toHaveLength(0)
  })
})

function policyOf(perPayment: string, limit = 50): string {
  const file = join(run.folder, `${perPayment.replace(/\W/g, '-')}.yaml`)
  writeFileSync(
    file,
    `{ ${perPayment}, budgets: [{ limit: ${limit}, per: day }], networks: ["stripe:test"], vendors: [{ origin: "${shop.origin}" }] }`,
  )
  return file
}
