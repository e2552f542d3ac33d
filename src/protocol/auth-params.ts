import { ProtocolError, type ProtocolErrorCode } from './protocol-error.js'

/** One challenge of the wanted scheme, as far as syntax goes. */
export interface AuthChallenge {
  /** Where its scheme name starts in the header line. */
  readonly offset: number
  /** Parameters by lower-case name, values unescaped. */
  readonly params: ReadonlyMap<string, string>
  /** The first thing wrong with it. Its parameters must then not be used. */
  readonly fault?: ProtocolError
}

interface Draft {
  readonly offset: number
  readonly params: Map<string, string>
  fault?: ProtocolError
}

interface Cursor {
  readonly text: string
  at: number
}

/** What kinds of character a header is made of, by code. */
const TOKEN = 1
const TOKEN68 = 2
const KINDS = new Uint8Array(128)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')
  mark(char, TOKEN | TOKEN68)
for (const char of "!#$%&'*^`|") mark(char, TOKEN)
mark('+', TOKEN | TOKEN68)
mark('/', TOKEN68)

/** The one parameter that is for people: it decides nothing. */
const WORDS = 'description'

const TAB = 9
const SPACE = 32
const QUOTE = 34
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92
const SMALL_U = 117
const DELETE = 127

/**
 * The challenges of one scheme in one `WWW-Authenticate` line (RFC 9110, sections 11.2, 11.3 and 11.6.1), among any
 * others. One pass, never backtracking; at most `limit` are read and one fault more.
 *
 * Names inside quoted strings are text, wherever they stand. After a fault reading goes on at the next comma outside
 * quotes, so that a spoilt challenge takes no other one with it; an unterminated quote takes the rest of its line.
 */
export function readAuthChallenges(text: string, scheme: string, limit: number): readonly AuthChallenge[] {
  const cursor: Cursor = { text, at: 0 }
  const found: Draft[] = []
  let open: Draft | undefined
  let before: Draft | undefined
  while (skipSeparators(cursor)) {
    const offset = cursor.at
    const name = readToken(cursor)
    if (name !== '' && startsChallenge(cursor)) {
      before = open ?? before
      open = name.toLowerCase() === scheme ? { offset, params: new Map() } : undefined
      if (open !== undefined) found.push(open)
      if (open !== undefined && found.length > limit) {
        open.fault = new ProtocolError('too_many_challenges', `More than ${limit} challenges`, offset)
        break
      }
      readFirst(cursor, open)
    } else {
      if (open === undefined && STRAY.test(name)) spoilDescribed(before, offset)
      readParam(cursor, name, offset, open)
    }
  }
  return found
}

/** Parameters of payments that no other scheme has. */
const STRAY = /^(?:intent|request|digest|expires)$/i

/** A parameter of a payment under another scheme: the description before it was not escaped, and a challenge stands in it. */
function spoilDescribed(before: Draft | undefined, offset: number): void {
  if (before?.params.has(WORDS))
    spoil(before, 'malformed', 'A parameter after its description was lost', offset)
}

/** What follows a scheme name on the same list item: nothing, a token68, or its first parameter. */
function readFirst(cursor: Cursor, open: Draft | undefined): void {
  skipSpace(cursor)
  if (atItemEnd(cursor)) return
  const offset = cursor.at
  if (skipToken68(cursor)) spoil(open, 'malformed', 'A token where parameters belong', offset)
  else readParam(cursor, readToken(cursor), offset, open)
}

/** `auth-param = token BWS "=" BWS ( token / quoted-string )`; the cursor stands behind the name. */
function readParam(cursor: Cursor, name: string, offset: number, open: Draft | undefined): void {
  skipSpace(cursor)
  if (name === '' || codeAt(cursor) !== EQUALS) {
    spoilItem(cursor, open, 'Not a parameter', offset)
    return
  }
  cursor.at++
  skipSpace(cursor)
  const start = cursor.at
  const quoted = codeAt(cursor) === QUOTE
  let value = quoted ? readQuoted(cursor) : readToken(cursor) || undefined
  skipSpace(cursor)
  if (quoted && open !== undefined && name.toLowerCase() === WORDS) value = readWords(cursor, start, value)
  if (value === undefined || !atItemEnd(cursor)) {
    spoilItem(cursor, open, 'Not a parameter value', offset)
    return
  }
  if (open === undefined) return
  const key = name.toLowerCase()
  if (open.params.has(key)) spoil(open, 'duplicate_param', 'A parameter stands twice', offset)
  open.params.set(key, value)
}

function spoilItem(cursor: Cursor, open: Draft | undefined, message: string, offset: number): void {
  spoil(open, 'malformed', message, offset)
  while (cursor.at < cursor.text.length && codeAt(cursor) !== COMMA) {
    if (codeAt(cursor) === QUOTE) readQuoted(cursor)
    else cursor.at++
  }
}

function spoil(open: Draft | undefined, code: ProtocolErrorCode, message: string, offset: number): void {
  if (open !== undefined) open.fault ??= new ProtocolError(code, message, offset)
}

/**
 * A text for people ends at its closing quote, if the line can go on there. If it cannot, the text has quotes in it that its
 * server did not escape, and {@link readLoosely} finds its end.
 *
 * Reading on is safe for three reasons. It begins only where RFC 9110 gives the line no meaning. It moves an end further
 * back, so it makes no parameter out of text. And {@link takesParameter} refuses a text that took a parameter along: without
 * that, a stranger who writes a description could remove `expires` or `digest`. It protects against no stranger who writes a
 * whole challenge into an unescaped description: that line is sound, and only its server or the policy's `payees` can tell.
 *
 * @param start Where its first quote stands.
 * @param value What it says up to its first closing quote; the cursor stands behind that.
 */
