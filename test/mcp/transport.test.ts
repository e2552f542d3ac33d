import { describe, expect, test } from 'vitest'
import { payingTransport, type RpcRequest } from '../../src/mcp/index.js'
import {
  at,
  CREDENTIAL,
  challenge,
  credentialOf,
  FakeTransport,
  pause,
  policyFor,
  purserFor,
  REQUIRED,
  type RpcAnswer,
  required,
  served,
  shop,
  shopWorld,
  type WorldOptions,
  world,
} from './kit.js'

const settled = { state: 'settled', delivered: true, proof: 'receipt' }

describe('a tool that asks for money', () => {
  test('is paid: the same request goes out again, with the same id and a credential', async () => {
    const one = shopWorld()
    const reply = await one.tool('search', { _meta: { progressToken: 7, own: 'kept' } })
    expect(at(reply, 'result', 'content')).toEqual([])
    const [first, second] = one.transport.requests
    expect(second?.id).toBe(first?.id)
    const {
      [CREDENTIAL]: credential,
      'purser/idempotency-key': key,
      ...meta
    } = Object(at(second, 'params', '_meta'))
    expect(meta).toEqual({ progressToken: 7, own: 'kept' })
    expect(key).toBe((await one.payments())[0]?.id)
    expect(at(second, 'params', 'arguments')).toEqual({ query: 'tea' })
    expect(credential).toMatchObject({
      challenge: { request: { cents: 10, payee: '0xaa', fee: 0 }, description: 'one call' },
    })
    expect(await one.payments()).toMatchObject([
      { ...settled, resource: { transport: 'mcp', vendor: 'mcp:shop', operation: 'tool:search' } },
    ])
    expect(one.wallet.signed).toHaveLength(1)
  })

  test('hands the receipt on', async () => {
    const one = shopWorld()
    const reply = await one.tool()
    expect(at(reply, 'result', '_meta', 'org.paymentauth/receipt', 'status')).toBe('success')
  })

  test('costs nothing if it asks for nothing, and the message is the very same', async () => {
    const one = world(() => ({ result: { content: [] } }))
    const message = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'free' } }
    await one.paying.send(message)
    expect(one.transport.sent[0]?.message).toBe(message)
    expect(one.wallet.signed).toEqual([])
  })
})

test('resources and prompts are paid, by the names that a policy gives them', async () => {
  const one = shopWorld(undefined, {
    policy: { vendors: [{ origin: 'mcp:shop', tools: ['resource:docs://*', 'prompt:greet'] }] },
  })
  await one.call('resources/read', { uri: 'docs://user:key@a/b?token=secret#part' })
  await one.call('prompts/get', { name: 'greet' })
  const refused = await one.tool('search')
  expect(refused).toMatchObject({ error: { code: 402, data: { reasons: [{ rule: 'vendors.scope' }] } } })
  const payments = (await one.payments()).filter(({ state }) => state === 'settled')
  expect(payments.map(({ resource }) => resource.operation)).toEqual(['prompt:greet', 'resource:docs://a/b'])
  expect(payments).toMatchObject([settled, settled])
})

test('other requests are not paid', async () => {
  const one = shopWorld()
  const reply = await one.call('tools/list', {})
  expect(at(reply, 'error', 'code')).toBe(-32042)
  expect(one.wallet.signed).toEqual([])
})

