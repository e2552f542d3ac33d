import { ProtocolError, type ProtocolErrorCode } from './protocol-error.js'

/** One challenge of the wanted scheme, parsed by syntax only. */
export interface AuthChallenge {
  /** The start of its scheme name in the header line, in UTF-16 code units. */
  readonly offset: number
  /** Parameters by lower-case name, values unescaped. */
  readonly params: ReadonlyMap<string, string>
  /** Its first fault. If present, the parameters must not be used. */
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

/** The kinds of characters in a header, by character code. */
const TOKEN = 1
const TOKEN68 = 2
const KINDS = new Uint8Array(128)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')
  mark(char, TOKEN | TOKEN68)
for (const char of "!#$%&'*^`|") mark(char, TOKEN)
mark('+', TOKEN | TOKEN68)
mark('/', TOKEN68)

/** The only parameter that is text for people. It decides nothing. */
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
 * Reads the challenges of one scheme from a `WWW-Authenticate` line that may hold others (RFC 9110, sections 11.2, 11.3
 * and 11.6.1). The parser makes one pass without backtracking. It reads at most `limit` challenges and reports one more
 * as a fault.
 *
 * Names inside quoted strings are always text. After a fault, reading continues at the next comma outside quotes, so
 * that a broken challenge does not hide the others. An unterminated quote consumes the rest of its line.
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

/** Payment parameters that no other scheme uses. */
const STRAY = /^(?:intent|request|digest|expires)$/i

/**
 * Marks the previous challenge as broken if a payment parameter appears under another scheme. In that case its
 * description was not escaped and contains a challenge.
 */
function spoilDescribed(before: Draft | undefined, offset: number): void {
  if (before?.params.has(WORDS))
    spoil(before, 'malformed', 'A parameter after its description was lost', offset)
}

/** Reads the first part after a scheme name on the same list item: nothing, a token68, or a parameter. */
function readFirst(cursor: Cursor, open: Draft | undefined): void {
  skipSpace(cursor)
  if (atItemEnd(cursor)) return
  const offset = cursor.at
  if (skipToken68(cursor)) spoil(open, 'malformed', 'A token in the place of parameters', offset)
  else readParam(cursor, readToken(cursor), offset, open)
}

/** Reads `auth-param = token BWS "=" BWS ( token / quoted-string )`. The cursor stands behind the name. */
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
    spoilItem(cursor, open, 'Not a valid parameter value', offset)
    return
  }
  if (open === undefined) return
  const key = name.toLowerCase()
  if (open.params.has(key)) spoil(open, 'duplicate_param', 'A parameter appears twice', offset)
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
 * Ends a text for people at its closing quote, if the line can continue there. Otherwise the text contains quotes that
 * its server did not escape, and {@link readLoosely} finds the end.
 *
 * Reading on is safe for three reasons. It begins only if RFC 9110 gives the line no meaning. It only moves the end
 * further back, so text never becomes a parameter. And {@link takesParameter} refuses a text that would contain a
 * parameter; otherwise a stranger who writes a description could remove `expires` or `digest`. It does not protect
 * against a stranger who writes a complete challenge into an unescaped description: that line is valid, and only its
 * server or the policy's `payees` can detect it.
 *
 * @param start - The position of the first quote.
 * @param value - The text up to the first closing quote. The cursor stands behind that quote.
 */
function readWords(cursor: Cursor, start: number, value: string | undefined): string | undefined {
  const { at } = cursor
  if (isFollowed({ text: cursor.text, at })) return value
  const ended = atItemEnd(cursor)
  const words = readLoosely(cursor, start)
  if (words !== undefined || !ended) return words
  // Broken syntax of another scheme follows. It does not affect this challenge.
  cursor.at = at
  return value
}

/**
 * Reads up to the first quote after which the line can continue. Undefined if there is no such quote, or if the text
 * would contain a parameter.
 */
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

/** Tells whether a text contains a deciding parameter behind a comma. If so, the text must have ended before it. */
function takesParameter(written: string): boolean {
  return /,[\t ]*(?:payment[\t ]+)?(?:id|realm|method|intent|request|digest|expires|header|opaque)[\t ]*=/i.test(
    written,
  )
}

/**
 * Tells whether the line can continue here: it ends, or a comma and then `name=`, `Scheme name=`, `Scheme` or `Scheme
 * token68` follow.
 */
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
 * Reads a quoted string (RFC 9110, section 5.6.4) and unescapes it. Undefined if it is not closed or contains a control
 * character.
 *
 * `\uXXXX` above U+00FF is read as that code unit. RFC 9110 would read `uXXXX`. But header values cannot carry such
 * characters otherwise, servers of the reference SDK write them this way, and those servers bind the decoded realm into
 * the challenge id. A sender that follows the RFC only escapes `"` and `\`, so its strings are never misread.
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

/** Moves past a token68 if it fills its list item; otherwise does not move. */
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

/**
 * Tells whether the token before the cursor is a scheme name: a space or the end of the item follows, and no `=` after
 * spaces.
 */
function startsChallenge(cursor: Cursor): boolean {
  const end = cursor.at
  skipSpace(cursor)
  return atItemEnd(cursor) || (cursor.at > end && codeAt(cursor) !== EQUALS)
}

/** Moves to the next list item. Returns false at the end of the line. */
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
