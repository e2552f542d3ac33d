import { clean } from '../../errors/index.js'
import { defined } from '../../util/objects.js'
import { readUint256 } from '../../util/uint256.js'
import type { Json, JsonObject } from '../types.js'
import { CAIP2 } from '../x402/networks.js'
import { type Advertised, type AdvertisedOffer, type AdvertisedOperation, MOST } from './advertised.js'
import { listOf, nameOf, objectOf, textOf, wordsOf } from './lenient.js'
import { readAccepts } from './x402.js'

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const
const NAME = /^[a-z][a-z0-9-]{0,29}$/

/**
 * Reads the prices in an OpenAPI document (draft-payment-discovery, section 4): `x-service-info` at its root, and
 * `x-payment-info` of each operation, as one offer or as a list. Reading is lenient: one malformed part does not hide
 * the others. Operations that `servers` places on another origin are left out.
 */
export function readOpenApi(document: JsonObject, origin: string): Advertised {
  const service = objectOf(document['x-service-info'])
  const base = basePath(document, origin)
  return defined({
    title: wordsOf(objectOf(document['info'])['title']),
    categories: listOf(service['categories'])
      .slice(0, MOST.categories)
      .flatMap((name) => wordsOf(name) ?? []),
    docs: readDocs(objectOf(service['docs'])),
    operations: base === undefined ? [] : readPaths(objectOf(document['paths']), base),
  })
}

function readDocs(docs: JsonObject): Advertised['docs'] {
  const names = ['apiReference', 'homepage', 'llms'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const link = wordsOf(docs[name])
      // An address or a path; never a scheme that runs code.
      return link !== undefined && /^(https?:\/|\/)/.test(link) ? [[name, link]] : []
    }),
  )
}

/** Returns the base path of the document. Undefined if it is on another origin. */
function basePath(document: JsonObject, origin: string): string | undefined {
  const [first] = listOf(document['servers'])
  const url = textOf(objectOf(first)['url'], MOST.path) ?? '/'
  if (!URL.canParse(url, origin)) return ''
  const server = new URL(url, origin)
  return server.origin === origin ? server.pathname.replace(/\/+$/, '') : undefined
}

function readPaths(paths: JsonObject, base: string): readonly AdvertisedOperation[] {
  const operations: AdvertisedOperation[] = []
  for (const [path, item] of Object.entries(paths)) {
    // The path is shown to people and compared with called paths, so a path that would need cleaning is refused.
    if (!path.startsWith('/') || clean(path, MOST.path) !== path) continue
    if (base.length + path.length > MOST.path) continue
    for (const name of METHODS) {
      const operation = objectOf(objectOf(item)[name])
      if (operation['x-payment-info'] === undefined) continue
      if (operations.length === MOST.operations) return operations
      operations.push(
        defined({
          method: name.toUpperCase(),
          // Servers that generate the document from their routes may leave parameters as `:id`.
          path: base + path.replace(/\/:(\w+)/g, '/{$1}'),
          summary: wordsOf(operation['summary']),
          offers: readInfo(objectOf(operation['x-payment-info'])),
        }),
      )
    }
  }
  return operations
}

/** Reads a list of offers, or one offer without a list, and also x402 entries. */
function readInfo(info: JsonObject): readonly AdvertisedOffer[] {
  const list: readonly Json[] = info['offers'] === undefined ? [info] : listOf(info['offers'])
  const offers = list.slice(0, MOST.offers).flatMap((offer) => readOffer(objectOf(offer)))
  return [...offers, ...readAccepts(info['accepts'])]
}

function readOffer(offer: JsonObject): readonly AdvertisedOffer[] {
  const method = textOf(offer['method'], 30)
  const intent = textOf(offer['intent'], 30) ?? 'charge'
  if (method === undefined || !NAME.test(method) || !NAME.test(intent)) return []
  const amount = readUint256(offer['amount'])
  const currency = nameOf(offer['currency'])
  const network = networkOf(offer)
  const payee = nameOf(offer['recipient'])
  const words = wordsOf(offer['description'])
  const kind = `${method}/${intent}` as const
  return [defined({ kind, exact: intent === 'charge', amount, currency, network, payee, words })]
}

/** Reads the network from a field that the specification does not have but some servers add. */
function networkOf({ network, chainId }: JsonObject): string | undefined {
  if (typeof chainId === 'number' && Number.isSafeInteger(chainId) && chainId > 0) return `eip155:${chainId}`
  const text = textOf(network, 60)
  return text !== undefined && CAIP2.test(text) ? text : undefined
}
