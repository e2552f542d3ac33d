import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalAccount } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type StripeDouble, startStripe } from '../stripe/double.js'
import type { Case, Findings, Outcome, Step } from './cases/index.js'
import type { Client, Contestant, ContestantInit, Site } from './clients.js'
import { readAuthorization } from './evm-money.js'
import { KEY } from './kit.js'
import { cashable, readSigned, type Signed } from './money.js'
import { EVM_PATH, listeningNode } from './node.js'
import { CENT, type Credential } from './offers.js'
import { type HostileServer, hostileServer } from './server.js'
import { readVoucher, signaturesOf } from './session-money.js'
import { chargeAll, readTokens } from './stripe-money.js'

const MIB = 1024 * 1024
/** Attacks send a gibibyte, or do not end. What the server and this program need is in here too. */
export const MOST_MEMORY = 256 * MIB
export const MOST_TAKEN = 32 * MIB
/** The longest that a signed payment may live, in seconds. */
const LONGEST_LIFE = 600
const READ_BYTES = 64 * 1024
const READ_MS = 300

/** What one client made of one case. */
export interface Trial {
  readonly client: string
  readonly attack: string
  /** What the calls came to, in words. */
  readonly did: string
  readonly signatures: number
  /** What could be cashed, in dollars, and other tokens. */
  readonly cash: string
  /** Why it is not defended; empty if it is. */
  readonly wrong: readonly string[]
  /** What the user would say, and this client has no way to hear. */
  readonly unheard: readonly string[]
  /** Mebibytes: what the sockets took, and by how much memory grew. */
  readonly taken: number
  readonly grew: number
}

/** Puts one client through one case, on sockets of its own. */
export async function tryCase(one: Case, client: Client): Promise<Trial> {
  const steps = one.steps ?? [{ times: 2 }]
  const shops = Math.max(...steps.map(({ shop, times = 1 }) => (shop === 'each' ? times : 1)))
  const double = one.rail === 'stripe' ? await startStripe() : undefined
  const arrived = double && !one.later ? (shown: Credential) => chargeAll(double, shown) : undefined
  const servers = await Promise.all(
    Array.from({ length: shops }, () => hostileServer(one.server, 0, arrived)),
  )
  const node = await listeningNode(one.node)
  const folder = steps.some(({ restarts }) => restarts) ? await mkdtemp(join(tmpdir(), 'safety-')) : ''
  const shown: string[] = []
  let signatures = 0
  const account = counted(() => signatures++)
  const told = one.told ?? {}
  const origins = servers.map(({ origin }) => origin)
  const rpc = { tempo: node.url, evm: new URL(EVM_PATH, node.url).href }
  const shows = (text: string) => shown.push(text)
  const rail = one.rail ?? 'tempo'
  const more = { folder, shown: shows, rail, ...(double && { stripe: double }) }
  const site: Site = { origins, account, rpc, told, ...more }
  const memory = watchMemory()
  try {
    const outcomes = await perform(steps, servers, () => client.make(site))
    const seen = servers.flatMap((server) => server.seen)
    const signed = await signedIn(servers, node.node.sent, double)
    signatures += double?.tokens.length ?? 0
    // When a deposit is asked back varies, and it pays nobody: of sessions what reached the server counts.
    if (rail === 'session') signatures = signaturesIn(servers)
    const cents = centsOf(cashable(signed))
    const stolenCents = centsOf(cashable(signed, ({ stolen }) => stolen))
    const feeTokens = [...new Set(signed.flatMap(({ feeToken }) => feeToken ?? []))]
    const findings: Findings = { outcomes, signatures, cents, stolenCents, seen, shown, feeTokens }
    const taken = servers.reduce((sum, server) => sum + server.taken, node.taken)
    const grew = memory.stop()
    return {
      client: client.name,
      attack: one.attack,
      did: inWords(outcomes),
      signatures,
      cash: inDollars(signed),
      wrong: [...judge(one, findings), ...strayed(servers), ...judgeAlways(signed, taken, grew)],
      unheard: Object.keys(told).filter(
        (name) => !client.hears[one.rail ?? 'tempo']?.some((heard) => heard === name),
      ),
      taken: taken / MIB,
      grew: grew / MIB,
    }
  } finally {
    memory.stop()
    await Promise.all([node.close(), double?.close(), ...servers.map((server) => server.close())])
    if (folder !== '') await rm(folder, { recursive: true })
  }
}

