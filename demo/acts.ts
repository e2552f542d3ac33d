import { formatAmount, isPaymentError, type Outcome, type Payment, type Purser } from 'purser'
import { alphaUSD } from '../test/chain/chain.js'
import { promise } from './promise.js'
import { act, line } from './screen.js'
import type { Stage } from './stage.js'

/** AlphaUSD has six decimals. */
const CENT = 10_000n

/** One 402 with two offers: policy leaves one of them, and it is paid. */
export async function paysWhatPolicyAllows(purser: Purser, { api, earned }: Stage): Promise<void> {
  act('The API asks for money and offers two ways to pay')
  const { reply, offers } = await purser.quote(api.url('/offers'))
  line('reply', `${reply.status} to GET /offers`)
  for (const { terms, decision } of offers) {
    line('offer', `${formatAmount(terms.most)} by ${terms.kind}: ${decision.effect}`)
    for (const { message } of decision.reasons) line('', message, 'dim')
  }
  const before = await earned()
  const response = await purser.fetch(api.url('/offers'))
  line('reply', `${response.status}, ${JSON.stringify(await response.json())}`)
  const payment = paid(purser.paymentFor(response))
  line('paid', `${formatAmount(payment.terms.most)}, ${payment.state} by ${payment.proof}`, 'green')
  line('receipt', payment.reference ?? 'none')
  promise('the vendor received 0.02 AlphaUSD on the chain', (await earned()) - before === 2n * CENT)
}

/** Above the limit of `ask`, a person decides. */
export async function asksAPerson(purser: Purser, { api, earned }: Stage): Promise<void> {
  act('A more expensive call needs a person')
  const before = await earned()
  const response = await purser.fetch(api.url('/price/0.25'))
  const payment = paid(purser.paymentFor(response))
  line('paid', `${formatAmount(payment.terms.most)}, approved by ${payment.approvedBy}`, 'green')
  promise('Purser paid once, after the person said yes', (await earned()) - before === 25n * CENT)
}

/** No person can override a `deny`. */
export async function refusesWhatIsTooDear(purser: Purser, { api, earned }: Stage): Promise<void> {
  act('A call costs more than the limit for one payment')
  await refused(purser, api, '/price/0.60', 'perPayment')
  promise('the vendor received nothing', (await earned()) === 27n * CENT)
}

/** The money moves, the answer is lost: the caller learns what happened to the money, and it is not paid again. */
export async function neverPaysTwice(purser: Purser, { api, earned }: Stage): Promise<void> {
  act('The server takes the money, and the connection breaks before the answer')
  const before = await earned()
  api.fail('drop-after-payment')
  const error: unknown = await purser.fetch(api.url('/paid')).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  promise('the caller gets an error', isPaymentError(error))
  line('error', `${error.code}, funds: ${error.funds}`, 'red')
  line('', error.message)
  promise('the error says that the money has moved', error.funds === 'settled')
  const again = await purser.fetch(api.url('/paid'))
  line('again', `${again.status}: ${reasons(purser.paymentFor(again))}`)
  promise('Purser did not pay the repeated request a second time', (await earned()) - before === CENT)
}

/** A budget is exact: what does not fit is refused, with what is left and when it opens again. */
export async function stopsAtTheBudget(purser: Purser, { api, earned }: Stage): Promise<void> {
  act('A second call does not fit into the budget')
  const before = await earned()
  const response = await purser.fetch(api.url('/price/0.45'))
  line('paid', `${formatAmount(paid(purser.paymentFor(response)).terms.most)}`, 'green')
  await refused(purser, api, '/price/0.45', 'budget.day')
  promise('Purser paid one of the two calls', (await earned()) - before === 45n * CENT)
}

/** Asks for something that is refused, and shows why. */
export async function refused(purser: Purser, api: Stage['api'], path: string, rule: string): Promise<void> {
  const sent = api.paid().length
  const response = await purser.fetch(api.url(path))
  const outcome = purser.paymentFor(response)
  line('reply', `${response.status} to GET ${path}, ${response.headers.get('content-type')}`)
  line('refused', reasons(outcome), 'red')
  promise(
    `${rule} refused it, and no credential left`,
    outcome?.state === 'refused' &&
      outcome.reasons.some((reason) => reason.rule === rule) &&
      api.paid().length === sent,
  )
}

function paid(outcome: Outcome | undefined): Payment {
  promise('the answer came, and Purser had paid for it', outcome?.state === 'settled' && outcome.delivered)
  return outcome
}

function reasons(outcome: Outcome | undefined): string {
  return (outcome?.reasons ?? []).map(({ message }) => message).join(' ')
}

/** What a payment moved, as far as the ledger knows. */
export function moved({ state, spent, terms }: Payment): bigint {
  if (state !== 'settled' && state !== 'committed') return 0n
  return (spent ?? terms.most).currency.id === alphaUSD.id ? (spent ?? terms.most).value : 0n
}