function readWords(cursor: Cursor, start: number, value: string | undefined): string | undefined {
  const { at } = cursor
  if (isFollowed({ text: cursor.text, at })) return value
  const ended = atItemEnd(cursor)
  const words = readLoosely(cursor, start)
  if (words !== undefined || !ended) return words
  // Broken syntax of another scheme follows, and spoils nothing here.
  cursor.at = at
  return value
}

/** Reads up to the first quote at which the line can go on. Undefined: there is none, or the text took a parameter along. */
function readLoosely(cursor: Cursor, start: number): string | undefined {
  const { text } = cursor
  for (cursor.at = start + 1; cursor.at < text.length; cursor.at++) {
    const code = codeAt(cursor)
    if (code === BACKSLASH) cursor.at++
    else if ((code < SPACE && code !== TAB) || code === DELETE) return undefined
    else if (code === QUOTE && isFollowed({ text, at: cursor.at + 1 })) {
      const written = text.slice(start + 1, cursor.at++)
      skipSpace(cursor)
      return takesParameter(written) ? undefined : written.replace(/\\(.)/g, '$1')
    }
  }
  return undefined
}

/** Does a text hold a parameter that decides, behind a comma? Then it ended before that. */
function takesParameter(written: string): boolean {
  return /,[\t ]*(?:payment[\t ]+)?(?:id|realm|method|intent|request|digest|expires|header|opaque)[\t ]*=/i.test(
    written,
  )
}

/** Can the line go on here? It ends, or a comma and then `name=`, `Scheme name=`, `Scheme` or `Scheme token68` follow. */
function isFollowed(ahead: Cursor): boolean {
  skipSpace(ahead)
  if (ahead.at >= ahead.text.length) return true
  if (codeAt(ahead) !== COMMA) return false
  if (!skipSeparators(ahead)) return true
  if (readToken(ahead) === '') return false
  skipSpace(ahead)
  if (codeAt(ahead) === EQUALS || atItemEnd(ahead) || skipToken68(ahead)) return true
  const named = readToken(ahead) !== ''
  skipSpace(ahead)
  return named && codeAt(ahead) === EQUALS
}

/**
 * A quoted string (RFC 9110, section 5.6.4), unescaped; undefined if it is not closed or holds a control character.
 *
 * `\uXXXX` above U+00FF is read as that code unit. RFC 9110 would read `uXXXX`; but header values cannot hold such
 * characters otherwise, servers of the reference SDK write them so, and they bind the realm they meant into the
 * challenge id. A sender that follows the RFC only ever escapes `"` and `\`, so nothing it writes is misread.
 */
function readQuoted(cursor: Cursor): string | undefined {
  const { text } = cursor
  let start = ++cursor.at
  let value = ''
  let sound = true
  for (; cursor.at < text.length; cursor.at++) {
    let code = text.charCodeAt(cursor.at)
    if (code === QUOTE) {
      value += text.slice(start, cursor.at++)
      return sound ? value : undefined
    }
    if (code === BACKSLASH) {
      value += text.slice(start, cursor.at++)
      start = cursor.at
      code = text.charCodeAt(start)
      const wide = code === SMALL_U ? wideUnit(text.slice(start + 1, start + 5)) : undefined
      if (wide !== undefined) {
        value += wide
        cursor.at += 4
        start += 5
      }
    }
    if ((code < SPACE && code !== TAB) || code === DELETE) sound = false
  }
  return undefined
}

function wideUnit(digits: string): string | undefined {
  if (!/^[0-9a-f]{4}$/i.test(digits)) return undefined
  const unit = Number.parseInt(digits, 16)
  return unit > 0xff ? String.fromCharCode(unit) : undefined
}

function readToken(cursor: Cursor): string {
  const start = cursor.at
  while (isKind(codeAt(cursor), TOKEN)) cursor.at++
  return cursor.text.slice(start, cursor.at)
}

/** Moves over a token68 that fills its list item; otherwise stays. */
function skipToken68(cursor: Cursor): boolean {
  const start = cursor.at
  while (isKind(codeAt(cursor), TOKEN68)) cursor.at++
  if (cursor.at > start) {
    while (codeAt(cursor) === EQUALS) cursor.at++
    skipSpace(cursor)
    if (atItemEnd(cursor)) return true
  }
  cursor.at = start
  return false
}

/** Behind a token: is it a scheme name? Then a space or the item's end follows, and no `=` after spaces. */
function startsChallenge(cursor: Cursor): boolean {
  const end = cursor.at
  skipSpace(cursor)
  return atItemEnd(cursor) || (cursor.at > end && codeAt(cursor) !== EQUALS)
}

/** To the next list item; false at the end of the line. */
function skipSeparators(cursor: Cursor): boolean {
  for (let code = codeAt(cursor); code === COMMA || code === SPACE || code === TAB; code = codeAt(cursor))
    cursor.at++
  return cursor.at < cursor.text.length
}

function skipSpace(cursor: Cursor): void {
  for (let code = codeAt(cursor); code === SPACE || code === TAB; code = codeAt(cursor)) cursor.at++
}

function atItemEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.text.length || codeAt(cursor) === COMMA
}

function codeAt(cursor: Cursor): number {
  return cursor.at < cursor.text.length ? cursor.text.charCodeAt(cursor.at) : -1
}

function isKind(code: number, kind: number): boolean {
  return code >= 0 && code < 128 && ((KINDS[code] ?? 0) & kind) !== 0
}

function mark(char: string, kind: number): void {
  KINDS[char.charCodeAt(0)] = kind
}
