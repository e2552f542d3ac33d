import { testNotifications } from '../../config/index.js'
import { EXIT } from '../exit-codes.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'

/** Sends a test message to each target of `notify`, and prints what became of it. */
export const notifyTest: Action<CommonOptions> = async ({ options, terminal }) => {
  const tests = await testNotifications(environmentWith(options, terminal.env))
  const json: JsonOf<'notify test'> = { targets: [...tests] }
  return {
    kind: 'single',
    json,
    code: tests.every(({ delivered }) => delivered) ? EXIT.done : EXIT.failed,
    text: () =>
      tests
        .map(({ target, why }) => (why === undefined ? `sent    ${target}` : `FAILED  ${target}: ${why}`))
        .join('\n'),
  }
}
