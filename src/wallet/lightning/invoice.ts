import { decode } from 'light-bolt11-decoder'
import type { Instant } from '../../money/index.js'
import { type LightningNetwork, networkOfPrefix } from './networks.js'
import { signerOf } from './signature.js'

/** The content of an invoice, with its checksum and its signature verified. */
export interface Invoice {
  /** In lower case. */
  readonly text: string
  readonly network: LightningNetwork
  readonly msat: bigint
  /** The hash of the preimage: 64 lower-case hexadecimal digits. */
  readonly hash: string
  /** The public key of the payee's node, compressed, in lower case. */
  readonly payee: string
  readonly expires: Instant
}

export interface Unreadable {
  readonly unreadable: string
}

interface Section {
  readonly name: string
  readonly letters?: string
  readonly value?: unknown
}

/** The length limit. An honest invoice has a few hundred characters; with route hints about a thousand. */
const MOST_LETTERS = 4_096
/** BOLT 11: the expiry if there is no `x` field. */
const DEFAULT_EXPIRY_S = 3_600
/** The characters of tag and length before a field's data. */
const FIELD_HEAD = 3
/** BOLT 11: the lengths of `p`, `s` and `n`; any other length must fail the payment. */
const HASH_LETTERS = 52
const KEY_LETTERS = 53
/** BOLT 11: exactly one of the two must be present. */
const DESCRIPTIONS: readonly string[] = ['description', 'description_hash']
/** Required features that the decoder's table lacks but every paying node knows: blinded routes, metadata. */
const KNOWN_FEATURES: readonly number[] = [24, 48]

const bad = (why: string): Unreadable => ({ unreadable: why })

/**
 * Reads an invoice (BOLT 11). Stricter than the standard if two readers could disagree: a field that must appear once
 * must not appear twice.
 */
export function readInvoice(text: string): Invoice | Unreadable {
  if (text.length > MOST_LETTERS) return bad('the invoice is too long')
  const sections = sectionsOf(text)
  if (sections === undefined) return bad('the invoice cannot be read')
  const network = networkOfPrefix(only(sections, 'coin_network')?.letters)
  if (network === undefined) return bad('the invoice is for an unknown network')
  const amount = only(sections, 'amount')?.value
  if (typeof amount !== 'string') return bad('the invoice names no amount')
  const hash = hexOf(sections, 'payment_hash', HASH_LETTERS)
  if (hash === undefined) return bad('the invoice has not exactly one payment hash')
  if (hexOf(sections, 'payment_secret', HASH_LETTERS) === undefined)
    return bad('the invoice has not exactly one payment secret')
  if (sections.filter(({ name }) => DESCRIPTIONS.includes(name)).length !== 1)
    return bad('the invoice has not exactly one description')
  if (asksTooMuch(sections)) return bad('the invoice requires an unknown feature')
  const payee = payeeOf(text.toLowerCase(), sections)
  if (payee === undefined) return bad('the invoice is not signed by the node that it pays')
  const expires = expiryOf(sections)
  if (expires === undefined) return bad('the expiry of the invoice cannot be read')
  return { text: text.toLowerCase(), network, msat: BigInt(amount), hash, payee, expires }
}

/**
 * Decodes the sections. The decoder verifies the checksum and throws if it cannot read the text. Its error may quote
 * the whole text.
 */
function sectionsOf(text: string): readonly Section[] | undefined {
  try {
    return decode(text).sections
  } catch {
    return undefined
  }
}

/** Returns the section of that name if there is exactly one. */
function only(sections: readonly Section[], name: string): Section | undefined {
  const [found, ...more] = sections.filter((section) => section.name === name)
  return more.length === 0 ? found : undefined
}

function hexOf(sections: readonly Section[], name: string, letters: number): string | undefined {
  const field = only(sections, name)
  const whole = field?.letters?.length === FIELD_HEAD + letters
  return whole && typeof field.value === 'string' ? field.value : undefined
}

function payeeOf(invoice: string, sections: readonly Section[]): string | undefined {
  const signature = only(sections, 'signature')?.value
  if (typeof signature !== 'string' || signature.length !== 130) return undefined
  const named = hexOf(sections, 'payee', KEY_LETTERS)
  if (named === undefined && sections.some(({ name }) => name === 'payee')) return undefined
  return signerOf(invoice, signature, named)
}

function expiryOf(sections: readonly Section[]): Instant | undefined {
  const timestamp = only(sections, 'timestamp')?.value
  const stated = sections.some(({ name }) => name === 'expiry')
  const expiry = stated ? only(sections, 'expiry')?.value : DEFAULT_EXPIRY_S
  if (typeof timestamp !== 'number' || typeof expiry !== 'number') return undefined
  const at = (timestamp + expiry) * 1000
  return Number.isSafeInteger(at) ? at : undefined
}

/** BOLT 11: an unknown even feature must fail the payment. */
function asksTooMuch(sections: readonly Section[]): boolean {
  const features = sections.filter(({ name }) => name === 'feature_bits')
  return features.length > 1 || features.some(({ value }) => unknownBit(value))
}

function unknownBit(value: unknown): boolean {
  const extra = typeof value === 'object' && value !== null && 'extra_bits' in value ? value.extra_bits : null
  if (typeof extra !== 'object' || extra === null || !('bits' in extra) || !('start_bit' in extra))
    return true
  const { bits, start_bit: start } = extra
  if (!Array.isArray(bits) || typeof start !== 'number') return true
  return bits.some(
    (set, at) => set === true && (start + at) % 2 === 0 && !KNOWN_FEATURES.includes(start + at),
  )
}
