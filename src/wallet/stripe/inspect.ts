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

/** Finds out what happened to a token, by Stripe's record. Changes nothing. */
export async function inspectCharge(
  evidence: Evidence,
  wallet: StripeContext,
  problem?: Problem,
): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return NOT_OURS
  const { token } = detail
  if (token === undefined) return untold(detail, wallet)
  return wallet.config.issuer.retrieve === undefined
    ? unseen(detail, wallet.config.now(), problem)
    : found(token, detail, wallet.config)
}

/**
 * Revokes an abandoned token if possible, which makes the result final. A token that waits for a person is left alone.
 * If the evidence has no token, the same request is repeated under the same key: Stripe answers with the only token
 * that can exist. Once that is revoked, a paused process that holds it can never have it charged.
 */
export async function abandonCharge(evidence: Evidence, wallet: StripeContext): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  const { revoke } = wallet.config.issuer
  if (detail === undefined || revoke === undefined) return inspectCharge(evidence, wallet)
  const { token } = detail
  if (token === undefined) return fenced(detail, wallet)
  const before = await lastLook(token, detail, wallet)
  return before === undefined ? revoked(token, detail, wallet) : before
}

/** Returns the verdict that forbids revoking a token. Undefined if it can be revoked. */
async function lastLook(id: string, detail: Detail, { config }: StripeContext): Promise<Verdict | undefined> {
  if (config.issuer.retrieve === undefined)
    // A wallet that cannot look up tokens uses the last known state.
    return detail.waits === true ? unseen(detail, config.now(), undefined) : undefined
  const token = await find(id, detail, config)
  if ('state' in token) return token
  const verdict = verdictOf(token, detail, config.now())
  const over = verdict.state === 'settled' || verdict.state === 'void'
  return over || token.status === 'requires_action' ? verdict : undefined
}

/** Revoking fails if the token was charged meanwhile, so the token is looked up after the answer. */
async function revoked(id: string, detail: Detail, { config }: StripeContext): Promise<Verdict> {
  const { revoke, retrieve } = config.issuer
  const token = readToken(await revoke?.(id).catch(() => undefined))
  if (token?.id === id && token.status !== 'active') return verdictOf(token, detail, config.now())
  return retrieve === undefined ? unseen(detail, config.now(), undefined) : found(id, detail, config)
}

/**
 * Requests the only possible token under its key, even after its end, and looks it up. If it is still valid, it is
 * revoked.
 */
async function fenced(detail: Detail, wallet: StripeContext): Promise<Verdict> {
  const { issuer, now } = wallet.config
  const before = untold(detail, wallet)
  if (before.state === 'void' || !issuer.repeatable) return before
  try {
    const token = readToken(await issuer.issue(detail))
    return token === undefined ? before : await revoked(token.id, detail, wallet)
  } catch (error) {
    const { final, at, message } = faultOf(error)
    if (!final) return later(detail, now(), `Stripe does not report whether it created a token (${message})`)
    // Stripe repeats its first answer as long as it knows the key, so a refusal then proves that no token was created.
    return at !== undefined && at < keyKnownUntil(detail)
      ? { state: 'void', reason: `Stripe created no token for it (${message})` }
      : { state: 'unknown', reason: 'Stripe may have deleted its record of the request' }
  }
}

/**
 * Handles evidence without a token: only Stripe knows whether one exists, and it tells only if the request is repeated.
 */
function untold(detail: Detail, { config, usedKeys }: StripeContext): Verdict {
  if (usedKeys.has(detail.key)) return { state: 'void', reason: 'No token for it was passed to anyone' }
  const reason = 'It is not known whether a token was created'
  return config.now() >= endOf(detail) && !config.issuer.repeatable
    ? { state: 'unknown', reason }
    : { state: 'pending', recheckAt: Math.max(endOf(detail), config.now() + LOOK_AGAIN_MS), reason }
}

/** Handles a wallet that cannot ask Stripe. The server's statement is trusted only if that moves no money. */
function unseen(detail: Detail, now: Instant, problem: Problem | undefined): Verdict {
  const reason = 'Without retrieveToken, Purser cannot find out what happened to the token'
  if (problem?.type !== PROBLEMS.paymentActionRequired || now >= endOf(detail))
    return { state: 'unknown', reason }
  return { state: 'pending', recheckAt: endOf(detail), reason: 'A person must act', person: {} }
}

async function found(id: string, detail: Detail, config: StripeContext['config']): Promise<Verdict> {
  const token = await find(id, detail, config)
  return 'state' in token ? token : verdictOf(token, detail, config.now())
}

/** Returns the token, or the reason why it could not be read. */
async function find(
  id: string,
  detail: Detail,
  { issuer, now }: StripeContext['config'],
): Promise<Token | Verdict> {
  try {
    const token = readToken(await issuer.retrieve?.(id))
    return token?.id === id ? token : { state: 'unknown', reason: 'Stripe returned another token' }
  } catch (error) {
    const { status, message } = faultOf(error)
    // Another account or another mode: the token exists, but this client may not read it.
    if (status === 404) return { state: 'unknown', reason: 'This Stripe account does not know the token' }
    return later(detail, now(), `Stripe did not show the token (${message})`)
  }
}

/**
 * Pure. A token that is not `active` cannot be charged now. It is void only if Stripe reports a final state and nothing
 * was charged.
 */
export function verdictOf(token: Token, detail: Detail, now: Instant): Verdict {
  const asked = BigInt(detail.amount)
  const { captured, status, reason } = token
  if (captured !== undefined && captured.value > 0n && captured.currency !== codeOf(detail.currency))
    return { state: 'unknown', reason: 'It was charged in another currency than its own' }
  const taken = captured?.value ?? 0n
  if (taken >= asked) return settled(token, detail, taken)
  if (status === 'active') {
    // A part was charged, and the rest may follow.
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
  // Consumed, but nothing captured yet: the authorised amount may be captured later.
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

/** Schedules the next check: the longer ago the token's end by the local clock, the later. */
function later({ expiresAt }: Detail, now: Instant, reason: string): Extract<Verdict, { state: 'pending' }> {
  const wait = Math.min(Math.max(now - expiresAt * 1000, LOOK_AGAIN_MS), MOST_WAIT_MS)
  return { state: 'pending', recheckAt: now + wait, reason }
}
