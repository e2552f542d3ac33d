import type { Document } from './fields.js'
import { wildcardHost } from './origins.js'
import type { Path } from './shape.js'

interface Wildcard {
  readonly host: string
  readonly path: Path
}

/** Every wildcard of a document: each must be held against the public suffix list. */
export function wildcards(document: Document): readonly Wildcard[] {
  const lists: readonly { readonly vendors: Document['vendors']; readonly path: Path }[] = [
    { vendors: document.vendors, path: [] },
    ...Object.entries(document.agents ?? {}).map(([agent, { vendors }]) => ({
      vendors,
      path: ['agents', agent],
    })),
  ]
  return lists.flatMap(({ vendors, path }) =>
    (vendors ?? []).flatMap(({ origin }, index) => {
      const host = wildcardHost(origin)
      return host === undefined ? [] : [{ host, path: [...path, 'vendors', index, 'origin'] }]
    }),
  )
}
