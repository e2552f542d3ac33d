import { everyRules } from './complete.js'
import type { Document } from './fields.js'
import { wildcardHost } from './origins.js'
import { invalid } from './read.js'
import type { Path } from './shape.js'

function wildcards(document: Document): readonly { readonly host: string; readonly path: Path }[] {
  return everyRules(document).flatMap(({ rules: { vendors = [] }, path }) =>
    vendors.flatMap(({ origin }, index) => {
      const host = wildcardHost(origin)
      return host === undefined ? [] : [{ host, path: [...path, 'vendors', index, 'origin'] }]
    }),
  )
}

/** Tells whether the document has wildcards and so needs the public suffix list. */
export function hasWildcards(document: Document): boolean {
  return wildcards(document).length > 0
}

/**
 * Refuses wildcards below a public suffix (`*.co.uk`, `*.github.io`), because anyone can register a name there. The
 * list is large, so it is loaded only here.
 *
 * @throws PaymentError `invalid_policy`.
 */
export async function checkWildcards(document: Document): Promise<void> {
  const { getDomain } = await import('tldts')
  const issues = wildcards(document)
    .filter(({ host }) => getDomain(host, { allowPrivateDomains: true }) === null)
    .map(({ host, path }) => ({
      path,
      message: `anyone can register a name below ${host}: write a wildcard below a domain of one owner`,
    }))
  if (issues.length > 0) throw invalid(issues)
}
