import * as z from 'zod'
import { ASK } from './approval-schemas.js'
import { CARE } from './care-schemas.js'
import { LOOK } from './look-schemas.js'
import { PAY } from './pay-schemas.js'

/** The JSON that each command prints with `--json`. A field never changes its meaning. */

const where = z.strictObject({
  config: z.string().optional().describe('The settings file, if there is one.'),
  policy: z.string().optional(),
  ledger: z.string().describe('The file may not exist yet.'),
  agent: z.string(),
})

/** The schema of each command: of its one value, or of one row. */
export const SCHEMAS = { ...ASK, ...CARE, ...LOOK, ...PAY, where } as const satisfies Readonly<
  Record<string, z.ZodType>
>

/** The JSON of a command, or of one of its rows. */
export type JsonOf<Name extends keyof typeof SCHEMAS> = z.input<(typeof SCHEMAS)[Name]>
