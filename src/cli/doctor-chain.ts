import { type InspectedSettings, keysOf, type PolicySummary, type TempoKey } from '../config/index.js'
import { clean } from '../errors/index.js'
import { formatDecimal } from '../money/index.js'
import type { Finding, Probes } from './doctor-finding.js'
import { NETWORKS } from './setup-texts.js'

/** Looks at the nodes of the settings, the clock, the account and its access key. */
export async function chainFindings(
  settings: InspectedSettings,
  summary: PolicySummary | undefined,
  probes: Probes,
): Promise<readonly Finding[]> {
  const { nodes, chains } = settings
  const { networks = [] } = summary ?? {}
  const known = Object.values(NETWORKS)
  const wanted = [...new Set([...nodes.keys(), ...chains])]
  const asked = wanted.length > 0 ? wanted : networks.filter((id) => known.some(({ chain }) => chain === id))
  const found: Finding[] = []
  for (const chain of asked) {
    const urls = nodes.get(chain) ?? known.flatMap((one) => (one.chain === chain ? [one.node] : []))
    for (const url of urls) found.push(...(await nodeFindings(url, chain, settings, probes)))
    if (found.every(({ level }) => level !== 'fail'))
      found.push(...(await accessKeyFindings(chain, settings, { summary, now: probes.now() })))
  }
  return found
}

interface Read {
  readonly result: unknown
  /** The server's clock, by its `Date` header. */
  readonly date: number | undefined
}

async function nodeFindings(
  url: string,
  chain: number,
  settings: InspectedSettings,
  probes: Probes,
): Promise<readonly Finding[]> {
  const check = 'tempo node'
  const host = URL.canParse(url) ? new URL(url).host : clean(url, 60)
  const ask = (method: string, params: readonly unknown[] = []) => rpc(url, method, params, probes)
  let id: Read
  let block: Read
  try {
    id = await ask('eth_chainId')
    block = await ask('eth_getBlockByNumber', ['latest', false])
  } catch {
    return [{ check, level: 'fail', message: `${host} does not answer`, fix: `curl -i ${url}` }]
  }
  if (Number(id.result) !== chain)
    return [
      {
        check,
        level: 'fail',
        message: `${host} is a node of chain ${clean(String(Number(id.result)), 20)}, and not of ${chain}`,
        fix: 'correct wallets.tempo.rpc in the settings',
      },
    ]
  const seconds = Number(Object(block.result).timestamp)
  const age = Math.round(probes.now() / 1000 - seconds)
  return [
    age > 60
      ? {
          check,
          level: 'warn',
          message: `${host}: chain ${chain}, its newest block is ${age} s old`,
          fix: `curl -i ${url}`,
        }
      : { check, level: 'ok', message: `${host}: chain ${chain}, block ${Math.max(0, age)} s old` },
    clockFinding(id.date, seconds * 1000, probes.now()),
    ...(await balanceFindings(chain, ask, settings)),
  ]
}

const SLOW_CLOCK_MS = 3_000
const WRONG_CLOCK_MS = 10_000

/** Compares this clock with the node's. A block from the future shows that this clock is behind, also without a `Date`. */
function clockFinding(date: number | undefined, block: number, now: number): Finding {
  const check = 'clock'
  // `Date` has whole seconds.
  const off = date === undefined ? Math.min(0, now - block) : now - date
  const far = Math.abs(off)
  if (far <= SLOW_CLOCK_MS) return { check, level: 'ok', message: 'agrees with the node' }
  const way = off < 0 ? 'behind' : 'ahead of'
  return {
    check,
    level: far > WRONG_CLOCK_MS ? 'fail' : 'warn',
    message: `${Math.round(far / 1000)} s ${way} the node; offers with short lives will fail`,
    fix: 'sudo timedatectl set-ntp true',
  }
}

