import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Notifier } from '../client/index.js'
import { pristine } from '../fetch/index.js'
import {
  freezeNotification,
  NOTIFIED_EVENTS,
  type NotifiedEvent,
  type NotifyTarget,
  notifier,
  type SentMessage,
  sendToAll,
  testNotification,
} from '../notify/index.js'
import { readConfig } from './config.js'
import { type AutoSettings, readGeneral } from './environment.js'
import type { NotifySetting } from './fields.js'
import { othersMayUse } from './file-mode.js'
import { invalid } from './invalid.js'
import type { Environment } from './variables.js'

/**
 * Creates the notifier of the settings.
 *
 * @throws PaymentError `invalid_config` that names the target and how to fix it. It quotes no secret.
 */
export async function notifierOf(setting: AutoSettings['notify']): Promise<Notifier | undefined> {
  if (setting === undefined) return undefined
  const targets = await readTargets(setting)
  return reworded(() => notifier(targets))
}

/**
 * Sends a test message to each target of the settings, and returns what became of it.
 *
 * @throws PaymentError `invalid_config` if there is no target, or if one cannot be used.
 */
export async function testNotifications(env: Environment): Promise<readonly SentMessage[]> {
  const { notify, agent = 'agent' } = readGeneral(env, await readConfig(env))
  if (notify === undefined)
    throw invalid(
      'The settings file has no notify. It is a list of targets, for example [{ ntfy: https://ntfy.sh/my-topic }]',
    )
  const targets = await readTargets(notify)
  return reworded(() => sendToAll(targets, testNotification(agent), pristine(globalThis.fetch)))
}

/**
 * Tells people that a person has frozen the ledger, or has allowed payments again. No mistake in the settings stops the
 * freeze: it has happened before.
 *
 * @returns The targets that were not told, as sentences.
 */
export async function notifyFreeze(
  env: Environment,
  event: { readonly frozen: boolean; readonly why?: string },
): Promise<readonly string[]> {
  try {
    const { notify, agent = 'agent' } = readGeneral(env, await readConfig(env))
    if (notify === undefined) return []
    const message = freezeNotification(agent, event)
    const sent = await sendToAll(await readTargets(notify), message, pristine(globalThis.fetch))
    return sent.flatMap(({ target, why }) => (why === undefined ? [] : [`${target} was not told: ${why}`]))
  } catch (error) {
    return [nobodyTold(error)]
  }
}

function nobodyTold(error: unknown): string {
  return `nobody was told: ${error instanceof Error ? error.message : 'the settings cannot be read'}`
}

/** Rewords errors about targets so that they name the setting. */
async function reworded<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TypeError) throw invalid(`notify: ${error.message}`)
    throw error
  }
}

function readTargets({
  targets,
  folder,
}: NonNullable<AutoSettings['notify']>): Promise<readonly NotifyTarget[]> {
  return Promise.all(targets.map((setting, index) => targetOf(setting, `notify[${index}]`, folder)))
}

async function targetOf(setting: NotifySetting, at: string, folder: string): Promise<NotifyTarget> {
  const { on: names } = setting
  const secret = (name: string, path: string) => readSecret(resolve(folder, path), `${at}.${name}`)
  const on = names === undefined ? {} : { on: names.map((name) => eventOf(name, at)) }
  if ('url' in setting) {
    const { url, secretFile, mayAnswer = false } = setting
    return { url, secret: await secret('secretFile', secretFile), mayAnswer, ...on }
  }
  if ('command' in setting) return { command: setting.command, ...on }
  if ('ntfy' in setting) {
    const { ntfy, tokenFile } = setting
    return {
      ntfy,
      ...(tokenFile === undefined ? {} : { token: await secret('tokenFile', tokenFile) }),
      ...on,
    }
  }
  if ('slack' in setting) return { slack: await secret('slack.urlFile', setting.slack.urlFile), ...on }
  const { tokenFile, chat, api } = setting.telegram
  const telegram = { token: await secret('telegram.tokenFile', tokenFile), chat }
  return { telegram, ...(api === undefined ? {} : { api }), ...on }
}

function eventOf(name: string, at: string): NotifiedEvent {
  const event = NOTIFIED_EVENTS.find((known) => known === name)
  if (event === undefined) throw invalid(`${at}.on must be a list of ${NOTIFIED_EVENTS.join(', ')}`)
  return event
}

const LONGEST = 4096

/** Reads a secret from a file that only its owner can read. */
async function readSecret(path: string, name: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isFile() || found.size > LONGEST)
    throw invalid(`The file that ${name} names cannot be read`)
  if (othersMayUse(found)) throw invalid(`Other users can read the file that ${name} names: chmod 600 it`)
  return (await readFile(path, 'utf8')).trim()
}
