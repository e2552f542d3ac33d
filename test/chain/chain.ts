import { type Address, createClient, type Hex, http, type LocalAccount } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Actions } from 'viem/tempo'
import { tempo } from 'viem/tempo/chains'
import { type Currency, token } from '../../src/money/index.js'
import { type Anvil, startAnvil } from './anvil.js'

/** The chain's id, and its CAIP-2 name. */
export const CHAIN_ID = 31337
export const NETWORK = `eip155:${CHAIN_ID}`

/** The well-known development keys; each holds 2^64 - 1 of every stablecoin of a local chain. */
export const KEYS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
  '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a',
  '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba',
] as const

/** Accounts by role, so that tests do not step on each other's balances. */
export const ACCOUNTS = {
  payer: privateKeyToAccount(KEYS[0]),
  payee: privateKeyToAccount(KEYS[1]),
  sponsor: privateKeyToAccount(KEYS[2]),
  split: privateKeyToAccount(KEYS[3]),
  faucet: privateKeyToAccount(KEYS[4]),
  spare: privateKeyToAccount(KEYS[5]),
} as const

const dollar = (address: string, symbol: string): Currency =>
  token(NETWORK, address, { symbol, decimals: 6, peg: 'iso4217:USD' })

/** The stablecoins of the local chain, as currencies to hand to a purser or a wallet. */
export const pathUSD = dollar('0x20c0000000000000000000000000000000000000', 'pathUSD')
export const alphaUSD = dollar('0x20c0000000000000000000000000000000000001', 'AlphaUSD')
export const betaUSD = dollar('0x20c0000000000000000000000000000000000002', 'BetaUSD')
export const LOCAL_CURRENCIES: readonly Currency[] = [pathUSD, alphaUSD, betaUSD]

/** The contract address of a currency. */
export function addressOf(currency: Currency): Address {
  return `0x${currency.id.slice(currency.id.lastIndexOf('0x') + 2)}`
}

/** The same currencies, as a settings file lists them. */
export const CURRENCY_SETTINGS = LOCAL_CURRENCIES.map((currency) => ({
  network: NETWORK,
  address: addressOf(currency),
  symbol: currency.symbol,
  decimals: currency.decimals,
  peg: 'iso4217:USD',
}))

/** A running local Tempo chain, and what tests ask of it. */
export interface Chain {
  readonly url: string
  readonly id: number
  /** A raw JSON-RPC call. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
  /** The balance as the chain has it now. */
  balanceOf(currency: Currency, address: string): Promise<bigint>
  /** Sends stablecoins from the faucet, and waits until they are there. */
  fund(address: Address, currency: Currency, value: bigint): Promise<void>
  /**
   * A new account; with `funds`, holding that much AlphaUSD, and 0.1 pathUSD: this chain's simulation of a sponsored
   * charge asks the payer, and not the sponsor, for the fee.
   */
  account(funds?: bigint): Promise<LocalAccount & { readonly key: Hex }>
  /** Mines that many blocks at once, `seconds` apart. */
  mine(blocks: number, seconds?: number): Promise<void>
  /** The chain's own time, in seconds. */
  time(): Promise<number>
  stop(): Promise<void>
}

/** viem's client for this chain, with every Tempo action. */
export function clientFor(url: string, account: LocalAccount = ACCOUNTS.faucet, id = CHAIN_ID) {
  return createClient({ account, chain: { ...tempo, id }, transport: http(url) })
}

/** Starts a chain. Some blocks are mined first, so that `finalized` exists from the start. */
export async function startChain(args: readonly string[] = [], id = CHAIN_ID): Promise<Chain> {
  const anvil = await startAnvil(['--chain-id', String(id), ...args])
  try {
    const chain = chainAt(anvil, id)
    await chain.mine(4)
    return chain
  } catch (error) {
    await anvil.stop()
    throw error
  }
}

function chainAt(anvil: Anvil, id: number): Chain {
  const rpc = (method: string, params: readonly unknown[] = []) => call(anvil.url, method, params)
  const client = clientFor(anvil.url, ACCOUNTS.faucet, id)
  const fund: Chain['fund'] = async (to, currency, value) => {
    await Actions.token.transferSync(client, {
      amount: value,
      feeToken: addressOf(pathUSD),
      // A lane of its own: fundings run side by side, and work whatever the chain's clock was set to.
      nonceKey: BigInt(generatePrivateKey()) >> 64n,
      nonce: 0,
      gas: 2_000_000n,
      to,
      token: addressOf(currency),
    })
  }
  return {
    url: anvil.url,
    id,
    rpc,
    fund,
    async balanceOf(currency, address) {
      const data = `0x70a08231${address.slice(2).toLowerCase().padStart(64, '0')}`
      return BigInt(String(await rpc('eth_call', [{ to: addressOf(currency), data }, 'latest'])))
    },
    async account(funds) {
      const key = generatePrivateKey()
      const account = Object.assign(privateKeyToAccount(key), { key })
      if (funds !== undefined) {
        await fund(account.address, alphaUSD, funds)
        await fund(account.address, pathUSD, 100_000n)
      }
      return account
    },
    async mine(blocks, seconds = 0) {
      for (let block = 0; block < blocks; block++) {
        if (seconds > 0) await rpc('evm_increaseTime', [seconds])
        await rpc('evm_mine')
      }
    },
    async time() {
      const block = await rpc('eth_getBlockByNumber', ['latest', false])
      if (typeof block !== 'object' || block === null || !('timestamp' in block)) throw new Error('no block')
      return Number(block.timestamp)
    },
    stop: () => anvil.stop(),
  }
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const reply: unknown = await response.json()
  if (typeof reply === 'object' && reply !== null && 'result' in reply) return reply.result
  throw new Error(`${method}: ${JSON.stringify(reply)}`)
}
