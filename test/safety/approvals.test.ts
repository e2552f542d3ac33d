import { describe, expect, it } from 'vitest'
import type { ApprovalRequest, Approver, Remember } from '../../src/index.js'
import { amount } from '../../src/index.js'
import { against, alphaUSD, type SetUp } from './kit.js'
import { CENT, THIEF, type Visit } from './offers.js'

/** Somebody who says yes to everything, and to how much of it. */
function yes(asked: ApprovalRequest[], remember?: Remember): SetUp {
  const approver: Approver = async (request) => {
    asked.push(request)
    return { approved: true, by: 'ann', ...(remember === undefined ? {} : { remember }) }
  }
  return { policy: { ask: [{ above: '0.001' }] }, purser: { approver } }
}

const money = (cents: bigint) => amount(cents * CENT, alphaUSD)
const anHour = () => Date.now() + 3_600_000

describe('an approval', () => {
  it('covers the payment that was shown, and not a dearer one that follows', async () => {
    const asked: ApprovalRequest[] = []
    const dearer = (visit: Visit) => visit.ask({ amount: String(CENT * BigInt(1 + visit.paid)) })
    await using set = await against(dearer, yes(asked))
    expect((await set.payer.call('/a')).code).toBe('payment_in_doubt')
    expect([asked.length, set.payer.signatures]).toEqual([1, 1])
    expect(asked[0]?.terms.most).toEqual(money(1n))
  })

  it('covers the payee that was shown, and not another who follows', async () => {
    const asked: ApprovalRequest[] = []
    const other = (visit: Visit) => visit.ask(visit.paid > 0 ? { recipient: THIEF } : {})
    await using set = await against(other, yes(asked))
    await set.payer.call('/a')
    expect([asked.length, set.payer.signatures]).toEqual([1, 1])
  })

  it('is good once: the next payment is asked for again', async () => {
    const asked: ApprovalRequest[] = []
    await using set = await against('honest', yes(asked))
    await set.payer.call('/a')
    await set.payer.call('/a')
    expect([asked.length, set.payer.signatures]).toEqual([2, 2])
  })

  it('of a listed payee does not admit another', async () => {
    const asked: ApprovalRequest[] = []
    await using set = await against('other-payee-later', yes(asked))
    expect((await set.payer.call('/a')).status).toBe(200)
    expect((await set.payer.call('/a')).code).toBe('refused')
    expect([asked.length, set.payer.signatures]).toEqual([1, 1])
  })
})

describe('an approval that is remembered', () => {
  it('counts every payment, and ends with its total', async () => {
    const asked: ApprovalRequest[] = []
    const remember = { until: anHour(), upTo: money(4n), total: money(7n) }
    await using set = await against('honest', yes(asked, remember))
    for (const path of ['/a', '/b']) expect((await set.payer.call(path)).status).toBe(200)
    // Two fit into seven cents, at 3.06 each, the one that was asked for included.
    expect([asked.length, set.payer.signatures]).toEqual([1, 2])
    await set.payer.call('/c')
    expect(asked).toHaveLength(2)
  })

  it('ends when it says, and when it is taken back', async () => {
    const asked: ApprovalRequest[] = []
    const remember = { until: anHour(), upTo: money(4n), total: money(100n) }
    await using set = await against('honest', yes(asked, remember))
    await set.payer.call('/a')
    await set.payer.call('/b')
    expect(asked).toHaveLength(1)
    const [grant] = await set.payer.purser.grants()
    expect(await set.payer.purser.revoke(grant?.id ?? '')).toBe(true)
    await set.payer.call('/c')
    expect(asked).toHaveLength(2)
  })

  it('that has run out already covers nothing', async () => {
    const asked: ApprovalRequest[] = []
    const remember = { until: Date.now() - 1, upTo: money(4n), total: money(100n) }
    await using set = await against('honest', yes(asked, remember))
    await set.payer.call('/a')
    await set.payer.call('/b')
    expect([asked.length, set.payer.signatures]).toEqual([2, 2])
  })

  it('covers no payee but those it was given for', async () => {
    const asked: ApprovalRequest[] = []
    const remember = { until: anHour(), upTo: money(4n), total: money(100n) }
    const more: SetUp = { policy: { ask: [{ above: '0.001' }, { newPayee: true }] } }
    await using set = await against('other-payee-later', { ...yes(asked, remember), ...more })
    await set.payer.call('/a')
    await set.payer.call('/b')
    expect(asked.map(({ terms }) => terms.payees[0]?.id === THIEF)).toEqual([false, true])
  })
})
