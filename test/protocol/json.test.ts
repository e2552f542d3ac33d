import { describe, expect, it } from 'vitest'
import {
  JSON_LIMITS,
  PROTOCOL_ERROR_CODES,
  ProtocolError,
  parseJsonObject,
} from '../../src/protocol/index.js'

function codeOf(text: string, limits = JSON_LIMITS): string | undefined {
  try {
    parseJsonObject(text, limits)
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

describe('an object in JSON', () => {
  it('is parsed and frozen', () => {
    const value = parseJsonObject('{"a":[{"b":1.5}],"constructor":"x","toString":null}')
    expect(value).toEqual({ a: [{ b: 1.5 }], constructor: 'x', toString: null })
    expect(Object.isFrozen(value)).toBe(true)
    expect(Object.isFrozen(value['a'])).toBe(true)
  })

  it('is bounded in length', () => {
    expect(codeOf('{"a":1}', { length: 7, depth: 1 })).toBeUndefined()
    expect(codeOf('{"a":12}', { length: 7, depth: 1 })).toBe('json_too_large')
  })

  it('is bounded in depth', () => {
    expect(codeOf('{"a":[[1]]}', { length: 100, depth: 3 })).toBeUndefined()
    expect(codeOf('{"a":[[[]]]}', { length: 100, depth: 3 })).toBe('json_too_deep')
    expect(codeOf('{"a":"[[[[[["}', { length: 100, depth: 1 })).toBeUndefined()
  })

  it.each([
    ['', 'bad_json'],
    ['{', 'bad_json'],
    ['{"a":1,}', 'bad_json'],
    ['{"a":NaN}', 'bad_json'],
    ['\ufeff{}', 'bad_json'],
    ['[]', 'not_an_object'],
    ['1', 'not_an_object'],
    ['null', 'not_an_object'],
    ['{"__proto__":1}', 'unsafe_key'],
    ['{"\\u005f_proto__":1}', 'unsafe_key'],
    ['{"a":[0,{"__proto__":{}}]}', 'unsafe_key'],
  ])('%j is refused: %s', (text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  it('does not quote unreadable text', () => {
    for (const text of ['{"secret":', '{"secret":1,"__proto__":1}', '["secret"]']) {
      expect(() => parseJsonObject(text)).toThrow(ProtocolError)
      expect(() => parseJsonObject(text)).not.toThrow(/secret/)
    }
  })
})

it('the codes are these', () => {
  expect(PROTOCOL_ERROR_CODES).toEqual([
    'header_too_large',
    'too_many_challenges',
    'param_too_large',
    'malformed',
    'duplicate_param',
    'missing_param',
    'bad_method',
    'bad_intent',
    'bad_expires',
    'bad_header',
    'bad_version',
    'bad_scheme',
    'bad_network',
    'bad_sign_in',
    'bad_base64url',
    'bad_utf8',
    'bad_json',
    'not_an_object',
    'json_too_large',
    'json_too_deep',
    'unsafe_key',
  ])
})
