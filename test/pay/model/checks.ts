import type { PaymentError } from '../../../src/errors/index.js'
import type { Payment } from '../../../src/ledger/index.js'
import type { Instant } from '../../../src/money/index.js'
import { taskKeys } from '../../../src/policy/index.js'
import type { Issued, ModelChain } from './chain.js'
import { ASK_ABOVE } from './limits.js'
import type { CallPlan } from './plan.js'

export interface CallRecord {
  readonly plan: CallPlan
  /** Whether a person approved it. */
  yes: boolean
  error?: PaymentError
  /** The payment that the error is about, as it was then. */
  payment?: Payment
}

/** The real payments, the errors of callers, and the ledger. */
export interface Known {
  readonly chain: ModelChain
  readonly calls: readonly CallRecord[]
  readonly payments: readonly Payment[]
}

/** A key names one purchase of one agent. Without a key, every call is a separate purchase. */
function logicalOf({ call, plan }: Issued): string {
  return plan.key === undefined ? `call ${call}` : `${plan.agent} ${plan.key}`
}

/** Every logical request is charged at most once. */
export function paidOnce({ chain }: Known): readonly string[] {
  const times = new Map<string, number>()
  for (const issued of chain.issued.values()) {
    if (!chain.moved(issued.id)) continue
    const logical = logicalOf(issued)
    times.set(logical, (times.get(logical) ?? 0) + 1)
  }
  return [...times]
    .filter(([, count]) => count > 1)
    .map(([logical, count]) => `${logical} was paid ${count} times`)
}

/**
 * Of two credentials that the chain might take at the same time: those of one payment share a lane and its nonce, so
 * that it takes one of them at the most; those of two payments never do.
 */
export function laneKept({ chain }: Known): readonly string[] {
  const left = [...chain.issued.values()].filter(({ id }) => !chain.discarded.has(id))
  return left.flatMap((later, at) =>
    left
      .slice(0, at)
      .filter((earlier) => isAlive(earlier, later, chain) && !mayStandTogether(earlier, later))
      .map((earlier) => `${earlier.id} and ${later.id} of ${earlier.payment} and ${later.payment}`),
  )
}

/** Whether the earlier one could still be included when the later one was signed. */
function isAlive(earlier: Issued, later: Issued, { included }: ModelChain): boolean {
  const end = included.get(earlier.id)?.at ?? earlier.until
  return later.at < end
}

function mayStandTogether(a: Issued, b: Issued): boolean {
  const excluded = a.place !== undefined && a.place.name === b.place?.name && a.place.value === b.place.value
  return excluded === (a.payment === b.payment)
}

/** At most two credentials of a payment leave, however often a server asks. */
export function twoAtMost({ payments }: Known): readonly string[] {
  return payments
    .filter(({ attempts }) => attempts.length > 2)
    .map(({ id, attempts }) => `${id} has ${attempts.length} credentials`)
}

const DOUBT_WINDOW_MS = 120_000

/**
 * The twins that stand in a hold's way: a call without a key is no new purchase while one is in doubt, or paid and not
 * delivered, and nobody was told.
 */
export function twinsIgnored(held: Payment, payments: readonly Payment[], now: Instant): readonly string[] {
  if (held.key !== undefined || held.state !== 'held') return []
  return payments
    .filter(
      ({ id, fingerprint, context: { agent } }) =>
        id !== held.id && fingerprint === held.fingerprint && agent === held.context.agent,
    )
    .filter(
      ({ state, live, delivered }) => !delivered && (state === 'settled' || (state === 'committed' && !live)),
    )
    .filter(({ reportedAt }) => reportedAt === undefined || now < reportedAt + DOUBT_WINDOW_MS)
    .map(({ id }) => id)
}

/** Compares the counts of the ledger with the money that left the account, fees included, by agent, vendor and task. */
export function ledgerCounts({ chain, payments }: Known, how: 'at least' | 'exactly'): readonly string[] {
  const counted = new Map<string, bigint>()
  const real = new Map<string, bigint>()
  const add = (sums: Map<string, bigint>, scopes: readonly string[], units: bigint): void => {
    for (const scope of scopes) sums.set(scope, (sums.get(scope) ?? 0n) + units)
  }
  const left = (how === 'exactly' ? payments.filter((payment) => believed(payment, chain)) : []).map(
    ({ id }) => id,
  )
  for (const { id, context, resource, units } of payments) {
    if (left.includes(id)) continue
    add(counted, [`agent ${context.agent}`, resource.vendor, ...taskKeys(context.tasks)], units)
  }
  for (const { id, plan, payment } of chain.issued.values()) {
    if (left.includes(payment)) continue
    add(real, [`agent ${plan.agent}`, plan.vendor, ...taskKeys(plan.tasks)], chain.cost(id))
  }
  return [...new Set([...counted.keys(), ...real.keys()])].flatMap((scope) => {
    const [ledger, moved] = [counted.get(scope) ?? 0n, real.get(scope) ?? 0n]
    const holds = how === 'exactly' ? ledger === moved : ledger >= moved
    return holds ? [] : [`${scope}: the ledger counts ${ledger}, and ${moved} left`]
  })
}

