import { join } from 'node:path'
import { newAgentKey } from '../../config/index.js'
import { examine } from '../doctor.js'
import { findingLine } from '../doctor-finding.js'
import { EXIT } from '../exit-codes.js'
import { misuse } from '../misuse.js'
import { shownPath } from '../open-purser.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith, settingsFolder } from '../settings.js'
import { createFile } from '../setup-files.js'
import { configText, NETWORKS, type NetworkName, policyText } from '../setup-texts.js'
import type { Action, CommonOptions } from '../shell.js'
import { isInteractive, type Terminal } from '../terminal.js'

/** The options of `purser init`. */
export interface InitOptions extends CommonOptions {
  readonly network?: string | undefined
  readonly rpc?: string | undefined
  readonly account?: string | undefined
  readonly perPayment?: string | undefined
  readonly perDay?: string | undefined
  /** False for `--no-check`: nothing is asked over the network. */
  readonly check?: boolean | undefined
  readonly yes?: boolean | undefined
}

const AMOUNT = /^(?:0|[1-9]\d{0,8})(?:\.\d{1,6})?$/

/** Makes a key, a policy and settings, and checks them. Never overwrites a file. */
export const init: Action<InitOptions> = async ({ options, terminal }) => {
  checkOptions(options)
  const { perPayment = '0.10', perDay = '5', account, rpc } = options
  const network = await networkOf(options, terminal)
  const folder = settingsFolder(terminal.env)
  if (folder === undefined) throw misuse('HOME must be an absolute path')
  // The key of an account that holds money itself must be secp256k1.
  const { address, keyType, text: keyText } = await newAgentKey(account === undefined ? 'secp256k1' : 'p256')
  const files = {
    key: join(folder, 'agent.key'),
    policy: join(folder, 'policy.yaml'),
    config: join(folder, 'config.yaml'),
  }
  const made = {
    key: await createFile(files.key, keyText),
    policy: await createFile(files.policy, policyText({ network, perPayment, perDay })),
    config: await createFile(files.config, configText({ network, rpc, account })),
  }
  const ignored = [
    ...(made.config ? [] : (['network', 'rpc', 'account'] as const)),
    ...(made.policy ? [] : (['perPayment', 'perDay'] as const)),
  ].filter((name) => options[name] !== undefined)
  const findings = options.check === false ? [] : await examine(environmentWith({}, terminal.env))
  const json: JsonOf<'init'> = {
    network,
    folder,
    ...(made.key ? { address, type: keyType } : {}),
    files: Object.entries(files).map(([name, path]) => ({
      name,
      path,
      made: name === 'key' ? made.key : name === 'policy' ? made.policy : made.config,
    })),
    findings: findings.map((finding) => ({ ...finding })),
  }
  return {
    kind: 'single',
    json,
    code: ignored.length === 0 ? EXIT.done : EXIT.failed,
    text: (style) =>
      [
        initText({ json, made, perPayment, perDay, account }, terminal.env),
        '',
        ...(findings.length === 0 ? [] : [...findings.map((finding) => findingLine(finding, style)), '']),
        'Next:  purser vendor add https://api.example',
        '       purser doctor',
        ...(ignored.length === 0
          ? []
          : [
              '',
              `Not done: ${ignored.map(optionOf).join(', ')} changed nothing, because the file exists. Edit it, or move it away first.`,
            ]),
      ].join('\n'),
  }
}

/** @throws PaymentError `invalid_config` that names the option. */
function checkOptions(options: InitOptions): void {
  const { perPayment = '0.10', perDay = '5', account, rpc } = options
  for (const [name, value] of [
    ['--per-payment', perPayment],
    ['--per-day', perDay],
  ] as const)
    if (!AMOUNT.test(value)) throw misuse(`${name} must be an amount, for example 0.10`)
  if (account !== undefined && !/^0x[0-9a-f]{40}$/i.test(account))
    throw misuse('--account must be the address of an account: 0x and 40 digits')
  if (rpc !== undefined && !/^https?:\/\/[^\s"]+$/.test(rpc))
    throw misuse('--rpc must be the address of a node')
  if ([options.config, options.policy, options.ledger].some((path) => path !== undefined))
    throw misuse(
      'purser init writes into one folder, ~/.config/purser or $XDG_CONFIG_HOME/purser: leave --config, --policy and --ledger out',
    )
}

function optionOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Returns the network: the option, the answer of the person at the terminal, or the test network. */
async function networkOf({ network, yes }: InitOptions, terminal: Terminal): Promise<NetworkName> {
  if (network === undefined && yes !== true && isInteractive(terminal)) {
    const { select, isCancel } = await import('@clack/prompts')
    const answer = await select({
      message: 'Which network?',
      options: Object.entries(NETWORKS).map(([value, { title }]) => ({ value, label: title })),
      initialValue: 'testnet',
      input: terminal.stdin,
      output: terminal.stderr,
    })
    if (isCancel(answer)) throw misuse('Nothing was made')
    return networkNamed(answer)
  }
  return networkNamed(network ?? 'testnet')
}

function networkNamed(name: string): NetworkName {
  if (name === 'mainnet' || name === 'testnet' || name === 'local') return name
  throw misuse('--network must be mainnet, testnet or local')
}

interface InitFacts {
  readonly json: JsonOf<'init'>
  readonly made: Readonly<Record<'key' | 'policy' | 'config', boolean>>
  readonly perPayment: string
  readonly perDay: string
  readonly account: string | undefined
}

function initText(
  { json, made, perPayment, perDay, account }: InitFacts,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { network, folder, address } = json
  const at = (name: string): string => shownPath(join(folder, name), env)
  const { title, fund } = NETWORKS[network]
  const row = (name: string, text: string): string => `  ${name.padEnd(12)} ${text}`
  const keyWords = made.key
    ? `made, ${json.type === 'p256' ? 'P-256' : 'secp256k1'}, in ${at('agent.key')} (0600)`
    : `exists: ${at('agent.key')}, left as it is`
  const limits = made.policy
    ? `${perPayment} USD a payment, ${perDay} USD a day`
    : `${at('policy.yaml')} exists, left as it is`
  const money =
    account === undefined
      ? address === undefined
        ? []
        : [
            row('Fund it', `send ${fund.what} to`),
            row('', address),
            ...fund.how(address).map((line) => row('', line)),
          ]
      : [
          row('Account', account),
          row('', 'The key can pay nothing until you authorize it, where that account is:'),
          row('', 'purser keys authorize --with FILE'),
        ]
  return [
    'Purser pays for your agents, inside limits that you set.',
    '',
    row('Network', `${title}${made.config ? '' : ` (${at('config.yaml')} exists, left as it is)`}`),
    row('Agent key', keyWords),
    ...money,
    row('Limits', limits),
    ...(made.policy
      ? [row('', `edit: ${at('policy.yaml')}`), row('Vendors', 'none: nobody can be paid yet')]
      : []),
  ].join('\n')
}
