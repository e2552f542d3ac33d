import type { Evidence, Verdict } from '../../ledger/index.js'
import { amount, type Instant } from '../../money/index.js'
import { PROBLEMS, type Problem } from '../../protocol/index.js'
import { codeOf, type Detail, endOf, keyKnownUntil, readDetail } from './evidence.js'
import { faultOf } from './fault.js'
import type { StripeContext } from './prepare.js'
import { readToken, type Token } from './token.js'

const LOOK_AGAIN_MS = 60_000
const MOST_WAIT_MS = 3_600_000
const NOT_OURS: Verdict = { state: 'unknown', reason: 'This evidence is not of a Stripe charge' }

/** What became of a token, by Stripe's own record. Changes nothing. */
export async function inspectCharge(
  evidence: Evidence,
  parts: StripeContext,
  told?: Problem,
): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return NOT_OURS
  const { token } = detail
  if (token === undefined) return untold(detail, parts)
  return parts.config.issuer.retrieve === undefined
    ? unseen(detail, parts.config.now(), told)
    : found(token, detail, parts.config)
}

/**
 * Nobody goes on with it: what can be revoked is revoked, and then it is known for good. A token that waits for a person
 * is left to them. Without a token in the evidence, the same request is made again under the same key: Stripe answers
 * with the one token that there can be, and once that is revoked, no process that sleeps on it can ever have it charged.
 */
export async function abandonCharge(evidence: Evidence, parts: StripeContext): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  const { revoke } = parts.config.issuer
  if (detail === undefined || revoke === undefined) return inspectCharge(evidence, parts)
  const { token } = detail
  if (token === undefined) return fenced(detail, parts)
  const before = await lastLook(token, detail, parts)
  return before === undefined ? revoked(token, detail, parts) : before
}

/** What stands in the way of revoking a token. Undefined: nothing. */
async function lastLook(id: string, detail: Detail, { config }: StripeContext): Promise<Verdict | undefined> {
  if (config.issuer.retrieve === undefined)
    // A wallet that cannot look goes by what it knew when it handed the token out.
    return detail.waits === true ? unseen(detail, config.now(), undefined) : undefined
  const token = await find(id, detail, config)
  if ('state' in token) return token
  const verdict = verdictOf(token, detail, config.now())
  const over = verdict.state === 'settled' || verdict.state === 'void'
  return over || token.status === 'requires_action' ? verdict : undefined
}

/** Revoking what was charged meanwhile fails: whatever it answers, the token itself is looked at. */
async function revoked(id: string, detail: Detail, { config }: StripeContext): Promise<Verdict> {
  const { revoke, retrieve } = config.issuer
  const token = readToken(await revoke?.(id).catch(() => undefined))
  if (token?.id === id && token.status !== 'active') return verdictOf(token, detail, config.now())
  return retrieve === undefined ? unseen(detail, config.now(), undefined) : found(id, detail, config)
}

/**
 * The one token that there can be is asked for under its key, also after its end: whatever became of it, it is looked at,
 * and revoked if it is still good.
 */
async function fenced(detail: Detail, parts: StripeContext): Promise<Verdict> {
  const { issuer, now } = parts.config
  const before = untold(detail, parts)
  if (before.state === 'void' || !issuer.repeatable) return before
  try {
    const token = readToken(await issuer.issue(detail))
    return token === undefined ? before : await revoked(token.id, detail, parts)
  } catch (error) {
    const { final, at, message } = faultOf(error)
    if (!final) return later(detail, now(), `Stripe does not say whether it made a token (${message})`)
    // Stripe repeats what it answered first for as long as it knows the key: a refusal then means that it made none.
    return at !== undefined && at < keyKnownUntil(detail)
      ? { state: 'void', reason: `Stripe made no token for it (${message})` }
      : { state: 'unknown', reason: 'Stripe may have forgotten whether it made a token' }
  }
}

