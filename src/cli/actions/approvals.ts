import { openViewFromEnvironment } from '../../config/index.js'
import type { ApprovalQuery } from '../../index.js'
import { listAnswer } from '../answer.js'
import { type ApprovalFact, approvalFact, approvalRow } from '../approval-facts.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'
import { type Column, table } from '../table.js'

/** The options of `purser approvals`. */
export interface ApprovalsOptions extends CommonOptions {
  readonly all?: boolean | undefined
  readonly agent?: string | undefined
}

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'since', align: 'right' },
  { title: 'agent', cut: true },
  { title: 'pays' },
  { title: 'for', cut: true },
  { title: 'because', cut: true },
  { title: 'answer' },
]

/** Lists the questions that wait for a person, or all of them. */
export const approvals: Action<ApprovalsOptions> = async ({ options, terminal }) =>
  listAnswer(questionsIn(options, terminal.env), (rows, style) =>
    rows.length === 0
      ? options.all === true
        ? 'Nobody was asked about a payment yet.'
        : 'No question waits for a person.'
      : table(
          COLUMNS,
          rows.map((row) => approvalRow(row, Date.now())),
          style,
        ),
  )

async function* questionsIn(
  { all, agent, ...options }: ApprovalsOptions,
  env: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<ApprovalFact> {
  const { view, policy: load } = await openViewFromEnvironment(environmentWith(options, env))
  try {
    const policy = await load()
    const query: ApprovalQuery = {
      ...(all === true ? {} : { states: ['waiting'] }),
      ...(agent === undefined ? {} : { agent }),
    }
    for (const approval of await view.approvals(query)) yield approvalFact(approval, policy)
  } finally {
    await view.close()
  }
}
