import { amount, createPurser } from '../src/index.js'
import type { Clock, Hold, Ledger, Move } from '../src/ledger/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { account, alphaUSD, CHAIN_ID, policy, stubNode, stubServer, URL_PAID } from './stubs.js'

const DAY = 86_400_000
const DAYS = 30
const AT_ONCE = 16
/** Of so many payments the fee of one was never read: the node did not have it. */
const UNREAD_EACH = 10

/** What one payment of a purser asked of its ledger. */
interface Recorded {
  readonly hold: Hold
  readonly moves: readonly Move[]
}

/**
 * Fills a ledger with payments just like those that a purser makes, spread over the last month: what one payment asked
 * of its ledger, again and again. Every second one is of `URL_PAID`, the others are of URLs of their own.
 */
export async function fillHistory(path: string, count: number): Promise<void> {
  const recorded = await recordOne()
  const start = Date.now() - DAYS * DAY
  const clock: Clock & { time: number } = {
    time: start,
    now: () => clock.time,
    monotonic: () => clock.time,
  }
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  await ledger.renew(recorded.hold.owner, 2 * DAYS * DAY)
  for (let first = 0; first < count; first += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - first)
    // The last ones are of now: a ledger whose time lies far behind takes the host's clock for wrong.
    clock.time =
      first + size === count ? Date.now() : start + Math.floor(((first + size) / count) * DAYS * DAY)
    await Promise.all(Array.from({ length: size }, (_, more) => again(ledger, recorded, first + more)))
  }
  await ledger.close()
}

async function recordOne(): Promise<Recorded> {
  const ledger = memoryLedger()
  const holds: Hold[] = []
  const moves: Move[] = []
  const [hold, advance] = [ledger.hold.bind(ledger), ledger.advance.bind(ledger)]
  ledger.hold = (asked) => {
    holds.push(asked)
    return hold(asked)
  }
  ledger.advance = (id, move) => {
    moves.push(move)
    return advance(id, move)
  }
  const purser = createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1' }, fetch: stubNode().fetch })],
    policy,
    ledger,
    fetch: stubServer(),
  })
  await (await purser.fetch(URL_PAID)).text()
  await purser.close()
  const last = holds.at(-1)
  if (last === undefined || moves.length === 0) throw new TypeError('the bench recorded no payment')
  return { hold: last, moves }
}

async function again(ledger: Ledger, { hold, moves }: Recorded, serial: number): Promise<void> {
  const id = `history-${serial}`
  const { resource, pattern, context, decision } = hold
  const { vendor } = resource
  const asks = { vendor, operation: pattern, agent: context.agent, unit: decision.unit }
  const facts = await ledger.facts(asks)
  // Whole days, as the windows of the policy are.
  const back = Math.floor(facts.now / DAY) * DAY - Math.floor(decision.at / DAY) * DAY
  const claims = decision.claims.map(({ resetsAt, ...claim }) => ({
    ...claim,
    from: claim.from + back,
    at: claim.at + back,
    ...(resetsAt === undefined ? {} : { resetsAt: resetsAt + back }),
  }))
  const held = await ledger.hold({
    ...hold,
    id,
    fingerprint: serial % 2 === 0 ? hold.fingerprint : `url ${serial}`,
    decision: { ...decision, claims, facts: facts.version, at: facts.now },
  })
  if (!held.ok && held.why === 'stale') return again(ledger, { hold, moves }, serial)
  if (!held.ok) throw new TypeError(`A payment of the history was not held: ${held.why}`)
  for (const move of moves) await ledger.advance(id, move.to === 'settled' ? settled(move, serial) : move)
}

/** Nine of ten fees were read soon. The tenth is asked for again from time to time, next in an hour. */
function settled(move: Extract<Move, { to: 'settled' }>, serial: number): Move {
  const { spent } = move
  if (serial % UNREAD_EACH === 0 || spent === undefined) return { ...move, recheckAt: Date.now() + DAY / 24 }
  const { recheckAt: _, ...read } = move
  return { ...read, fee: amount(1n, spent.currency) }
}