/** No token is on record: only Stripe can say whether there is one, and only to who repeats the request. */
function untold(detail: Detail, { config, barren }: StripeContext): Verdict {
  if (barren.has(detail.key))
    return { state: 'void', reason: 'No token was made for it that anybody was given' }
  const reason = 'It is not known whether a token was made'
  return config.now() >= endOf(detail) && !config.issuer.repeatable
    ? { state: 'unknown', reason }
    : { state: 'pending', recheckAt: Math.max(endOf(detail), config.now() + LOOK_AGAIN_MS), reason }
}

/** Nobody here can ask Stripe: a server's word is believed only where that moves no money. */
function unseen(detail: Detail, now: Instant, told: Problem | undefined): Verdict {
  const reason = 'Without retrieveToken, nobody here can tell what became of the token'
  if (told?.type !== PROBLEMS.paymentActionRequired || now >= endOf(detail))
    return { state: 'unknown', reason }
  return { state: 'pending', recheckAt: endOf(detail), reason: 'A person must act', person: {} }
}

async function found(id: string, detail: Detail, config: StripeContext['config']): Promise<Verdict> {
  const token = await find(id, detail, config)
  return 'state' in token ? token : verdictOf(token, detail, config.now())
}

/** The token, or why it was not seen. */
async function find(
  id: string,
  detail: Detail,
  { issuer, now }: StripeContext['config'],
): Promise<Token | Verdict> {
  try {
    const token = readToken(await issuer.retrieve?.(id))
    return token?.id === id ? token : { state: 'unknown', reason: 'What was found is not this token' }
  } catch (error) {
    const { status, message } = faultOf(error)
    // Another account, another mode: it is there, and not for these eyes.
    if (status === 404) return { state: 'unknown', reason: 'This Stripe account does not know the token' }
    return later(detail, now(), `Stripe did not show the token (${message})`)
  }
}

/** Pure. Anything but `active` cannot be charged now; only an end that Stripe calls one, and that took nothing, is void. */
export function verdictOf(token: Token, detail: Detail, now: Instant): Verdict {
  const asked = BigInt(detail.amount)
  const { captured, status, reason } = token
  if (captured !== undefined && captured.value > 0n && captured.currency !== codeOf(detail.currency))
    return { state: 'unknown', reason: 'It was charged in another currency than it was made for' }
  const taken = captured?.value ?? 0n
  if (taken >= asked) return settled(token, detail, taken)
  if (status === 'active') {
    // A part was taken, and the rest may be yet.
    if (taken > 0n)
      return later(detail, now, 'A part of it was charged, and the token is still good for the rest')
    return { ...later(detail, now, 'The token can still be charged'), reusable: true }
  }
  if (status === 'requires_action')
    return {
      ...later(detail, now, 'A person must act'),
      person: token.action === undefined ? {} : { action: token.action },
    }
  if (taken > 0n) return settled(token, detail, taken)
  // Consumed, with nothing taken yet: what was authorised may be captured later.
  if (reason === 'consumed') return settled(token, detail, asked)
  const end = reason ?? status
  if (end === 'expired' || end === 'revoked')
    return { state: 'void', reason: `The token was ${end} uncharged` }
  return later(detail, now, 'The token cannot be charged now, and may be again')
}

function settled({ id }: Token, { currency, amount: asked }: Detail, taken: bigint): Verdict {
  const part = taken === BigInt(asked) ? {} : { amount: amount(taken, currency) }
  return { state: 'settled', reference: id, ...part }
}

/** The longer it has been over by our clock, the less often it is looked at. */
function later({ expiresAt }: Detail, now: Instant, reason: string): Extract<Verdict, { state: 'pending' }> {
  const wait = Math.min(Math.max(now - expiresAt * 1000, LOOK_AGAIN_MS), MOST_WAIT_MS)
  return { state: 'pending', recheckAt: now + wait, reason }
}
