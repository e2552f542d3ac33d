import type { Case, Findings } from './case.js'
import type { Layer } from './layers.js'
import type { Decision } from './types.js'

/**
 * May all payees receive? A list is stronger than a pin, and a pin than `any`; several lists intersect. Pins are the
 * document's matter: only its own `newPayee` rule turns a stranger into a question.
 */
export function judgePayees(layers: readonly Layer[], judged: Case, found: Findings): Decision['payees'] {
  const rules = layers.flatMap((layer) =>
    (judged.listings.get(layer)?.entries ?? []).map(({ payees, origin }) => ({ layer, payees, origin })),
  )
  const ids = [...new Set(judged.terms.payees.map(({ id }) => id))]
  let listed = false
  for (const { layer, payees, origin } of rules) {
    if (payees === undefined || payees === 'any') continue
    listed = true
    const strangers = ids.filter((id) => !payees.includes(id))
    if (strangers.length > 0 || (ids.length === 0 && judged.terms.most.value > 0n))
      found.deny.push({
        rule: `${layer.prefix}payees`,
        limit: payees.join(', '),
        asked: ids.join(', '),
        says:
          strangers.length > 0
            ? `${strangers.join(', ')} may not receive payments for ${origin}.`
            : `The offer does not name who receives the money, and ${origin} may be paid to listed payees alone.`,
      })
  }
  if (listed) return 'listed'
  if (rules.length > 0 && rules.every(({ payees }) => payees === 'any')) return 'any'
  judgePins(layers[0], ids, judged, found)
  return 'pin'
}

function judgePins(base: Layer | undefined, ids: readonly string[], judged: Case, found: Findings): void {
  const pinned = judged.facts.pins[judged.rail]
  // The first payment on a rail pins whom it pays.
  if (pinned === undefined) return
  const strangers = ids.filter((id) => !pinned.includes(id))
  if (strangers.length === 0) return
  const asks = (base?.rules.ask ?? []).some(({ newPayee }) => newPayee)
  const who = `${judged.resource.vendor} was paid through ${pinned.join(', ')} so far, and now asks for ${strangers.join(', ')}`
  if (asks) found.ask.push({ rule: 'ask.newPayee', asked: strangers.join(', '), says: `${who}.` })
  else
    found.deny.push({
      rule: 'payees.pinned',
      limit: pinned.join(', '),
      asked: strangers.join(', '),
      says: `${who}.`,
    })
}
