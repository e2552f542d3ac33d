import { join, resolve } from 'node:path'
import { type Manager, openManager } from '../../config/index.js'
import { clean } from '../../errors/index.js'
import type { AnswerResult, Approval, ApprovalAnswer } from '../../index.js'
import { readApproverKey, signAnswer } from '../approver-key.js'
import { userName } from '../ask.js'
import { EXIT } from '../exit-codes.js'
import { misuse } from '../misuse.js'
import { confirmed, passphraseFrom } from '../prompts.js'
import { questionText } from '../question-text.js'
import { rememberFrom } from '../remember.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith, settingsFolder } from '../settings.js'
import type { Action, CommonOptions, Invocation } from '../shell.js'
import { isInteractive } from '../terminal.js'

/** The options of `purser approve` and `purser deny`. */
export interface AnswerOptions extends CommonOptions {
  readonly key?: string | undefined
  readonly because?: string | undefined
  readonly remember?: string | undefined
  readonly yes?: boolean | undefined
}

type Decision = 'approve' | 'deny'

/** Says yes to a question. The same call then goes on, or the same request that comes again. */
export const approve: Action<AnswerOptions> = (invocation) => answer('approve', invocation)

/** Says no to a question. */
export const deny: Action<AnswerOptions> = (invocation) => answer('deny', invocation)

async function answer(decision: Decision, invocation: Invocation<AnswerOptions>) {
  const { args, options, terminal } = invocation
  const env = environmentWith(options, terminal.env)
  const manager = await openManager(env)
  const { purser, policy } = manager
  try {
    const question = await findQuestion(manager, args[0] ?? '')
    terminal.stderr.write(`${questionText(question, policy, Date.now())}\n`)
    if (options.yes !== true) {
      if (!isInteractive(terminal)) {
        terminal.stderr.write(
          `A person must read this and answer at a terminal: purser ${decision} ${question.id}\n`,
        )
        return EXIT.waits
      }
      if (!(await confirmed(decision === 'approve' ? 'Pay this?' : 'Refuse this?', terminal))) {
        terminal.stderr.write('The question was not answered.\n')
        return EXIT.failed
      }
    }
    const given = await answerTo(question, decision, manager, invocation)
    const result = await purser.approvals.answer(question.id, given)
    if (!result.ok) throw misuse(whyNot(result))
    const json: JsonOf<'approve'> | JsonOf<'deny'> = {
      id: question.id,
      approved: decision === 'approve',
      by: given.by,
      signed: given.proof !== undefined,
    }
    return { kind: 'single' as const, json, text: () => doneText(decision, question) }
  } finally {
    await purser.close()
  }
}

async function findQuestion({ purser }: Manager, id: string): Promise<Approval> {
  const exact = await purser.approvals.get(id)
  if (exact !== undefined) return exact
  const waiting = await purser.approvals.list({ states: ['waiting'] })
  const found = waiting.filter((question) => id !== '' && question.id.endsWith(id))
  const [first] = found
  if (first === undefined)
    throw misuse(`No waiting question is called ${clean(id, 60)}: purser approvals lists them`)
  if (found.length > 1) throw misuse(`More than one question ends with ${clean(id, 60)}: type more of its id`)
  return first
}

async function answerTo(
  question: Approval,
  decision: Decision,
  { policy }: Manager,
  { options, terminal }: Invocation<AnswerOptions>,
): Promise<ApprovalAnswer> {
  const { by: keys } = policy.approvalSettings(question)
  const note = options.because === undefined ? {} : { note: options.because }
  if (keys === undefined) {
    const by = userName()
    if (decision === 'deny') return { approved: false, by, ...note }
    const remember =
      options.remember === undefined ? {} : { remember: rememberFrom(options.remember, question, policy) }
    return { approved: true, by, ...note, ...remember }
  }
  if (options.remember !== undefined)
    throw misuse(
      'The policy names the people who may answer, so each payment needs an answer: leave --remember out',
    )
  const key = await readApproverKey(keyPath(options, terminal.env), () => passphraseFrom(terminal))
  const owner = keys.find(({ type, publicKey }) => type === 'ed25519' && publicKey === key.publicKey)
  if (owner === undefined)
    throw misuse(
      `The policy does not name the key in ${key.path}: only the owner of the policy can add a key to approval.by`,
    )
  return {
    approved: decision === 'approve',
    by: owner.name,
    ...note,
    proof: signAnswer(question, decision, key),
  }
}

function keyPath({ key }: AnswerOptions, env: Readonly<Record<string, string | undefined>>): string {
  return key === undefined ? defaultKeyPath(env) : resolve(key)
}

/** The file of the approver's key if no option names one: beside the settings file. */
export function defaultKeyPath(env: Readonly<Record<string, string | undefined>>): string {
  const folder = settingsFolder(env)
  if (folder === undefined) throw misuse('HOME must be an absolute path, or an option must name the file')
  return join(folder, 'approver.key')
}

const NOT: Readonly<Record<Exclude<AnswerResult, { ok: true }>['why'], string>> = {
  unknown: 'There is no such question.',
  answered: 'Another answer was first. It counts, and this one changed nothing.',
  late: 'The question has expired. If the agent still needs it, it asks again.',
  withdrawn: 'Nobody needs the answer any more: the caller has left.',
  unproven: 'The policy needs a signature by one of the people that it names.',
}

function whyNot({ why, message }: Exclude<AnswerResult, { ok: true }>): string {
  return message === undefined ? NOT[why] : `${NOT[why]} ${clean(message, 300)}`
}

function doneText(decision: Decision, { live }: Approval): string {
  if (decision === 'deny') return 'Refused. The same request is not asked about again for ten minutes.'
  return live
    ? 'Approved. The call that waits goes on now.'
    : 'Approved. No call waits any more: the next equal request of this agent uses the answer.'
}