/** An account that counts, whatever it is asked to sign. */
function counted(count: () => void): LocalAccount {
  const account = privateKeyToAccount(KEY)
  const counting = <F>(sign: F): F =>
    new Proxy(Object(sign), {
      apply: (target, self, args) => {
        count()
        return Reflect.apply(target, self, args)
      },
    })
  return {
    ...account,
    sign: counting(account.sign),
    signAuthorization: counting(account.signAuthorization),
    signMessage: counting(account.signMessage),
    signTransaction: counting(account.signTransaction),
    signTypedData: counting(account.signTypedData),
  }
}

async function perform(
  steps: readonly Step[],
  servers: readonly HostileServer[],
  make: () => Contestant,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let client = make()
  for (const step of steps) {
    const calls = Array.from({ length: step.times ?? 1 }, (_, index) => async (): Promise<Outcome> => {
      const server = servers[step.shop === 'each' ? index : 0] ?? servers[0]
      if (server === undefined) throw new TypeError('There is no server')
      if (step.restarts) {
        await client.close()
        client = make()
      }
      return call(client, server, step, index)
    })
    if (step.atOnce) outcomes.push(...unordered(await Promise.all(calls.map((each) => each()))))
    else for (const each of calls) outcomes.push(await each())
  }
  await client.close()
  return outcomes
}

/** Of calls at once nobody can say which one comes first, or in whose way the others found it. */
function unordered(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes
    .map(({ code, ...rest }) => (rest.threw && code !== undefined ? { ...rest, code } : rest))
    .sort((a, b) => (a.status ?? 999) - (b.status ?? 999))
}

async function call(client: Contestant, server: HostileServer, step: Step, index: number): Promise<Outcome> {
  const { port } = new URL(server.origin)
  const origin = step.host === undefined ? server.origin : `http://${step.host}:${port}`
  const url = new URL((step.path ?? '/a').replace('%', String(index)), origin).href
  const patience = step.givesUp === undefined ? undefined : givesUp(server, step.givesUp)
  const init: ContestantInit = {
    ...step.init,
    ...(patience ? { signal: patience.signal } : {}),
    ...(step.makesBodies ? { makesBody: otherBodies() } : {}),
  }
  try {
    return await outcomeOf(await client.fetch(url, init))
  } catch (error) {
    const { code, name, message } = Object(error)
    return { threw: true, code: typeof code === 'string' ? code : String(name), said: String(message) }
  } finally {
    patience?.stop()
  }
}

/** `body 1`, `body 2`: no two are the same. */
function otherBodies(): () => string {
  let made = 0
  return () => `body ${++made}`
}

/** A caller whose patience ends once the server has what it waits for; a moment later, in case an answer comes. */
function givesUp(server: HostileServer, when: 'asked' | 'paid'): { signal: AbortSignal; stop(): void } {
  const control = new AbortController()
  const count = (): number => (when === 'paid' ? server.paid : server.seen).length
  const before = count()
  let ticks = 0
  const timer = setInterval(() => {
    // A call that is refused, or sends nothing new, ends by itself.
    if (count() > before && ++ticks > 5) control.abort(new DOMException('given up', 'AbortError'))
  }, 20)
  return { signal: control.signal, stop: () => clearInterval(timer) }
}

async function outcomeOf(reply: Response): Promise<Outcome> {
  const own = reply.headers.get('x-should-retry') === 'false'
  const text = await beginningOf(reply)
  const { code } = own ? JSON.parse(text) : { code: undefined }
  return {
    threw: false,
    status: reply.status,
    ...(typeof code === 'string' ? { code } : {}),
    said: own ? text : '',
  }
}

/** As much of a body as a careful caller reads of a stranger's. */
async function beginningOf(reply: Response): Promise<string> {
  const reader = reply.body?.getReader()
  if (reader === undefined) return ''
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), READ_MS)
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (text.length < READ_BYTES) {
      const { done, value } = await reader.read()
      if (done) return text
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // Half a body is what there is.
  } finally {
    clearTimeout(timer)
    await reader.cancel().catch(() => undefined)
  }
  return text
}

