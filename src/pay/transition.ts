import type {
  AskInput,
  AskResult,
  Hold,
  HoldResult,
  Ledger,
  Move,
  MoveResult,
  Payment,
  PaymentId,
} from '../ledger/index.js'
import type { Env } from './env.js'

type TransitionEnv = Pick<Env, 'ledger' | 'emitter'>

/**
 * Moves a payment, and tells listeners its new state. This file is the only caller of the ledger's `hold`, `deny` and
 * `advance` (checked by `npm run check:imports`), so the `payment` events of all processes rebuild every state.
 *
 * @returns The payment after the move, or as it is if the ledger refused the move.
 */
export async function transition(
  payment: Pick<Payment, 'id'>,
  move: Move,
  env: TransitionEnv,
): Promise<Payment> {
  return (await tryTransition(payment.id, move, env)).payment
}

/**
 * Moves a payment, as {@link transition} does.
 *
 * @returns Also whether the ledger accepted the move.
 */
export async function tryTransition(
  id: PaymentId,
  move: Move,
  { ledger, emitter }: TransitionEnv,
): Promise<MoveResult> {
  const moved = await ledger.advance(id, move)
  const { ok, was, payment } = moved
  // Another process may have moved the payment since this process last read it, so the ledger says what it was before.
  if (!ok || (was === payment.state && move.to !== 'committed')) return moved
  emitter.emit('payment', { payment })
  if (was === 'released' && payment.state === 'settled')
    emitter.emit('anomaly', {
      kind: 'settled_after_release',
      payment: id,
      message: 'A payment that was proven void has settled all the same. It counts.',
    })
  return moved
}

/** Holds budget for a payment. Listeners hear of the hold, and of each dead hold that the ledger released for it. */
export async function hold(request: Hold, { ledger, emitter }: TransitionEnv): Promise<HoldResult> {
  const held = await ledger.hold(request)
  for (const payment of held.ended ?? []) emitter.emit('payment', { payment })
  if (held.ok) emitter.emit('payment', { payment: held.payment })
  return held
}

/**
 * Asks a person about a payment, which is held in the same step. Listeners hear of the hold, and of a question that is
 * new: a call that takes the place of another one keeps the question of that call.
 */
export async function ask(input: AskInput, { ledger, emitter }: TransitionEnv): Promise<AskResult> {
  const asked = await ledger.ask(input)
  for (const payment of asked.ended ?? []) emitter.emit('payment', { payment })
  if (asked.kind !== 'asked') return asked
  emitter.emit('payment', { payment: asked.held.payment })
  if (asked.approval.id === input.id) emitter.emit('approval_request', { approval: asked.approval })
  return asked
}

/** Records a refusal. Listeners hear of the record, which may be one that an equal refusal made before. */
export async function deny(
  refusal: Parameters<Ledger['deny']>[0],
  why: Parameters<Ledger['deny']>[1],
  { ledger, emitter }: TransitionEnv,
): Promise<Payment> {
  const payment = await ledger.deny(refusal, why)
  // A payment that went further meanwhile is not denied, and its own events show its state.
  if (payment.state === 'denied') emitter.emit('payment', { payment })
  return payment
}
