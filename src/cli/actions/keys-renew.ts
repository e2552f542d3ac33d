import { rename } from 'node:fs/promises'
import { keyInFile, newAgentKey, openViewFromEnvironment } from '../../config/index.js'
import { EXIT } from '../exit-codes.js'
import { timeFact } from '../facts.js'
import { misuse } from '../misuse.js'
import { shownPath } from '../open-purser.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import { createFile } from '../setup-files.js'
import type { Action, Invocation } from '../shell.js'
import { agreed, contextOf, delegationOf, type KeysOptions, limitsText, ownerOf } from './keys.js'

/**
 * Gives the agent a new key with the limits of the policy, and revokes the old one. The new key is authorized before it
 * takes the place of the old one, so the agent can pay at every moment. If the command dies before that, the same command
 * goes on. If it dies after that, the old key must be revoked by `purser keys revoke`.
 */
export const keysRenew: Action<KeysOptions> = async (invocation) => {
  const { options, terminal } = invocation
  const context = await contextOf(invocation)
  const { agentKey: old, settings } = context
  const path = settings.keys.find(({ wallet }) => wallet === 'tempo')?.path
  if (old === undefined || path === undefined)
    throw misuse('The settings name no file with a key of the agent')
  if (settings.accessKey === undefined)
    throw misuse(
      'The key of the settings is the account itself, so there is nothing to renew. purser keys authorize',
    )
  const owner = await ownerOf(context, options)
  await refuseOpenSessions(invocation)
  const draft = `${path}.new`
  await createFile(draft, (await newAgentKey(old.keyType)).text)
  const key = await keyInFile(draft)
  // A run that died may have authorized the key already.
  const authorized = (await owner.keys.list()).find(
    (one) => one.state === 'authorized' && one.key.toLowerCase() === key.address.toLowerCase(),
  )
  const delegation = authorized === undefined ? await delegationOf(key, owner, context, options) : undefined
  if (delegation !== undefined)
    terminal.stderr.write(`${limitsText(delegation, key.address, owner.address)}\n`)
  terminal.stderr.write(`The old key ${old.address} will be revoked.\n`)
  if (!(await agreed(invocation, 'Renew the key?'))) {
    terminal.stderr.write(`next_step: purser keys renew --with ${options.with} --yes\n`)
    return EXIT.waits
  }
  await delegation?.authorize(options.despiteAllowances === true ? { despiteAllowances: true } : {})
  await rename(draft, path)
  await owner.keys.revoke(old.address)
  const expires = delegation?.expires ?? authorized?.expires
  const json: JsonOf<'keys renew'> = {
    account: owner.address,
    key: key.address,
    type: key.keyType,
    ...(expires === undefined ? {} : { expires: timeFact(expires) }),
    path,
    revoked: old.address,
  }
  return {
    kind: 'single',
    json,
    text: () =>
      `The new key is in ${shownPath(path, terminal.env)}, and ${old.address} is revoked. Restart the programs that pay with it.`,
  }
}

/** The vouchers of an open session are signed by the old key, and closing the session needs it. */
async function refuseOpenSessions({ options, terminal }: Invocation<KeysOptions>): Promise<void> {
  const { view } = await openViewFromEnvironment(environmentWith(options, terminal.env)).catch(() => ({
    view: undefined,
  }))
  if (view === undefined) return
  try {
    const open = (await view.channels({})).filter(({ state }) => state !== 'closed').length
    if (open > 0)
      throw misuse(
        `${open} open ${open === 1 ? 'session needs' : 'sessions need'} the old key. purser sessions close --all`,
      )
  } finally {
    await view.close()
  }
}
