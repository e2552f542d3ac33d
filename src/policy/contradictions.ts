import { oneOf, type PaymentError } from '../errors/index.js'
import { everyRules } from './complete.js'
import type { Document, Rules } from './fields.js'
import { documentOf } from './policy.js'
import { invalid } from './read.js'
import type { Issue, Path } from './shape.js'
import type { Policy } from './types.js'

/** The networks of a payment method: the namespace of their chain ids (CAIP-2), and the format of a payee. */
interface Rail {
  readonly namespace: string
  readonly payee: RegExp
}

const EVM: Rail = { namespace: 'eip155', payee: /^0x[0-9a-f]{40}$/ }
/** The known methods. Values for other methods are not checked. */
const RAILS: ReadonlyMap<string, Rail> = new Map([
  ['tempo', EVM],
  ['evm', EVM],
  ['x402', EVM],
  ['stripe', { namespace: 'stripe', payee: /^(?!0x)[\w.-]+$/i }],
  ['lightning', { namespace: 'bip122', payee: /^0[23][0-9a-f]{64}$/i }],
])

/**
 * Finds values of a policy that can never match, which usually means a typing error.
 *
 * @param kinds - The offer kinds that the wallets pay: `tempo/charge`.
 * @returns The suspicious values, if there are any. The policy stays in force.
 * @throws PaymentError `invalid_policy` if these wallets can pay nothing under the policy.
 */
export function checkAgainstWallets(policy: Policy, kinds: readonly string[]): PaymentError | undefined {
  const document = documentOf(policy)
  if (document === undefined) return undefined
  const { useless, doubtful } = contradictionsOf(document, kinds)
  if (useless.length > 0) throw invalid([...useless, ...doubtful])
  return doubtful.length > 0 ? invalid(doubtful) : undefined
}

interface Contradictions {
  readonly useless: readonly Issue[]
  readonly doubtful: readonly Issue[]
}

function contradictionsOf(document: Document, kinds: readonly string[]): Contradictions {
  const methods = [...new Set(kinds.map((kind) => kind.split('/')[0] ?? ''))]
  const unlisted = document.unlisted ?? 'deny'
  const useless: Issue[] = []
  const doubtful: Issue[] = []
  if (unlisted === 'deny' && (document.vendors ?? []).length === 0)
    useless.push({ path: ['vendors'], message: 'no vendor may be paid: name one, or set `unlisted: ask`' })
  for (const { rules, path } of everyRules(document)) {
    const barred = (rules.networks ?? []).filter((network) => !canPay(network, methods))
    const message = `no wallet pays on ${oneOf(barred)}: ${mendOf(methods)}`
    const all = barred.length > 0 && barred.length === rules.networks?.length
    if (barred.length > 0)
      (all && path.length === 0 ? useless : doubtful).push({ path: [...path, 'networks'], message })
    doubtful.push(...strangePayees(rules, path, methods), ...idlePerPayment(rules, document, path))
  }
  return { useless, doubtful }
}

function canPay(network: string, methods: readonly string[]): boolean {
  if (methods.includes(network)) return true
  const [namespace] = network.split(':')
  if (namespace === network) return false
  return methods.some((method) => (RAILS.get(method)?.namespace ?? namespace) === namespace)
}

function mendOf(methods: readonly string[]): string {
  return `the wallets pay by ${oneOf(methods)}`
}

function strangePayees({ vendors = [] }: Rules, path: Path, methods: readonly string[]): readonly Issue[] {
  const rails = methods.map((method) => RAILS.get(method))
  if (rails.includes(undefined)) return []
  return vendors.flatMap(({ payees }, index) =>
    payees === undefined || payees === 'any'
      ? []
      : payees.flatMap((payee, at): readonly Issue[] =>
          rails.some((rail) => rail?.payee.test(payee))
            ? []
            : [
                {
                  path: [...path, 'vendors', index, 'payees', at],
                  message: `${payee} is a payee that no wallet can pay: ${mendOf(methods)}`,
                },
              ],
        ),
  )
}

/** Reports a limit per payment that is higher than a budget and so never takes effect. */
function idlePerPayment(
  { perPayment, budgets = [] }: Rules,
  document: Document,
  path: Path,
): readonly Issue[] {
  if (perPayment === undefined) return []
  const all = [...budgets, ...(document.budgets ?? [])]
  const limits = all.flatMap(({ limit }) => (limit === undefined ? [] : [limit]))
  if (limits.length === 0 || limits.some((limit) => limit >= perPayment)) return []
  return [{ path: [...path, 'perPayment'], message: 'is above every budget: lower it, or raise a budget' }]
}
