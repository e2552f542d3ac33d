import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/** Returns the addresses of a host name. Tests replace it. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/**
 * The addresses of machines, networks and clouds that are not public (RFC 6890, and the metadata services of clouds).
 */
const PRIVATE = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv6')

/** Names that mean machines of the same network. They are refused without a look at their addresses. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|localdomain)$/

/**
 * Checks whether a tool may send a request to an address. It may send to https addresses that are public, and to
 * origins that the policy lists. Without this check, a model that follows a vendor's text could read the machine's own
 * services, or the keys of its cloud account.
 *
 * @param listed - Whether the policy names this origin. If so, its operator has allowed it.
 * @returns Why the request is refused. Undefined if it may be sent.
 */
export async function addressProblem(
  url: URL,
  listed: boolean,
  resolve: Lookup = resolveAll,
): Promise<string | undefined> {
  if (url.username !== '' || url.password !== '')
    return 'the address must not contain a user name or a password'
  if (listed) return undefined
  if (url.protocol !== 'https:')
    return 'only https addresses can be called, unless the policy lists the origin'
  const host = url.hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase()
  if (isPrivate(host) || PRIVATE_NAME.test(host) || (isIP(host) === 0 && !host.includes('.'))) return INSIDE
  if (isIP(host) !== 0) return undefined
  const addresses = await resolve(host)
  return addresses.some(isPrivate) ? INSIDE : undefined
}

const INSIDE =
  'this address is of a private network or of this machine, and such an address can be called only if the policy lists its origin'

function isPrivate(address: string): boolean {
  const kind = isIP(address)
  if (kind === 0) return false
  // `BlockList` compares an IPv4 address inside IPv6 (`::ffff:10.0.0.1`) with the IPv4 rules.
  return PRIVATE.check(address, kind === 4 ? 'ipv4' : 'ipv6')
}

/** Returns the addresses of a name. `fetch` reports an unknown name later. */
async function resolveAll(hostname: string): Promise<readonly string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}
