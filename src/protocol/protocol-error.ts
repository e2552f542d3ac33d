/** All codes of a {@link ProtocolError}. The list is closed: a failure outside it is a regression. */
export const PROTOCOL_ERROR_CODES = [
  // Size and number.
  'header_too_large',
  'too_many_challenges',
  'param_too_large',
  // Syntax of the header.
  'malformed',
  'duplicate_param',
  // Meaning of the parameters.
  'missing_param',
  'bad_method',
  'bad_intent',
  'bad_expires',
  'bad_header',
  // Meaning of x402's fields.
  'bad_version',
  'bad_scheme',
  'bad_network',
  'bad_sign_in',
  // Encoded JSON.
  'bad_base64url',
  'bad_utf8',
  'bad_json',
  'not_an_object',
  'json_too_large',
  'json_too_deep',
  'unsafe_key',
] as const

/** One of {@link PROTOCOL_ERROR_CODES}. */
export type ProtocolErrorCode = (typeof PROTOCOL_ERROR_CODES)[number]

/** An error in data from the wire. It says nothing about money, and never quotes the data. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  /** The start of the fault (or of the broken challenge) in its header line, in UTF-16 code units. */
  readonly offset?: number

  constructor(code: ProtocolErrorCode, message: string, offset?: number) {
    super(message)
    this.code = code
    if (offset !== undefined) this.offset = offset
  }
}
