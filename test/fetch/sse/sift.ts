import { PaymentEventFilter } from '../../../src/http/wire/sse/index.js'
import type { MeterEvent } from '../../../src/pay/index.js'

export interface Sifting {
  readonly text: string
  readonly events: readonly MeterEvent[]
}

/** One byte for each character, so that bytes can be compared as text. */
export const bytesOf = (latin1: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(latin1, (character) => character.charCodeAt(0))

/** Text as a server sends it. */
export const utf8 = (text: string): string => latin1(new TextEncoder().encode(text))

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Sends chunks through a sieve. */
export function sift(chunks: readonly string[]): Sifting {
  const sieve = new PaymentEventFilter()
  const pass: string[] = []
  const events: MeterEvent[] = []
  for (const part of [...chunks.map((chunk) => () => sieve.push(bytesOf(chunk))), () => sieve.end()]) {
    const sifted = part()
    pass.push(...sifted.pass.map(latin1))
    events.push(...sifted.events)
  }
  return { text: pass.join(''), events }
}

/** The same, by the book: the whole text at once, and every line read. */
export function byTheBook(text: string): { readonly text: string; readonly names: readonly string[] } {
  const mark = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0
  const lines = text.slice(mark).match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []
  let out = text.slice(0, mark)
  const names: string[] = []
  let frame: string[] = []
  const finish = (): void => {
    const name = frame.map(nameIn).findLast((found) => found !== undefined) ?? ''
    if (name === 'payment-need-voucher' || name === 'payment-receipt') names.push(name)
    else out += frame.join('')
    frame = []
  }
  for (const line of lines) {
    const blank = /^[\r\n]/.test(line)
    if (frame.length === 0 && (blank || line.startsWith(':'))) {
      out += line
      continue
    }
    frame.push(line)
    if (blank) finish()
  }
  finish()
  return { text: out, names }
}

function nameIn(line: string): string | undefined {
  const text = line.replace(/[\r\n]+$/, '')
  if (text === 'event') return ''
  return text.startsWith('event:') ? text.slice('event:'.length).replace(/^ /, '') : undefined
}