describe('the ways of asking', () => {
  const asked = { content: [{ type: 'text', text: 'pay' }], isError: true }
  const x402 = (version: 1 | 2) => ({
    x402Version: version,
    accepts: [
      {
        scheme: 'exact',
        network: version === 1 ? 'base' : 'eip155:8453',
        [version === 1 ? 'maxAmountRequired' : 'amount']: '100000',
        cents: 10,
        payee: '0xaa',
        fee: 0,
        asset: '0xusd',
        payTo: '0xaa',
        maxTimeoutSeconds: 60,
      },
    ],
  })
  const kinds = { wallet: { kinds: ['x402/exact'] } } as const

  test('a result with payment-required in its _meta', async () => {
    const one = shopWorld(() => ({
      result: { ...asked, _meta: { [REQUIRED]: { challenges: [challenge()] } } },
    }))
    expect(at(await one.tool(), 'result', 'content')).toEqual([])
    expect(one.wallet.signed).toHaveLength(1)
  })

  test.each([1, 2] as const)(
    'x402 version %i in structuredContent, in a text, in an error 402, and beside challenges',
    async (version) => {
      const offer = x402(version)
      const ways = [
        { result: { ...asked, structuredContent: offer } },
        { result: { isError: true, content: [{ type: 'text', text: JSON.stringify(offer) }] } },
        { error: { code: 402, message: 'pay', data: offer } },
        { error: { code: -32042, message: 'pay', data: { challenges: [challenge()], x402: offer } } },
      ]
      for (const way of ways) {
        const one = world(
          (request) =>
            at(request, 'params', '_meta', 'x402/payment') === undefined
              ? way
              : {
                  result: {
                    content: [],
                    _meta: {
                      'x402/payment-response': { success: true, transaction: '0xab', network: 'eip155:8453' },
                    },
                  },
                },
          kinds,
        )
        const reply = await one.tool()
        expect(at(reply, 'result', 'content')).toEqual([])
        const payment = at(one.transport.requests[1], 'params', '_meta', 'x402/payment')
        expect(payment).toMatchObject(
          version === 1
            ? { x402Version: 1, scheme: 'exact', network: 'base' }
            : { x402Version: 2, accepted: offer.accepts[0] },
        )
        expect(at(one.transport.requests[1], 'params', '_meta', CREDENTIAL)).toBeUndefined()
      }
    },
  )

  test('a paid tool that succeeds is delivered, even if its content is an x402 demand', async () => {
    const demand = x402(2)
    const asksAgain = { content: [], structuredContent: demand }
    const one = world(
      (request) =>
        credentialOf(request) === undefined ? required(challenge()) : served(request, one.rail, asksAgain),
      { wallet: { kinds: ['tempo/charge', 'x402/exact'] } },
    )
    expect(at(await one.tool(), 'result', 'structuredContent')).toEqual(demand)
    expect(one.wallet.signed).toHaveLength(1)
    expect(await one.payments()).toMatchObject([settled])
  })

  test('several in one answer are one list of offers', async () => {
    const one = shopWorld(() =>
      required(challenge({ method: 'other', cents: 1 }), challenge({ cents: 20 }), challenge({ cents: 10 })),
    )
    await one.tool()
    expect(one.wallet.signed.map(({ quote }) => quote.challenge.request['cents'])).toEqual([10])
  })

  test('an unreadable challenge does not hide the others', async () => {
    const one = shopWorld(() =>
      required({ id: 1 }, 'x', null, { ...challenge(), request: 'eyJ9' }, challenge()),
    )
    expect(at(await one.tool(), 'result', 'content')).toEqual([])
  })

  test('URL elicitation has the same number, and is handed on', async () => {
    const data = {
      elicitations: [{ mode: 'url', url: 'https://a.example', elicitationId: '1', message: 'x' }],
    }
    const one = world(() => ({ error: { code: -32042, message: 'elicit', data } }))
    const unpaid = one.heard('not_paid')
    expect(at(await one.tool(), 'error', 'data')).toEqual(data)
    expect([one.wallet.signed, unpaid]).toEqual([[], []])
  })
})

