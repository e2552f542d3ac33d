import { clean, isPaymentError } from '../../errors/index.js'
import type { Session } from '../../index.js'
import { EXIT } from '../exit-codes.js'
import { amountFact } from '../facts.js'
import { misuse } from '../misuse.js'
import { type OpenedPurser, openPurser } from '../open-purser.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser sessions close`. */
export interface SessionsCloseOptions extends CommonOptions {
  readonly all?: boolean | undefined
  readonly idle?: string | undefined
}

/** Closes sessions together with their vendors, and gets the rest of the deposits back. */
export const sessionsClose: Action<SessionsCloseOptions> = async ({ args: [id], options, terminal }) => {
  const { all, idle } = options
  const idleMs = idle === undefined ? undefined : spanOf(idle)
  if ([id, all, idle].filter((one) => one !== undefined).length !== 1)
    throw misuse('Say which: a session, --all, or --idle 1h')
  const { purser } = await openPurser(options, terminal)
  try {
    const open = await purser.sessions.list()
    const chosen =
      id === undefined
        ? await idleFor(open, idleMs, purser)
        : open.filter((session) => session.id === id || session.id.endsWith(id))
    if (id !== undefined && chosen.length !== 1)
      throw misuse(`${chosen.length === 0 ? 'No' : 'More than one'} open session is called ${clean(id, 80)}`)
    const rows: JsonOf<'sessions close'>[] = []
    for (const session of chosen) rows.push(await closed(session, purser))
    return {
      kind: 'rows',
      rows,
      code: rows.some(({ error }) => error !== undefined) ? EXIT.failed : EXIT.done,
      text: async () =>
        rows.length === 0
          ? 'No session to close.'
          : rows
              .map(({ vendor, state, unspent, error }) =>
                error === undefined
                  ? `${vendor}: ${state}, ${unspent.value} ${unspent.currency} come back`
                  : `${vendor}: ${error}`,
              )
              .join('\n'),
    }
  } finally {
    await purser.close()
  }
}

async function closed(session: Session, purser: OpenedPurser['purser']): Promise<JsonOf<'sessions close'>> {
  const { id, vendor, state, unspent } = session
  // A closed session has nothing left, so the rest is the one from before.
  const fact = { id, vendor, state, unspent: amountFact(unspent) }
  try {
    return { ...fact, state: (await purser.sessions.close(id)).state }
  } catch (error) {
    if (!isPaymentError(error)) throw error
    return { ...fact, error: clean(error.message, 300) }
  }
}

/** Keeps the sessions whose vendor was paid nothing in this time. */
async function idleFor(
  open: readonly Session[],
  idleMs: number | undefined,
  purser: OpenedPurser['purser'],
): Promise<readonly Session[]> {
  if (idleMs === undefined) return open
  const busy = new Set<string>()
  for await (const { resource } of purser.payments({ from: Date.now() - idleMs })) busy.add(resource.vendor)
  return open.filter(({ vendor }) => !busy.has(vendor))
}

const SPANS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function spanOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([smhd])$/.exec(text) ?? []
  const span = SPANS[unit]
  if (count === undefined || span === undefined) throw misuse('--idle must be a time such as 30m, 1h or 2d')
  return Number(count) * span
}