async function signedIn(
  servers: readonly HostileServer[],
  broadcast: readonly `0x${string}`[],
  double: StripeDouble | undefined,
): Promise<readonly Signed[]> {
  const credentials = servers.flatMap(({ paid }) => paid.flatMap(({ credential }) => credential ?? []))
  const given = await Promise.all(credentials.map(readCredential))
  const tokens = double === undefined ? [] : readTokens(double)
  return [...given.flat(), ...broadcast.map(readSigned), ...tokens]
}

function signaturesIn(servers: readonly HostileServer[]): number {
  const all = servers.flatMap(({ paid }) => paid.flatMap(({ credential }) => credential ?? []))
  return new Set(all.flatMap(signaturesOf)).size
}

/** By what was sent. What was broadcast is known from the node, and tokens from Stripe. */
async function readCredential(credential: Credential): Promise<readonly Signed[]> {
  const { type, signature, spt, action } = credential.payload
  if (action !== undefined) return [await readVoucher(credential)]
  if (type === 'transaction') return [readSigned(signature as `0x${string}`)]
  if (spt !== undefined) return []
  return type === 'authorization' || type === undefined ? readAuthorization(credential) : []
}

const centsOf = (parts: bigint): number => Number(parts) / Number(CENT)

function judge({ most, also }: Case, findings: Findings): readonly string[] {
  const { cents, stolenCents, signatures } = findings
  const more = also?.(findings)
  return [
    ...(cents > most.cents ? [`${cents} cents can be cashed, not ${most.cents} at the most`] : []),
    ...(stolenCents > (most.stolenCents ?? 0) ? [`${stolenCents} cents go to a stranger`] : []),
    ...(signatures > (most.signatures ?? Number.POSITIVE_INFINITY)
      ? [`${signatures} signatures were made`]
      : []),
    ...(more === undefined ? [] : [more]),
  ]
}

/** Whoever is told an origin means that one, and no other name of the same machine. */
function strayed(servers: readonly HostileServer[]): readonly string[] {
  const away = servers.some(({ origin, paid }) => paid.some(({ host }) => host !== new URL(origin).host))
  return away ? ['a credential reached another origin'] : []
}

/** What is wrong in any case. */
function judgeAlways(signed: readonly Signed[], taken: number, grew: number): readonly string[] {
  const late = Date.now() / 1000 + LONGEST_LIFE
  return [
    ...(signed.some(({ foreign }) => foreign > 0n) ? ['another token can be cashed'] : []),
    ...(signed.some(({ strange }) => strange > 0) ? ['something other than a transfer was signed'] : []),
    ...(signed.some(({ validBefore }) => validBefore > late) ? ['a signature lives too long'] : []),
    ...(taken > MOST_TAKEN ? ['it goes on reading'] : []),
    ...(grew > MOST_MEMORY ? ['its memory grows'] : []),
  ]
}

/** How far memory rose above where it began; looked at whenever the event loop turns. */
function watchMemory(): { stop(): number } {
  globalThis.gc?.()
  const used = (): number => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = used()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, used())
  }, 5)
  return {
    stop() {
      clearInterval(timer)
      peak = Math.max(peak, used())
      return peak - before
    },
  }
}

/** `200`, `402 refused`, `threw payment_in_doubt`, with how often in a row. */
function inWords(outcomes: readonly Outcome[]): string {
  const runs: { words: string; count: number }[] = []
  for (const { threw, status, code } of outcomes) {
    const words = [threw ? 'threw' : status, code].filter((part) => part !== undefined).join(' ')
    const last = runs.at(-1)
    if (last?.words === words) last.count++
    else runs.push({ words, count: 1 })
  }
  return runs.map(({ words, count }) => (count === 1 ? words : `${count} × ${words}`)).join(', ')
}

function inDollars(signed: readonly Signed[]): string {
  const own = cashable(signed)
  const foreign = cashable(signed, (one) => one.foreign)
  const dollars = (parts: bigint): string => (parts === 0n ? '0' : String(Number(parts) / 1_000_000))
  return foreign === 0n ? dollars(own) : `${dollars(own)} and ${dollars(foreign)} of another token`
}
