import { keccak256 } from 'viem/utils'
import { type Names, ownOptions, PaymentError } from '../../errors/index.js'
import { approveCall, broadcast, type Hex, lower } from '../chain/index.js'
import { configure, type EvmOptions } from './options.js'
import { signCall } from './raw.js'
import { readCount, readPrice } from './reads.js'
import { PERMIT2 } from './typed.js'

/** Options of {@link approvePermit2}: the account and nodes as for {@link evm}, and the amount. */
export interface ApprovePermit2Options extends Pick<EvmOptions, 'account' | 'rpc' | 'gas' | 'fetch' | 'now'> {
  /** The token, by the id of its currency: `eip155:8453/erc20:0x…`. */
  readonly token: string
  /** The most that Permit2 may take in total, in the token's smallest units. `0n` takes an approval back. */
  readonly amount: bigint
}

const OPTIONS: Names<ApprovePermit2Options> = {
  account: true,
  rpc: true,
  gas: true,
  fetch: true,
  now: true,
  token: true,
  amount: true,
}

const TOKEN = /^eip155:([1-9][0-9]{0,15})\/erc20:(0x[0-9a-f]{40})$/
const MOST = 2n ** 256n - 1n
const PATIENCE_S = 120

/**
 * Allows Permit2 to take tokens of the account, as offers that are paid by Permit2 require. It sends a transaction and
 * pays its gas, outside of any policy; a wallet never does this by itself. Permit2 takes tokens only with permits that
 * the account signs; this approval limits their total.
 *
 * @returns The hash of the transaction, which is in a block.
 * @throws TypeError for malformed options.
 * @throws PaymentError `wallet_unavailable` if no node answers, `wallet_failed` if the chain did not confirm it.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { approvePermit2, parsePrivateKey } from 'purser/wallet/evm'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * await approvePermit2({
 *   account: privateKeyToAccount(parsePrivateKey(process.env.EVM_KEY)),
 *   token: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
 *   amount: 5_000_000n,
 * })
 * ```
 */
export async function approvePermit2(given: ApprovePermit2Options): Promise<Hex> {
  const options = ownOptions(given, OPTIONS, 'approvePermit2()')
  const { token, amount } = options
  const config = configure(options)
  if (config.signer.typedOnly)
    throw new TypeError('approvePermit2() sends a transaction, and this account signs typed data only')
  const [, chain, address] = TOKEN.exec(String(token).toLowerCase()) ?? []
  if (address === undefined)
    throw new TypeError('token must be the id of a currency: "eip155:8453/erc20:0x…"')
  if (typeof amount !== 'bigint' || amount < 0n || amount > MOST)
    throw new TypeError('amount must be a bigint of smallest units')
  const chainId = Number(chain)
  const nodes = config.checkedNodes(chainId) ?? []
  const [node] = nodes
  if (node === undefined)
    throw new PaymentError(
      'wrong_chain',
      'untouched',
      `There is no node for eip155:${chainId}: name one in \`rpc\` of the wallet`,
    )
  const [nonce, price] = await Promise.all([readCount(node, config.sender, 'pending'), readPrice(node)])
  const most = config.maxFeePerGas ?? price.most
  const call = approveCall(lower(address), PERMIT2, amount)
  const tip = price.tip < most ? price.tip : most
  const raw = await signCall({ chainId, ...call, nonce, gas: config.gasLimit, most, tip }, config.signer)
  const hash = keccak256(raw)
  await broadcast(nodes, raw, { hash, validBefore: Math.floor(config.now() / 1000) + PATIENCE_S }, config)
  return hash
}
