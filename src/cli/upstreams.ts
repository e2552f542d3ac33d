import { clean, PaymentError } from '../errors/index.js'
import type { UpstreamPlace } from '../serve/index.js'

/** An upstream server as `--upstream` names it. */
export interface NamedUpstream {
  readonly name: string
  readonly place: UpstreamPlace
}

/**
 * Reads the values of `--upstream`: `search=https://mcp.example/mcp`, or `files=node server.mjs --root "/a b"`.
 *
 * @throws PaymentError `invalid_config` that names the value.
 */
export function upstreamsIn(given: readonly string[]): readonly NamedUpstream[] {
  const read = given.map((text) => {
    const [, name, place] = /^([a-z][a-z0-9-]{0,39})=(.+)$/.exec(text) ?? []
    if (name === undefined || place === undefined)
      throw invalid(
        text,
        'write NAME=URL or NAME=COMMAND, with a name of lower-case letters, digits and hyphens',
      )
    return { name, place: placeOf(place, text) }
  })
  const twice = read.find(({ name }, at) => read.findIndex((other) => other.name === name) !== at)
  if (twice !== undefined) throw invalid(twice.name, 'two upstream servers have this name')
  return read
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/

function placeOf(place: string, text: string): UpstreamPlace {
  if (!/^https?:/i.test(place)) {
    const [command, ...args] = wordsOf(place)
    if (command === undefined) throw invalid(text, 'name a command')
    return { command, args }
  }
  const url = URL.canParse(place) ? new URL(place) : undefined
  if (url === undefined || url.username !== '' || (url.protocol !== 'https:' && !LOOPBACK.test(url.hostname)))
    throw invalid(text, 'write an https address without a user name; plain http only on this machine')
  return { url }
}

/** Splits a command at spaces that are not in quotation marks. No shell reads it. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
}

function invalid(text: string, advice: string): PaymentError {
  return new PaymentError('invalid_config', 'untouched', `--upstream ${clean(text, 80)}: ${advice}`)
}
