import type { Instant, Units } from '../money/index.js'
import type { Terms } from '../policy/index.js'
import type { Advertised, OfferKind, Resource } from '../protocol/index.js'

/** The advertised price of an offer, if it can be counted. */
export interface PricedOffer {
  readonly kind: OfferKind
  readonly units?: Units
}

/** The result of a discovery at one origin. */
export interface Finding extends Advertised {
  readonly sources: readonly string[]
  readonly problems: readonly string[]
  readonly until: Instant
}

interface PricedOperation {
  readonly method: string
  readonly path: string
  readonly offers: readonly PricedOffer[]
}

const MOST_ORIGINS = 100

/** The results of discoveries by origin, in memory. */
export class Catalog {
  readonly #found = new Map<string, Finding>()
  readonly #prices = new Map<string, readonly PricedOperation[]>()

  fresh(origin: string, now: Instant): Finding | undefined {
    const finding = this.#found.get(origin)
    return finding !== undefined && now < finding.until ? finding : undefined
  }

  keep(origin: string, finding: Finding, prices: readonly PricedOperation[]): void {
    for (const map of [this.#found, this.#prices]) {
      map.delete(origin)
      const [oldest] = map.keys()
      if (oldest !== undefined && map.size >= MOST_ORIGINS) map.delete(oldest)
    }
    this.#found.set(origin, finding)
    this.#prices.set(origin, prices)
  }

  /** Returns the last advertised price of this kind of offer here; the highest if there are several. */
  advertised(at: Resource, { kind }: Pick<Terms, 'kind'>): Units | undefined {
    if (at.transport !== 'http') return undefined
    const fitting = (this.#prices.get(at.vendor) ?? []).filter(
      ({ method, path }) => method === at.method && fits(path, at.path),
    )
    const [closest] = fitting.sort((a, b) => parameters(a.path) - parameters(b.path))
    return highest(closest?.offers.filter((offer) => offer.kind === kind) ?? [])
  }
}

/** Undefined if there is no price, or if one depends on the request. */
export function highest(offers: readonly Pick<PricedOffer, 'units'>[]): Units | undefined {
  let most: Units | undefined
  for (const { units } of offers) {
    if (units === undefined) return undefined
    if (most === undefined || units > most) most = units
  }
  return most
}

const PARAMETER = /\{[^{}/]*\}/

/** Whether a path matches a template. A parameter is within one segment. */
function fits(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every((want, index) => {
      const is = given[index] ?? ''
      return PARAMETER.test(want) ? is !== '' : encoded(want) === is
    })
  )
}

/** Encodes a segment as URLs do. */
function encoded(segment: string): string {
  return URL.canParse(`/${segment}`, 'https://path.invalid')
    ? new URL(`/${segment}`, 'https://path.invalid').pathname.slice(1)
    : segment
}

function parameters(template: string): number {
  return template.split('/').filter((segment) => PARAMETER.test(segment)).length
}
