import { randomUUID } from 'node:crypto'
import { parseTransaction, recoverTransactionAddress } from 'viem'
import type { EvmWay } from '../../src/wallet/evm/index.js'
import { asHex, clientsFor, type EvmChain } from './chain.js'
import { listen, PRICE, type Shop } from './shop.js'

/** A server of our own for what no published one takes: transactions, and hashes of them. */
export interface TransactionShop extends Shop {
  /** Every raw transaction and hash that arrived. */
  readonly taken: string[]
  /** Takes a credential and does nothing with it, this many times. */
  sleeps: number
}

interface Payload {
  readonly type: string
  readonly signature?: string
  readonly hash?: string
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** `evm/charge` as draft-evm-charge-00 has it, by the way that is asked for: `/transaction` or `/hash`. */
export async function startTransactionShop(chain: EvmChain): Promise<TransactionShop> {
  const open = new Map<string, EvmWay>()
  const taken: string[] = []
  const state = { sleeps: 0 }
  const { reads } = clientsFor(chain.url, chain.facilitator, chain.id)
  const settle = async ({ type, signature, hash }: Payload): Promise<string | undefined> => {
    taken.push(signature ?? hash ?? '')
    if (state.sleeps > 0) {
      state.sleeps--
      return undefined
    }
    const id = type === 'transaction' ? await broadcast(chain, asHex(signature ?? '')) : asHex(hash ?? '')
    const receipt = await reads.waitForTransactionReceipt({ hash: id })
    const transaction = await reads.getTransaction({ hash: id })
    const data = `0xa9059cbb${chain.payee.slice(2).toLowerCase().padStart(64, '0')}${PRICE.toString(16).padStart(64, '0')}`
    const pays = transaction.to === chain.dollarAddress.toLowerCase() && transaction.input === data
    return receipt.status === 'success' && pays ? id : undefined
  }
  const shop = await listen((origin) => async (request, response) => {
    const way: EvmWay = request.url === '/hash' ? 'hash' : 'transaction'
    const { authorization } = request.headers
    const paid = authorization === undefined ? undefined : read(authorization)
    const known = paid !== undefined && open.get(paid.challenge.id) === paid.payload.type
    const reference = paid && known ? await settle(paid.payload) : undefined
    if (paid !== undefined && reference !== undefined) {
      open.delete(paid.challenge.id)
      const receipt = {
        status: 'success',
        method: 'evm',
        challengeId: paid.challenge.id,
        reference,
        timestamp: new Date().toISOString(),
      }
      response.setHeader('payment-receipt', encode(receipt))
      response.end('tea')
      return
    }
    const id = randomUUID()
    open.set(id, way)
    const methodDetails = { chainId: chain.id, credentialTypes: [way] }
    const charge = {
      amount: PRICE.toString(),
      currency: chain.dollarAddress,
      methodDetails,
      recipient: chain.payee,
    }
    const expires = new Date(Date.now() + 60_000).toISOString()
    response.statusCode = 402
    response.setHeader(
      'www-authenticate',
      `Payment id="${id}", realm="${new URL(origin).host}", method="evm", intent="charge", request="${encode(charge)}", expires="${expires}"`,
    )
    response.end()
  })
  return {
    ...shop,
    taken,
    get sleeps() {
      return state.sleeps
    },
    set sleeps(times) {
      state.sleeps = times
    },
  }
}

function read(authorization: string): { challenge: { id: string }; payload: Payload } {
  return JSON.parse(Buffer.from(authorization.replace(/^Payment /, ''), 'base64url').toString())
}

/** Only what is signed for this chain by somebody. */
async function broadcast(chain: EvmChain, raw: `0x${string}`): Promise<`0x${string}`> {
  if (parseTransaction(raw).chainId !== chain.id) throw new Error('a transaction for another chain')
  await recoverTransactionAddress({ serializedTransaction: `0x02${raw.slice(4)}` })
  return asHex(String(await chain.rpc('eth_sendRawTransaction', [raw])))
}
