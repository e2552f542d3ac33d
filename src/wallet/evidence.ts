import * as z from 'zod/mini'
import type { Json, JsonObject } from '../protocol/index.js'
import { isList, isObject } from '../util/objects.js'

// Schemas for the evidence of all wallets. One schema is the type and the reader of a detail.

/** Text of hexadecimal digits in lower case, behind `0x`. */
export const hex = z.custom<`0x${string}`>(
  (value) => typeof value === 'string' && /^0x[0-9a-f]+$/.test(value),
)

/** A whole number as decimal text. */
export const digits = z.string().check(z.regex(/^[0-9]+$/))

export const jsonObject = z.custom<JsonObject>(isObject)

/** A complete currency, so that any process can count an amount in it. */
export const currency = tolerant(
  z.object({
    id: z.string(),
    symbol: z.string(),
    decimals: z.number(),
    peg: z.exactOptional(z.string()),
    rate: z.exactOptional(z.object({ unit: z.string(), most: z.string() })),
  }),
  ['peg', 'rate'],
)

/**
 * An object that is read without its named members if they are damaged. The other members still prove something: if the
 * whole evidence became unreadable, its payment would count against the budget forever.
 */
export function tolerant<Shape extends z.core.$ZodShape>(
  object: z.ZodMiniObject<Shape>,
  names: readonly (keyof Shape & string)[],
) {
  return z.transform((value, { issues }) => {
    const whole = z.safeParse(object, value)
    if (whole.success) return whole.data
    const rest = isObject(value) ? z.safeParse(object, withoutDamaged(value, object.shape, names)) : whole
    if (rest.success) return rest.data
    issues.push({ code: 'custom', input: value })
    return z.NEVER
  })
}

function withoutDamaged(
  value: Readonly<Record<string, unknown>>,
  shape: z.core.$ZodShape,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const isSound = (name: string, member: unknown): boolean => {
    const schema = names.includes(name) ? shape[name] : undefined
    return schema === undefined || z.safeParse(schema, member).success
  }
  return Object.fromEntries(Object.entries(value).filter(([name, member]) => isSound(name, member)))
}

/** Creates a reader. It returns undefined for JSON that does not match the schema: of another wallet, or damaged. */
export function reader<T>(schema: z.ZodMiniType<T>): (value: Json | undefined) => T | undefined {
  return (value) => {
    const read = z.safeParse(schema, value)
    return read.success ? read.data : undefined
  }
}

type Stored = Json | bigint | undefined | readonly Stored[] | { readonly [name: string]: Stored }

/** Converts a detail to the form in the ledger: bigints become decimal text, and undefined members are removed. */
export function toJson(detail: { readonly [name: string]: Stored }): JsonObject {
  const members: [string, Json][] = []
  for (const [name, value] of Object.entries(detail))
    if (value !== undefined) members.push([name, jsonOf(value)])
  return Object.fromEntries(members)
}

function jsonOf(value: Stored): Json {
  if (value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  if (isList(value)) return value.map(jsonOf)
  return typeof value === 'object' && value !== null ? toJson(value) : value
}
