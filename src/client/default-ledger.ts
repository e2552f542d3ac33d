import type { Ledger } from '../ledger/index.js'

/**
 * Decides about the ledger of a purser to which nobody gave one.
 *
 * @returns What opens it.
 * @throws TypeError if this runtime needs one to be named.
 */
export type DefaultLedger = () => () => Promise<Ledger>

/** In a browser it is memory. Elsewhere memory must be asked for by name: a budget that a restart forgets is no budget. */
export const memoryInBrowsers: DefaultLedger = () => {
  if (!isBrowser())
    throw new TypeError(
      'This runtime has no files for a ledger, so createPurser needs one by name: `ledger: memoryLedger()` from purser/ledger/memory. It forgets its budgets with every restart and shares them with no other instance: keep the outer limit on the key (docs/bundlers.md)',
    )
  return async () => (await import('../ledger/memory.js')).memoryLedger()
}

/** Does a person sit in front of it? Servers without files (Workers, Edge) have none of this, and React Native neither. */
function isBrowser(): boolean {
  return typeof document === 'object' || userAgent().startsWith('Mozilla/')
}

/** Does this runtime have files that last? Workers claim to be Node, and their files end with the call. */
export function hasFiles(): boolean {
  const node: unknown = globalThis.process?.versions?.node
  return typeof node === 'string' && userAgent() !== 'Cloudflare-Workers'
}

function userAgent(): string {
  const agent: unknown = globalThis.navigator?.userAgent
  return typeof agent === 'string' ? agent : ''
}
