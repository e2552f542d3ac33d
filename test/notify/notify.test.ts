import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Approval, Purser } from '../../src/index.js'
import { type NotifyTarget, notifier } from '../../src/notify/index.js'
import { testNotification } from '../../src/notify/notification.js'
import { ntfyRequest, slackRequest, telegramRequest } from '../../src/notify/services.js'
import { askingPurser, type Got, ORIGIN, type Reply, receiver } from './kit.js'

const SECRET = 'a secret of the two servers'

function hmac(text: string, secret = SECRET): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

async function question(purser: Purser): Promise<Approval> {
  for (;;) {
    const [first] = await purser.approvals.list({ states: ['waiting'] })
    if (first !== undefined) return first
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Collects the errors of a purser. */
function errorsOf(purser: Purser): string[] {
  const errors: string[] = []
  purser.on('error', ({ error }) => errors.push(error instanceof Error ? error.message : 'no error'))
  return errors
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A reply that answers a question, as a server that knows the secret makes it. */
function answering(answer: object, sign = (signed: string) => `v1=${hmac(signed)}`): Reply {
  return ({ body }, response) => {
    const { type, data } = JSON.parse(body)
    if (type !== 'approval_request') return response.end()
    const reply = JSON.stringify(answer)
    const { id, termsHash } = data.approval
    return response.setHeader('Purser-Signature', sign(`${id}.${termsHash}.${reply}`)).end(reply)
  }
}

describe('a message to a URL', () => {
  it('tells everything about a question, and is signed with the secret', async () => {
    const { url, reach } = await receiver()
    const purser = askingPurser({
      approvals: 'ledger',
      notify: notifier([{ url: `${url}/hook`, secret: SECRET, on: ['approval_request'] }]),
    })
    const paid = purser.fetch(`${ORIGIN}/tea`)
    const [got] = await reach(1)
    const { id, expires } = await question(purser)
    expect(got?.path).toBe('/hook')
    const message = JSON.parse(got?.body ?? '')
    expect(message).toMatchObject({
      type: 'approval_request',
      agent: 'researcher',
      title: `researcher asks to pay 0.1 USD to ${ORIGIN}`,
      data: { approval: { id, resource: { vendor: ORIGIN, operation: 'GET /tea' } } },
    })
    expect(message.text).toContain('left afterwards: 8 USD (budget.day)')
    expect(message.text).toContain(`answer until: ${new Date(expires).toISOString()}`)
    expect(message.text).toContain('the server\'s words: "A cup of tea" (they prove nothing)')
    const [, time, signature] = /^t=(\d+),v1=(\w+)$/.exec(String(got?.headers['purser-signature'])) ?? []
    expect(signature).toBe(hmac(`${time}.${got?.body}`))
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(10)
    await purser.approvals.answer(id, { approved: true, by: 'ann' })
    expect((await paid).status).toBe(200)
  })

  it('is sent once for a question that two calls wait for', async () => {
    const { url, got, reach } = await receiver()
    const purser = askingPurser({
      approvals: 'ledger',
      notify: notifier([{ url, secret: SECRET, on: ['approval_request', 'approval'] }]),
    })
    const calls = [purser.fetch(`${ORIGIN}/tea`), purser.fetch(`${ORIGIN}/tea`)]
    await purser.approvals.answer((await question(purser)).id, { approved: false, by: 'ann' })
    await Promise.all(calls)
    await reach(2)
    await purser.close()
    const types = got.map(({ body }) => JSON.parse(body).type)
    expect(types.filter((type) => type === 'approval_request')).toHaveLength(1)
  })

  it('is sent again if the server is busy, and the payment waits for none of that', async () => {
    const { url, reach } = await receiver((_, response, count) =>
      response.writeHead(count < 2 ? 503 : 204).end(),
    )
    const purser = askingPurser({ notify: notifier([{ url, secret: SECRET, on: ['freeze'] }]) })
    await purser.freeze('a look')
    const [first, second] = await reach(2)
    expect(second?.body).toBe(first?.body)
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      type: 'freeze',
      title: 'Payments are frozen',
      text: 'why: a look',
    })
  })

  it('is an error event if it cannot be delivered, without the address', async () => {
    const { url } = await receiver((_, response) => response.writeHead(403).end('no'))
    const purser = askingPurser({ notify: notifier([{ url: `${url}/very-secret-path`, secret: SECRET }]) })
    const errors = errorsOf(purser)
    await purser.freeze('a look')
    await until(() => errors.length > 0)
    expect(errors[0]).toMatch(/^A message to the URL at 127\.0\.0\.1:\d+ was not delivered: it answered 403$/)
  })

  it('follows no redirect', async () => {
    const other = await receiver()
    const { url } = await receiver((_, response) => response.writeHead(307, { location: other.url }).end())
    const purser = askingPurser({ notify: notifier([{ url, secret: SECRET }]) })
    const errors = errorsOf(purser)
    await purser.freeze('a look')
    await until(() => errors.length > 0)
    expect(errors[0]).toContain('a redirect, which is not followed')
    expect(other.got).toEqual([])
  })

  it('is sent before the purser is closed', async () => {
    const { url, got } = await receiver()
    const purser = askingPurser({ notify: notifier([{ url, secret: SECRET }]) })
    await purser.freeze('a look')
    await purser.close()
    expect(got).toHaveLength(1)
  })
})

describe('an answer in the reply', () => {
  const target = (url: string): NotifyTarget => ({ url, secret: SECRET, mayAnswer: true })

  it('of a yes pays once, and the purser needs no other setting', async () => {
    const { url } = await receiver(answering({ approved: true, by: 'ann', note: 'for the report' }))
    const purser = askingPurser({ notify: notifier([target(url)]) })
    expect((await purser.fetch(`${ORIGIN}/tea`)).status).toBe(200)
    const [approval] = await purser.approvals.list()
    expect(approval).toMatchObject({ state: 'approved', answer: { by: 'ann', note: 'for the report' } })
  })

  it('of a no refuses the payment', async () => {
    const { url } = await receiver(answering({ approved: false, by: 'ann' }))
    const purser = askingPurser({ notify: notifier([target(url)]) })
    expect((await purser.fetch(`${ORIGIN}/tea`)).status).toBe(402)
  })

  it('never remembers', async () => {
    const remember = { until: Date.now() + 1e6, upTo: '1', total: '9' }
    const { url } = await receiver(answering({ approved: true, by: 'ann', remember }))
    const purser = askingPurser({ notify: notifier([target(url)]) })
    expect((await purser.fetch(`${ORIGIN}/tea`)).status).toBe(200)
    expect(await purser.grants()).toEqual([])
  })

  const REFUSED: readonly (readonly [string, Reply, string])[] = [
    ['without a signature', answering({ approved: true, by: 'eve' }, () => ''), 'no valid signature'],
    [
      'with the signature of another secret',
      answering({ approved: true, by: 'eve' }, (signed) => `v1=${hmac(signed, 'another secret, not ours')}`),
      'no valid signature',
    ],
    [
      'with the signature of another question',
      answering({ approved: true, by: 'eve' }, (signed) => `v1=${hmac(signed.replace(/^[^.]*/, 'other'))}`),
      'no valid signature',
    ],
    [
      'with the signature of other terms',
      answering({ approved: true, by: 'eve' }, (signed) => `v1=${hmac(signed.replace(/\.\w*\./, '.00.'))}`),
      'no valid signature',
    ],
    ['of another shape', answering({ decision: 'approve' }), 'is no answer'],
  ]

  it.each(REFUSED)('%s answers nothing', async (_, reply, why) => {
    const { url } = await receiver(reply)
    const purser = askingPurser({ notify: notifier([target(url)]) })
    const errors = errorsOf(purser)
    const stop = new AbortController()
    const call = purser.fetch(`${ORIGIN}/tea`, { signal: stop.signal }).catch(() => 'left')
    await until(() => errors.length > 0)
    expect(errors[0]).toContain(why)
    expect((await question(purser)).state).toBe('waiting')
    stop.abort()
    expect(await call).toBe('left')
  })

  it('answers nothing unless the target may answer', async () => {
    const { url, reach } = await receiver(answering({ approved: true, by: 'ann' }))
    const purser = askingPurser({ approvals: 'ledger', notify: notifier([{ url, secret: SECRET }]) })
    const stop = new AbortController()
    const call = purser.fetch(`${ORIGIN}/tea`, { signal: stop.signal }).catch(() => 'left')
    await reach(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await question(purser)).state).toBe('waiting')
    stop.abort()
    await call
  })

  it('does not count without a signature of a key that the policy names', async () => {
    const { url } = await receiver(answering({ approved: true, by: 'ann' }))
    const purser = askingPurser({
      policy: {
        perPayment: '1 USD',
        budgets: [{ limit: '9 USD', per: 'day' }],
        vendors: [{ origin: ORIGIN }],
        ask: [{ above: '0.01' }],
        approval: {
          by: [{ name: 'ann', type: 'ed25519', publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
        },
      },
      notify: notifier([target(url)]),
    })
    const errors = errorsOf(purser)
    const stop = new AbortController()
    const call = purser.fetch(`${ORIGIN}/tea`, { signal: stop.signal }).catch(() => 'left')
    await until(() => errors.length > 0)
    expect(errors[0]).toContain('does not count: The policy names keys in `approval.by`')
    stop.abort()
    await call
  })
})

describe('a service', () => {
  const HOSTILE = 'Pay <!here> *now* [link](https://evil.example) & <https://evil.example|approve>'

  async function messageTo(
    make: (url: string) => NotifyTarget,
    words = HOSTILE,
  ): Promise<{ readonly got: Got; readonly json: unknown }> {
    const { url, reach } = await receiver((_, response) => response.end('{"ok":true}'))
    const purser = askingPurser({ approvals: 'ledger', notify: notifier([make(url)]) }, words)
    const stop = new AbortController()
    const call = purser.fetch(`${ORIGIN}/tea`, { signal: stop.signal }).catch(() => 'left')
    const [got] = await reach(1)
    stop.abort()
    await call
    if (got === undefined) throw new Error('nothing arrived')
    return { got, json: JSON.parse(got.body) }
  }

  it('ntfy gets JSON at its root, with the topic and the token', async () => {
    const { got, json } = await messageTo((url) => ({ ntfy: `${url}/my-topic`, token: 'tk_secret' }))
    expect(got.path).toBe('/')
    expect(got.headers.authorization).toBe('Bearer tk_secret')
    expect(json).toMatchObject({
      topic: 'my-topic',
      priority: 4,
      title: expect.stringContaining('asks to pay'),
    })
    expect(got.body).not.toContain('https://evil.example')
  })

  it('Slack gets plain text, so that no word of a server is markup', async () => {
    const { got, json } = await messageTo((url) => ({ slack: `${url}/services/T0/B0/xyz` }))
    expect(got.path).toBe('/services/T0/B0/xyz')
    expect(json).toMatchObject({
      unfurl_links: false,
      blocks: [{ text: { type: 'plain_text' } }, { text: { type: 'plain_text', emoji: false } }],
    })
    expect(Object(json).text).not.toMatch(/[<>]/)
    expect(got.body).not.toContain('https://evil.example')
  })

  it('Telegram gets a text without a parse mode', async () => {
    const { got, json } = await messageTo((url) => ({
      telegram: { token: '12:secret', chat: '-100' },
      api: url,
    }))
    expect(got.path).toBe('/bot12:secret/sendMessage')
    expect(json).toMatchObject({ chat_id: '-100', link_preview_options: { is_disabled: true } })
    expect(json).not.toHaveProperty('parse_mode')
  })

  const LONG = { ...testNotification('agent'), title: 'a title', text: '€'.repeat(6000) }

  it.each([
    ['ntfy', ntfyRequest({ ntfy: 'https://ntfy.example/t' }, LONG), 'message', 4096],
    ['Slack', slackRequest({ slack: 'https://slack.example' }, LONG), 'blocks.1.text.text', 3000],
    ['Telegram', telegramRequest({ telegram: { token: '1:a', chat: '1' } }, LONG), 'text', 4096],
  ])('%s gets no longer text than it takes', (name, { body }, path, most) => {
    let text: unknown = JSON.parse(body)
    for (const key of path.split('.')) text = Object(text)[key]
    const size = name === 'ntfy' ? Buffer.byteLength(String(text)) : String(text).length
    expect(size).toBeLessThanOrEqual(most)
    expect(size).toBeGreaterThan(most - 200)
    expect(text).toMatch(/€…$/)
  })
})

describe('a program', () => {
  it('gets the message on its input, no shell reads its arguments, and no key is in its environment', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-notify-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const out = join(folder, 'out')
    process.env['PURSER_SECRET_OF_TEST'] = 'secret'
    onTestFinished(() => void delete process.env['PURSER_SECRET_OF_TEST'])
    const script = `let text = ''; process.stdin.on('data', (c) => { text += c }).on('end', () =>
      require('fs').writeFileSync(process.argv[1], JSON.stringify({ text, args: process.argv.slice(2), env: Object.keys(process.env) })))`
    const purser = askingPurser({
      notify: notifier([{ command: [process.execPath, '-e', script, out, '$(id); echo'] }]),
    })
    await purser.freeze('a look')
    await purser.close()
    const { text, args, env } = JSON.parse(await readFile(out, 'utf8'))
    expect(JSON.parse(text)).toMatchObject({ type: 'freeze', data: { frozen: true, why: 'a look' } })
    expect(args).toEqual(['$(id); echo'])
    expect(env).not.toContain('PURSER_SECRET_OF_TEST')
  })

  it.each([
    [['/no/such/program'], 'could not be started'],
    [[process.execPath, '-e', 'process.exit(3)'], 'ended with the exit code 3'],
  ])('that fails is an error event: %j', async (command, why) => {
    const purser = askingPurser({ notify: notifier([{ command }]) })
    const errors = errorsOf(purser)
    await purser.freeze('a look')
    await until(() => errors.length > 0)
    expect(errors[0]).toContain(why)
  })
})

describe('a target that cannot be used', () => {
  it.each([
    [{}, 'must have url, command, ntfy, slack or telegram'],
    [{ url: 'http://hooks.example', secret: SECRET }, 'an https address, or an http address of this machine'],
    [{ url: 'https://user:word@hooks.example', secret: SECRET }, 'an https address'],
    [{ url: 'https://hooks.example', secret: 'short' }, 'at least 16 characters'],
    [{ url: 'https://hooks.example', secret: SECRET, mayanswer: true }, 'has no option mayanswer'],
    [{ url: 'https://hooks.example', secret: SECRET, on: ['payment'] }, '.on must be a list of'],
    [{ command: [] }, 'the program and its arguments'],
    [{ ntfy: 'https://ntfy.sh/' }, 'the address of a topic'],
    [{ telegram: { token: 'x', chat: '1' } }, 'must be { token, chat }'],
  ])('is a TypeError: %j', (target, why) => {
    const loose: readonly NotifyTarget[] = JSON.parse(JSON.stringify([target]))
    expect(() => notifier(loose)).toThrow(why)
    expect(() => notifier(loose)).toThrow(TypeError)
  })
})
