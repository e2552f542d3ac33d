import type { OpenedView } from '../../config/index.js'
import { clean } from '../../errors/index.js'
import { EXIT } from '../exit-codes.js'
import { timeFact } from '../facts.js'
import { withView } from '../ledger-reading.js'
import { shownPath } from '../open-purser.js'
import { given, stateOf } from '../payment-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

type VerifyFact = JsonOf<'ledger verify'>

/** Reads every payment, and compares the ledger's sums with the sums of its payments. */
export const ledgerVerify: Action<CommonOptions> = async ({ options, terminal }) => {
  const json = await withView(options, terminal, verified)
  return {
    kind: 'single',
    json,
    code: json.ok ? EXIT.done : EXIT.failed,
    text: () => verifyText(json, shownPath(json.ledger, terminal.env)),
  }
}

async function verified({ view, places }: OpenedView): Promise<VerifyFact> {
  const states = new Map<string, number>()
  let payments = 0
  for await (const payment of view.payments()) {
    payments++
    const state = stateOf(payment)
    states.set(state, (states.get(state) ?? 0) + 1)
  }
  const counters = (await view.counters()).length
  const different = await differencesOf(view)
  const gaps = (await view.gaps()).map(({ since, cause, confirmed }) => ({
    since: timeFact(since),
    cause,
    confirmed: confirmed !== undefined,
  }))
  return {
    ledger: places.ledger,
    id: await view.id(),
    ok: different.length === 0 && gaps.every(({ confirmed }) => confirmed),
    payments,
    states: Object.fromEntries(states),
    counters,
    different,
    gaps,
    ...given({ frozen: await view.frozen() }),
  }
}

/** Processes may pay meanwhile, so only a difference that stays is one. */
async function differencesOf(view: OpenedView['view']): Promise<VerifyFact['different']> {
  const looks = [await view.verify()]
  while (looks.length < 3 && looks.at(-1)?.length !== 0) looks.push(await view.verify())
  return (looks.at(-1) ?? []).map(({ counts, window, scope, kept, summed }) => ({
    counts,
    window,
    scope: Object.fromEntries(Object.entries(scope).map(([name, value]) => [name, String(value)])),
    kept: String(kept),
    summed: String(summed),
  }))
}

function verifyText(fact: VerifyFact, file: string): string {
  const { ok, payments, states, counters, different, gaps, frozen } = fact
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`)
  return [
    `${ok ? 'ok' : 'WRONG'}   ${file}`,
    `${payments} payments and refusals${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`,
    `${counters} sums of budgets, ${different.length === 0 ? 'all equal to their payments' : `${different.length} of them wrong:`}`,
    ...different.map(
      ({ counts: what, window, scope, kept, summed }) =>
        `  ${what} ${window} ${clean(JSON.stringify(scope))}: ${kept} kept, ${summed} in payments`,
    ),
    ...gaps.map(
      ({ since, cause, confirmed }) =>
        `Payments since ${since} may be missing (${cause})${confirmed ? ', confirmed' : ': purser ledger confirm-restore'}`,
    ),
    ...(frozen === undefined ? [] : [`Frozen: ${clean(frozen)}`]),
  ].join('\n')
}
