import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PaymentEventFilter } from '../../../src/http/wire/sse/index.js'
import { byTheBook, bytesOf, sift, utf8 } from './sift.js'

const claims = { channelId: '0xc1', requiredCumulative: '20', acceptedCumulative: '10', deposit: '100' }
const NEED = `event: payment-need-voucher\ndata: ${JSON.stringify(claims)}\n\n`
const RECEIPT = 'event: payment-receipt\ndata: {"method":"tempo","status":"success","reference":"0xc1"}\n\n'

const cutInto = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size))

describe('what is about money', () => {
  test('is taken out, and told', () => {
    const { text, events } = sift([`data: one\n\n${NEED}data: two\n\n${RECEIPT}data: three\n\n`])
    expect(text).toBe('data: one\n\ndata: two\n\ndata: three\n\n')
    expect(events).toMatchObject([
      { kind: 'need', claims, after: 1 },
      { kind: 'receipt', receipt: { success: true, method: 'tempo', reference: '0xc1' } },
    ])
  })

  test.each([1, 2, 3, 5, 8, 13])('in chunks of %i bytes', (size) => {
    const text = `: hello\ndata: one\n\n${NEED}data: z\n\n${RECEIPT}`
    const sifted = sift(cutInto(text, size))
    expect(sifted.text).toBe(': hello\ndata: one\n\ndata: z\n\n')
    expect(sifted.events).toHaveLength(2)
  })

  test.each(['\n', '\r\n', '\r'])('with lines that end with %j', (end) => {
    const text = `data: one\n\n${NEED}data: two\n\n${RECEIPT}\n`.replaceAll('\n', end)
    for (const chunks of [[text], cutInto(text, 1), cutInto(text, 7)]) {
      const sifted = sift(chunks)
      expect(sifted.text).toBe(`data: one\n\ndata: two\n\n\n`.replaceAll('\n', end))
      expect(sifted.events).toHaveLength(2)
    }
  })

  test('whatever the order of the lines: the last name counts', () => {
    const late = 'data: {"a":1}\nevent: message\nid: 7\nevent:payment-need-voucher\n\n'
    expect(sift([late])).toMatchObject({ text: '', events: [{ claims: { a: 1 } }] })
    const renamed = 'event: payment-need-voucher\ndata: {"a":1}\nevent: message\n\n'
    expect(sift([renamed])).toEqual({ text: renamed, events: [] })
  })

  test('over several lines of data', () => {
    expect(sift(['event: payment-need-voucher\ndata: {"a":\ndata: "é"}\n\n'].map(utf8)).events).toEqual([
      { kind: 'need', claims: { a: 'é' }, after: 0 },
    ])
  })

  test('behind a byte order mark that comes in two pieces', () => {
    const sifted = sift(['\u00ef', `\u00bb\u00bf${NEED}`, 'data: tea\n\n'])
    expect(sifted.text).toBe('\u00ef\u00bb\u00bfdata: tea\n\n')
    expect(sifted.events).toHaveLength(1)
  })

  test.each(['no json', '[1]', '{"__proto__":1}', ''])('unreadable (%j): gone, and nothing told', (data) => {
    expect(sift([`event: payment-receipt\ndata: ${data}\n\ndata: tea\n\n`])).toEqual({
      text: 'data: tea\n\n',
      events: [],
    })
  })

  test.each([
    'event: payment-other\ndata: 1\n\n',
    'event: payment-receipt \ndata: {}\n\n',
    'event: Payment-Receipt\ndata: {}\n\n',
    ' event: payment-receipt\ndata: {}\n\n',
    'events: payment-receipt\ndata: {}\n\n',
    'data: event: payment-receipt\n\n',
    ': event: payment-receipt\n\n',
  ])('is not everything that looks like it: %j', (frame) => {
    expect(sift([frame])).toEqual({ text: frame, events: [] })
  })
})

