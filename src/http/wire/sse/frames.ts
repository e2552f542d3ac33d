import type { MeterEvent } from '../../../pay/index.js'
import { type JsonObject, ProtocolError, parseJsonObject, receiptOf } from '../../../protocol/index.js'

/** What is left of a chunk for the caller, and what was in it for the payment story. */
export interface FilterResult {
  readonly pass: readonly Uint8Array[]
  readonly events: readonly MeterEvent[]
}

type Bytes = Uint8Array

/** A frame that is longer is content, whatever it calls itself: nothing makes a payment's words that long. */
const MOST_FRAME = 1024 * 1024
const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const LETTER_D = 100
const LETTER_E = 101
const LETTER_P = 112
const BOM = [0xef, 0xbb, 0xbf]
/** `event` and its colon. */
const EVENT_FIELD = 6

/**
 * Takes the frames that speak of money out of a stream of server-sent events (WHATWG HTML, section 9.2.6), byte for
 * byte: what is not about money passes as it came. It works on bytes, where a character that is split over two chunks
 * does not matter, and holds back nothing but the frame that is not whole yet, since the name of an event may stand on
 * its last line.
 */
export class PaymentEventFilter {
  /** `between` frames, in a comment there, inside a frame, or inside one that became too long to be held. */
  #where: 'between' | 'comment' | 'frame' | 'long' = 'between'
  /** Has the line at hand begun in an earlier chunk? */
  #midLine = false
  /** The last chunk ended with CR: an LF that comes first in the next one belongs to it, and shares its fate. */
  #afterCr: 'no' | 'kept' | 'dropped' = 'no'
  #bom = 0
  /** Does the frame at hand have content? May it be a payment's? */
  #content = false
  #suspect = false
  /** What earlier chunks held of the frame at hand. */
  #held = new Hold()
  /** Frames of content so far. */
  #frames = 0

  // Of the chunk at hand: it, what passes of it from where, and where the frame at hand begins in it.
  #chunk: Bytes = new Uint8Array()
  #passFrom = 0
  #frameFrom = 0
  #pass: Bytes[] = []
  #events: MeterEvent[] = []

  push(chunk: Bytes): FilterResult {
    this.#chunk = chunk
    this.#pass = []
    this.#events = []
    this.#passFrom = 0
    this.#frameFrom = 0
    let at = this.#lead()
    let lf = chunk.indexOf(LF, at)
    let cr = chunk.indexOf(CR, at)
    while (at < chunk.length) {
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at)
      if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at)
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr
      if (!this.#midLine) this.#beginLine(at, end)
      if (end === -1) break
      const next = cr === end && lf === end + 1 ? end + 2 : end + 1
      this.#endLine(end === at && !this.#midLine, next)
      this.#midLine = false
      if (next === chunk.length && chunk[next - 1] === CR && this.#afterCr === 'no') this.#afterCr = 'kept'
      at = next
    }
    this.#midLine ||= at < chunk.length
    return this.#sifted()
  }

