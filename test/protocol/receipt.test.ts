import { describe, expect, it } from 'vitest'
import { parseReceipt } from '../../src/protocol/index.js'
import { encode } from './headers.js'

const CLAIMS = { status: 'success', method: 'tempo', reference: '0xabc', timestamp: '2026-11-21T12:00:00Z' }

describe('a receipt', () => {
  it('is parsed, with all other fields kept', () => {
    const claims = {
      ...CLAIMS,
      challengeId: 'abc',
      externalId: 'order-7',
      spent: '30000',
      more: { deep: [1] },
    }
    expect(parseReceipt(encode(claims))).toEqual({
      success: true,
      method: 'tempo',
      reference: '0xabc',
      timestamp: '2026-11-21T12:00:00Z',
      challengeId: 'abc',
      externalId: 'order-7',
      claims,
    })
  })

  it.each([[{}], [{ status: 'failed' }], [{ status: 'Success' }], [{ status: true }], [{ success: true }]])(
    'is a success only if it says so: %j',
    (claims) => {
      expect(parseReceipt(encode(claims))).toEqual({ success: false, claims })
    },
  )

  it('has no value for a field that is not text', () => {
    const claims = {
      status: 'success',
      method: 7,
      reference: null,
      timestamp: [],
      challengeId: {},
      externalId: false,
    }
    expect(parseReceipt(encode(claims))).toEqual({ success: true, claims })
  })

  it.each([
    ['padding', Buffer.from('{"status":"success"}').toString('base64')],
    [
      'the other alphabet',
      Buffer.from('{"status":"success","x":"\u00fb\u00ff\u00bf>>>???"}').toString('base64'),
    ],
    ['spaces around it', `  ${encode(CLAIMS)} `],
  ])('is read with %s', (_, header) => {
    expect(parseReceipt(header)?.success).toBe(true)
  })

  it('is shown cleaned, and stored whole', () => {
    const reference = `0x\u001b[2J${'a'.repeat(1000)}`
    const receipt = parseReceipt(encode({ ...CLAIMS, reference }))
    expect(receipt?.reference).toHaveLength(300)
    expect(receipt?.reference).not.toContain('\u001b')
    expect(receipt?.claims['reference']).toBe(reference)
  })

  it('is frozen', () => {
    const receipt = parseReceipt(encode({ ...CLAIMS, more: {} }))
    for (const part of [receipt, receipt?.claims, receipt?.claims['more']])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['no base64', '{"status":"success"}'],
    ['no JSON', encode('success')],
    ['an array', encode([CLAIMS])],
    ['null', encode('null')],
    ['two receipts joined', `${encode(CLAIMS)}, ${encode(CLAIMS)}`],
    ['no UTF-8', 'eyL_In0'],
    ['__proto__', encode('{"status":"success","__proto__":{}}')],
    ['more than 64 KiB', encode({ ...CLAIMS, x: 'y'.repeat(50 * 1024) })],
    ['much more than 64 KiB', 'A'.repeat(1024 * 1024)],
    ['too deep', encode(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`)],
  ])('is refused: %s', (_, header) => {
    expect(parseReceipt(header)).toBeUndefined()
  })
})
