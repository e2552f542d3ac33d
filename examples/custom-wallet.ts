// A wallet of your own: a rail of prepaid credits, where a payment is a signed, single-use voucher.
// Run: npx tsx examples/custom-wallet.ts
import { createHmac, randomUUID } from 'node:crypto'
import { amount, type Currency, createPurser, formatAmount, PaymentError, type Wallet } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import {
  type Challenge,
  type Credential,
  type Evidence,
  type Json,
  type QuoteContext,
  spendAuthorization,
  type Unpayable,
  type Verdict,
} from 'purser/wallet'
import { startCreditsShop, type Voucher, voucherText } from './credits-shop.js'

const NETWORK = 'credits:acme'
/** A credit is always worth a US cent, so budgets in USD can count it. */
const CREDIT: Currency = { id: 'credits:acme', symbol: 'credits', decimals: 2, peg: 'iso4217:USD' }
const LIFE_MS = 30_000

/** What {@link creditsWallet} takes. */
interface CreditsAccount {
  readonly id: string
  readonly secret: string
  /** Where the issuer tells what became of a voucher. */
  readonly issuer: string
}

function creditsWallet(account: CreditsAccount): Wallet {
  const id = `credits:${account.id}`
  return {
    id,
    kinds: ['credits/charge'],

    // Reads the offer. Everything that policy judges is in `terms`, and nothing is believed that is not checked.
    async quote(challenge: Challenge, { resource, now, earlierEvidence: after }: QuoteContext) {
      // Two vouchers could both be used: while an earlier one of this payment lives, there is no second.
      if (after !== undefined)
        return {
          ...no('an earlier voucher may still be used'),
          earlierExpiresAt: readDetail(after.detail).until,
        }
      const { amount: credits, merchant } = challenge.request
      if (typeof credits !== 'string' || !/^[1-9][0-9]{0,8}$/.test(credits))
        return no('its amount is not a number')
      if (typeof merchant !== 'string') return no('it names no merchant')
      const price = amount(BigInt(credits), CREDIT)
      return {
        wallet: id,
        challenge,
        resource,
        terms: {
          purpose: 'pay',
          kind: 'credits/charge',
          network: NETWORK,
          most: price,
          exact: true,
          payees: [{ id: merchant, amount: price }],
        },
        goodUntil: Math.min(challenge.expires ?? Number.POSITIVE_INFINITY, now + LIFE_MS),
      }
    },

    // The first line spends the authorization: it is good once, and nothing is signed without one.
    async prepare(authorization, { now }) {
      const { quote } = spendAuthorization(authorization, now)
      const [payee] = quote.terms.payees
      if (payee === undefined) throw new PaymentError('wallet_failed', 'untouched', 'Nobody is to be paid')
      const until = quote.goodUntil ?? now + LIFE_MS
      const voucher: Voucher = {
        id: randomUUID(),
        account: account.id,
        merchant: payee.id,
        credits: payee.amount.value.toString(),
        until,
      }
      // What the ledger keeps: enough to find the voucher again, and not enough to use it.
      const evidence: Evidence = {
        wallet: id,
        kind: 'credits/charge',
        refs: [quote.challenge.id, voucher.id],
        recheckAt: until,
        detail: { voucher: voucher.id, until },
      }
      return {
        evidence,
        complete: async () => ({
          credential: sign(quote.challenge, voucher, account.secret),
          goodUntil: until,
        }),
        discard: async () => undefined,
      }
    },

    // What became of a voucher: only the issuer's record settles it, and only the issuer's clock makes it void.
    async inspect({ detail }: Evidence): Promise<Verdict> {
      const { voucher, until } = readDetail(detail)
      const reply = await fetch(`${account.issuer}/vouchers/${voucher}`)
      const record: { readonly used: boolean; readonly now: number } = await reply.json()
      if (record.used) return { state: 'settled', reference: voucher }
      if (record.now >= until) return { state: 'void', reason: 'the voucher expired unused' }
      return { state: 'pending', recheckAt: until, reason: 'the voucher can still be used' }
    },

    matchesReceipt: ({ refs }, reference) => refs.includes(reference),
  }
}

function sign(challenge: Challenge, voucher: Voucher, secret: string): Credential {
  const signature = createHmac('sha256', secret).update(voucherText(voucher)).digest('hex')
  return { challenge, payload: { ...voucher, signature } }
}

const no = (why: string): Unpayable => ({ unpayable: `This charge in credits cannot be paid: ${why}` })

/** Evidence comes back from a ledger, so it is read like any other input. */
function readDetail(detail: Json): { readonly voucher: string; readonly until: number } {
  if (typeof detail === 'object' && detail !== null && 'voucher' in detail) {
    const { voucher, until } = detail
    if (typeof voucher === 'string' && typeof until === 'number') return { voucher, until }
  }
  throw new PaymentError('wallet_failed', 'unknown', 'This is not evidence of a voucher')
}

const account = { id: 'ann', secret: 'a secret that the issuer and ann share' }
const shop = await startCreditsShop(account)
const purser = createPurser({
  wallets: [creditsWallet({ ...account, issuer: shop.origin })],
  policy: {
    perPayment: '0.50 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: shop.origin }],
    networks: [NETWORK],
  },
  currencies: [CREDIT],
  ledger: memoryLedger(),
})

const response = await purser.fetch(`${shop.origin}/tea`)
console.log(response.status, await response.text())
const payment = purser.paymentFor(response)
if (payment?.state === 'settled') console.log(`paid ${formatAmount(payment.terms.most)}: ${payment.state}`)
for (const { message } of await purser.budgets()) console.log(message)

await purser.close()
await shop.close()
