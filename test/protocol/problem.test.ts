import { describe, expect, it } from 'vitest'
import { PROBLEMS, parseProblem } from '../../src/protocol/index.js'

describe('a problem', () => {
  it('is parsed with all its fields', () => {
    const problem = {
      type: PROBLEMS.verificationFailed,
      title: 'Verification Failed',
      detail: 'The signature is not yours',
      status: 402,
      challengeId: 'abc',
    }
    expect(parseProblem(JSON.stringify({ ...problem, hint: 'ignored' }))).toEqual(problem)
  })

  it('is about:blank without a type', () => {
    expect(parseProblem('{"title":"No"}')).toEqual({ type: 'about:blank', title: 'No' })
    expect(parseProblem('{"detail":"No"}')).toEqual({ type: 'about:blank', detail: 'No' })
  })

  it('is cleaned and cut', () => {
    const problem = parseProblem(
      JSON.stringify({ type: 'a\u202eb', title: 'x'.repeat(5000), detail: 'a\u001b[2J\nb' }),
    )
    expect(problem?.type).toBe('a b')
    expect(problem?.title).toHaveLength(300)
    expect(problem?.detail).toBe('a [2J b')
  })

  it.each([[99], [600], [402.5], ['402'], [null]])('has no status %j', (status) => {
    expect(parseProblem(JSON.stringify({ type: 'x', status }))).toEqual({ type: 'x' })
  })

  it.each([
    ['nothing', ''],
    ['a page', '<html>402</html>'],
    ['an array', '[{"type":"x"}]'],
    ['an object of another kind', '{"error":"no"}'],
    ['texts that are none', '{"type":1,"title":{},"detail":[]}'],
    ['more than 64 KiB', `{"type":"x","y":"${'z'.repeat(64 * 1024)}"}`],
    ['too deep', `{"type":"x","y":${'['.repeat(16)}${']'.repeat(16)}}`],
    ['__proto__', '{"type":"x","__proto__":{"status":200}}'],
  ])('is refused: %s', (_, text) => {
    expect(parseProblem(text)).toBeUndefined()
  })
})

it('the types are these', () => {
  expect(
    Object.values(PROBLEMS).map((type) => type.replace('https://paymentauth.org/problems/', '')),
  ).toEqual([
    'payment-required',
    'payment-insufficient',
    'payment-expired',
    'verification-failed',
    'method-unsupported',
    'malformed-credential',
    'invalid-challenge',
    'invalid-payload',
    'bad-request',
    'payment-action-required',
    'internal-payment-error',
    'session/amount-exceeds-deposit',
    'session/challenge-not-found',
    'session/channel-finalized',
    'session/channel-not-found',
    'session/delta-too-small',
    'session/insufficient-balance',
    'session/invalid-signature',
    'session/signer-mismatch',
    'session/transaction-reverted',
  ])
})