/**
 * A lie that nothing ever looks behind, so that the payment counts on; it can only count too much. A receipt for terms
 * without a fee of ours leaves nothing unread: looking all the same would cost steady state a look at the rail for each
 * payment. And of two credentials, recovery looks for the fee of the later one, which is the one the receipt was for.
 */
function believed({ state, proof, terms, attempts, receipts }: Payment, chain: ModelChain): boolean {
  if (state !== 'settled' || proof !== 'receipt') return false
  const open = attempts.filter((attempt) => attempt.void === undefined)
  const { challengeId, evidence } = open.at(-1) ?? {}
  const last = evidence?.refs[0] ?? ''
  // Only a receipt that names this very credential is believed.
  if (!receipts.some((each) => each.challengeId === challengeId && each.reference === `tx-${last}`))
    return false
  return terms.fee === undefined && !chain.moved(last)
}

/**
 * A payment that needs an approval leaves only with one: for this call, remembered, or given to an earlier call for the
 * same request that paid nothing.
 */
export function approvalsKept({ chain, calls, payments }: Known): readonly string[] {
  const remembered = new Set(
    calls
      .filter(({ plan, yes }) => yes && plan.message === 'remembers')
      .map(({ plan }) => `${plan.agent} ${plan.vendor}`),
  )
  const issued = [...chain.issued.values()].filter(
    ({ id, price }) => !chain.discarded.has(id) && price > BigInt(ASK_ABOVE) * 10_000n,
  )
  // A process that dies between the signature and the ledger's entry has sent nothing, so its yes is not used.
  const entered = new Set(
    payments.flatMap(({ attempts }) => attempts.flatMap(({ evidence }) => evidence.refs)),
  )
  const used = new Set(issued.filter(({ id }) => entered.has(id)).map(({ call }) => call))
  // A second credential of a call belongs to the same payment: at most one of them settles.
  const covered = new Set<number>()
  return issued
    .filter(({ call, plan }) => calls[call]?.yes !== true && !remembered.has(`${plan.agent} ${plan.vendor}`))
    .filter(({ call, price, plan }) => {
      if (covered.has(call)) return false
      const earlier = calls.findIndex(
        (other, at) =>
          at < call && other.yes && !used.has(at) && price <= cents(other.plan) && isSame(other.plan, plan),
      )
      if (earlier === -1) return true
      used.add(earlier)
      covered.add(call)
      return false
    })
    .map(({ id, call }) => `${id}: nobody approved call ${call}`)
}

const cents = (plan: CallPlan): bigint => BigInt(plan.cents) * 10_000n

/** Whether two calls make the same request. */
function isSame(a: CallPlan, b: CallPlan): boolean {
  const request = ({ agent, tasks, vendor, path }: CallPlan) => JSON.stringify([agent, tasks, vendor, path])
  return request(a) === request(b)
}

/** The errors of callers are true about their money. */
export function errorsTrue({ chain, calls }: Known): readonly string[] {
  return calls.flatMap(({ error, payment }, number) => {
    if (error === undefined) return []
    const own = [...chain.issued.values()].filter(({ call }) => call === number)
    const left = own.filter(({ id }) => !chain.discarded.has(id))
    const wrong: string[] = []
    if (error.name === 'PaymentRefusedError' && left.length > 0) wrong.push('refused and signed')
    if (error.funds === 'untouched' && own.some(({ id }) => chain.moved(id)))
      wrong.push('untouched and settled')
    if (error.funds === 'settled' && !isSettled(payment, chain)) wrong.push('told settled, and nothing moved')
    return wrong.map((each) => `call ${number}: ${each}`)
  })
}

/** Whether it counts as settled: on the chain, or by a receipt, which may be untrue. */
function isSettled(payment: Payment | undefined, chain: ModelChain): boolean {
  if (payment !== undefined && payment.receipts.length > 0) return true
  return payment?.attempts.some(({ evidence: { refs } }) => chain.moved(refs[0] ?? '')) ?? false
}
