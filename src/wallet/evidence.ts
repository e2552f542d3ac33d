import * as z from 'zod/mini'
import type { Json, JsonObject } from '../protocol/index.js'
import { isObject } from '../util/objects.js'

// The parts that the evidence of all wallets is made of. One schema of each detail is its type and its reader.

/** Text of hexadecimal digits in lower case, behind `0x`. */
export const hex = z.custom<`0x${string}`>(
  (value) => typeof value === 'string' && /^0x[0-9a-f]+$/.test(value),
)

/** A whole number in decimal digits, kept as text. */
export const digits = z.string().check(z.regex(/^[0-9]+$/))

/** A JSON object, kept as it is. */
export const jsonObject = z.custom<JsonObject>(isObject)

/** A currency, complete, so that any process can count an amount of it. */
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
 * An object whose named members are left out if they are damaged. What the other members prove stays proven: unreadable
 * evidence would keep its payment counted for ever.
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

/** @returns A reader that answers undefined for JSON that is not as the schema says: of another wallet, or damaged. */
export function reader<T>(schema: z.ZodMiniType<T>): (value: Json | undefined) => T | undefined {
  return (value) => {
    const read = z.safeParse(schema, value)
    return read.success ? read.data : undefined
  }
}

/** A value of a detail, as a wallet works with it. */
type Stored = Json | bigint | undefined | readonly Stored[] | { readonly [name: string]: Stored }

/** A detail as the ledger keeps it: amounts become decimal text, and members without a value are left out. */
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

function isList(value: Stored): value is readonly Stored[] {
  return Array.isArray(value)
}