async function balanceFindings(
  chain: number,
  ask: (method: string, params: readonly unknown[]) => Promise<Read>,
  { account, currencies }: InspectedSettings,
): Promise<readonly Finding[]> {
  if (account === undefined) return []
  const here = currencies.filter(({ id }) => id.startsWith(`eip155:${chain}/erc20:`))
  const held: string[] = []
  for (const { id, symbol, decimals } of here) {
    const data = `0x70a08231${account.slice(2).toLowerCase().padStart(64, '0')}`
    const to = id.slice(id.lastIndexOf('0x'))
    const read = await ask('eth_call', [{ to, data }, 'latest']).catch(() => undefined)
    const value =
      typeof read?.result === 'string' && /^0x[0-9a-f]+$/i.test(read.result) ? BigInt(read.result) : 0n
    if (value > 0n) held.push(`${formatDecimal(value, decimals)} ${symbol}`)
  }
  if (held.length > 0)
    return [{ check: 'balance', level: 'ok', message: `${held.join(', ')} in account ${account}` }]
  return [
    {
      check: 'balance',
      level: 'fail',
      message: `account ${account} holds nothing`,
      fix: `send it ${here.map(({ symbol }) => symbol).join(' or ')}`,
    },
  ]
}

const SOON_MS = 3 * 86_400_000

/** Compares the agent's access key with the policy, if the settings name an account for which it acts. */
async function accessKeyFindings(
  chain: number,
  { account, accessKey, nodes, currencies }: InspectedSettings,
  { summary, now }: { readonly summary: PolicySummary | undefined; readonly now: number },
): Promise<readonly Finding[]> {
  if (account === undefined || accessKey === undefined) return []
  const check = 'access key'
  const fail = (message: string, fix: string): readonly Finding[] => [{ check, level: 'fail', message, fix }]
  const authorize = 'purser keys authorize --with FILE'
  const own = currencies.filter(({ id }) => id.startsWith(`eip155:${chain}/`))
  let found: TempoKey
  try {
    const keys = await keysOf(account, { chain, nodes: nodes.get(chain), currencies: own })
    found = await keys.inspect(accessKey)
  } catch {
    return fail('no node shows it', 'purser doctor')
  }
  const { state, expires, limits } = found
  if (state === 'unknown') return fail(`${account} has not authorized ${accessKey}`, authorize)
  if (state !== 'authorized')
    return fail(`it is ${state}: make another one and authorize it`, 'purser keys create FILE')
  if (limits === 'none') return fail('it has no limits', `purser keys revoke ${accessKey} --with FILE`)
  const problems = [
    ...(expires !== undefined && expires - now < SOON_MS
      ? [`it expires in ${Math.max(1, Math.round((expires - now) / 3_600_000))} h`]
      : []),
    ...limitProblems(limits, summary),
  ]
  const until = expires === undefined ? 'for ever' : `until ${new Date(expires).toISOString().slice(0, 10)}`
  return problems.length === 0
    ? [{ check, level: 'ok', message: `${accessKey}, ${until}` }]
    : [{ check, level: 'warn', message: problems.join(', and '), fix: 'purser keys create FILE' }]
}

/** The room that `keys authorize` leaves for fees, at most. */
const HEADROOM = 0.06

function limitProblems(
  limits: Exclude<TempoKey['limits'], 'none'>,
  summary: PolicySummary | undefined,
): readonly string[] {
  const most = Math.min(...(summary?.budgets ?? []).map(({ limit }) => Number.parseFloat(limit)))
  const each = Number.parseFloat(summary?.perPayment ?? '0')
  return limits.flatMap(({ remaining: { value, currency } }) => {
    const left = Number(formatDecimal(value, currency.decimals))
    if (left > most + HEADROOM)
      return [`its limit (${left} ${currency.symbol}) is above the policy's (${most})`]
    if (left < each)
      return [`its limit has ${left} ${currency.symbol} left, less than one payment may cost (${each})`]
    return []
  })
}

/** The longest wait for one answer of a node. */
const PATIENCE_MS = 5_000

async function rpc(
  url: string,
  method: string,
  params: readonly unknown[],
  { fetch }: Probes,
): Promise<Read> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const answer: unknown = JSON.parse(await readText(reply))
  const { result }: { readonly result?: unknown } = Object(answer)
  if (result === undefined || result === null) throw new TypeError(`${method} has no result`)
  const date = reply.headers.get('date')
  const at = date === null ? Number.NaN : Date.parse(date)
  return { result, date: Number.isNaN(at) ? undefined : at }
}

/** The most characters of an answer of a node. */
const MOST = 1_000_000

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MOST) throw new TypeError('the answer is too long')
  }
  return text + decoder.decode()
}
