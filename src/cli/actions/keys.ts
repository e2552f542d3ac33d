import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import {
  AGENT_KEY_TYPES,
  type AgentKeyName,
  type Delegation,
  type InspectedSettings,
  inspectSettings,
  type KeyOwner,
  type KeyPlace,
  keyOwner,
  keysOf,
  newAgentKey,
  type Places,
  placesIn,
  summarizePolicy,
  type TempoKey,
} from '../../config/index.js'
import { clean, oneOf } from '../../errors/index.js'
import type { Currency } from '../../index.js'
import { formatAmount } from '../../index.js'
import type { Answer } from '../answer.js'
import { EXIT } from '../exit-codes.js'
import { timeFact } from '../facts.js'
import { misuse } from '../misuse.js'
import { shownPath } from '../open-purser.js'
import { confirmed } from '../prompts.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import { createFile, editFile } from '../setup-files.js'
import type { Action, CommonOptions, Invocation } from '../shell.js'
import { table } from '../table.js'
import { isInteractive } from '../terminal.js'

/** The options of `purser keys authorize` and `revoke`. */
export interface KeysOptions extends CommonOptions {
  readonly with?: string | undefined
  readonly days?: string | undefined
  readonly type?: string | undefined
  readonly token?: string | undefined
  readonly recipient?: readonly string[] | undefined
  readonly despiteAllowances?: boolean | undefined
  readonly yes?: boolean | undefined
}

export interface KeyContext extends KeyPlace {
  readonly places: Places
  readonly settings: InspectedSettings
  /** The agent's key. */
  readonly agentKey: AgentKeyName | undefined
}

export async function contextOf({ options, terminal }: Invocation<KeysOptions>): Promise<KeyContext> {
  const env = environmentWith(options, terminal.env)
  const [places, settings] = [await placesIn(env), await inspectSettings(env)]
  if (settings.problem !== undefined) throw settings.problem
  const named = places.policy === undefined ? [] : (await summarizePolicy(places.policy)).networks
  const [chain] = [...settings.chains, ...settings.nodes.keys(), ...named]
  if (chain === undefined) throw misuse('The settings name no chain: set wallets.tempo.chains')
  const own = settings.currencies.filter(({ id }) => id.startsWith(`eip155:${chain}/`))
  return {
    chain,
    nodes: settings.nodes.get(chain),
    currencies: own,
    places,
    settings,
    agentKey: agentKeyOf(settings),
  }
}

function agentKeyOf({ keys }: InspectedSettings): AgentKeyName | undefined {
  const { address, type } = keys.find(({ wallet }) => wallet === 'tempo') ?? {}
  return address === undefined || type === undefined ? undefined : { address, keyType: type }
}

/** Makes a key file. */
export const keysCreate: Action<KeysOptions> = async ({ args: [file = ''], options, terminal }) => {
  const path = resolve(file)
  const type = AGENT_KEY_TYPES.find((known) => known === (options.type ?? 'secp256k1'))
  if (type === undefined) throw misuse(`--type must be ${oneOf(AGENT_KEY_TYPES)}`)
  const key = await newAgentKey(type)
  if (!(await createFile(path, key.text))) throw misuse(`${path} exists, and is left as it is`)
  const json: JsonOf<'keys create'> = { path, address: key.address, type }
  return {
    kind: 'single',
    json,
    text: () => `Made a ${type} key in ${shownPath(path, terminal.env)} (0600), for ${key.address}`,
  }
}

/** Gives the agent's key limits on the chain, made from the policy. The account's own key signs once. */
export const keysAuthorize: Action<KeysOptions> = async (invocation) => {
  const { options, terminal } = invocation
  const context = await contextOf(invocation)
  const { agentKey, places, settings } = context
  if (agentKey === undefined) throw misuse('The agent has no key yet. purser init')
  const owner = await ownerOf(context, options)
  const delegation = await delegationOf(agentKey, owner, context, options)
  const known = settings.accessKey === undefined ? undefined : settings.account
  terminal.stderr.write(`${limitsText(delegation, agentKey.address, owner.address)}\n`)
  if (!(await agreed(invocation, 'Authorize this key?'))) {
    terminal.stderr.write(`next_step: purser keys authorize --with ${options.with} --yes\n`)
    return EXIT.waits
  }
  const { reference, fee } = await delegation.authorize(
    options.despiteAllowances === true ? { despiteAllowances: true } : {},
  )
  const written = known === undefined ? await writeAccount(places.config, owner.address) : false
  const json: JsonOf<'keys authorize'> = {
    account: owner.address,
    key: agentKey.address,
    expires: timeFact(delegation.expires),
    reference,
  }
  return {
    kind: 'single',
    json,
    text: () =>
      [
        `Authorized, for ${formatAmount(fee)}.`,
        ...(written && places.config !== undefined
          ? [`Wrote the account into ${shownPath(places.config, terminal.env)}.`]
          : []),
      ].join('\n'),
  }
}

/** Reads the account's own key from the file of `--with`. It must be the account that the settings name, if they name one. */
export async function ownerOf(context: KeyContext, options: KeysOptions): Promise<KeyOwner> {
  const owner = await ownerIn(context, options)
  const { settings } = context
  const known = settings.accessKey === undefined ? undefined : settings.account
  if (known !== undefined && known.toLowerCase() !== owner.address.toLowerCase())
    throw misuse(`The settings name the account ${known}, and ${options.with} is the key of ${owner.address}`)
  return owner
}

function ownerIn(context: KeyContext, options: KeysOptions): Promise<KeyOwner> {
  if (options.with === undefined) throw misuse('--with must name the file with the key of your account')
  return keyOwner(resolve(options.with), context)
}

