import type { MeterEvent } from '../../../pay/index.js'
import { type JsonObject, ProtocolError, parseJsonObject, receiptOf } from '../../../protocol/index.js'

/** A filtered chunk: the bytes for the caller, and the events for the payment flow. */
export interface FilterResult {
  readonly pass: readonly Uint8Array[]
  readonly events: readonly MeterEvent[]
}

type Bytes = Uint8Array

/** A longer frame is content, because no payment event is that long. */
const MOST_FRAME = 1024 * 1024
const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const LETTER_D = 100
const LETTER_E = 101
const LETTER_P = 112
const BOM = [0xef, 0xbb, 0xbf]
/** The length of `event` and its colon. */
const EVENT_FIELD = 6

/**
 * Removes the payment frames from a stream of server-sent events (WHATWG HTML, section 9.2.6). All other bytes pass
 * unchanged. It works on bytes, so a character may be split over two chunks. It holds back only the incomplete frame,
 * because the name of an event may be on its last line.
 */
export class PaymentEventFilter {
  /** `between` frames, in a comment there, inside a frame, or inside a frame that became too long to hold. */
  #where: 'between' | 'comment' | 'frame' | 'long' = 'between'
  /** Whether the current line began in an earlier chunk. */
  #midLine = false
  /**
   * Set if the last chunk ended with CR. An LF at the start of the next chunk belongs to it, and is kept or dropped
   * with it.
   */
  #afterCr: 'no' | 'kept' | 'dropped' = 'no'
  #bom = 0
  /** Whether the current frame has content, and whether it may be a payment event. */
  #content = false
  #suspect = false
  /** The part of the current frame from earlier chunks. */
  #held = new HeldBytes()
  /** The number of content frames so far. */
  #frames = 0

  // The current chunk, the position from which it passes, and the position where the current frame begins.
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
    return this.#filtered()
  }

  /** Ends the stream. A frame without its blank line is no event for a reader, but its bytes pass. */
  end(): FilterResult {
    this.#pass = []
    this.#events = []
    const rest = this.#held.take()
    if (rest.length > 0 && !this.#isPayment([rest])) this.#pass.push(rest)
    return { pass: this.#pass, events: this.#events }
  }

  /** Skips a byte order mark, and the LF of a CR at the end of the last chunk. They are no part of the first line. */
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
    // The first letter is enough: a server that wants to simulate content could also send an empty frame.
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

  /** Reads a frame that may be a payment event, and stores its event. */
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

  /** Ends a chunk: an incomplete frame is held, and everything else passes. */
  #filtered(): FilterResult {
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

/** The bytes of a frame that arrives in pieces. A list of small pieces would need more memory than their bytes. */
class HeldBytes {
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

/** Whether this line could name a payment event. The check avoids decoding of ordinary frames. */
function namesPayment(chunk: Bytes, at: number): boolean {
  const value = at + EVENT_FIELD
  if (chunk[value - 1] !== COLON) return false
  return chunk[chunk[value] === SPACE ? value + 1 : value] === LETTER_P
}

/**
 * Reads the name and the data of a frame (WHATWG HTML, section 9.2.6): the last name counts, and lines of data are
 * joined.
 */
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
