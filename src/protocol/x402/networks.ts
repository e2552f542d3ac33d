/** The network names of version 1. Version 2 uses CAIP-2 ids. */
const NAMED = new Map<string, string>([
  ['ethereum', 'eip155:1'],
  ['sepolia', 'eip155:11155111'],
  ['abstract', 'eip155:2741'],
  ['abstract-testnet', 'eip155:11124'],
  ['avalanche', 'eip155:43114'],
  ['avalanche-fuji', 'eip155:43113'],
  ['base', 'eip155:8453'],
  ['base-sepolia', 'eip155:84532'],
  ['celo', 'eip155:42220'],
  ['educhain', 'eip155:41923'],
  ['flare', 'eip155:14'],
  ['iotex', 'eip155:4689'],
  ['megaeth', 'eip155:4326'],
  ['monad', 'eip155:143'],
  ['peaq', 'eip155:3338'],
  ['polygon', 'eip155:137'],
  ['polygon-amoy', 'eip155:80002'],
  ['sei', 'eip155:1329'],
  ['sei-testnet', 'eip155:1328'],
  ['skale-base-sepolia', 'eip155:324705682'],
  ['stable', 'eip155:988'],
  ['stable-testnet', 'eip155:2201'],
  ['story', 'eip155:1514'],
  ['solana', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'],
  ['solana-devnet', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
])

// CAIP-2: a namespace, and a reference in it.
export const CAIP2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/

/**
 * Converts an x402 network to a CAIP-2 id. A name of version 1 is looked up; an id is returned unchanged.
 *
 * @returns Undefined for an unknown name: no money can be sent there.
 * @example
 * ```ts
 * x402Network('base-sepolia') // 'eip155:84532'
 * ```
 */
export function x402Network(name: string): string | undefined {
  return CAIP2.test(name) ? name : NAMED.get(name)
}
