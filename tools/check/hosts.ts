import type { Violation } from './report.js'

/** The hosts that this project may name, and their owners. Readers must be able to trust every name. */
const OWNERS: Readonly<Record<string, string>> = {
  'paymentauth.org': 'the MPP specification: its problem types',
  'json-schema.org': 'JSON Schema',
  'keepachangelog.com': 'Keep a Changelog',
  'semver.org': 'Semantic Versioning',
  'sqlite.org': 'SQLite',
  'mswjs.io': 'msw',
  'docs.stripe.com': 'Stripe',
  'tempo.xyz': 'Tempo: its nodes',
  'optimism.io': 'Optimism: its nodes',
  'base.org': 'Base: its nodes',
  'arbitrum.io': 'Arbitrum: its nodes',
  'polygon.technology': 'Polygon: its nodes',
  'polygon-rpc.com': 'Polygon: its node',
  'celo.org': 'Celo: its node',
  'celo-testnet.org': 'Celo: its test node',
  'avax.network': 'Avalanche: its nodes',
  'avax-test.network': 'Avalanche: its test nodes',
  'ntfy.sh': 'ntfy',
  'api.telegram.org': 'Telegram: its Bot API',
  'publicnode.com': 'Allnodes: a node of Ethereum',
}
/** Names that nobody can register (RFC 2606, RFC 6761), and this machine. */
const RESERVED = /(^|\.)(example|invalid|test|localhost|example\.(com|org|net))$|^127\.0\.0\.1$/

/** Reports addresses with unknown hosts: anybody who registers such a name would speak for this project. */
export function unknownHosts(file: string, text: string): Violation[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(/https?:\/\/(?:[^\s/'"`@]+@)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?=[:/\s'"`)>,;]|$)/gi)]
      .map((match) => (match[1] ?? '').toLowerCase())
      .filter((host) => !RESERVED.test(host) && !Object.keys(OWNERS).some((one) => isWithin(host, one)))
      .map((host) => ({
        rule: 'host',
        file,
        line: index + 1,
        message: `${host}: whose is it? See tools/check/hosts.ts`,
      })),
  )
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}
