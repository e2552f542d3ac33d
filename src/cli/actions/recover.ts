import { clean, isPaymentError } from '../../errors/index.js'
import { userName } from '../ask.js'
import { EXIT } from '../exit-codes.js'
import { misuse } from '../misuse.js'
import { openPurser } from '../open-purser.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** Looks at every payment whose outcome is not known. */
export const recover: Action<CommonOptions> = async ({ options, terminal }) => {
  const { purser } = await openPurser(options, terminal)
  try {
    const { settled, released, open, fees, unseen } = await purser.recover({ reconcile: true })
    const json: JsonOf<'recover'> = { settled, released, open, fees, unseen: [...unseen] }
    return {
      kind: 'single',
      json,
      code: open > 0 ? EXIT.doubt : EXIT.done,
      text: () =>
        [
          `${settled} settled, ${released} released, ${open} still in doubt, ${fees} fees read`,
          ...unseen.map(
            ({ wallet, payments }) =>
              `  ${payments} of them only the wallet ${clean(wallet, 200)} can look at: add it to the settings`,
          ),
          ...(open > 0 ? ["Once you know an outcome: purser resolve ID settled|released --because '…'"] : []),
        ].join('\n'),
    }
  } finally {
    await purser.close()
  }
}

/** The options of `purser resolve`. */
export interface ResolveOptions extends CommonOptions {
  readonly because?: string | undefined
  readonly reference?: string | undefined
}

/** Closes a payment in doubt by the statement of a person. */
export const resolve: Action<ResolveOptions> = async ({ args: [id = '', as = ''], options, terminal }) => {
  const { because, reference } = options
  if (as !== 'settled' && as !== 'released') throw misuse('Say how it ended: settled or released')
  if (because === undefined || because.trim() === '') throw misuse("Say how you know it: --because '…'")
  const by = `${userName()}: ${because}`
  const { purser } = await openPurser(options, terminal)
  try {
    const payment = await purser.resolve(
      id,
      as === 'settled'
        ? { as, by, ...(reference === undefined ? {} : { reference }) }
        : { as, by: userName(), reason: because },
    )
    const json: JsonOf<'resolve'> = { id: payment.id, state: payment.state }
    return { kind: 'single', json, text: () => `${payment.id} is ${payment.state}, by your word.` }
  } catch (error) {
    if (error instanceof TypeError) throw misuse(error.message)
    // It is no refusal by policy: the payment is in a state that a person cannot close.
    if (isPaymentError(error, 'refused')) {
      terminal.stderr.write(`purser: ${clean(error.message)}\npurser payment ${clean(id, 60)}\n`)
      return EXIT.failed
    }
    throw error
  } finally {
    await purser.close()
  }
}
