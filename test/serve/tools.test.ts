import { describe, expect, it } from 'vitest'
import { HOSTS, ORIGIN, setUp } from './kit.js'

describe.each(HOSTS)('a host with %s', (name) => {
  it('sees seven tools with schemas, and which of them spends', async () => {
    const { host } = await setUp(name)
    const tools = await host.tools()
    expect(tools.map((tool) => tool.name).sort()).toEqual([
      'budgets',
      'discover',
      'freeze',
      'paid_fetch',
      'payment',
      'payments',
      'quote',
    ])
    for (const tool of tools) {
      expect(tool.inputSchema).toMatchObject({ additionalProperties: false })
      expect(tool.outputSchema).toMatchObject({ type: 'object' })
    }
    const readOnly = tools.filter(({ annotations }) => Object(annotations).readOnlyHint === true)
    expect(readOnly.map((tool) => tool.name).sort()).toEqual([
      'budgets',
      'discover',
      'payment',
      'payments',
      'quote',
    ])
    expect(tools.find((tool) => tool.name === 'paid_fetch')?.annotations).toMatchObject({
      readOnlyHint: false,
      destructiveHint: true,
      openWorldHint: true,
    })
  })

  it('pays, and reads what was bought and what it cost', async () => {
    const { host, paid } = await setUp(name)
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea`, task: 'breakfast' })
    expect(answer.isError).toBe(false)
    expect(answer.data).toMatchObject({ outcome: 'delivered', status: 200, body: 'tea', funds: 'settled' })
    expect(answer.data['payment']).toMatchObject({ vendor: ORIGIN, price: '0.1 pathUSD', delivered: true })
    expect(answer.text).toMatch(/Paid 0\.1 pathUSD/)
    expect(paid()).toBe(1)

    const budgets = await host.call('budgets')
    expect(budgets.data).toMatchObject({ budgets: [{ limit: '5 USD', spent: expect.any(String) }] })
    const payments = await host.call('payments')
    const [first] = Object(payments.data).payments
    expect(first).toMatchObject({ state: 'settled', operation: 'GET /tea' })
    const one = await host.call('payment', { id: first.id })
    expect(one.data).toMatchObject({ effect: 'allow', attempts: [{ kind: 'slow/charge' }], receipts: 1 })
    expect(JSON.parse(await host.read('purser://policy'))).toEqual({ perPayment: '1' })
    expect(await host.read('purser://budgets')).toContain('"limit": "5 USD"')
    expect(await host.read(`purser://payments/${first.id}`)).toContain('GET /tea')
    expect(await host.read(`purser://payments/${first.id}/receipts`)).toContain('"reference": "r1"')
    await expect(host.read('purser://payments/none')).rejects.toThrow()
  })

  it('never sees fingerprints, evidence or ids of challenges', async () => {
    const { host, purser } = await setUp(name)
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea` })
    const { id } = Object(answer.data['payment'])
    const shown = JSON.stringify([
      answer,
      await host.call('payments'),
      await host.call('payment', { id }),
      await host.read(`purser://payments/${id}`),
    ])
    for await (const { fingerprint, attempts } of purser.payments()) {
      expect(shown).not.toContain(fingerprint)
      for (const { evidence, challengeId } of attempts) {
        expect(shown).not.toContain(challengeId)
        expect(shown).not.toContain(JSON.stringify(evidence))
      }
    }
    expect(shown).not.toMatch(/evidence|challenge|fingerprint|authorization/i)
  })

  it('cannot raise the limit of the policy by `max`', async () => {
    const { host, paid } = await setUp(name, { policy: { perPayment: '0.05', maxFee: '0' } })
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea`, max: '100' })
    expect(answer.data).toMatchObject({ outcome: 'refused', funds: 'untouched' })
    expect(paid()).toBe(0)
  })

  it('asks for a price without paying', async () => {
    const { host, paid } = await setUp(name)
    const quoted = await host.call('quote', { url: `${ORIGIN}/tea` })
    expect(quoted.data).toMatchObject({
      free: false,
      offers: [{ kind: 'slow/charge', price: '0.1 pathUSD', decision: 'allow', fits: true }],
    })
    const refused = await host.call('paid_fetch', {
      url: `${ORIGIN}/tea`,
      method: 'POST',
      body: { a: 1 },
      max: '0',
    })
    expect(refused.data).toMatchObject({ outcome: 'refused', funds: 'untouched' })
    expect(refused.text).toContain('0.1')
    expect(paid()).toBe(0)
  })

  it('learns why a call is refused, what is left and when it resets: that is no error', async () => {
    const { host, paid } = await setUp(name, { policy: { budgets: [{ limit: '1.05', per: 'day' }] } })
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'delivered',
    })
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea?2` })
    expect(answer.isError).toBe(false)
    expect(answer.data).toMatchObject({
      outcome: 'refused',
      funds: 'untouched',
      refusal: { code: 'refused' },
    })
    const [reason] = Object(answer.data).refusal.reasons
    expect(reason.left).toMatch(/USD/)
    expect(Date.parse(reason.resets)).toBeGreaterThan(Date.now())
    expect(paid()).toBe(1)
  })

  it('stops all payments, and cannot start them again', async () => {
    const { host, paid } = await setUp(name)
    expect((await host.call('freeze', { why: 'this looks wrong' })).data).toEqual({
      frozen: true,
      why: 'this looks wrong',
    })
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea` })
    expect(answer.data).toMatchObject({ outcome: 'refused', refusal: { code: 'frozen' } })
    expect(paid()).toBe(0)
    expect((await host.tools()).some((tool) => /unfreeze|approve|resolve|limit|key/.test(tool.name))).toBe(
      false,
    )
  })

  it('pages through payments', async () => {
    const { host } = await setUp(name, { policy: { budgets: [{ limit: '50', per: 'day' }] } })
    for (let n = 0; n < 5; n++) await host.call('paid_fetch', { url: `${ORIGIN}/tea?${n}` })
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = Object(
        (await host.call('payments', { limit: 2, ...(cursor === undefined ? {} : { cursor }) })).data,
      )
      ids.push(...page.payments.map(({ id }: { id: string }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(new Set(ids).size).toBe(5)
    expect(ids).toHaveLength(5)
  })
})
