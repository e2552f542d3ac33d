import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenedView } from '../../config/index.js'
import type { Payment } from '../../index.js'
import { budgetsText } from '../budget-text.js'
import { EXIT } from '../exit-codes.js'
import { withView } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import { paymentFact, stateOf } from '../payment-facts.js'
import { paymentsText } from '../payment-text.js'
import { jsonText, writeLine } from '../print.js'
import type { Action, CommonOptions } from '../shell.js'
import { styleOf } from '../style.js'
import type { Terminal } from '../terminal.js'
import { budgetsIn } from './budgets.js'

/** How often the ledger is read. */
const EVERY_MS = 1000

/** Shows budgets and payments until Ctrl-C. Without a terminal, prints each payment when it changes. */
export const watch: Action<CommonOptions> = async ({ options, terminal, format }) => {
  const { stdout } = terminal
  if (format === 'text' && stdout.isTTY !== true)
    throw misuse('purser watch needs a terminal for text. Without one, it prints JSON')
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  try {
    await withView(options, terminal, (opened) =>
      format === 'text'
        ? draw(opened, options, terminal, stop.signal)
        : report(opened, terminal, stop.signal),
    )
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  return EXIT.done
}

/** Waits for the next look. Returns false after Ctrl-C. */
async function goesOn(signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

// The terminal's second screen leaves the first one as it was.
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const END_OF_LINE = '\u001b[K'
const BELOW = '\u001b[J'
const SHOWN = 50

async function draw(
  opened: OpenedView,
  { color }: CommonOptions,
  { stdout, env }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const frame = async (): Promise<string> => {
    const style = styleOf(stdout, { color: color !== false, env })
    const { facts, seen } = await budgetsIn(opened, {})
    const newest: Payment[] = []
    for await (const payment of opened.view.payments({ limit: SHOWN })) newest.push(payment)
    return `${budgetsText(facts, seen, style)}\n\n${paymentsText(newest, seen.now, style)}`
  }
  let last = await frame()
  stdout.write(ENTER)
  try {
    do {
      last = await frame()
      const lines = last.split('\n').slice(0, Math.max((stdout.rows ?? 24) - 1, 5))
      stdout.write(`${HOME}${lines.map((line) => `${line}${END_OF_LINE}\n`).join('')}${BELOW}`)
    } while (await goesOn(signal))
  } finally {
    stdout.write(LEAVE)
  }
  await writeLine(stdout, last)
}

/** Prints open payments, and then every payment that is new or has changed. */
async function report({ view }: OpenedView, { stdout }: Terminal, signal: AbortSignal): Promise<void> {
  const open = new Map<string, string>()
  const start = Date.now()
  let since = start
  const tell = async (payment: Payment): Promise<void> => {
    const state = `${stateOf(payment)} ${payment.updatedAt}`
    if (open.get(payment.id) !== state) await writeLine(stdout, jsonText(paymentFact(payment)))
    open.set(payment.id, state)
  }
  do {
    const look = Date.now()
    const seen = new Set<string>()
    const inProgress = view.payments({ states: ['held', 'committed'], order: 'oldest' })
    for await (const payment of inProgress) {
      seen.add(payment.id)
      await tell(payment)
    }
    for await (const payment of view.payments({ from: since, order: 'oldest' })) {
      seen.add(payment.id)
      await tell(payment)
    }
    for (const id of [...open.keys()].filter((one) => !seen.has(one))) {
      const payment = await view.payment(id)
      if (payment !== undefined) await tell(payment)
      open.delete(id)
    }
    // The ledger's time may be a little behind. A payment that was told already is not told again.
    since = Math.max(start, look - 10 * EVERY_MS)
  } while (await goesOn(signal))
}
