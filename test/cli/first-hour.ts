import { appendFileSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAddress } from 'viem/accounts'
import { ROOT } from '../../tools/check/entries.js'
import { addressOf, alphaUSD, startChain } from '../chain/chain.js'
import { startPaidApi } from '../chain/server.js'
import { type Front, startFront } from '../live/front.js'
import { type Home, makeHome } from './kit.js'

/** The page that shows the recording. */
export const PAGE = join(ROOT, 'docs', 'command-line.md')
const FENCE = /## A first hour[\s\S]*?```console\n([\s\S]*?)```/

/** The recording in the page. */
export function recordingIn(page: string): string | undefined {
  return FENCE.exec(page)?.[1]
}

const OFFER = { method: 'tempo', intent: 'charge', currency: addressOf(alphaUSD) }
const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Search', version: '1' },
  paths: {
    '/v1/search': { get: { summary: 'A search', 'x-payment-info': { ...OFFER, amount: '10000' } } },
    '/v1/report': { get: { summary: 'A report', 'x-payment-info': { ...OFFER, amount: '600000' } } },
  },
}

/** The paths of the paid API behind the vendor. */
const PATHS: Readonly<Record<string, string>> = {
  '/v1/report': '/price/0.60',
  '/v1/map': '/price/0.02',
}

/** Runs the commands of a first hour on a local chain, and returns what was typed and what was printed. */
export async function recordFirstHour(): Promise<string> {
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const vendor = await startFront(api.origin, ({ request, forward }) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/openapi.json') return Response.json(DOCUMENT)
    return forward(PATHS[pathname] ?? '/paid')
  })
  const home = makeHome()
  try {
    const lines: string[] = []
    const type = async (...args: readonly string[]): Promise<void> => {
      const isPlain = args[0] === 'fetch' || args[0] === 'export'
      const { stdout, stderr, code } = await home.run(isPlain ? args : [...args, '--text'])
      const typed = args.map((arg) => (/^[\w./:=@-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')
      lines.push(`$ purser ${typed}`, ...`${stderr}${stdout}`.trimEnd().split('\n'))
      if (code !== 0) lines.push('$ echo $?', String(code))
      lines.push('')
    }
    await type('init', '--network', 'local', '--rpc', chain.url)
    await chain.fund(fundedBy(home), alphaUSD, 5_000_000n)
    const search = `${vendor.origin}/v1/search?q=tea`
    await type('vendor', 'add', vendor.origin, '--per-payment', '0.02', '--per-day', '1')
    await type('quote', search)
    await type('fetch', search)
    await type('fetch', '-f', `${vendor.origin}/v1/report`)
    appendFileSync(join(home.config, 'policy.yaml'), 'ask: [{ above: 0.015 }]\n')
    const map = `${vendor.origin}/v1/map`
    await type('fetch', map)
    await type('approvals')
    const [question] = (await home.run(['approvals', '--json'])).stdout.split('\n')
    await type(
      'approve',
      String(JSON.parse(question ?? '{}').id),
      '--yes',
      '--because',
      'a map for the report',
    )
    await type('fetch', map)
    await type('payments')
    await type('budgets')
    await type('export', '--format', 'csv')
    await type('doctor')
    return normal(`${lines.join('\n').trimEnd()}\n`, { vendor, chain })
  } finally {
    home.remove()
    await vendor.close()
    await api.close()
    await chain.stop()
  }
}

function fundedBy(home: Home): `0x${string}` {
  return privateKeyToAddress(`0x${readFileSync(join(home.config, 'agent.key'), 'utf8').trim().slice(2)}`)
}

/** Replaces what differs from run to run by words of the same length, so that columns stay in place. */
function normal(
  text: string,
  { vendor, chain }: { readonly vendor: Pick<Front, 'origin'>; readonly chain: { readonly url: string } },
): string {
  const port = (url: string): string => new URL(url).port
  return (
    text
      .replaceAll(port(vendor.origin), '8402'.padStart(port(vendor.origin).length, '1'))
      .replaceAll(port(chain.url), '8545'.padStart(port(chain.url).length, '1'))
      .replace(/0x[0-9a-fA-F]{64}/g, `0x${'ab'.repeat(32)}`)
      .replace(/0x[0-9a-fA-F]{40}/g, `0x${'1f'.repeat(20)}`)
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-30T14:02:10.000Z')
      .replace(/\d{4}-\d\d-\d\d/g, '2026-11-30')
      .replace(/\b\d\d:\d\d(?::\d\d)?\b/g, (time) => '14:02:10'.slice(0, time.length))
      // The time until midnight has one to three words' length, and the columns after it move with it.
      .replace(/\bin \d+ (?:h|min|s)\b */g, 'in 6 h   ')
      .replace(/\bresets +/g, 'resets   ')
      .replace(/\bhttp:\/\/127\.[\d.:]*…/g, 'http://127.0…')
      .replace(/block \d+ s old/g, 'block 1 s old')
      // The age and the short id of a question, and of a payment.
      .replace(/^[0-9a-f]{6} +\d+ (?:s|min) +(?=agent)/gm, '0a1b2c    5 s  ')
      .replace(/^ID +since +/gm, 'ID      since  ')
      .replace(/^[0-9a-f]{6} +\d+ (?:s|min) +(?=\S)(?!agent)/gm, '0a1b2c  5 s  ')
      .replace(/^id +ago +/gm, 'id      ago  ')
      .replaceAll(`,,${userInfo().username},AlphaUSD`, ',,ann,AlphaUSD')
      // The fee of a local chain floats.
      .replace(/\b4\.9\d* AlphaUSD/g, '4.98 AlphaUSD')
      .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, '01jabcde-0000-7000-8000-000000000000')
      .replace(/ +$/gm, '')
  )
}
