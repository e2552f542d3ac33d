import type { OpenedView } from '../../config/index.js'
import { amount } from '../../money/index.js'
import { amountFact } from '../facts.js'
import { originOf, withView } from '../ledger-reading.js'
import { given } from '../payment-facts.js'
import { shortId } from '../payment-text.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import { type Column, table } from '../table.js'
import { moneyText, vendorText } from '../words.js'

/** The options of `purser sessions`. */
export interface SessionsOptions extends CommonOptions {
  readonly all?: boolean | undefined
  readonly vendor?: string | undefined
}

type SessionFact = JsonOf<'sessions'>

/** Lists sessions that lock up money, or all sessions. */
export const sessions: Action<SessionsOptions> = async ({ options, terminal }) => {
  const found = await withView(options, terminal, (opened) => sessionsIn(opened, options))
  return {
    kind: 'rows',
    rows: found,
    text: async (style) =>
      found.length === 0
        ? `No ${options.all === true ? '' : 'open '}sessions.`
        : table(COLUMNS, found.map(rowOf), style),
  }
}

async function sessionsIn(
  { view }: OpenedView,
  { all, vendor }: SessionsOptions,
): Promise<readonly SessionFact[]> {
  const query = given({ vendor: vendor === undefined ? undefined : originOf(vendor) })
  const facts: SessionFact[] = []
  for (const { lane, state, deposit, funding, ...channel } of await view.channels(query)) {
    if (state === 'closed' && all !== true) continue
    const signed = amount(await view.signed(lane), deposit.currency)
    const left = amount(deposit.value > signed.value ? deposit.value - signed.value : 0n, deposit.currency)
    facts.push({
      id: lane,
      vendor: channel.vendor,
      address: channel.address,
      wallet: channel.wallet,
      state,
      deposit: amountFact(deposit),
      signed: amountFact(signed),
      left: amountFact(left),
      payments: [...funding],
    })
  }
  return facts
}

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'vendor', cut: true, least: 12 },
  { title: 'state' },
  { title: 'deposit', align: 'decimal' },
  { title: 'signed', align: 'decimal' },
  { title: 'left', align: 'decimal' },
  { title: '' },
]

function rowOf({ id, vendor, state, deposit, signed, left }: SessionFact): readonly string[] {
  return [
    shortId(id),
    vendorText(vendor),
    state,
    moneyText(deposit),
    moneyText(signed),
    moneyText(left),
    deposit.currency,
  ]
}
