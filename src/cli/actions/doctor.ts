import { examine } from '../doctor.js'
import { findingLine } from '../doctor-finding.js'
import { EXIT } from '../exit-codes.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'

/** Looks at everything that a payment needs, and names the command that mends it. */
export const doctor: Action<CommonOptions> = async ({ options, terminal }) => {
  const found = await examine(environmentWith(options, terminal.env))
  const failed = found.filter(({ level }) => level === 'fail').length
  const json: JsonOf<'doctor'> = { failed, findings: found.map((finding) => ({ ...finding })) }
  return {
    kind: 'single',
    json,
    code: failed > 0 ? EXIT.failed : EXIT.done,
    text: (style) => json.findings.map((finding) => findingLine(finding, style)).join('\n'),
  }
}
