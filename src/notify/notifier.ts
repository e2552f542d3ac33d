import type { Notifier, NotifierContext } from '../client/index.js'
import { clean, oneOf, PaymentError, suggestion } from '../errors/index.js'
import type { FetchLike } from '../fetch/index.js'
import type { PurserEvents } from '../pay/index.js'
import { isObject } from '../util/objects.js'
import { type Delivery, deliver, nameOf, type OpenQuestion } from './deliver.js'
import { NOTIFIED_EVENTS, type Notification, type NotifiedEvent, notificationOf } from './notification.js'
import { Outbox } from './outbox.js'
import { sentenceOf } from './sending.js'
import type { NotifyTarget } from './targets.js'

/** How long `close()` of a purser waits for messages that are on their way, in milliseconds. */
const CLOSE_MS = 5_000
/** Messages to one target that are on their way together. A target that may answer waits for a person. */
const AT_ONCE = 1
const AT_ONCE_ANSWERING = 16
/** The least number of characters of a secret. */
const LEAST_SECRET = 16

/** What became of a message to one target. */
export interface SentMessage {
  /** The target, without its secrets. */
  readonly target: string
  readonly delivered: boolean
  /** Why it was not delivered. */
  readonly why?: string
}

/**
 * Creates the option `notify` of a purser: it tells people about questions and their ends, freezes, budgets, doubts and
 * anomalies. A message never delays a payment, and nothing in it can approve one. A message that cannot be delivered is
 * an `error` event.
 *
 * @param targets - Where messages go. At most 16.
 * @throws TypeError for a target that cannot be used.
 * @example
 * ```ts
 * const purser = createPurser({ wallets, policy, notify: notifier([{ ntfy: 'https://ntfy.sh/my-topic' }]) })
 * ```
 */
export function notifier(targets: readonly NotifyTarget[]): Notifier {
  const checked = checkTargets(targets)
  return {
    mayAnswer: checked.some(answers),
    start(context) {
      const ends = checked.map((target) => startTarget(target, context))
      return async () => {
        await Promise.all(ends.map((end) => end()))
      }
    },
  }
}

/**
 * Sends one message to each target that takes its event, and returns what became of it. A test message goes to all.
 *
 * @throws TypeError for a target that cannot be used.
 */
export async function sendToAll(
  targets: readonly NotifyTarget[],
  message: Notification,
  fetch: FetchLike,
): Promise<readonly SentMessage[]> {
  const { type } = message
  const chosen = checkTargets(targets).filter(
    ({ on }) => type === 'test' || on === undefined || on.includes(type),
  )
  return Promise.all(
    chosen.map(async (target): Promise<SentMessage> => {
      try {
        await deliver(target, { message }, fetch, new AbortController().signal)
        return { target: nameOf(target), delivered: true }
      } catch (error) {
        return { target: nameOf(target), delivered: false, why: sentenceOf(error) }
      }
    }),
  )
}

function startTarget(target: NotifyTarget, context: NotifierContext): () => Promise<void> {
  const name = nameOf(target)
  const failed = (sentence: string): void =>
    context.failed(
      new PaymentError(
        'notification_failed',
        'untouched',
        `A message to ${name} was not delivered: ${sentence}`,
      ),
      'notify',
    )
  const outbox = new Outbox<Delivery>(
    async (delivery, signal) => {
      try {
        await deliver(target, delivery, context.fetch, signal)
      } catch (error) {
        failed(sentenceOf(error))
      }
    },
    answers(target) ? AT_ONCE_ANSWERING : AT_ONCE,
  )
  const listen = <E extends NotifiedEvent>(type: E): (() => void) =>
    context.on(type, (event: PurserEvents[E]) => {
      const message = notificationOf(type, event, context)
      if (message === undefined) return
      if (!outbox.add({ message, question: questionOf(type, event, context) }))
        failed('too many messages wait')
    })
  const ends = (target.on ?? NOTIFIED_EVENTS).map((type) => listen(type))
  return async () => {
    // Listeners get an event after the current task.
    await new Promise((resolve) => setTimeout(resolve))
    for (const end of ends) end()
    await outbox.close(CLOSE_MS)
  }
}