describe('what is not about money', () => {
  test('passes with the chunk that ends it', () => {
    const sieve = new PaymentEventFilter()
    const passed = (text: string): string =>
      sieve
        .push(bytesOf(text))
        .pass.map((piece) => Buffer.from(piece).toString('latin1'))
        .join('')
    expect(passed(': still here\n')).toBe(': still here\n')
    expect(passed('data: one\r')).toBe('')
    expect(passed('\r')).toBe('data: one\r\r')
    expect(passed('\n')).toBe('\n')
    expect(passed('data: tw')).toBe('')
    expect(passed('o\n\n')).toBe('data: two\n\n')
  })

  test('passes at the end without its blank line', () => {
    expect(sift(['data: one\n\ndata: two'])).toEqual({ text: 'data: one\n\ndata: two', events: [] })
    expect(sift([RECEIPT.slice(0, -1)])).toMatchObject({ text: '', events: [{ kind: 'receipt' }] })
  })

  test('counts as content where it has data', () => {
    const frames = 'data: 1\n\n: no\n\nevent: ping\n\nevent: x\ndata: 2\n\n'
    expect(sift([frames + NEED]).events).toMatchObject([{ after: 2 }])
    expect(sift(cutInto(frames + NEED, 1)).events).toMatchObject([{ after: 2 }])
  })
})

describe('a frame without end', () => {
  const MIB = 1024 * 1024

  test('is let go at a mebibyte, and is content however it calls itself', () => {
    const long = `event: payment-receipt\ndata: {"a":"${'x'.repeat(MIB)}"}\n\n`
    const text = `${long}data: tea\n\n`
    for (const chunks of [[text], cutInto(text, 65_536)]) {
      const sifted = sift(chunks)
      expect(sifted.events).toEqual([])
      expect(sifted.text === text).toBe(true)
    }
  })

  test('holds no more than that', () => {
    const sieve = new PaymentEventFilter()
    const chunk = bytesOf('x'.repeat(65_536))
    let held = 0
    for (let sent = 0; sent < 64; sent++) {
      held += chunk.length
      for (const piece of sieve.push(chunk).pass) held -= piece.length
      expect(held).toBeLessThanOrEqual(MIB)
    }
    expect(held).toBe(0)
  })

  test('in single bytes costs no more than its length', () => {
    const sieve = new PaymentEventFilter()
    const chunk = bytesOf('x')
    let passed = 0
    for (let sent = 0; sent <= MIB; sent++) for (const piece of sieve.push(chunk).pass) passed += piece.length
    expect(passed).toBe(MIB + 1)
  })
})

describe('any stream, cut anywhere', () => {
  const end = fc.constantFrom('\n', '\r\n', '\r')
  const word = fc.constantFrom('data', 'event', 'id', 'retry', 'e', 'd', 'événement', '')
  const value = fc.constantFrom(
    'payment-need-voucher',
    'payment-receipt',
    'message',
    'payment-receipts',
    'tea, ☕ 日本',
    '{"channelId":"0xc1"}',
    ' two spaces',
    '',
  )
  const field = fc
    .tuple(word, fc.constantFrom(':', ': ', ''), value)
    .map(([name, colon, text]) => (colon === '' ? name : `${name}${colon}${text}`))
  const money = fc.constantFrom('event: payment-need-voucher', 'event:payment-receipt')
  const data = fc.constantFrom('data: {"channelId":"0xc1"}', 'data: tea', 'data: {"status":"success"}')
  const line = fc.oneof(field, money, data, fc.constantFrom(': comment', ':', ''))
  const text = fc
    .tuple(
      fc.constantFrom('', '\ufeff'),
      fc.array(fc.tuple(line, end), { maxLength: 24 }),
      fc.constantFrom('', 'data: cut of', 'event: payment-receipt'),
    )
    .map(([mark, lines, rest]) => utf8(mark + lines.map((parts) => parts.join('')).join('') + rest))

  test('loses the frames that are about money, and not a byte more', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 40 }), { maxLength: 60 }), (stream, cuts) => {
        const chunks: string[] = []
        let at = 0
        for (const size of cuts) {
          chunks.push(stream.slice(at, at + size))
          at += size
        }
        const expected = byTheBook(stream)
        const sifted = sift([...chunks, stream.slice(at)])
        expect(sifted.text).toBe(expected.text)
        expect(sifted.events.length).toBeLessThanOrEqual(expected.names.length)
        const read = sift([stream])
        expect(sifted.events).toEqual(read.events)
      }),
      { numRuns: 3_000 },
    )
  })
})
