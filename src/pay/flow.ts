import type { Channel, DueQuery, Payment } from '../ledger/index.js'
import type { Challenge } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import { own } from '../util/objects.js'
import type { Wallet } from '../wallet/index.js'
import type { Quoted } from './authorize/quote.js'
import type { ChannelOperationRequest } from './channel-operation.js'
import type { Call, Env } from './env.js'
import type { Exchange } from './exchange.js'
import { type NotPaid, paysKind, whyNotPaid } from './not-paid.js'
import type { Recovery, RecoveryPlan } from './recovery/recover.js'

type Begin = () => Promise<{ readonly env: Env; readonly call: Call }>

/** What a call brings along beside its request. */
interface Around<Reply> {
  /** A challenge that this request may be answered with before it is asked. */
  readonly standing?: Challenge | undefined
  /** Hears why a 402 is handed on unpaid. */
  readonly notPaid?: (reply: Reply, reasons: NotPaid['reasons']) => void
}

/**
 * The path of one payment, told once: ask; if the server asks for money, agree; present; conclude.
 *
 * @returns The reply that is the caller's: the first one where nothing had to be paid, the paid one otherwise.
 * @throws PaymentRefusedError before anything was sent; PaymentError when a credential left and no answer came.
 */
export async function pay<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  begin: Begin,
  { standing, notPaid }: Around<Reply> = {},
): Promise<Reply> {
  const start = lazy(begin)
  if (standing !== undefined) {
    const { env, call: begun } = await start()
    const { runUpfrontPurchase: purchaseAtOnce } = await purchasing()
    const paid = await purchaseAtOnce(exchange, standing, begun, env)
    if (paid !== undefined) return paid.reply
  }
  const reply = await exchange.send(
    own({
      ...(call.signal ? { signal: call.signal } : {}),
      ...(call.key === undefined ? {} : { idempotencyKey: call.key }),
    }),
  )
  if (!exchange.mayRequirePayment(reply)) return reply
  const reading = await exchange.read(reply)
  if (reading.kind !== 'payment-required') return reply
  if (reading.offers.length === 0) {
    notPaid?.(reply, reading.reasons ?? [])
    return reply
  }
  const { env, call: begun } = await start()
  const offers = reading.offers.filter(({ kind }) => paysKind(env.wallets, kind))
  if (offers.length === 0) {
    notPaid?.(reply, whyNotPaid(reading, env.wallets))
    return reply
  }
  // Its body is read to the end first, so that the paid leg finds the connection free.
  exchange.discard(reply)
  const { runPurchase: purchase } = await purchasing()
  return purchase(exchange, own({ ...reading, offers }), begun, env)
}

/** Loaded when money is first talked about: a program whose calls cost nothing carries none of it. */
const purchasing = lazy(() => import('./run-purchase.js'))
const looking = lazy(() => import('./recovery/recover.js'))
const quoting = lazy(() => import('./authorize/quote.js'))
const acting = lazy(() => import('./channel-operation.js'))

/** Settles what is in doubt, loaded when it is first needed. */
export async function recover(env: Env, which: DueQuery['which'], plan?: RecoveryPlan): Promise<Recovery> {
  return (await looking()).recover(env, which, plan)
}

/** The same for who asked: also says which doubts nobody here can look at. */
export async function recoverAndTell(
  env: Env,
  which: DueQuery['which'],
  plan?: RecoveryPlan,
): Promise<Recovery> {
  return (await looking()).recoverAndTell(env, which, plan)
}

/** What a call would cost, loaded when it is first needed. */
export async function quote<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  environment: () => Promise<Env>,
): Promise<Quoted<Reply>> {
  return (await quoting()).quote(exchange, call, environment)
}

/** An act on a channel, loaded when it is first needed. */
export async function carryOut(act: ChannelOperationRequest, call: Call, env: Env): Promise<Payment> {
  return (await acting()).runOperation(act, call, env)
}

/** Gives back what a closed channel was never taken for. */
export async function settleAccounts(channel: Channel, wallet: Wallet, env: Env): Promise<void> {
  await (await acting()).settleClosedChannel(channel, wallet, env)
}
