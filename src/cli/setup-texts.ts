/** A network that `purser init` knows. */
interface Network {
  readonly title: string
  readonly chain: number
  readonly node: string
  readonly fund: {
    readonly what: string
    /** The commands that get money, if there are any. */
    how(address: string): readonly string[]
  }
}

export const NETWORKS = {
  testnet: {
    title: 'Tempo test network',
    chain: 42431,
    node: 'https://rpc.moderato.tempo.xyz',
    fund: {
      what: 'test dollars, which are free,',
      how: (address: string) => [
        'curl https://rpc.moderato.tempo.xyz -H "content-type: application/json" \\',
        `  -d '{"jsonrpc":"2.0","id":1,"method":"tempo_fundAddress","params":["${address}"]}'`,
      ],
    },
  },
  mainnet: {
    title: 'Tempo',
    chain: 4217,
    node: 'https://rpc.tempo.xyz',
    fund: { what: 'USDC.e or pathUSD, no more than you can lose,', how: () => [] },
  },
  local: {
    title: 'local chain',
    chain: 31337,
    node: 'http://127.0.0.1:8545',
    fund: { what: 'AlphaUSD', how: () => [] },
  },
} as const satisfies Readonly<Record<string, Network>>

export type NetworkName = keyof typeof NETWORKS

/** The dollars of a local Tempo chain. Purser knows those of the other networks. */
const LOCAL_DOLLARS = ['pathUSD', 'AlphaUSD', 'BetaUSD'].map((symbol, at) => ({
  network: 'eip155:31337',
  address: `0x20c000000000000000000000000000000000000${at}`,
  symbol,
  decimals: 6,
  peg: 'iso4217:USD',
}))

/** Returns a policy with comments. It names no vendor, so it allows nothing yet. */
export function policyText({
  network,
  perPayment,
  perDay,
}: {
  readonly network: NetworkName
  readonly perPayment: string
  readonly perDay: string
}): string {
  return `# What Purser may pay. Every payment is checked against this file. All keys: docs/policy.md of the package.
# Nothing here is decided by a server, and an agent cannot loosen it.

# The most that one payment may cost, in US dollars, and the most for its network fee.
perPayment: ${perPayment}
maxFee: 0.05

# The most that all payments together may cost, fees included.
budgets:
  - { limit: ${perDay}, per: day }

# Test networks and local chains must be named.
networks: [ "eip155:${NETWORKS[network].chain}" ]

# A person is asked above this price. purser approve answers; with approval.by only a signed answer counts
# (purser approver create NAME makes a key).
# ask: [ { above: 0.05 } ]

# Who may be paid. purser vendor add https://api.example adds a line.
vendors: []
`
}

/** Returns settings with comments. A key is never in them. */
export function configText({
  network,
  rpc,
  account,
}: {
  readonly network: NetworkName
  readonly rpc: string | undefined
  readonly account: string | undefined
}): string {
  const { chain, node: usual } = NETWORKS[network]
  // Purser has nodes of its own for the other networks.
  const node = rpc ?? (network === 'local' ? usual : undefined)
  return [
    '# Settings of Purser. The command, purser/auto and purser mcp read them. All settings: docs/auto.md of the package.',
    'policy: policy.yaml',
    ...(network === 'local'
      ? ['currencies:', ...LOCAL_DOLLARS.map((dollar) => `  - ${JSON.stringify(dollar)}`)]
      : []),
    'wallets:',
    '  tempo:',
    '    # The file with the key of the agent. The key itself never stands here.',
    '    key: agent.key',
    ...(account === undefined
      ? []
      : [
          '    # The key acts for this account, within limits that the chain enforces.',
          `    account: "${account}"`,
        ]),
    `    chains: [ ${chain} ]`,
    ...(node === undefined ? [] : [`    rpc: { "${chain}": "${node}" }`]),
    '',
  ].join('\n')
}
