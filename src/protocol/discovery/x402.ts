import { defined } from '../../util/objects.js'
import { readUint256 } from '../../util/uint256.js'
import type { Json, JsonObject } from '../types.js'
import { x402Network } from '../x402/networks.js'
import { type AdvertisedOffer, type AdvertisedOperation, MOST } from './advertised.js'
import { listOf, nameOf, objectOf, textOf, wordsOf } from './lenient.js'

const METHOD = /^(GET|HEAD|POST|PUT|PATCH|DELETE)$/

/** Reads the entries of `accepts`, as in x402's 402 answers and catalogues (versions 1 and 2). */
export function readAccepts(value: Json | undefined): readonly AdvertisedOffer[] {
  return listOf(value)
    .slice(0, MOST.offers)
    .flatMap((entry) => readAccept(objectOf(entry)))
}

function readAccept(entry: JsonObject): readonly AdvertisedOffer[] {
  const scheme = textOf(entry['scheme'], 30)
  if (scheme === undefined || !/^[a-z][a-z0-9-]*$/.test(scheme)) return []
  const named = textOf(entry['network'], 60)
  const network = named === undefined ? undefined : x402Network(named)
  const amount = readUint256(entry['amount'] ?? entry['maxAmountRequired'])
  const currency = nameOf(entry['asset'])
  const payee = nameOf(entry['payTo'])
  const words = wordsOf(entry['description'])
  const kind = `x402/${scheme}` as const
  return [defined({ kind, exact: scheme === 'exact', amount, currency, network, payee, words })]
}

/**
 * Reads a page of an x402 catalogue (`/discovery/resources`). Only entries of the given origin are read, because a
 * server cannot speak for another origin.
 */
export function readCatalogue(document: JsonObject, origin: string): readonly AdvertisedOperation[] {
  const items = listOf(document['items'] ?? document['resources'])
  return items.slice(0, MOST.operations).flatMap((item) => readItem(objectOf(item), origin))
}

function readItem(item: JsonObject, origin: string): readonly AdvertisedOperation[] {
  const { resource, accepts, metadata, extensions } = item
  const url = parseUrl(textOf(resource, MOST.path) ?? textOf(objectOf(resource)['url'], MOST.path))
  if (url === undefined || url.origin !== origin) return []
  const summary = wordsOf(item['description'] ?? objectOf(metadata)['description'])
  const [first] = listOf(accepts)
  // Version 1 has the method in an entry's schema, version 2 in an extension; catalogues copy either into metadata.
  const method = [
    objectOf(objectOf(metadata)['input'])['method'],
    objectOf(objectOf(objectOf(objectOf(extensions)['bazaar'])['info'])['input'])['method'],
    objectOf(objectOf(objectOf(first)['outputSchema'])['input'])['method'],
  ].find((name) => typeof name === 'string' && METHOD.test(name.toUpperCase()))
  return [
    defined({
      method: typeof method === 'string' ? method.toUpperCase() : 'GET',
      path: url.pathname,
      summary,
      offers: readAccepts(accepts),
    }),
  ]
}

function parseUrl(text: string | undefined): URL | undefined {
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined
}
