// The other side of custom-wallet.ts: a shop that asks for credits, and the issuer that keeps their books.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { listen, type Served } from './support.js'

/** A single-use payment of so many credits to one merchant, good until a moment. */
export interface Voucher {
  readonly id: string
  readonly account: string
  readonly merchant: string
  readonly credits: string
  readonly until: number
}

/** What is signed. */
export function voucherText({ id, account, merchant, credits, until }: Voucher): string {
  return JSON.stringify([id, account, merchant, credits, until])
}

const PRICE = '30'
const MERCHANT = 'tea-shop'

/** `/tea` costs 30 credits; `/vouchers/:id` tells what became of a voucher. */
export async function startCreditsShop(account: { readonly secret: string }): Promise<Served> {
  const used = new Map<string, Voucher>()
  const challenges = new Set<string>()
  const app = new Hono()

  app.get('/tea', (c) => {
    const [, encoded] = /^Payment (.+)$/.exec(c.req.header('authorization') ?? '') ?? []
    const voucher = encoded === undefined ? undefined : accept(decode(encoded))
    if (voucher === undefined) return c.text('tea costs money', 402, { 'www-authenticate': ask() })
    used.set(voucher.id, voucher)
    const receipt = {
      status: 'success',
      method: 'credits',
      reference: voucher.id,
      timestamp: new Date().toISOString(),
    }
    return c.text('a cup of tea', 200, { 'payment-receipt': encode(receipt) })
  })

  app.get('/vouchers/:id', (c) => c.json({ used: used.has(c.req.param('id')), now: Date.now() }))

  const ask = (): string => {
    const id = randomUUID()
    challenges.add(id)
    const request = encode({ amount: PRICE, merchant: MERCHANT })
    return `Payment id="${id}", realm="shop", method="credits", intent="charge", request="${request}"`
  }

  const accept = ({ challenge, payload }: Wire): Voucher | undefined => {
    const { signature, ...voucher } = payload
    const wanted = createHmac('sha256', account.secret).update(voucherText(voucher)).digest()
    const given = Buffer.from(signature, 'hex')
    const genuine = given.length === wanted.length && timingSafeEqual(given, wanted)
    const fits = voucher.merchant === MERCHANT && voucher.credits === PRICE && voucher.until > Date.now()
    return genuine && fits && !used.has(voucher.id) && challenges.delete(challenge.id) ? voucher : undefined
  }

  return listen(app)
}

interface Wire {
  readonly challenge: { readonly id: string }
  readonly payload: Voucher & { readonly signature: string }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): Wire {
  return JSON.parse(Buffer.from(text, 'base64url').toString())
}
