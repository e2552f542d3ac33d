import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CLOSE_REQUEST, readFrame } from '../../src/socket/frames.js'

test('whatever a server sends is read as something, and what is not about money is the caller’s as it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => ` {"mpp":${json}}`),
      ),
      (text) => {
        const frame = readFrame(text)
        if (frame.kind === 'content' && !text.includes('message')) expect(frame.data).toBe(text)
      },
    ),
  )
})

test('a member that is nested too deeply, or named to trap, is no word about money', () => {
  for (const data of [`${'['.repeat(40)}${']'.repeat(40)}`, '{"__proto__":{}}']) {
    const text = `{"mpp":"payment-need-voucher","data":${data}}`
    expect(readFrame(text)).toEqual({ kind: 'content', data: text })
  }
})

test('what only a client says is not for the caller', () => {
  expect(readFrame(CLOSE_REQUEST)).toEqual({ kind: 'other' })
})

test('an error is a problem, a sentence, or nothing', () => {
  const error = (message: unknown) =>
    readFrame(JSON.stringify({ mpp: 'payment-error', status: 402, message }))
  expect(error(JSON.stringify({ title: 'No', detail: 'not enough' }))).toMatchObject({
    kind: 'error',
    message: 'not enough',
    problem: { title: 'No' },
  })
  expect(error('out\u001b[2J of order')).toEqual({ kind: 'error', status: 402, message: 'out [2J of order' })
  expect(error(7)).toEqual({ kind: 'error', status: 402 })
})
