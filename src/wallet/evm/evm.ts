import { ownOptions } from '../../errors/index.js'
import type { Evidence, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { askNodes, type Node } from '../chain/index.js'
import { spendAuthorization, type Wallet } from '../index.js'
import { domainsOf } from './domains.js'
import { type PaidDetail, readDetail } from './evidence.js'
import { holdingsOf } from './holdings.js'
import { authorizationView } from './inspect-authorization.js'
import { permitView } from './inspect-permit.js'
import { transactionView } from './inspect-transaction.js'
import { type Config, configure, EVM_OPTIONS, type EvmOptions } from './options.js'
import { type EvmContext, PAID_KINDS } from './plan.js'
import { prepareOffer } from './prepare.js'
import { quoteOffer } from './quote.js'
import { prepareSignIn, quoteSignIn, SIGN_IN, Visits } from './sign-in.js'

/**
 * Creates a wallet that pays in tokens on EVM chains: `evm/charge` and `usdc/charge` offers of MPP, and `exact` and
 * `upto` offers of x402. It also signs in to servers that it has paid before and that accept a sign-in. It signs for a
 * token only if Purser's table, the user's options or the chain describe the token, never on the server's description
 * alone.
 *
 * @throws TypeError for malformed options; an account is required.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { evm, parsePrivateKey } from 'purser/wallet/evm'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const wallet = evm({ account: privateKeyToAccount(parsePrivateKey(process.env.EVM_KEY)) })
 * ```
 */
export function evm(options: EvmOptions): Wallet {
  const config = configure(ownOptions(options ?? {}, EVM_OPTIONS, 'evm()'))
  const wallet: EvmContext = { config, domains: domainsOf(config), holdings: holdingsOf(config) }
  const visits = new Visits()
  return Object.freeze<Wallet>({
    id: config.id,
    kinds: [...PAID_KINDS, SIGN_IN],
    async quote(challenge, context) {
      return challenge.kind === SIGN_IN
        ? quoteSignIn(challenge, context, config, visits)
        : quoteOffer(challenge, context, wallet)
    },
    async prepare(authorization, options) {
      const spendable = spendAuthorization(authorization, options.now)
      return spendable.quote.challenge.kind === SIGN_IN
        ? prepareSignIn(spendable, options, config, visits)
        : prepareOffer(spendable, options, wallet)
    },
    async inspect(evidence) {
      const [challengeId] = evidence.refs
      if (evidence.kind === SIGN_IN && challengeId !== undefined) visits.refused(challengeId)
      return inspectOffer(evidence, config)
    },
    serverTimes: config.serverTimes,
    nodeFaults: config.nodeFaults,
    matchesReceipt(evidence, reference) {
      const detail = readDetail(evidence.detail)
      return detail?.form === 'transaction' ? detail.hash === reference.toLowerCase() : undefined
    },
    async onAccepted(acceptance) {
      visits.remember(acceptance)
    },
  })
}

/**
 * Finds out what happened to a credential, from the chain alone. It is settled if the token's own record shows the
 * authorization with its transfer. It is void if one final block proves that no settlement can follow. The local clock
 * and a search without a result do not prove that. A settlement at the full price shown by any node counts; void, or a
 * lower price, needs every node that answers.
 */
async function inspectOffer(evidence: Evidence, config: Config): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined)
    return { state: 'unknown', reason: 'This evidence is not of a payment on an EVM chain' }
  if (detail.form === 'proof') return { state: 'void', reason: 'A sign-in moves no money' }
  const nodes = config.nodes(detail.chainId)
  if (nodes === undefined)
    return { state: 'unknown', reason: `This wallet has no node for eip155:${detail.chainId}` }
  return askNodes(nodes, detail.chainId, (node) => viewOf(node, detail, config.now()))
}

function viewOf(node: Node, detail: PaidDetail, now: Instant): Promise<Verdict> {
  switch (detail.form) {
    case 'authorization':
      return authorizationView(node, detail, now)
    case 'permit2':
      return permitView(node, detail, now)
    case 'transaction':
      return transactionView(node, detail, now)
  }
}
