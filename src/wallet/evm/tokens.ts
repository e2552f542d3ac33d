import { type Currency, token } from '../../money/index.js'

/** The EIP-712 domain of a token, without its chain and address. */
export interface TokenDomain {
  readonly name: string
  readonly version: string
}

interface Known {
  readonly chain: number
  readonly address: string
  readonly symbol?: string
  /** Absent if no second source confirms it; then it is read from the chain. */
  readonly domain?: TokenDomain
}

const usdCoin: TokenDomain = { name: 'USD Coin', version: '2' }
const usdc: TokenDomain = { name: 'USDC', version: '2' }

/** Circle's own dollar on each chain, and other widely used EIP-3009 dollars. All have six decimals. */
const KNOWN: readonly Known[] = [
  { chain: 1, address: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', domain: usdCoin },
  { chain: 10, address: '0x0b2c639c533813f4aa9d7837caf62653d097ff85' },
  { chain: 137, address: '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359', domain: usdCoin },
  { chain: 8453, address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', domain: usdCoin },
  { chain: 42161, address: '0xaf88d065e77c8cc2239327c5edb3a432268e5831', domain: usdCoin },
  { chain: 42220, address: '0xceba9300f2b948710d2653dd7b07f33a8b32118c', domain: usdc },
  {
    chain: 42220,
    address: '0x48065fbbe25f71c9282ddf5e1cd6d6a887483d5e',
    symbol: 'USDT',
    domain: { name: 'Tether USD', version: '1' },
  },
  { chain: 43114, address: '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e', domain: usdCoin },
  // Further chains, which the policy must name.
  { chain: 143, address: '0x754704bc059f8c67012fed69bc8a327a5aafb603', domain: usdc },
  { chain: 1329, address: '0xe15fc38f6d8c56af07bbcbe3baf5708a2bf42392', domain: usdc },
  // Test networks.
  { chain: 1328, address: '0x4fcf1784b31630811181f670aea7a7bef803eaed', domain: usdc },
  { chain: 43113, address: '0x5425890298aed601595a70ab815c96711a31bc65' },
  { chain: 80002, address: '0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582' },
  { chain: 84532, address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e', domain: usdc },
  { chain: 421614, address: '0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d', domain: usdCoin },
  { chain: 11142220, address: '0x01c5c0122039549ad1493b8220cabedd739bc44e', domain: usdc },
  { chain: 11155111, address: '0x1c7d4b196cb0c7b01d743fbc6116a902379c7238' },
  { chain: 11155420, address: '0x5fd84259d66cd46123540766be93dfe6d43130d7' },
]

export const BUILT_IN: readonly Currency[] = KNOWN.map(({ chain, address, symbol = 'USDC' }) =>
  token(`eip155:${chain}`, address, { symbol, decimals: 6, peg: 'iso4217:USD' }),
)

/** The signing domain of each, by the id of its currency. */
export const BUILT_IN_DOMAINS: ReadonlyMap<string, TokenDomain> = new Map(
  KNOWN.flatMap(({ chain, address, domain }) =>
    domain === undefined ? [] : [[`eip155:${chain}/erc20:${address}`, domain] as const],
  ),
)

/** Nodes that the chains' operators run or recommend. */
export const KNOWN_NODES: Readonly<Record<number, string>> = {
  1: 'https://ethereum-rpc.publicnode.com',
  10: 'https://mainnet.optimism.io',
  137: 'https://polygon-rpc.com',
  8453: 'https://mainnet.base.org',
  42161: 'https://arb1.arbitrum.io/rpc',
  42220: 'https://forno.celo.org',
  43113: 'https://api.avax-test.network/ext/bc/C/rpc',
  43114: 'https://api.avax.network/ext/bc/C/rpc',
  80002: 'https://rpc-amoy.polygon.technology',
  84532: 'https://sepolia.base.org',
  421614: 'https://sepolia-rollup.arbitrum.io/rpc',
  11142220: 'https://forno.celo-sepolia.celo-testnet.org',
  11155111: 'https://ethereum-sepolia-rpc.publicnode.com',
  11155420: 'https://sepolia.optimism.io',
}

/** Native coins other than ether that pay for gas, by SLIP-44. */
const COINS: Readonly<Record<number, readonly [number: number, symbol: string]>> = {
  137: [966, 'POL'],
  80002: [966, 'POL'],
  43114: [9005, 'AVAX'],
  43113: [9005, 'AVAX'],
  42220: [52752, 'CELO'],
  11142220: [52752, 'CELO'],
  143: [268435779, 'MON'],
  1329: [19000118, 'SEI'],
  1328: [19000118, 'SEI'],
}

/**
 * Returns the native coin of a chain, which pays for gas. It has a value in the policy's unit only if the user sets a
 * rate.
 */
export function coinOf(chainId: number): Currency {
  const [number, symbol] = COINS[chainId] ?? [60, 'ETH']
  return Object.freeze({ id: `eip155:${chainId}/slip44:${number}`, symbol, decimals: 18 })
}