/** Makes the limits of a key from the policy. */
export async function delegationOf(
  agentKey: AgentKeyName,
  owner: KeyOwner,
  { places, currencies }: KeyContext,
  options: KeysOptions,
): Promise<Delegation> {
  if (places.policy === undefined) throw misuse('There is no policy file yet. purser init')
  const days = /^\d{1,4}$/.test(options.days ?? '30') ? Number(options.days ?? '30') : 0
  if (days < 1) throw misuse('--days must be a number of days')
  if (owner.address.toLowerCase() === agentKey.address.toLowerCase())
    throw misuse('The agent has the key of the account itself. Make another one: purser keys create FILE')
  return owner
    .delegate({
      policy: places.policy,
      agent: places.agent,
      key: agentKey,
      expires: new Date(Date.now() + days * 86_400_000),
      token: tokenOf(options.token, currencies),
      recipients: options.recipient,
    })
    .catch((error: unknown) => {
      throw error instanceof TypeError ? misuse(error.message) : error
    })
}

/** Returns what the key will be able to do, and who enforces each rule, before anything is signed. */
export function limitsText(
  { limits, recipients, expires, rules, cost }: Delegation,
  key: string,
  account: string,
): string {
  return [
    `Key ${key} may spend from ${account}:`,
    ...limits.map(
      ({ amount, periodMs }) =>
        `  ${formatAmount(amount)}${periodMs === undefined ? ' in all' : ` in ${periodMs / 3_600_000} h`}`,
    ),
    `  to ${recipients.join(', ')}`,
    `  until ${timeFact(expires)}`,
    ...rules.map(({ rule, holder, message }) => `  ${holder.padEnd(6)} ${rule}: ${clean(message, 200)}`),
    `This costs at most ${formatAmount(cost)}.`,
  ].join('\n')
}

export async function agreed(
  { options, terminal }: Invocation<KeysOptions>,
  question: string,
): Promise<boolean> {
  if (options.yes === true) return true
  return isInteractive(terminal) && (await confirmed(question, terminal))
}

function tokenOf(symbol: string | undefined, currencies: readonly Currency[]): Currency {
  const found =
    symbol === undefined
      ? (currencies.find((one) => one.symbol !== 'pathUSD') ?? currencies[0])
      : currencies.find((one) => one.symbol === symbol)
  if (found === undefined)
    throw misuse(`--token must be one of ${currencies.map((one) => one.symbol).join(', ')}`)
  return found
}

/** Names the account in the settings file, so that the key acts for it. */
async function writeAccount(config: string | undefined, account: string): Promise<boolean> {
  if (config === undefined) return false
  const before = await readFile(config, 'utf8')
  const document = parseDocument(before)
  if (document.getIn(['wallets', 'tempo']) === undefined) return false
  document.setIn(['wallets', 'tempo', 'account'], account)
  const edit = await editFile(config, before, document.toString({ lineWidth: 0 }))
  try {
    await placesIn({ PURSER_CONFIG: edit.draft, HOME: dirname(config) })
    await edit.commit()
  } finally {
    await edit.discard()
  }
  return true
}

/** Lists the access keys of the account, by the chain. */
export const keysList: Action<KeysOptions> = async (invocation): Promise<Answer> => {
  const context = await contextOf(invocation)
  const { account } = context.settings
  if (account === undefined) throw misuse('The settings name no account. purser init')
  const rows = (await (await keysOf(hexOf(account), context)).list()).map(keyFact)
  return {
    kind: 'rows',
    rows,
    text: async (style) =>
      rows.length === 0
        ? `Account ${account} has no access keys.`
        : table(
            [{ title: 'key' }, { title: 'state' }, { title: 'left', cut: true }, { title: 'until' }],
            rows.map(({ key, state, left, expires }) => [
              key,
              state,
              left.map(({ value, currency }) => `${value} ${currency}`).join(', '),
              expires?.slice(0, 10) ?? '',
            ]),
            style,
          ),
  }
}

function keyFact({ key, state, type, expires, limits }: TempoKey): JsonOf<'keys list'> {
  return {
    key,
    state,
    type: String(type),
    limited: limits !== 'none',
    left:
      limits === 'none'
        ? []
        : limits.map(({ remaining }) => {
            const [value = '', ...symbol] = formatAmount(remaining).split(' ')
            return { value, currency: symbol.join(' ') }
          }),
    ...(expires === undefined ? {} : { expires: timeFact(expires) }),
  }
}

/** Revokes an access key for good. The account's own key signs. */
export const keysRevoke: Action<KeysOptions> = async (invocation) => {
  const { args, options, terminal } = invocation
  const key = hexOf(args[0] ?? '')
  const context = await contextOf(invocation)
  const owner = await ownerIn(context, options)
  terminal.stderr.write(`Revoking ${key} of ${owner.address}. This is final.\n`)
  if (!(await agreed(invocation, 'Revoke this key?'))) {
    terminal.stderr.write(`next_step: purser keys revoke ${key} --with ${options.with} --yes\n`)
    return EXIT.waits
  }
  const { reference, fee } = await owner.keys.revoke(key)
  const json: JsonOf<'keys revoke'> = { key, reference }
  return { kind: 'single', json, text: () => `Revoked ${key}, for ${formatAmount(fee)}.` }
}

function hexOf(text: string): `0x${string}` {
  const digits = /^0x([0-9a-fA-F]{40})$/.exec(text)?.[1]
  if (digits === undefined) throw misuse(`${clean(text, 60)} is no address: 0x and 40 digits`)
  return `0x${digits}`
}
