import * as z from 'zod/mini'
import { reader } from '../wallet/evidence.js'
import type { Hex } from '../wallet/tempo/index.js'

/** The zero address: it stands for a role without an address. */
export const NOBODY: Hex = `0x${'0'.repeat(40)}`

/** Hexadecimal text of a number of bytes. Upper case is read as lower case. */
export function hexOf(bytes: number) {
  return lowerCase(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`))
}

function lowerCase(form: RegExp) {
  return z.pipe(
    z.string().check(z.regex(form)),
    z.transform((text): Hex => `0x${text.slice(2).toLowerCase()}`),
  )
}

/** Any address except the zero address. */
export const address = hexOf(20).check(z.refine((value) => value !== NOBODY))

/** A base-10 integer in a string: no sign, exponent, fraction, separator or leading zero. */
export const decimal = z.pipe(
  z.string().check(z.regex(/^(?:0|[1-9][0-9]{0,38})$/)),
  z.transform((text: string) => BigInt(text)),
)

/** A pending deposit: the amount that it adds, and the hash that proves its outcome. */
export const pending = z.object({
  add: decimal,
  seen: hexOf(32),
  validBefore: z.number(),
  /** The payment that brings it, if that payment has locked nothing else on this channel. */
  payment: z.exactOptional(z.string()),
})
export type Pending = Readonly<z.output<typeof pending>>

export const readAddress = reader(address)
export const readHash = reader(hexOf(32))
export const readBytes = reader(lowerCase(/^0x[0-9a-fA-F]*$/))
export const readAmount = reader(decimal)
