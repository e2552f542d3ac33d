import type { Evaluation, Findings } from './evaluation.js'
import type { Vendor } from './fields.js'
import type { Layer, Layers } from './layers.js'
import type { Decision } from './types.js'

/**
 * Checks whether all payees may receive. Every list must name all of them. Payees are pinned on first use if a matching
 * entry of the document has no list, or if the document does not list the vendor. An agent's entries only restrict:
 * their lists apply too, but only the document decides about pinning and about the `newPayee` rule, which asks a person
 * about an unknown payee.
 */
export function judgePayees(layers: Layers, judged: Evaluation, found: Findings): Decision['payees'] {
  const ids = [...new Set(judged.terms.payees.map(({ id }) => id))]
  for (const layer of layers)
    for (const entry of judged.listings.get(layer)?.entries ?? []) judgeList(layer, entry, ids, judged, found)
  const [base] = layers
  const own = (judged.listings.get(base)?.entries ?? []).map(({ payees }) => payees)
  if (own.length === 0 || own.includes(undefined)) {
    judgePins(base, ids, judged, found)
    return 'pin'
  }
  return own.every((payees) => payees === 'any') ? 'any' : 'listed'
}

function judgeList(
  layer: Layer,
  { payees, origin }: Vendor,
  ids: readonly string[],
  { terms }: Evaluation,
  found: Findings,
): void {
  if (payees === undefined || payees === 'any') return
  const strangers = ids.filter((id) => !payees.includes(id))
  if (strangers.length === 0 && (ids.length > 0 || terms.most.value === 0n)) return
  found.deny.push({
    rule: `${layer.prefix}payees`,
    limit: payees.join(', '),
    asked: ids.join(', '),
    message:
      strangers.length > 0
        ? `${strangers.join(', ')} may not receive payments for ${origin}.`
        : `The offer does not name who receives the money, and ${origin} may be paid to listed payees only.`,
  })
}

function judgePins(base: Layer, ids: readonly string[], judged: Evaluation, found: Findings): void {
  const pinned = judged.facts.pins[judged.rail]
  // The first payment by a method and network pins its payees.
  if (pinned === undefined) return
  const strangers = ids.filter((id) => !pinned.includes(id))
  if (strangers.length === 0) return
  const asks = (base.rules.ask ?? []).some(({ newPayee }) => newPayee)
  const who = `${judged.resource.vendor} was paid through ${pinned.join(', ')} so far, and now asks for ${strangers.join(', ')}`
  if (asks) found.ask.push({ rule: 'ask.newPayee', asked: strangers.join(', '), message: `${who}.` })
  else
    found.deny.push({
      rule: 'payees.pinned',
      limit: pinned.join(', '),
      asked: strangers.join(', '),
      message: `${who}.`,
    })
}
