import { examine } from '../doctor.js'
import { EXIT } from '../exit-codes.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'
import type { Style } from '../style.js'

/** Looks at everything that a payment needs, and names the command that mends it. */
export const doctor: Action<CommonOptions> = async ({ options, terminal }) => {
  const found = await examine(environmentWith(options, terminal.env))
  const failed = found.filter(({ level }) => level === 'fail').length
  const json: JsonOf<'doctor'> = { failed, findings: found.map((finding) => ({ ...finding })) }
  return {
    kind: 'single',
    json,
    code: failed > 0 ? EXIT.failed : EXIT.done,
    text: (style) => json.findings.map((finding) => lineOf(finding, style)).join('\n'),
  }
}

const LEVELS = { ok: ['ok', 'green'], warn: ['WARN', 'yellow'], fail: ['FAIL', 'red'] } as const

function lineOf({ check, level, message, fix }: JsonOf<'doctor'>['findings'][number], style: Style): string {
  const [word, color] = LEVELS[level]
  const line = `${style.color(color, word.padEnd(5))} ${check.padEnd(11)} ${message}`
  return fix === undefined ? line : `${line}\n${' '.repeat(18)}-> ${fix}`
}
