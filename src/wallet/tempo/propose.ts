import { type Names, ownOptions, PaymentError } from '../../errors/index.js'
import { formatAmount } from '../../money/index.js'
import { addressOf, lower } from '../chain/index.js'
import type {
  AccessKeyName,
  AccessKeyProposal,
  AccessKeyRequest,
  Allowances,
  AuthorizeKeyOptions,
} from '../index.js'
import { readAllowances } from './allowances.js'
import type { Hex } from './charge.js'
import { transferSelector } from './envelope.js'
import { authorizeCall, KEY_TYPES, KEYCHAIN, type KeyGrant, type KeyType, readKey } from './keychain.js'
import { type Owner, planTransaction } from './owner.js'

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** @throws TypeError if it is not a key that a chain can know. */
export function keyOf(name: AccessKeyName): { readonly key: Hex; readonly type: KeyType } {
  const address = typeof name === 'string' ? name : (name?.accessKeyAddress ?? name?.address)
  if (!ADDRESS.test(String(address)))
    throw new TypeError('An access key is named by its address, or by an account that has one')
  const given = typeof name === 'string' ? undefined : name.keyType
  const type = KEY_TYPES.find((each) => each === (given ?? 'secp256k1'))
  if (type === undefined) throw new TypeError(`An access key cannot be of type ${given}`)
  return { key: lower(String(address)), type }
}

/**
 * Computes a key's authorization and checks it against the chain. Signs nothing.
 *
 * @throws TypeError if no chain can enforce the request; PaymentError `wallet_failed` if the key was used before.
 */
export async function proposeKey(wish: AccessKeyRequest, owner: Owner): Promise<AccessKeyProposal> {
  const { nodes, config, since, currencies } = owner
  const grant = grantOf(wish, owner)
  const refuseUsed = async (): Promise<void> => {
    const { state } = await readKey(nodes, config.sender, grant.key)
    if (state !== 'unknown') throw new PaymentError('wallet_failed', 'untouched', USED[state])
  }
  await refuseUsed()
  const known = new Map(
    [...currencies, ...wish.limits.map(({ amount }) => amount.currency)].map((c) => [c.id, c]),
  )
  const look = (): Promise<Allowances> => readAllowances(nodes, config.sender, [...known.values()], since)
  const allowances = await look()
  const planned = await planTransaction(owner, [{ to: KEYCHAIN, data: authorizeCall(grant) }])
  return {
    key: grant.key,
    allowances,
    cost: planned.cost,
    async authorize(options: AuthorizeKeyOptions = {}) {
      const { despiteAllowances = false } = ownOptions(options, AUTHORIZE, 'authorize()')
      // Checked again: the person may have taken long to decide, or may have confirmed twice.
      await refuseUsed()
      if (!despiteAllowances) refuseOpen(await look())
      return { key: grant.key, ...(await planned.carryOut()) }
    },
  }
}

const AUTHORIZE: Names<AuthorizeKeyOptions> = { despiteAllowances: true }

const USED = {
  authorized: 'This key is authorized already: revoke it, and create another one',
  revoked: 'This key was revoked for good: create another one',
} as const

function grantOf(
  { key: name, expires, limits, recipients }: AccessKeyRequest,
  { config, network }: Owner,
): KeyGrant {
  const { key, type } = keyOf(name)
  if (key === config.sender) throw new TypeError('An access key must not be the key of the account')
  if (recipients.length === 0 || !recipients.every((each) => ADDRESS.test(each)))
    throw new TypeError('An access key needs the addresses of its recipients')
  const foreign = limits.find(({ amount }) => !amount.currency.id.startsWith(`${network}/erc20:`))
  if (limits.length === 0 || foreign !== undefined)
    throw new TypeError(`An access key needs limits in tokens of ${network}`)
  const to = recipients.map(lower)
  const selectors = [true, false].map((memo) => ({ selector: transferSelector(memo), recipients: to }))
  return {
    key,
    type,
    expiry: Math.floor(expires / 1000),
    limits: limits.map(({ amount, periodMs = 0 }) => ({
      token: addressOf(amount.currency),
      amount: amount.value,
      period: Math.floor(periodMs / 1000),
    })),
    scopes: limits
      .filter(({ use }) => use === 'payments')
      .map(({ amount }) => ({ target: addressOf(amount.currency), selectors })),
  }
}

/** @throws PaymentError `refused` */
function refuseOpen({ open, searched }: Allowances): void {
  const reasons = open.map(({ amount, spender }) => ({
    rule: 'allowances',
    message: `${spender} may take ${formatAmount(amount)} from the account, outside the limits of any key.`,
  }))
  if (searched === 'known')
    reasons.push({
      rule: 'allowances.unseen',
      message:
        'No node shows who was given an allowance before, so others than the usual spenders are unknown.',
    })
  if (reasons.length === 0) return
  const message = reasons.map((reason) => reason.message).join(' ')
  throw new PaymentError('refused', 'untouched', `The key was not authorized. ${message}`, { reasons })
}
