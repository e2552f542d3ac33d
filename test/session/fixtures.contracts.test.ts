import { encodeAbiParameters, type Hex, hashTypedData, keccak256, parseAbiParameters } from 'viem'
import { readContract, simulateContract, writeContractSync } from 'viem/actions'
import { Channel } from 'viem/tempo'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ACCOUNTS, addressOf, alphaUSD, clientFor } from '../chain/chain.js'
import { type Descriptor, escrowAbi, reserveAbi } from './fixtures/contracts.js'
import { referenceClient } from './fixtures/reference.js'
import { type ChannelWorld, channelWorld, GRACE_SECONDS } from './fixtures/world.js'

const DEPOSIT = 50_000n
const PRICE = 10_000n

let world: ChannelWorld

beforeEach(async () => {
  world = await channelWorld()
})

afterEach(() => world.stop())

/** An open channel, of which one unit was spent. */
async function opened(protocol: 'v1' | 'v2') {
  const server = await world.serve({ protocol, suggestedDeposit: '0.05' })
  const payer = await world.chain.account(1_000_000n)
  await referenceClient(world, protocol, payer).fetch(server.url('/paid'))
  const { credential } = server.paid('open')[0] ?? expect.fail('no open')
  const id = credential?.channelId ?? expect.fail('no channel')
  return { server, payer, id, descriptor: credential?.descriptor, signature: credential?.signature ?? '0x' }
}

/** What the payer does on the chain by himself; he pays the fee in AlphaUSD. */
function byPayer(channel: Awaited<ReturnType<typeof opened>>) {
  const client = clientFor(world.chain.url, channel.payer)
  const call = { feeToken: addressOf(alphaUSD), gas: 1_000_000n }
  return async (functionName: 'requestClose' | 'withdraw') => {
    const { status } = await (channel.descriptor === undefined
      ? writeContractSync(client, {
          address: world.escrow.v1,
          abi: escrowAbi,
          functionName,
          args: [channel.id],
          ...call,
        })
      : writeContractSync(client, {
          address: world.escrow.v2,
          abi: reserveAbi,
          functionName,
          args: [channel.descriptor],
          ...call,
        }))
    return status
  }
}

describe.each(['v1', 'v2'] as const)('the escrow of protocol %s', (protocol) => {
  it('gives the deposit back after the grace period, though the server is gone', async () => {
    const channel = await opened(protocol)
    await channel.server.vanish()
    await expect(fetch(channel.server.url('/free'))).rejects.toThrow()
    const act = byPayer(channel)
    expect(await act('requestClose')).toBe('success')
    expect((await world.channel(protocol, channel.id)).closeRequestedAt).toBeGreaterThan(0)
    expect(await act('withdraw')).toBe('reverted')
    await world.wait(GRACE_SECONDS + 1)
    expect(await world.held(protocol)).toBe(DEPOSIT)
    expect(await act('withdraw')).toBe('success')
    expect(await world.held(protocol)).toBe(0n)
    expect(await world.channel(protocol, channel.id)).toMatchObject({ closed: true })
  })

  it('lets the operator settle, and close with what was spent', async () => {
    const { server, payer, id } = await opened(protocol)
    const before = await world.chain.balanceOf(alphaUSD, payer.address)
    const had = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    await server.settle(id)
    expect(await world.channel(protocol, id)).toMatchObject({
      deposit: DEPOSIT,
      settled: PRICE,
      closed: false,
    })
    await server.close(id)
    expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
    expect(await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)).toBe(had + PRICE)
    expect(await world.chain.balanceOf(alphaUSD, payer.address)).toBe(before + DEPOSIT - PRICE)
    expect(await world.held(protocol)).toBe(0n)
  })
})

it('derives the ids and the vouchers of protocol v2 as the chain does', async () => {
  const { id, descriptor = expect.fail('no descriptor') } = await opened('v2')
  const reserve = { address: world.escrow.v2, abi: reserveAbi } as const
  const client = clientFor(world.chain.url)
  expect(Channel.computeId(descriptor, { chainId: world.chain.id })).toBe(id)
  const { descriptor: found } = await readContract(client, {
    ...reserve,
    functionName: 'getChannel',
    args: [descriptor],
  })
  expect(found.expiringNonceHash).toBe(descriptor.expiringNonceHash)
  const digest = await readContract(client, { ...reserve, functionName: 'getVoucherDigest', args: [id, 7n] })
  expect(digest).toBe(
    Channel.getVoucherSignPayload({ chainId: world.chain.id, channelId: id, cumulativeAmount: 7n }),
  )
})

it('derives the ids and the vouchers of protocol v1 as its specification says', async () => {
  const { id } = await opened('v1')
  const client = clientFor(world.chain.url)
  const escrow = { address: world.escrow.v1, abi: escrowAbi } as const
  const parts = [
    ACCOUNTS.payer.address,
    ACCOUNTS.payee.address,
    addressOf(alphaUSD),
    id,
    ACCOUNTS.spare.address,
  ] as const
  const types = parseAbiParameters('address, address, address, bytes32, address, address, uint256')
  expect(await readContract(client, { ...escrow, functionName: 'computeChannelId', args: parts })).toBe(
    keccak256(encodeAbiParameters(types, [...parts, world.escrow.v1, BigInt(world.chain.id)])),
  )
  expect(await readContract(client, { ...escrow, functionName: 'getVoucherDigest', args: [id, 7n] })).toBe(
    hashTypedData({
      domain: {
        name: 'Tempo Stream Channel',
        version: '1',
        chainId: world.chain.id,
        verifyingContract: world.escrow.v1,
      },
      types: {
        Voucher: [
          { name: 'channelId', type: 'bytes32' },
          { name: 'cumulativeAmount', type: 'uint128' },
        ],
      },
      primaryType: 'Voucher',
      message: { channelId: id, cumulativeAmount: 7n },
    }),
  )
})

it('refuses what the channel reserve refuses', async () => {
  const { descriptor = expect.fail('no descriptor'), signature, payer } = await opened('v2')
  const settle = (by: typeof payer | typeof ACCOUNTS.payee, channel: Descriptor, amount: bigint, sig: Hex) =>
    simulateContract(clientFor(world.chain.url, by), {
      address: world.escrow.v2,
      abi: reserveAbi,
      functionName: 'settle',
      args: [channel, amount, sig],
      account: by,
    })
  const { payee, spare } = ACCOUNTS
  await expect(settle(payee, descriptor, PRICE, signature)).resolves.toBeDefined()
  await expect(settle(payer, descriptor, PRICE, signature)).rejects.toThrow('NotPayeeOrOperator')
  await expect(settle(payee, descriptor, PRICE + 1n, signature)).rejects.toThrow('InvalidSignature')
  await expect(settle(payee, descriptor, DEPOSIT + 1n, signature)).rejects.toThrow('AmountExceedsDeposit')
  await expect(settle(payee, descriptor, 0n, signature)).rejects.toThrow('AmountNotIncreasing')
  const other = { ...descriptor, operator: spare.address }
  await expect(settle(payee, other, PRICE, signature)).rejects.toThrow('ChannelNotFound')
})
