import type { Payment } from '../../src/index.js'
import { addressOf, alphaUSD, type Chain } from './chain.js'

/** `TransferWithMemo(address,address,uint256,bytes32)` */
const TRANSFER_WITH_MEMO = '0x57bc7354aa85aed339e000bccffabbc529466af35f0772c8f8ee1145927de7f0'

/** A transfer with a memo, from the chain's own log. */
export interface Transfer {
  readonly memo: string
  readonly amount: bigint
}

/** Every AlphaUSD that this account ever sent with a memo: whatever a server or a ledger says, these are the charges. */
export async function transfersOf(chain: Pick<Chain, 'rpc'>, sender: string): Promise<readonly Transfer[]> {
  const topics = [TRANSFER_WITH_MEMO, `0x${sender.slice(2).toLowerCase().padStart(64, '0')}`]
  const filter = { address: addressOf(alphaUSD), topics, fromBlock: '0x0', toBlock: 'latest' }
  const logs = await chain.rpc('eth_getLogs', [filter])
  if (!Array.isArray(logs)) throw new Error('no logs')
  return logs.map((log: { readonly topics: readonly string[]; readonly data: string }) => ({
    memo: String(log.topics[3]),
    amount: BigInt(log.data),
  }))
}

/** The memos of every credential that a payment has had. */
export function memosOf(payment: Payment): readonly string[] {
  return payment.attempts.flatMap(({ evidence: { detail } }) =>
    typeof detail === 'object' && detail !== null && 'memo' in detail ? [String(detail['memo'])] : [],
  )
}

/** How many transfers each payment has on the chain, and those that belong to none of them. */
export function chargesOf(
  payments: readonly Payment[],
  transfers: readonly Transfer[],
): { readonly charges: readonly (readonly [Payment, number])[]; readonly strangers: readonly Transfer[] } {
  const known = new Set(payments.flatMap(memosOf))
  return {
    charges: payments.map((payment) => {
      const memos = new Set(memosOf(payment))
      return [payment, transfers.filter(({ memo }) => memos.has(memo)).length] as const
    }),
    strangers: transfers.filter(({ memo }) => !known.has(memo)),
  }
}
