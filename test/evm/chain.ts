import {
  type Address,
  createPublicClient,
  createWalletClient,
  type Hex,
  http,
  type LocalAccount,
  parseAbi,
  parseEther,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { anvil as local } from 'viem/chains'
import { type Currency, token } from '../../src/money/index.js'
import { EXACT_PROXY, PERMIT2, UPTO_PROXY } from '../../src/wallet/evm/typed.js'
import { PLAIN, startAnvil } from '../chain/anvil.js'
import { KEYS } from '../chain/chain.js'
import { contracts } from './compile.js'

export const CHAIN_ID = 31337
export const NETWORK = `eip155:${CHAIN_ID}` as const
/** What the local dollar signs by. */
export const DOMAIN = { name: 'Test Dollar', version: '2' } as const

export const dollarAbi = parseAbi([
  'function mint(address to, uint256 value)',
  'function balanceOf(address account) view returns (uint256)',
  'function approve(address spender, uint256 value) returns (bool)',
  'function transfer(address to, uint256 value) returns (bool)',
])

/** A local chain of Ethereum's kind, with dollars, Permit2 and the proxies of x402. */
export interface EvmChain {
  readonly url: string
  readonly id: number
  readonly network: `eip155:${number}`
  readonly dollar: Currency
  readonly dollarAddress: Address
  /** A dollar that does not describe what it signs by as a whole. */
  readonly quiet: Currency
  readonly quietAddress: Address
  /** Pays for gas: settles for servers. */
  readonly facilitator: LocalAccount
  readonly payee: Address
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
  balanceOf(address: string, currency?: Currency): Promise<bigint>
  coinOf(address: string): Promise<bigint>
  /** A new account with that many dollars, in smallest parts, and some coin. */
  account(funds: bigint, coin?: bigint): Promise<LocalAccount & { readonly key: Hex }>
  /** Writes to a contract as anybody, and waits until it is in a block. */
  send(from: LocalAccount, to: Address, data: Hex): Promise<Hex>
  mine(blocks: number, seconds?: number): Promise<void>
  /** The chain's own time, in seconds. */
  time(): Promise<number>
  stop(): Promise<void>
}

/** viem's clients for a chain. */
export function clientsFor(url: string, account: LocalAccount, id = CHAIN_ID) {
  const transport = http(url)
  const chain = { ...local, id }
  return {
    reads: createPublicClient({ chain, transport, pollingInterval: 50 }),
    writes: createWalletClient({ account, chain, transport, pollingInterval: 50 }),
  }
}

/** Starts a chain of its own. */
export async function startEvmChain(id = CHAIN_ID): Promise<EvmChain> {
  const network = `eip155:${id}` as const
  const [anvil, code] = await Promise.all([startAnvil(['--chain-id', String(id)], PLAIN), contracts()])
  const rpc = (method: string, params: readonly unknown[] = []) => call(anvil.url, method, params)
  try {
    const deployer = privateKeyToAccount(KEYS[0])
    const { reads, writes } = clientsFor(anvil.url, deployer, id)
    const deploy = async (bytecode: Hex): Promise<Address> => {
      const args = [DOMAIN.name] as const
      const hash = await writes.deployContract({
        abi: parseAbi(['constructor(string name)']),
        bytecode,
        args,
      })
      const { contractAddress } = await reads.waitForTransactionReceipt({ hash })
      if (!contractAddress) throw new Error('nothing was deployed')
      return contractAddress
    }
    const dollarAddress = await deploy(code.Dollar.bytecode)
    const quietAddress = await deploy(code.QuietDollar.bytecode)
    await rpc('anvil_setCode', [PERMIT2, code.Permit2.deployed])
    await rpc('anvil_setCode', [EXACT_PROXY, code.ExactProxy.deployed])
    await rpc('anvil_setCode', [UPTO_PROXY, code.UptoProxy.deployed])
    const mine: EvmChain['mine'] = async (blocks, seconds = 0) => {
      for (let block = 0; block < blocks; block++) {
        if (seconds > 0) await rpc('evm_increaseTime', [seconds])
        await rpc('evm_mine')
      }
    }
    await mine(4)
    const facts = { symbol: 'TUSD', decimals: 6, peg: 'iso4217:USD' } as const
    const dollar = token(network, dollarAddress, facts)
    const send: EvmChain['send'] = async (from, to, data) => {
      const hash = await clientsFor(anvil.url, from, id).writes.sendTransaction({ to, data })
      await reads.waitForTransactionReceipt({ hash })
      return hash
    }
    return {
      url: anvil.url,
      id,
      network,
      dollar,
      dollarAddress,
      quiet: token(network, quietAddress, facts),
      quietAddress,
      facilitator: privateKeyToAccount(KEYS[1]),
      payee: privateKeyToAccount(KEYS[2]).address,
      rpc,
      balanceOf: (address, { id } = dollar) =>
        reads.readContract({
          address: asHex(id.slice(id.lastIndexOf('0x'))),
          abi: dollarAbi,
          functionName: 'balanceOf',
          args: [asHex(address)],
        }),
      coinOf: (address) => reads.getBalance({ address: asHex(address) }),
      async account(funds, coin = parseEther('1')) {
        const key = generatePrivateKey()
        const account = Object.assign(privateKeyToAccount(key), { key })
        await rpc('anvil_setBalance', [account.address, `0x${coin.toString(16)}`])
        for (const address of [dollarAddress, quietAddress]) {
          const args = [account.address, funds] as const
          const hash = await writes.writeContract({ address, abi: dollarAbi, functionName: 'mint', args })
          await reads.waitForTransactionReceipt({ hash })
        }
        return account
      },
      send,
      mine,
      async time() {
        const { timestamp } = await reads.getBlock()
        return Number(timestamp)
      },
      stop: () => anvil.stop(),
    }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}

export function asHex(text: string): Hex {
  return `0x${text.slice(2)}`
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
