import { clean } from '../../errors/index.js'
import type { Discovered } from '../../index.js'
import { misuse } from '../misuse.js'
import { type OpenedPurser, openPurser } from '../open-purser.js'
import { priceFact } from '../price.js'
import { urlOf } from '../request.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import { table } from '../table.js'

/** The options of `purser discover`. */
export interface DiscoverOptions extends CommonOptions {
  readonly agent?: string | undefined
}

/** Lists what an origin sells, by its own word. */
export const discover: Action<DiscoverOptions> = async ({ args: [origin = ''], options, terminal }) => {
  const opened = await openPurser(options, terminal)
  try {
    const found = await opened.purser.discover(urlOf(origin).origin)
    const json = factsOf(found, opened.policy)
    return {
      kind: 'single',
      json,
      text: (style) => {
        const { operations, problems } = json
        if (operations.length === 0)
          return [
            `${json.origin} advertises nothing that costs money.`,
            ...problems.map((one) => `  ${one}`),
          ].join('\n')
        const rows = operations.flatMap(({ method, path, offers }) =>
          (offers.length === 0 ? [undefined] : offers).map((offer) => [
            `${method} ${path}`,
            offer?.price === undefined ? '?' : `${offer.price.value} ${offer.price.currency}`,
            offer?.method ?? '',
            offer === undefined ? '' : offer.payable ? (offer.decision ?? '') : 'no wallet for it',
          ]),
        )
        return table(
          [
            { title: 'operation', cut: true },
            { title: 'price', align: 'right' },
            { title: 'by' },
            { title: '' },
          ],
          rows,
          style,
        )
      },
    }
  } catch (error) {
    if (error instanceof TypeError) throw misuse(error.message)
    throw error
  } finally {
    await opened.purser.close()
  }
}

function factsOf(found: Discovered, policy: OpenedPurser['policy']): JsonOf<'discover'> {
  const { origin, title, operations, sources, problems } = found
  return {
    origin,
    ...(title === undefined ? {} : { title: clean(title) }),
    operations: operations.map(({ method, path, summary, offers }) => ({
      method,
      path,
      ...(summary === undefined ? {} : { summary: clean(summary) }),
      offers: offers.map(({ kind, price, wallets, decision }) => ({
        method: kind,
        payable: wallets.length > 0,
        ...(price === undefined ? {} : { price: priceFact(price, policy) }),
        ...(decision === undefined ? {} : { decision: decision.effect }),
      })),
    })),
    sources: [...sources],
    problems: problems.map((one) => clean(one)),
  }
}
