export const CREDENTIAL = 'org.paymentauth/credential'
export const RECEIPT = 'org.paymentauth/receipt'
export const REQUIRED = 'org.paymentauth/payment-required'

let ids = 0

export interface Asks {
  readonly cents?: number
  readonly payee?: string
  readonly id?: string
  readonly method?: string
}

/** A challenge as an MCP server writes it: with a request that is an object. */
export function challenge({ cents = 10, payee = '0xaa', id = `c-${++ids}`, method = 'tempo' }: Asks = {}) {
  return {
    id,
    realm: 'a server',
    method,
    intent: 'charge',
    request: { cents, payee, fee: 0 },
    description: 'one call',
  }
}
