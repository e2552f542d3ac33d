import { notifyFreeze, openToStop } from '../../config/index.js'
import { clean } from '../../errors/index.js'
import { misuse } from '../misuse.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions, Invocation } from '../shell.js'

/** Stops all payments on the ledger, in every process. */
export const freeze: Action<CommonOptions> = async ({ args: [why = ''], options, terminal }) => {
  if (why.trim() === '') throw misuse("Say why, for example: purser freeze 'looking into it'")
  const ledger = await openToStop(environmentWith(options, terminal.env))
  try {
    await ledger.freeze(why)
  } finally {
    await ledger.close()
  }
  await tell({ frozen: true, why }, { options, terminal })
  const json: JsonOf<'freeze'> = { frozen: true, why }
  return {
    kind: 'single',
    json,
    text: () =>
      `Frozen: ${clean(why)}. Nothing is paid any more, in any process on this ledger.\npurser unfreeze`,
  }
}

/** Allows payments again. */
export const unfreeze: Action<CommonOptions> = async ({ options, terminal }) => {
  const ledger = await openToStop(environmentWith(options, terminal.env))
  try {
    await ledger.unfreeze()
  } finally {
    await ledger.close()
  }
  await tell({ frozen: false }, { options, terminal })
  const json: JsonOf<'unfreeze'> = { frozen: false }
  return { kind: 'single', json, text: () => 'Payments are allowed again.' }
}

/** Tells people by `notify` of the settings. stderr says who was not told. */
async function tell(
  event: Parameters<typeof notifyFreeze>[1],
  { options, terminal }: Pick<Invocation<CommonOptions>, 'options' | 'terminal'>,
): Promise<void> {
  for (const sentence of await notifyFreeze(environmentWith(options, terminal.env), event))
    terminal.stderr.write(`purser: ${clean(sentence, 300)}\n`)
}
