import {
  encodeBase64url,
  type MppChallenge,
  type ProtocolErrorCode,
  parseChallenges,
} from '../../src/protocol/index.js'

/** A JSON text as a header carries it. */
export function encode(value: unknown): string {
  return encodeBase64url(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)))
}

export const REQUEST = encode({ amount: '10000', currency: '0x20c0', recipient: '0x742d' })

/** A challenge with these parameters changed; `undefined` leaves one out, a text beginning with `=` is written raw. */
export function payment(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const params = { id: 'abc', realm: 'api', method: 'tempo', intent: 'charge', request: REQUEST, ...changes }
  const written = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [value.startsWith('=') ? `${name}${value}` : `${name}="${value}"`],
  )
  return `Payment ${written.join(', ')}`
}

/** The only challenge in a header. */
export function only(header: string | readonly string[]): MppChallenge {
  const { challenges, rejected } = parseChallenges(header)
  const [challenge] = challenges
  if (challenge === undefined || challenges.length > 1 || rejected.length > 0)
    throw new Error(
      `One challenge was expected: ${challenges.length} read, ${rejected.map(String).join('; ')}`,
    )
  return challenge
}

/** The ids that were read, and why others were not. */
export function outcome(header: string | readonly string[]): {
  readonly ids: readonly string[]
  readonly codes: readonly ProtocolErrorCode[]
} {
  const { challenges, rejected } = parseChallenges(header)
  return { ids: challenges.map(({ id }) => id), codes: rejected.map(({ code }) => code) }
}
