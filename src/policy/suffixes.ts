import type { Document } from './fields.js'
import { invalid } from './read.js'
import type { Issue } from './shape.js'
import { wildcards } from './wildcards.js'

/**
 * Refuses wildcards below a public suffix (`*.co.uk`, `*.github.io`): anybody can have a name there. The list is large,
 * so it is loaded only here.
 *
 * @throws PaymentError `invalid_policy`.
 */
export async function checkWildcards(document: Document): Promise<void> {
  const { getDomain } = await import('tldts')
  const issues = wildcards(document).flatMap(({ host, path }): readonly Issue[] =>
    getDomain(host, { allowPrivateDomains: true }) === null
      ? [
          {
            path,
            says: `anybody can register a name below ${host}: write a wildcard below a domain of one owner`,
          },
        ]
      : [],
  )
  if (issues.length > 0) throw invalid(issues)
}
