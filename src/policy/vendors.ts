import type { Resource } from '../protocol/index.js'
import type { Vendor } from './fields.js'
import { patternsFor } from './origins.js'
import { isDisguised, matchesPath } from './paths.js'

/** The entries of a vendor list that concern a call. */
export interface Listing {
  /** Patterns that match the vendor and have an entry in scope. */
  readonly patterns: readonly string[]
  /** Every entry that matches the vendor and has the call in scope. All of them apply. */
  readonly entries: readonly Vendor[]
  /** Patterns that match the vendor but whose entries all exclude this call. */
  readonly outside: readonly string[]
}

/** A list of vendors by pattern. A lookup costs the same for ten thousand entries as for ten. */
export type VendorIndex = ReadonlyMap<string, readonly Vendor[]>

export function indexVendors(vendors: readonly Vendor[]): VendorIndex {
  const index = new Map<string, Vendor[]>()
  for (const vendor of vendors) {
    const same = index.get(vendor.origin)
    if (same === undefined) index.set(vendor.origin, [vendor])
    else same.push(vendor)
  }
  return index
}

/** Tells whether a vendor is listed at all, in scope or not. */
export function isListed(index: VendorIndex, vendor: string): boolean {
  return patternsFor(vendor).some((pattern) => index.has(pattern))
}

/**
 * Returns the entries that apply to a call; undefined if the vendor is not listed. Entries of one pattern add up in
 * scope. If several patterns match (an origin and a wildcard above it), each must have the call in scope.
 */
export function lookUp(index: VendorIndex, resource: Resource): Listing | undefined {
  const patterns = patternsFor(resource.vendor).filter((pattern) => index.has(pattern))
  if (patterns.length === 0) return undefined
  const entries: Vendor[] = []
  const outside = patterns.filter((pattern) => {
    const inside = (index.get(pattern) ?? []).filter((entry) => covers(entry, resource))
    entries.push(...inside)
    return inside.length === 0
  })
  return { patterns: patterns.filter((pattern) => !outside.includes(pattern)), entries, outside }
}

/** A star at the end of a name stands for any ending: `resource:docs://*`. */
function matchesTool(name: string, tool: string): boolean {
  return name.endsWith('*') ? tool.startsWith(name.slice(0, -1)) : name === tool
}

function covers(entry: Vendor, resource: Resource): boolean {
  const { methods, paths, tools } = entry
  if (resource.transport !== 'http')
    return (
      methods === undefined &&
      paths === undefined &&
      (tools?.some((name) => matchesTool(name, resource.tool)) ?? true)
    )
  if (methods !== undefined && !methods.includes(resource.method.toUpperCase())) return false
  if (paths === undefined) return true
  return !isDisguised(resource.path) && paths.some((pattern) => matchesPath(pattern, resource.path))
}