function questionOf<E extends NotifiedEvent>(
  type: E,
  event: PurserEvents[E],
  context: NotifierContext,
): OpenQuestion | undefined {
  if (type !== 'approval_request' || !('approval' in event) || event.approval === undefined) return undefined
  const { approval } = event
  return { approval, answer: (answer) => context.answer(approval.id, answer) }
}

function answers(target: NotifyTarget): boolean {
  return 'url' in target && target.mayAnswer === true
}

const KINDS = ['url', 'command', 'ntfy', 'slack', 'telegram'] as const
const NAMES: Readonly<Record<(typeof KINDS)[number], readonly string[]>> = {
  url: ['url', 'secret', 'mayAnswer', 'on'],
  command: ['command', 'on'],
  ntfy: ['ntfy', 'token', 'on'],
  slack: ['slack', 'on'],
  telegram: ['telegram', 'api', 'on'],
}
const MOST_TARGETS = 16

/** @throws TypeError for a target that cannot be used. It quotes no address and no secret. */
function checkTargets(targets: readonly NotifyTarget[]): readonly NotifyTarget[] {
  if (!Array.isArray(targets) || targets.length > MOST_TARGETS)
    throw new TypeError(`notifier() needs a list of at most ${MOST_TARGETS} targets`)
  return targets.map((target, index) => checkTarget(target, `targets[${index}]`))
}

function checkTarget(target: NotifyTarget, at: string): NotifyTarget {
  const kinds = isObject(target) ? KINDS.filter((kind) => Object.hasOwn(target, kind)) : []
  const [kind, ...more] = kinds
  if (kind === undefined || more.length > 0) throw new TypeError(`${at} must have ${oneOf(KINDS)}`)
  const names = NAMES[kind]
  const unknown = Object.keys(target).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${at} has no option ${clean(unknown, 60)}${suggestion(unknown, names)}`)
  const own = { ...target }
  const problem = problemOf(own)
  if (problem !== undefined) throw new TypeError(`${at}${problem}`)
  return Object.freeze(own)
}

function problemOf(target: NotifyTarget): string | undefined {
  if (target.on !== undefined && !(Array.isArray(target.on) && target.on.every(isEvent)))
    return `.on must be a list of ${oneOf(NOTIFIED_EVENTS)}`
  if ('url' in target) {
    if (!isAddress(target.url)) return `.url must be ${ADDRESS}`
    if (typeof target.secret !== 'string' || target.secret.length < LEAST_SECRET)
      return `.secret must be a text of at least ${LEAST_SECRET} characters`
    if (target.mayAnswer !== undefined && typeof target.mayAnswer !== 'boolean')
      return '.mayAnswer must be true or false'
    return undefined
  }
  if ('command' in target) {
    const isList = Array.isArray(target.command) && target.command.length > 0
    return isList && target.command.every((part) => typeof part === 'string' && part !== '')
      ? undefined
      : '.command must be a list: the program and its arguments'
  }
  if ('ntfy' in target) {
    if (!isAddress(target.ntfy) || !/^\/(?:.*\/)?[-\w]{1,64}$/.test(new URL(target.ntfy).pathname))
      return '.ntfy must be the address of a topic, for example https://ntfy.sh/my-topic'
    return target.token === undefined || isHeaderText(target.token) ? undefined : '.token must be a token'
  }
  if ('slack' in target) return isAddress(target.slack) ? undefined : `.slack must be ${ADDRESS}`
  if (target.api !== undefined && !isAddress(target.api)) return `.api must be ${ADDRESS}`
  const { token, chat }: { readonly token?: unknown; readonly chat?: unknown } = Object(target.telegram)
  return typeof token === 'string' && /^\d+:[-\w]+$/.test(token) && typeof chat === 'string' && chat !== ''
    ? undefined
    : '.telegram must be { token, chat }'
}

const ADDRESS = 'an https address, or an http address of this machine'

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

function isAddress(given: unknown): boolean {
  if (typeof given !== 'string' || !URL.canParse(given)) return false
  const { protocol, hostname, username, password } = new URL(given)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
}

function isHeaderText(given: unknown): boolean {
  return typeof given === 'string' && /^[\x21-\x7e]{1,500}$/.test(given)
}

function isEvent(value: unknown): value is NotifiedEvent {
  return NOTIFIED_EVENTS.some((name) => name === value)
}
