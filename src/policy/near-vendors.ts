import { clean, type Reason } from '../errors/index.js'
import type { VendorIndex } from './vendors.js'

/** Listed patterns by host, indexed once per list. Only a 402 from a vendor that is not listed needs the index. */
const byHost = new WeakMap<VendorIndex, ReadonlyMap<string, readonly string[]>>()
const MOST_NAMED = 3
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Explains that the policy does not list this vendor, and suggests listed vendors that were probably meant: the same
 * host with another port or scheme, another name of this machine, with or without `www.`, or a parent host.
 *
 * @param index - The listed vendors. Undefined if the document lists none.
 */
export function notListed(index: VendorIndex | undefined, vendor: string): Reason {
  const near = index === undefined ? [] : nearest(hostsOf(index), hostOf(vendor)).slice(0, MOST_NAMED)
  const hint =
    near.length === 0 ? '' : ` It lists ${near.join(', ')}: an origin is scheme, host and port together.`
  const name = clean(vendor)
  return {
    rule: 'vendors',
    asked: name,
    message: `The policy lists no vendor ${name}, so Purser does not pay it.${hint} Add the origin to \`vendors\` if it may be paid.`,
  }
}

function hostsOf(index: VendorIndex): ReadonlyMap<string, readonly string[]> {
  const known = byHost.get(index)
  if (known !== undefined) return known
  const hosts = new Map<string, string[]>()
  for (const pattern of index.keys()) {
    const host = hostOf(pattern)
    const there = hosts.get(host)
    if (there === undefined) hosts.set(host, [pattern])
    else there.push(pattern)
  }
  byHost.set(index, hosts)
  return hosts
}

function nearest(hosts: ReadonlyMap<string, readonly string[]>, host: string): readonly string[] {
  const alike = LOOPBACK.includes(host) ? LOOPBACK : [host, `www.${host}`, host.replace(/^www\./, '')]
  const [, ...above] = host.split('.').map((_, at, labels) => labels.slice(at).join('.'))
  return [...new Set([...alike, ...above])].flatMap((name) => hosts.get(name) ?? [])
}

/** Returns the host of an origin or of a wildcard (without its star); a server's name is returned unchanged. */
function hostOf(pattern: string): string {
  return /^https?:\/\/(?:\*\.)?(\[[^\]]*\]|[^:/]+)/.exec(pattern)?.[1] ?? pattern
}
