import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { clean } from '../errors/index.js'
import type { PayingInit } from '../index.js'
import { misuse } from './misuse.js'
import type { Terminal } from './terminal.js'

/** The options that describe a request, with the letters of curl. */
export interface RequestOptions {
  readonly request?: string | undefined
  readonly header?: readonly string[] | undefined
  readonly data?: readonly string[] | undefined
  readonly dataBinary?: readonly string[] | undefined
  readonly head?: boolean | undefined
  readonly location?: boolean | undefined
}

/** A request that was read from the arguments. */
export interface ReadRequest {
  readonly url: URL
  readonly init: PayingInit & { readonly method: string; readonly headers: Headers }
}

/**
 * Reads the request of a command.
 *
 * @throws PaymentError `invalid_config` for an argument that cannot be used.
 */
export async function readRequest(
  address: string | undefined,
  options: RequestOptions,
  { stdin }: Pick<Terminal, 'stdin'>,
): Promise<ReadRequest> {
  const url = urlOf(address ?? '')
  const headers = await headersOf(options.header ?? [])
  const body = await bodyOf(options, stdin)
  if (body !== undefined && options.head === true) throw misuse('-I sends no body: leave out -d')
  if (body !== undefined && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded')
  const method = methodOf(options, body !== undefined)
  return {
    url,
    init: {
      method,
      headers,
      redirect: options.location === true ? 'follow' : 'manual',
      ...(body === undefined ? {} : { body }),
    },
  }
}

const LOCAL = /^(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)/

/** An address without a scheme is https, or http on this machine. */
export function urlOf(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `${LOCAL.test(text) ? 'http' : 'https'}://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw misuse(`${clean(text, 200)} is no http or https address`)
  if (url.username !== '' || url.password !== '')
    throw misuse('The address has a user name or a password: other users see arguments. Use -H @FILE')
  return url
}

function methodOf({ request, head }: RequestOptions, hasBody: boolean): string {
  const method = request ?? (head === true ? 'HEAD' : hasBody ? 'POST' : 'GET')
  if (!/^[A-Za-z][\w-]{0,30}$/.test(method)) throw misuse(`${clean(method, 60)} is no method of HTTP`)
  return method.toUpperCase()
}

async function headersOf(lines: readonly string[]): Promise<Headers> {
  const headers = new Headers()
  for (const line of lines.flatMap((one) => (one.startsWith('@') ? [] : [one]))) addHeader(headers, line)
  for (const file of lines.filter((one) => one.startsWith('@')))
    for (const line of (await fileOf(file.slice(1))).toString('utf8').split(/\r?\n/))
      if (line.trim() !== '') addHeader(headers, line)
  return headers
}

function addHeader(headers: Headers, line: string): void {
  const at = line.indexOf(':')
  const name = line.slice(0, Math.max(at, 0)).trim()
  try {
    if (at < 1) throw new TypeError('no name')
    headers.append(name, line.slice(at + 1).trim())
  } catch {
    // The value stays out of the message, because it may be a secret.
    throw misuse(`-H needs "NAME: VALUE" (${clean(name === '' ? 'no name' : name, 60)})`)
  }
}

async function bodyOf(
  { data = [], dataBinary = [] }: RequestOptions,
  stdin: Terminal['stdin'],
): Promise<Buffer<ArrayBuffer> | undefined> {
  if (data.length === 0 && dataBinary.length === 0) return undefined
  const parts = [
    ...(await Promise.all(data.map((text) => partOf(text, stdin, true)))),
    ...(await Promise.all(dataBinary.map((text) => partOf(text, stdin, false)))),
  ]
  const joined = parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from('&'), part]))
  return Buffer.concat(joined)
}

/** `-d @FILE` leaves line breaks out, as curl does. `--data-binary` keeps every byte. */
async function partOf(text: string, stdin: Terminal['stdin'], isText: boolean): Promise<Buffer> {
  if (!text.startsWith('@')) return Buffer.from(text)
  const bytes = text === '@-' ? await buffer(stdin) : await fileOf(text.slice(1))
  return isText ? Buffer.from(bytes.filter((byte) => byte !== 10 && byte !== 13)) : bytes
}

async function fileOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch {
    throw misuse(`${clean(path, 200)} cannot be read`)
  }
}
