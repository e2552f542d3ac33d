import * as z from 'zod/mini'
import { reader } from '../wallet/evidence.js'
import type { Hex } from '../wallet/tempo/index.js'

/** The address of nobody: a role that is left open. */
export const NOBODY: Hex = `0x${'0'.repeat(40)}`

/** Hexadecimal text of a number of bytes, in any case. It is read as lower case. */
export function hexOf(bytes: number) {
  return lowerCase(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`))
}

function lowerCase(form: RegExp) {
  return z.pipe(
    z.string().check(z.regex(form)),
    z.transform((text): Hex => `0x${text.slice(2).toLowerCase()}`),
  )
}

/** An address that belongs to somebody. */
export const address = hexOf(20).check(z.refine((value) => value !== NOBODY))

/** A base-10 integer in a string: no sign, exponent, fraction, separator or leading zero. */
export const decimal = z.pipe(
  z.string().check(z.regex(/^(?:0|[1-9][0-9]{0,38})$/)),
  z.transform((text: string) => BigInt(text)),
)

/** A deposit on its way: what it adds, and what proves what became of it. */
export const pending = z.object({
  add: decimal,
  seen: hexOf(32),
  validBefore: z.number(),
  /** The payment that brings it, if that payment has locked up nothing else here. */
  payment: z.exactOptional(z.string()),
})
export type Pending = Readonly<z.output<typeof pending>>

export const readAddress = reader(address)
export const readHash = reader(hexOf(32))
export const readBytes = reader(lowerCase(/^0x[0-9a-fA-F]*$/))
export const readAmount = reader(decimal)
