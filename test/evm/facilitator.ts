import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/facilitator'
import { UptoEvmScheme } from '@x402/evm/upto/facilitator'
import type { Abi, TypedData } from 'viem'
import { clientsFor, type EvmChain } from './chain.js'

/** The reference facilitator, in this process, on a local chain. It settles one payment at a time. */
export interface Facilitator {
  readonly client: FacilitatorClient
  readonly facilitator: x402Facilitator
}

export function startFacilitator(chain: EvmChain): Facilitator {
  const signer = signerOf(chain)
  const facilitator = new x402Facilitator()
    .register(chain.network, new ExactEvmScheme(signer))
    .register(chain.network, new UptoEvmScheme(signer))
    // Version 1 knows networks by name, whatever the type says.
    .registerV1(named('base-sepolia'), new ExactEvmSchemeV1(signer))
  let last: Promise<unknown> = Promise.resolve()
  return {
    facilitator,
    client: {
      verify: (payload, requirements) => facilitator.verify(payload, requirements),
      settle(payload, requirements) {
        const settled = last.then(() => facilitator.settle(payload, requirements))
        last = settled.catch(() => undefined)
        return settled
      },
      getSupported: async () => JSON.parse(JSON.stringify(facilitator.getSupported())),
    },
  }
}

/** The same for the reference server of MPP, which types what it passes on in its own way. */
export function forMppx({ client }: Facilitator) {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
  return {
    verify: async (payload: unknown, requirements: unknown) =>
      plain(await client.verify(plain(payload), plain(requirements))),
    settle: async (payload: unknown, requirements: unknown) =>
      plain(await client.settle(plain(payload), plain(requirements))),
  }
}

/** viem's clients, as a facilitator is given them. */
export function signerOf({ url, facilitator, id }: EvmChain): ReturnType<typeof toFacilitatorEvmSigner> {
  const { reads, writes } = clientsFor(url, facilitator, id)
  return toFacilitatorEvmSigner({
    address: facilitator.address,
    readContract: ({ address, abi, functionName, args = [] }) =>
      // As itself: some contracts let nobody else settle, and are simulated first.
      reads.readContract({ address, abi: abiOf(abi), functionName, args, account: facilitator.address }),
    verifyTypedData: ({ address, domain, types, primaryType, message, signature }) =>
      reads.verifyTypedData({ address, domain, types: typesOf(types), primaryType, message, signature }),
    writeContract: ({ address, abi, functionName, args, gas }) =>
      writes.writeContract({ address, abi: abiOf(abi), functionName, args, ...(gas ? { gas } : {}) }),
    sendTransaction: ({ to, data }) => writes.sendTransaction({ to, data }),
    waitForTransactionReceipt: ({ hash }) => reads.waitForTransactionReceipt({ hash }),
    getCode: ({ address }) => reads.getCode({ address }),
  })
}

function named(network: string): `${string}:${string}` {
  return JSON.parse(JSON.stringify(network))
}

/** The two packages type the same things in their own ways. */
function abiOf(abi: readonly unknown[]): Abi {
  return JSON.parse(JSON.stringify(abi))
}

function typesOf(types: Record<string, unknown>): TypedData {
  return JSON.parse(JSON.stringify(types))
}
