import type { Resource } from '../protocol/index.js'
import type { Vendor } from './fields.js'
import { patternsFor } from './origins.js'
import { isDisguised, matchesPath } from './paths.js'

/** What a list of vendors says about a call. */
export interface Listing {
  /** Patterns that match the vendor and have an entry in scope. */
  readonly patterns: readonly string[]
  /** Every entry that matches the vendor and has the call in scope: all of them apply. */
  readonly entries: readonly Vendor[]
  /** Patterns that match the vendor, and whose entries all leave this call out. */
  readonly outside: readonly string[]
}

/** A list of vendors by pattern: finding costs as much with ten thousand entries as with ten. */
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

/** Is this vendor listed at all, in scope or not? */
export function isListed(index: VendorIndex, vendor: string): boolean {
  return patternsFor(vendor).some((pattern) => index.has(pattern))
}

/**
 * What applies to a call; undefined if the vendor is not listed. Entries of one pattern add up in scope; where several
 * patterns match (an origin and a wildcard above it), each must have the call in scope.
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

function covers(entry: Vendor, resource: Resource): boolean {
  const { methods, paths, tools } = entry
  if (resource.transport !== 'http')
    return methods === undefined && paths === undefined && (tools?.includes(resource.tool) ?? true)
  if (methods !== undefined && !methods.includes(resource.method.toUpperCase())) return false
  if (paths === undefined) return true
  return !isDisguised(resource.path) && paths.some((pattern) => matchesPath(pattern, resource.path))
}
