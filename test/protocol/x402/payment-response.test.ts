import { encodePaymentResponseHeader } from '@x402/core/http'
import { describe, expect, it } from 'vitest'
import {
  parsePaymentResponse,
  rejectionProblem,
  settlementProblem,
  x402Problem,
} from '../../../src/protocol/index.js'
import { base64 } from './documents.js'

const PAYER = '0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00'
const SETTLED = { success: true, transaction: '0xabc', network: 'eip155:84532', payer: PAYER } as const
const FAILED = {
  success: false,
  transaction: '',
  network: 'eip155:84532',
  errorReason: 'insufficient_funds',
} as const

describe('a settlement', () => {
  it('is a receipt', () => {
    const claims = { ...SETTLED, amount: '12345', extensions: { a: {} } }
    expect(parsePaymentResponse(base64(claims))).toEqual({
      success: true,
      method: 'x402',
      reference: '0xabc',
      network: 'eip155:84532',
      claims,
    })
  })

  it('can be read from the output of the reference SDK', () => {
    expect(parsePaymentResponse(encodePaymentResponseHeader({ ...SETTLED }))).toMatchObject({
      success: true,
      reference: '0xabc',
    })
  })

  it('of version 1 names its network, and the receipt has its id', () => {
    expect(parsePaymentResponse(base64({ ...SETTLED, network: 'base-sepolia' }))?.network).toBe(
      'eip155:84532',
    )
    expect(parsePaymentResponse(base64({ ...SETTLED, network: 'atlantis' }))?.network).toBe('atlantis')
  })

  it.each([
    [{}],
    [{ success: 'true' }],
    [{ success: 1 }],
    [{ status: 'success' }],
    [{ success: null }],
    [FAILED],
  ])('is a success only if it says so: %j', (claims) => {
    const receipt = parsePaymentResponse(base64(claims))
    expect(receipt).toMatchObject({ success: false, method: 'x402', claims })
    expect(receipt).not.toHaveProperty('reference')
  })

  it('may have explicit nulls', () => {
    const claims = { success: true, transaction: null, network: null, payer: null, errorReason: null }
    expect(parsePaymentResponse(base64(claims))).toEqual({ success: true, method: 'x402', claims })
  })

  it('is shown cleaned, stored whole, and frozen', () => {
    const transaction = `0x\u001b[2J${'a'.repeat(1000)}`
    const receipt = parsePaymentResponse(base64({ ...SETTLED, transaction, extra: {} }))
    expect(receipt?.reference).toHaveLength(300)
    expect(receipt?.reference).not.toContain('\u001b')
    expect(receipt?.claims['transaction']).toBe(transaction)
    for (const part of [receipt, receipt?.claims, receipt?.claims['extra']])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['no base64', '{"success":true}'],
    ['a list', base64([SETTLED])],
    ['two joined', `${base64(SETTLED)}, ${base64(SETTLED)}`],
    ['__proto__', base64('{"success":true,"__proto__":{}}')],
    ['more than 64 KiB', base64({ ...SETTLED, x: 'y'.repeat(50 * 1024) })],
    ['much more', 'A'.repeat(1024 * 1024)],
    ['too deep', base64(`{"success":true,"a":${'['.repeat(16)}${']'.repeat(16)}}`)],
  ])('is refused: %s', (_, header) => {
    expect(parsePaymentResponse(header)).toBeUndefined()
  })
})

describe('a failed settlement', () => {
  const problem = (claims: object) => {
    const receipt = parsePaymentResponse(base64(claims))
    return receipt && settlementProblem(receipt)
  }

  it('gives its reason as a problem', () => {
    expect(problem(FAILED)).toEqual({ type: 'x402:insufficient_funds' })
    const errorMessage = 'still\u001b[2J in the mempool'
    expect(problem({ ...FAILED, errorReason: 'settlement_pending', errorMessage })).toEqual({
      type: 'x402:settlement_pending',
      detail: 'still [2J in the mempool',
    })
  })

  it.each([
    ['none', undefined, { type: 'about:blank' }],
    ['null', null, { type: 'about:blank' }],
    ['a list', ['x'], { type: 'about:blank' }],
    ['words', 'The facilitator said no', { type: 'about:blank', detail: 'The facilitator said no' }],
    ['something to break out with', 'a b\r\nx: y', { type: 'about:blank', detail: 'a b x: y' }],
  ])('may have a reason that is not a code: %s', (_, errorReason, expected) => {
    expect(problem({ ...FAILED, errorReason })).toEqual(expected)
  })

  it('has no problem if it succeeded, or if another protocol is used', () => {
    expect(problem(SETTLED)).toBeUndefined()
    expect(settlementProblem({ success: false, method: 'tempo', claims: {} })).toBeUndefined()
    expect(settlementProblem({ success: false, claims: {} })).toBeUndefined()
  })

  it('has a code of bounded length', () => {
    expect(x402Problem('a'.repeat(100)).type).toHaveLength(105)
    expect(x402Problem('a'.repeat(101)).type).toBe('about:blank')
  })
})

describe('of several reasons for a rejection', () => {
  const typed = { type: 'https://paymentauth.org/problems/verification-failed' }
  const words = { type: 'about:blank', detail: 'Payment required' }
  const failed = { success: false, method: 'x402', claims: { errorReason: 'insufficient_funds' } }

  it.each([
    [
      'a credential of x402: its own code',
      'x402',
      { error: 'invalid_signature', problem: typed },
      'x402:invalid_signature',
    ],
    [
      'a credential of x402: the settlement before the demand',
      'x402',
      { receipt: failed, error: 'x' },
      'x402:insufficient_funds',
    ],
    [
      'a credential of x402: a typed problem before a sentence',
      'x402',
      { error: 'It failed.', problem: typed },
      typed.type,
    ],
    [
      'a credential of x402: its own sentence before others',
      'x402',
      { error: 'It failed.', problem: words },
      'It failed.',
    ],
    [
      'a credential of x402: the problem if there is nothing else',
      'x402',
      { problem: words },
      'Payment required',
    ],
    [
      'a credential of MPP: the problem',
      'mpp',
      { error: 'invalid_signature', problem: words },
      'Payment required',
    ],
    [
      'a credential of MPP: x402 if there is no problem',
      'mpp',
      { error: 'invalid_signature' },
      'x402:invalid_signature',
    ],
  ] as const)('%s', (_, answers, said, expected) => {
    const { type, detail } = rejectionProblem({ answers, ...said }) ?? {}
    expect(type === 'about:blank' ? detail : type).toBe(expected)
  })

  it('none is made up', () => {
    expect(rejectionProblem({ answers: 'x402' })).toBeUndefined()
  })
})
