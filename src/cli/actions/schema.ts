import * as z from 'zod'
import { suggestion } from '../../errors/index.js'
import { misuse } from '../misuse.js'
import { SCHEMAS } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** Prints the JSON Schema of a command's output, or the list of the commands that have one. */
export const schema: Action<CommonOptions> = async ({ args }) => {
  const name = args.length === 0 ? undefined : args.join(' ')
  const names = Object.keys(SCHEMAS)
  if (name === undefined) return { kind: 'single', json: names, text: () => names.join('\n') }
  const found = Object.entries(SCHEMAS).find(([known]) => known === name)?.[1]
  if (found === undefined) throw misuse(`There is no schema of the command ${name}${suggestion(name, names)}`)
  const json = z.toJSONSchema(found)
  return { kind: 'single', json, text: () => JSON.stringify(json, null, 2) }
}