  /** The source has ended. A frame without its blank line is none to whoever reads events; its bytes pass all the same. */
  end(): FilterResult {
    this.#pass = []
    this.#events = []
    const rest = this.#held.take()
    if (rest.length > 0 && !this.#isPayment([rest])) this.#pass.push(rest)
    return { pass: this.#pass, events: this.#events }
  }

  /** A byte order mark is no part of the first line; neither is the LF of a CR that came before. */
  #lead(): number {
    const chunk = this.#chunk
    if (chunk.length === 0) return 0
    const { length } = BOM
    let at = 0
    while (this.#bom < length && at < chunk.length && chunk[at] === BOM[this.#bom]) {
      this.#bom++
      at++
    }
    if (at < chunk.length) this.#bom = length
    if (at === 0 && this.#afterCr !== 'no' && chunk[0] === LF) {
      at = 1
      if (this.#afterCr === 'dropped') this.#passFrom = 1
    }
    if (chunk.length > 0) this.#afterCr = 'no'
    return at
  }

  #beginLine(at: number, end: number): void {
    const chunk = this.#chunk
    const first = chunk[at]
    if (this.#where === 'between') {
      if (end === at) return
      if (first === COLON) {
        this.#where = 'comment'
        return
      }
      this.#where = 'frame'
      this.#frameFrom = at
      this.#content = false
      this.#suspect = false
    }
    // By its first letter: a server that wants to look as if it delivered can as well send an empty frame.
    if (first === LETTER_D) this.#content = true
    if (first === LETTER_E) this.#suspect ||= end === -1 || namesPayment(chunk, at)
  }

  #endLine(blank: boolean, next: number): void {
    if (this.#where === 'comment') this.#where = 'between'
    if (!blank || this.#where === 'between') return
    if (this.#where === 'long') {
      this.#where = 'between'
      this.#count()
      return
    }
    const chunk = this.#chunk
    const part = chunk.subarray(this.#frameFrom, next)
    const earlier = this.#held.take()
    this.#where = 'between'
    if (earlier.length + part.length <= MOST_FRAME && this.#isPayment([earlier, part])) {
      this.#passUpTo(this.#frameFrom)
      this.#passFrom = next
      if (next === chunk.length && chunk[next - 1] === CR) this.#afterCr = 'dropped'
      return
    }
    if (earlier.length > 0) this.#pass.push(earlier)
    this.#count()
  }

  #count(): void {
    if (this.#content) this.#frames++
  }

  /** Reads a frame that may be a payment's, and remembers what it says. */
  #isPayment(parts: readonly Bytes[]): boolean {
    if (!this.#suspect) return false
    const { name, data } = readFrame(parts)
    if (name !== 'payment-need-voucher' && name !== 'payment-receipt') return false
    const claims = jsonOf(data)
    if (claims === undefined) return true
    this.#events.push(
      name === 'payment-receipt'
        ? { kind: 'receipt', receipt: receiptOf(claims) }
        : { kind: 'need', claims, after: this.#frames },
    )
    return true
  }

  #passUpTo(end: number): void {
    if (end > this.#passFrom) this.#pass.push(this.#chunk.subarray(this.#passFrom, end))
  }

  /** At the end of a chunk: a frame that is not whole is held, and all else passes. */
  #sifted(): FilterResult {
    const chunk = this.#chunk
    this.#chunk = NOTHING
    if (this.#where !== 'frame') {
      if (this.#passFrom < chunk.length) this.#pass.push(chunk.subarray(this.#passFrom))
      return { pass: this.#pass, events: this.#events }
    }
    if (this.#passFrom < this.#frameFrom) this.#pass.push(chunk.subarray(this.#passFrom, this.#frameFrom))
    this.#held.add(chunk.subarray(Math.max(this.#passFrom, this.#frameFrom)))
    if (this.#held.size > MOST_FRAME) {
      this.#pass.push(this.#held.take())
      this.#where = 'long'
    }
    return { pass: this.#pass, events: this.#events }
  }
}

const NOTHING: Bytes = new Uint8Array()

/** A frame that comes in pieces, however small: a list of them would cost more than they hold. */
class Hold {
  #bytes: Bytes = NOTHING
  size = 0

  add(part: Bytes): void {
    const size = this.size + part.length
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.size))
      this.#bytes = grown
    }
    this.#bytes.set(part, this.size)
    this.size = size
  }

  take(): Bytes {
    const taken = this.#bytes.subarray(0, this.size)
    this.#bytes = NOTHING
    this.size = 0
    return taken
  }
}

/** Could this line name a payment's event? A glance, so that ordinary frames are not decoded. */
function namesPayment(chunk: Bytes, at: number): boolean {
  const value = at + EVENT_FIELD
  if (chunk[value - 1] !== COLON) return false
  return chunk[chunk[value] === SPACE ? value + 1 : value] === LETTER_P
}

/** The name and data of a frame (WHATWG HTML, section 9.2.6): the last name counts, lines of data are joined. */
function readFrame(parts: readonly Bytes[]): { readonly name: string; readonly data: string } {
  const decoder = new TextDecoder()
  const text = parts.map((part) => decoder.decode(part, { stream: true })).join('')
  let name = ''
  const data: string[] = []
  for (const line of text.split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
  }
  return { name, data: data.join('\n') }
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    return parseJsonObject(text)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