describe('what is not paid', () => {
  test('a vendor that the policy does not list: the answer is handed on, and an event says why', async () => {
    const one = shopWorld(undefined, { servers: ['mcp:other'] })
    const unpaid = one.heard('not_paid')
    expect(at(await one.tool(), 'error', 'code')).toBe(-32042)
    await pause(20)
    expect(unpaid).toMatchObject([{ resource: { vendor: 'mcp:shop' }, reasons: [{ rule: 'vendors' }] }])
  })

  test('a price above the policy: an error with the code 402, the reasons and the funds', async () => {
    const one = shopWorld(() => required(challenge({ cents: 200 })))
    const { error } = await one.tool()
    expect(error).toMatchObject({
      code: 402,
      data: { code: 'refused', funds: 'untouched', reasons: [{ rule: 'perPayment', limit: '1 USD' }] },
    })
    expect(one.wallet.signed).toEqual([])
  })

  test('the same with onRefusal: throw', async () => {
    const one = shopWorld(() => required(challenge({ cents: 200 })), { onRefusal: 'throw' })
    const { error } = await one.tool()
    expect(error).toMatchObject({ code: 402, data: { code: 'refused', funds: 'untouched' } })
  })

  test('a request that carries a payment of the caller', async () => {
    const one = world(() => required(challenge()))
    const reply = await one.tool('search', { _meta: { [CREDENTIAL]: { own: true } } })
    expect(at(reply, 'error', 'code')).toBe(-32042)
    expect(one.wallet.signed).toEqual([])
  })

  test('an offer that is bound to a body', async () => {
    const one = shopWorld(() => required({ ...challenge(), digest: 'sha-256=:abc:' }))
    expect(await one.tool()).toMatchObject({
      error: { code: 402, data: { reasons: [{ rule: 'digest_mismatch' }] } },
    })
    expect(one.wallet.signed).toEqual([])
  })

  test('an x402 demand as the content of a tool that succeeded', async () => {
    const accepts = [
      {
        scheme: 'exact',
        network: 'eip155:8453',
        amount: '1',
        asset: '0x',
        payTo: '0x',
        maxTimeoutSeconds: 9,
      },
    ]
    const demand = {
      x402Version: 2,
      accepts: accepts.map((entry) => ({ ...entry, cents: 1, payee: '0xaa', fee: 0 })),
    }
    const one = world(() => ({ result: { content: [], structuredContent: demand } }), {
      wallet: { kinds: ['x402/exact'] },
    })
    expect(at(await one.tool(), 'result', 'structuredContent')).toEqual(demand)
    expect(one.wallet.signed).toEqual([])
  })

  test('a tool that is named like a resource, if the policy lists the resource', async () => {
    const one = shopWorld(undefined, {
      policy: { vendors: [{ origin: 'mcp:shop', tools: ['resource:docs://a'] }] },
    })
    expect(at(await one.tool('resource:docs://a'), 'error', 'code')).toBe(402)
    expect(at(await one.call('resources/read', { uri: 'docs://a' }), 'result', 'content')).toEqual([])
  })

  test('a tool with a name that cannot be shown', async () => {
    const one = shopWorld()
    expect(at(await one.tool('a\u202eb'), 'error', 'code')).toBe(-32042)
    expect(one.wallet.signed).toEqual([])
  })
})

describe('budgets', () => {
  test('a task of purser.run() is charged, although the demand arrives outside of it', async () => {
    const one = shopWorld()
    const { handle } = one.transport
    const answers: (() => Promise<void>)[] = []
    // This timer is older than the call, so what it delivers has no task, as a socket's messages have none.
    const outside = setInterval(() => void answers.shift()?.(), 1)
    one.transport.handle = (request) => {
      answers.push(async () =>
        one.transport.push({ jsonrpc: '2.0', id: request.id, ...(await handle(request)) }),
      )
      return undefined
    }
    await one.purser.run({ task: 'research' }, () => one.tool())
    clearInterval(outside)
    expect(await one.payments()).toMatchObject([{ ...settled, context: { tasks: ['research'] } }])
  })

  test('each tool has its own', async () => {
    const one = shopWorld(undefined, {
      policy: {
        budgets: [
          { limit: '5', per: 'day' },
          { limit: '0.15', per: 'day', each: 'tool' },
        ],
      },
    })
    const codes = []
    for (const name of ['a', 'a', 'b']) codes.push(at(await one.tool(name), 'error', 'code'))
    expect(codes).toEqual([undefined, 402, undefined])
  })

  test('a call may lower its price limit, and the server never sees that', async () => {
    const one = shopWorld()
    const _meta = { 'purser/payment': { maxAmount: '0.05' } }
    expect(await one.tool('search', { _meta })).toMatchObject({
      error: { code: 402, data: { code: 'refused' } },
    })
    expect(JSON.stringify(one.transport.sent)).not.toContain('purser/payment')
  })

  test('an unknown option is a mistake of the caller, and nothing is sent', async () => {
    const one = shopWorld()
    const reply = await one.tool('search', { _meta: { 'purser/payment': { maxamount: '0.05' } } })
    expect(reply).toMatchObject({ error: { code: -32602, message: expect.stringContaining('maxAmount') } })
    expect(one.transport.requests).toEqual([])
  })
})

