import { resolve } from 'node:path'
import { agentsIn, loadPolicyFile, placesIn } from '../../config/index.js'
import { isPaymentError, type Reason } from '../../errors/index.js'
import { EXIT } from '../exit-codes.js'
import { environmentOf } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import { shownPath } from '../open-purser.js'
import { given } from '../payment-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

type CheckFact = JsonOf<'policy check'>

/** Checks a policy file. */
export const policyCheck: Action<CommonOptions> = async ({ args: [file], options, terminal }) => {
  const named = file ?? (await placesIn(environmentOf(options, terminal))).policy
  if (named === undefined) throw misuse('There is no policy to check: name a file')
  const json = await checked(resolve(named))
  const shown = shownPath(json.file, terminal.env)
  return {
    kind: 'single',
    json,
    code: json.valid ? EXIT.done : EXIT.usage,
    text: () =>
      json.valid
        ? `ok   ${shown}${json.agents.length === 0 ? '' : `, agents: ${json.agents.join(', ')}`}`
        : json.errors.map((error) => errorText(error, shown)).join('\n'),
  }
}

async function checked(file: string): Promise<CheckFact> {
  try {
    const policy = await loadPolicyFile(file)
    await policy.ready()
    return { file, valid: true, errors: [], hash: policy.hash, agents: [...agentsIn(policy)] }
  } catch (error) {
    if (!isPaymentError(error, 'invalid_policy')) throw error
    const errors = error.reasons.length === 0 ? [{ message: error.message }] : error.reasons.map(errorOf)
    return { file, valid: false, errors, agents: [] }
  }
}

const PLACE = / ?\(line (\d+), column (\d+)\)/

function errorOf({ rule, message }: Reason): CheckFact['errors'][number] {
  const [, line, column] = PLACE.exec(message) ?? []
  return {
    ...given({
      path: rule === 'the document' ? undefined : rule,
      line: line === undefined ? undefined : Number(line),
      column: column === undefined ? undefined : Number(column),
    }),
    message: message.replace(PLACE, ''),
  }
}

/** `policy.yaml:4:5: perPayment: …`, as compilers write it. Editors find the place. */
function errorText({ line, column, message }: CheckFact['errors'][number], file: string): string {
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`
}
