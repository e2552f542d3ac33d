/**
 * Vendors in the policy's notation: an origin in the normal form of WHATWG URLs (`https://api.example`), a wildcard for
 * all hosts below one (`https://*.api.example`), or the name of an MCP or JSON-RPC server (`mcp:search`).
 */

/** Parses a vendor pattern. A result that starts with `!` is an error text that says how to fix the pattern. */
export function readOrigin(text: string): string {
  if (!text.includes('://')) return readName(text)
  if (/[\s\\@?#]/.test(text) || hasControl(text))
    return '!an origin has no user, query, fragment, space or backslash: write only scheme, host and port'
  const wild = /^https?:\/\/\*\./i.test(text)
  const url = parseUrl(text, wild)
  if (url === undefined || url.host === '')
    return '!it cannot be read as an origin: write it like https://api.example'
  if (url.pathname !== '/')
    return '!an origin has no path: put the path into `paths`, for example paths: ["/v1/**"]'
  if (url.hostname.endsWith('.')) return '!a host has no dot at its end: remove it'
  if (url.hostname.includes('*'))
    return '!a wildcard replaces only the first label: write it like https://*.example.com'
  if (!isSecure(url))
    return '!only https can be paid (http only on localhost, names below localhost, 127.0.0.0/8 and [::1]): write https://'
  if (!wild) return url.origin
  // Names below `localhost` are this machine (RFC 6761, section 6.3).
  if (url.protocol === 'http:' && isLocalhost(url.hostname)) return `http://*.${url.host}`
  if (url.protocol !== 'https:' || isAddress(url.hostname) || !url.hostname.includes('.'))
    return '!a wildcard stands below a registrable domain: write it like https://*.example.com'
  return `https://*.${url.host}`
}

function parseUrl(text: string, wild: boolean): URL | undefined {
  try {
    return new URL(wild ? text.replace('*.', '') : text)
  } catch {
    return undefined
  }
}

function readName(text: string): string {
  const match = /^([a-z][a-z0-9+-]*):([\w.@-][\w.@:/-]*)$/i.exec(text)
  const [, kind = '', name = ''] = match ?? []
  // `localhost:3000` is an origin without its scheme, not the name of a server.
  if (match === null || kind.toLowerCase() === 'localhost' || /^\d+$/.test(name))
    return '!it is not an origin or the name of a server: write it like https://api.example or mcp:search'
  return text
}

/** Tells whether a host is an IP address in WHATWG notation. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+(\.\d+){3}$/.test(hostname)
}

/** Tells whether a credential is safe from eavesdroppers there: over https, or on this machine. */
function isSecure(url: URL): boolean {
  if (url.protocol === 'https:') return true
  const { hostname } = url
  return (
    url.protocol === 'http:' &&
    (isLocalhost(hostname) || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname))
  )
}

function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost')
}

function hasControl(text: string): boolean {
  return /[\p{Cc}\p{Cf}]/u.test(text)
}

/** Tells whether an unlisted vendor may be paid: https origins in normal form only. Plain http must be listed. */
export function isPlainHttps(vendor: string): boolean {
  if (!vendor.startsWith('https://')) return false
  const url = parseUrl(vendor, false)
  return url !== undefined && url.origin === vendor && !url.hostname.endsWith('.')
}

const BELOW_LOCALHOST = /\.localhost(?::\d+)?$/

/** Lists the patterns that could match a vendor: the vendor itself, then one wildcard for each removed label. */
export function patternsFor(vendor: string): readonly string[] {
  const [, scheme = '', host = ''] = /^(https?:\/\/)(.*)$/s.exec(vendor) ?? []
  if (scheme === '' || (scheme === 'http://' && !BELOW_LOCALHOST.test(host))) return [vendor]
  const patterns = [vendor]
  // A wildcard matches only hosts in normal form. A host that a URL parser would change is no subdomain.
  if (/[A-Z/?#@\\[]/.test(host) || !/^[!-~]+$/.test(host)) return patterns
  for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1))
    patterns.push(`${scheme}*${host.slice(dot)}`)
  return patterns
}

export function matchesOrigin(pattern: string, vendor: string): boolean {
  return patternsFor(vendor).includes(pattern)
}

/** Returns the host of a wildcard, without its port; undefined if the pattern is not a wildcard. */
export function wildcardHost(pattern: string): string | undefined {
  return /^https:\/\/\*\.([^:]+)/.exec(pattern)?.[1]
}