describe('after the credential left', () => {
  const paidBy = (answer: (request: RpcRequest) => RpcAnswer | undefined, options?: WorldOptions) =>
    world(
      (request) => (credentialOf(request) === undefined ? required(challenge()) : answer(request)),
      options,
    )

  test.each([
    [
      '-32043',
      () => ({
        error: {
          code: -32043,
          message: 'no',
          data: { failure: { reason: 'signature-invalid', detail: 'bad\u001b[2J signature' } },
        },
      }),
    ],
    ['-32602', () => ({ error: { code: -32602, message: 'bad signature' } })],
    [
      'a flattened error',
      () => ({
        result: { isError: true, content: [{ type: 'text', text: 'MCP error -32043: bad signature' }] },
      }),
    ],
  ])('%s is a rejection: one signature, and the error says where the money is', async (_, answer) => {
    const one = paidBy(answer)
    const { error } = await one.tool()
    expect(error).toMatchObject({ code: 402, data: { code: 'payment_in_doubt', funds: 'unknown' } })
    expect(at(error, 'data', 'rejection', 'detail')).toMatch(/bad ?(?:\[2J )?signature/)
    expect(JSON.stringify(error)).not.toContain('\\u001b')
    expect(one.wallet.signed).toHaveLength(1)
    expect(await one.payments()).toMatchObject([{ state: 'committed', delivered: false }])
  })

  test('an isError result is handed on, and is no delivery', async () => {
    const one = world((request) => {
      if (credentialOf(request) === undefined) return required(challenge())
      return served(request, one.rail, { isError: true, content: [{ type: 'text', text: 'no result' }] })
    })
    expect(at(await one.tool(), 'result', 'isError')).toBe(true)
    expect(await one.payments()).toMatchObject([{ state: 'settled', delivered: false }])
  })

  test('another demand for payment is not paid a second time', async () => {
    const one = paidBy(() => required(challenge({ cents: 20 })), { wallet: { lanes: ['one'] } })
    expect(await one.tool()).toMatchObject({ error: { code: 402, data: { funds: 'unknown' } } })
    expect(one.wallet.signed).toHaveLength(1)
  })

  test('a call that the client cancels is a doubt: the same call sends the same credential again, and signs no other', async () => {
    let turn = 0
    const one = paidBy((request) => (++turn === 1 ? undefined : served(request, one.rail)))
    void one.tool()
    while (one.transport.paid.length === 0) await pause()
    await one.notify('notifications/cancelled', { requestId: 1 })
    expect(at(one.transport.sent.at(-1)?.message, 'method')).toBe('notifications/cancelled')
    while ((await one.payments())[0]?.state !== 'committed') await pause()
    const again = await one.tool()
    expect(at(again, 'result', 'content')).toEqual([])
    const [first, second] = one.transport.paid.map((request) => credentialOf(request))
    expect(second).toEqual(first)
    expect(one.wallet.signed).toHaveLength(1)
    expect(await one.payments()).toMatchObject([{ state: 'settled', delivered: true }])
  })

  test('an answer that comes after the cancellation reaches nobody', async () => {
    const one = paidBy(() => undefined)
    void one.tool()
    while (one.transport.paid.length === 0) await pause()
    await one.notify('notifications/cancelled', { requestId: 1 })
    await pause(150)
    expect([one.others, (await one.payments())[0]?.state]).toEqual([[], 'committed'])
  })

  test.each([
    ['tools/call', { name: 'search' }, 1],
    ['tools/call', { name: 'search', _meta: { 'purser/payment': { idempotencyKey: 'one' } } }, 2],
    ['resources/read', { uri: 'docs://a' }, 2],
  ] as const)(
    'if its request cannot be sent, a %s is sent again only if that is safe',
    async (method, params, sends) => {
      const one = shopWorld()
      const { send } = one.transport
      let turn = 0
      one.transport.send = async (message, options) => {
        if (at(message, 'params', '_meta', CREDENTIAL) !== undefined && ++turn === 1)
          throw new Error('broken pipe')
        return send.call(one.transport, message, options)
      }
      const { error } = await one.call(method, params)
      expect([turn, at(error, 'data', 'funds')]).toEqual([sends, sends === 1 ? 'unknown' : undefined])
      expect(one.wallet.signed).toHaveLength(1)
    },
  )

  test('a connection that is lost: the call says where the money is before the client hears of the end', async () => {
    const one = paidBy(() => undefined)
    const order: string[] = []
    one.paying.onclose = () => void order.push('closed')
    const call = one.tool().then((reply) => {
      order.push('answered')
      return reply
    })
    while (one.transport.paid.length === 0) await pause(5)
    await one.transport.close()
    expect(await call).toMatchObject({
      error: { code: 402, data: { code: 'payment_in_doubt', funds: 'unknown' } },
    })
    await pause(20)
    expect(order).toEqual(['answered', 'closed'])
  })
})

test('a key of the caller names the purchase: another call with it is not paid, and the server sees the key', async () => {
  const one = shopWorld()
  const _meta = { 'purser/payment': { idempotencyKey: 'order-1' } }
  await one.tool('search', { _meta })
  expect(
    one.transport.requests.map((request) => at(request, 'params', '_meta', 'purser/idempotency-key')),
  ).toEqual(['order-1', 'order-1'])
  const other = await one.tool('search', { _meta, arguments: { query: 'coffee' } })
  expect(other).toMatchObject({ error: { code: 402, data: { code: 'idempotency_conflict' } } })
  const twin = await one.tool('search', { _meta })
  expect(twin).toMatchObject({ error: { code: 402, data: { code: 'already_paid' } } })
  expect(one.wallet.signed).toHaveLength(1)
})

describe('the transport', () => {
  test('keeps everything else of the transport that it wraps', async () => {
    const one = shopWorld()
    one.paying.setProtocolVersion('2025-11-25')
    expect([one.transport.version, one.paying.sessionId]).toEqual(['2025-11-25', 'session-1'])
    expect(one.paying).toBeInstanceOf(FakeTransport)
  })

  test('has handlers of its own: chained ones are called once', async () => {
    const { purser } = purserFor()
    const inner = new FakeTransport(() => ({ result: {} }))
    const heard: string[] = []
    inner.onclose = () => void heard.push('inner')
    const paying = payingTransport(inner, purser, { server: 'shop' })
    const before = paying.onclose
    paying.onclose = () => {
      before?.()
      heard.push('client')
    }
    await paying.close()
    expect(heard).toEqual(['inner', 'client'])
  })

  test('tells the client what the transport told beside the answer', async () => {
    const { purser, rail } = purserFor()
    const inner = new FakeTransport(shop(() => rail))
    const paying = payingTransport(inner, purser, { server: 'shop' })
    const extra = new Promise((resolve) => {
      paying.onmessage = (_, more) => resolve(more)
    })
    await paying.send({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'search' } })
    expect(await extra).toEqual({ from: 'server' })
  })

  test('a request that cannot be sent fails as without it, and has no answer', async () => {
    const one = shopWorld()
    one.transport.failing = new Error('broken pipe')
    await expect(one.tool()).rejects.toThrow('broken pipe')
    await pause(10)
    expect(one.others).toEqual([])
  })

  test('a second answer to a request that is being paid reaches nobody', async () => {
    const one = shopWorld()
    one.wallet.hooks.prepare = async () =>
      one.transport.push({ jsonrpc: '2.0', id: 1, error: { code: -1, message: 'failed' } })
    expect(await one.tool()).toMatchObject({ result: { content: [] } })
    expect(one.others).toEqual([])
    expect(await one.payments()).toMatchObject([settled])
  })

  test('two calls at once get their own answers', async () => {
    const one = shopWorld()
    const replies = await Promise.all([one.tool('a'), one.tool('b'), one.tool('c')])
    expect(replies.map((reply) => reply.id)).toEqual([1, 2, 3])
    expect(one.wallet.signed).toHaveLength(3)
  })

  test('messages that are no answers pass', () => {
    const one = shopWorld()
    one.transport.push({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1 } })
    one.transport.push({ jsonrpc: '2.0', id: 99, result: {} })
    expect(one.others).toHaveLength(2)
  })

  test('says in the capabilities what it pays', async () => {
    const one = world(() => ({ result: {} }), {
      wallet: { kinds: ['tempo/charge', 'tempo/session', 'x402/exact'] },
    })
    await one.call('initialize', {
      capabilities: { roots: {}, experimental: { own: {} } },
      protocolVersion: '1',
    })
    await one.call('tools/list', { _meta: { 'io.modelcontextprotocol/clientCapabilities': { roots: {} } } })
    const payment = { methods: { tempo: { intents: ['charge', 'session'] } } }
    const [first, second] = one.transport.requests
    expect(first?.params).toMatchObject({ capabilities: { roots: {}, experimental: { own: {}, payment } } })
    expect(second?.params).toMatchObject({
      _meta: { 'io.modelcontextprotocol/clientCapabilities': { roots: {}, experimental: { payment } } },
    })
  })

  test.each(['', 'a b', '1234', 'mcp:search', 7, undefined])('refuses the server name %j', (server) => {
    const { purser } = purserFor()
    const inner = new FakeTransport(() => undefined)
    const options: unknown = { server }
    expect(() => Reflect.apply(payingTransport, undefined, [inner, purser, options])).toThrow(TypeError)
  })

  test('a policy can name every server name that is taken', () => {
    expect(() => purserFor({ servers: ['mcp:search', 'mcp:team/search@2'], policy: policyFor([]) })).toThrow()
    expect(() => purserFor({ servers: ['mcp:search', 'mcp:team/search@2'] })).not.toThrow()
  })
})
