import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createFromEnvironment, othersMayUse, takesOutsideAnswers } from '../config/index.js'
import type { Approver } from '../index.js'
import {
  Approvals,
  type McpServerOptions,
  mcpServers,
  serveHttp,
  serveOverStdio,
  Upstream,
} from '../serve/index.js'
import { misuse } from './misuse.js'
import { upstreamsIn } from './upstreams.js'
import { packageVersion } from './version.js'

/** The options of `purser mcp`, as commander reads them. */
export interface McpCommandOptions {
  readonly config?: string | undefined
  readonly policy?: string | undefined
  readonly ledger?: string | undefined
  readonly agent?: string | undefined
  readonly approver?: string | undefined
  readonly elicitation?: boolean | undefined
  readonly saveTo?: string | undefined
  readonly http?: number | true | undefined
  readonly tokenFile?: string | undefined
  readonly upstream?: readonly string[] | undefined
}

const DEFAULT_PORT = 8410

/** Serves MCP until the host closes the connection, or a signal ends the process. */
export async function serveMcp(options: McpCommandOptions): Promise<void> {
  checkOptions(options)
  const places = upstreamsIn(options.upstream ?? [])
  const approver = options.approver === undefined ? undefined : await loadApprover(resolve(options.approver))
  const folder = options.saveTo === undefined ? undefined : await folderAt(resolve(options.saveTo))
  const token = options.http === undefined ? undefined : await tokenFrom(options.tokenFile)
  applyOptions(options, process.env)
  const approvals = new Approvals(approver, {
    elicitation: options.elicitation === true,
    outside: await takesOutsideAnswers(process.env),
  })
  const { purser, policy, document, vendors, agent } = await createFromEnvironment(
    { env: process.env, remark: say },
    { approver: approvals.canAsk ? approvals.approver : undefined },
  )
  const version = packageVersion()
  const upstreams = places.map(({ name, place }) => new Upstream({ name, place, purser, version, tell: say }))
  const server: McpServerOptions = {
    purser,
    agent,
    symbol: policy.symbol,
    policy: document,
    lists: ({ origin }) => vendors.has(origin),
    version,
    approvals,
    folder,
    upstreams,
  }
  try {
    await Promise.all(upstreams.map((upstream) => upstream.start()))
    if (token === undefined) await overStdio(server)
    else await overHttp(server, options.http, token)
  } finally {
    await Promise.all(upstreams.map((upstream) => upstream.close()))
    await purser.close()
  }
}

async function overStdio(options: McpServerOptions): Promise<void> {
  const { ended, close } = serveOverStdio(mcpServers(options))
  await Promise.race([ended, stopped()])
  await close()
}

async function overHttp(
  options: McpServerOptions,
  port: McpCommandOptions['http'],
  token: string,
): Promise<void> {
  const { url, close } = await serveHttp(mcpServers(options), {
    port: typeof port === 'number' ? port : DEFAULT_PORT,
    token,
  })
  say(`serving MCP at ${url}`)
  await stopped()
  await close()
}

async function stopped(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}

function checkOptions({ http, tokenFile }: McpCommandOptions): void {
  if (http !== undefined && tokenFile === undefined)
    throw misuse('--http needs --token-file FILE: every request must carry the token of that file')
  if (http === undefined && tokenFile !== undefined) throw misuse('--token-file is only for --http')
}

/** The options are the settings of the same names, and have precedence over the variables. */
function applyOptions({ config, policy, ledger, agent }: McpCommandOptions, env: NodeJS.ProcessEnv): void {
  if (config !== undefined) env['PURSER_CONFIG'] = resolve(config)
  if (policy !== undefined) env['PURSER_POLICY'] = resolve(policy)
  if (ledger !== undefined) env['PURSER_LEDGER'] = resolve(ledger)
  if (agent !== undefined) env['PURSER_AGENT'] = agent
}

async function loadApprover(file: string): Promise<Approver> {
  let loaded: unknown
  try {
    loaded = Reflect.get(await import(pathToFileURL(file).href), 'default')
  } catch {
    // The module's error is dropped, because it may quote secrets.
    throw misuse(`The module ${file} cannot be loaded: run it by itself to see why`)
  }
  if (!isApprover(loaded)) throw misuse(`The default export of ${file} must be an approver: a function`)
  return loaded
}

/** Only checks the type. Purser reads each answer as any external data. */
function isApprover(value: unknown): value is Approver {
  return typeof value === 'function'
}

async function folderAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw misuse(`--save-to must name a folder that exists: ${path}`)
  return realpath(path)
}

/** Reads the token, or creates the file with a new one. The token is never an argument: other users see those. */
async function tokenFrom(given: string | undefined): Promise<string> {
  const path = resolve(given ?? '')
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) {
    const token = randomBytes(32).toString('base64url')
    await mkdir(resolve(path, '..'), { recursive: true, mode: 0o700 })
    await writeFile(path, `${token}\n`, { flag: 'wx', mode: 0o600 })
    say(`created the token in ${path}`)
    return token
  }
  if (othersMayUse(found)) throw misuse(`other users can read ${path}: chmod 600 ${path}`)
  const token = (await readFile(path, 'utf8')).trim()
  if (!/^[\w.~+/=-]{32,500}$/.test(token))
    throw misuse(
      `${path} must hold a token of at least 32 letters and digits. Delete it, and Purser creates one`,
    )
  return token
}

function say(sentence: string): void {
  process.stderr.write(`purser mcp: ${sentence}\n`)
}
