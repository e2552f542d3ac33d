import * as z from 'zod'

/** An amount in JSON. */
export const amount = z.strictObject({
  value: z.string().describe('A decimal number, without rounding.'),
  currency: z.string(),
})

/** A time in JSON. */
export const time = z.iso.datetime().describe('A time in UTC, as RFC 3339.')
