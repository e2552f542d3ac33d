// A small agent that pays for searches. Its tests are in research-agent.test.ts: they need no chain, no key and no network.
// docs/testing-your-agent.md explains them.
import { isPaymentError, type Purser } from 'purser'

/** The result of one question: an answer, or the reason why there is none. */
export interface Finding {
  readonly question: string
  readonly answer?: string
  readonly problem?: string
}

/** Asks a paid search API all questions, one after the other. */
export async function research(purser: Purser, questions: readonly string[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const question of questions) findings.push(await ask(purser, question))
  return findings
}

async function ask(purser: Purser, question: string): Promise<Finding> {
  try {
    const response = await purser.fetch(
      `https://api.search.example/v1/search?q=${encodeURIComponent(question)}`,
    )
    if (response.ok) return { question, answer: await response.text() }
    // A refusal of the policy is a 402 whose body says why.
    if (response.status === 402) return { question, problem: (await response.json()).detail }
    return { question, problem: `the server answered with status ${response.status}` }
  } catch (error) {
    if (!isPaymentError(error)) throw error
    return { question, problem: error.code }
  }
}
