import { DOMAIN, type EvmChain } from './chain.js'
import { startFacilitator } from './facilitator.js'
import { listen, PRICE, type Shop } from './shop.js'

/** A server of x402 version 1 whose every payment is judged and settled by the reference facilitator of that version. */
export async function startV1Shop(chain: EvmChain): Promise<Shop> {
  const { client } = startFacilitator(chain)
  return listen((origin) => async (request, response) => {
    const accepted = {
      scheme: 'exact',
      network: 'base-sepolia',
      maxAmountRequired: PRICE.toString(),
      resource: `${origin}${request.url}`,
      description: 'a cup of tea',
      mimeType: 'text/plain',
      payTo: chain.payee,
      maxTimeoutSeconds: 60,
      asset: chain.dollarAddress,
      extra: { ...DOMAIN },
    }
    const ask = (error: string) => {
      response.statusCode = 402
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ x402Version: 1, error, accepts: [accepted] }))
    }
    const header = request.headers['x-payment']
    if (typeof header !== 'string') return ask('X-PAYMENT header is required')
    const payment = JSON.parse(Buffer.from(header, 'base64').toString())
    const requirements = JSON.parse(JSON.stringify(accepted))
    const verified = await client.verify(payment, requirements)
    if (!verified.isValid) return ask(verified.invalidReason ?? 'invalid')
    const settled = await client.settle(payment, requirements)
    response.setHeader('x-payment-response', Buffer.from(JSON.stringify(settled)).toString('base64'))
    if (!settled.success) return ask(settled.errorReason ?? 'settlement failed')
    response.end('tea')
  })
}
