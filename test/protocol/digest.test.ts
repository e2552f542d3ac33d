import { createHash } from 'node:crypto'
import { BodyDigest } from 'mppx'
import { describe, expect, it } from 'vitest'
import { digestMatches } from '../../src/protocol/index.js'

const BODY = new TextEncoder().encode('{"amount":"1000"}')
const hash = (algorithm: string, body: Uint8Array = BODY): string =>
  createHash(algorithm).update(body).digest('base64')
const RIGHT = hash('sha256')
const WRONG = hash('sha256', new Uint8Array())

describe('a digest of the body', () => {
  it.each([
    ['as RFC 9530 writes it', `sha-256=:${RIGHT}:`],
    ['as servers write it', `sha-256=${RIGHT}`],
    ['as the reference SDK computes it', BodyDigest.compute('{"amount":"1000"}')],
    ['without padding', `sha-256=${RIGHT.replace('=', '')}`],
    ['as base64url', `sha-256=${createHash('sha256').update(BODY).digest('base64url')}`],
    ['with an upper-case name', `SHA-256=${RIGHT}`],
    ['with whitespace', ` sha-256=:${RIGHT}: `],
    ['of another algorithm', `sha-512=:${hash('sha512')}:`],
    ['twice', `sha-256=:${RIGHT}:, sha-512=${hash('sha512')}`],
    ['beside one that nobody knows', `md5=:AAAA:, sha-256=:${RIGHT}:`],
  ])('matches: %s', async (_, digest) => {
    expect(await digestMatches(digest, BODY)).toBe('match')
  })

  it.each([
    ['another body', `sha-256=:${WRONG}:`],
    ['another body, without colons', `sha-256=${WRONG}`],
    ['one right and one wrong', `sha-256=:${RIGHT}:, sha-512=:${hash('sha256')}:`],
    ['the same name, right and wrong', `sha-256=${RIGHT}, sha-256=${WRONG}`],
    ['the same name, wrong and right', `sha-256=${WRONG}, sha-256=${RIGHT}`],
    ['nothing', 'sha-256='],
    ['half a spelling', `sha-256=:${RIGHT}`],
    ['a longer value', `sha-256=${RIGHT}A`],
  ])('does not match: %s', async (_, digest) => {
    expect(await digestMatches(digest, BODY)).toBe('mismatch')
  })

  it.each([
    [''],
    ['md5=:AAAA:'],
    ['sha-256'],
    [`=${RIGHT}`],
    [`x-sha-256=${RIGHT}`],
    ['constructor=x, __proto__=y'],
  ])('is unsupported: %j', async (digest) => {
    expect(await digestMatches(digest, BODY)).toBe('unsupported')
  })

  it('is of the view, not of the buffer behind it', async () => {
    const buffer = new Uint8Array(BODY.length + 8)
    buffer.set(BODY, 4)
    expect(await digestMatches(`sha-256=${RIGHT}`, buffer.subarray(4, 4 + BODY.length))).toBe('match')
    expect(await digestMatches(`sha-256=${WRONG}`, new Uint8Array())).toBe('match')
  })
})
