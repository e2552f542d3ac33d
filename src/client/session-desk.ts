import { ownOptions, PaymentError } from '../errors/index.js'
import { httpCall } from '../fetch/index.js'
import type { Channel } from '../ledger/index.js'
import { amount, parseAmount } from '../money/index.js'
import { type Call, carryOut, type Env, settleAccounts } from '../pay/index.js'
import type { ChannelOperation, ChannelWallet } from '../wallet/index.js'
import { isChannelWallet } from './channel-wallets.js'
import type { InspectedSession, Session, SessionParts } from './session.js'

/** The work behind {@link Sessions}, loaded when it is first asked for. */
export class SessionDesk {
  readonly #parts: SessionParts

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  async list(
    given: { readonly vendor?: string; readonly closed?: boolean } = {},
  ): Promise<readonly Session[]> {
    const query = ownOptions(given, { vendor: true, closed: true }, 'sessions.list()')
    const { ledger } = await this.#parts.env()
    const channels = await ledger.channels(query.vendor === undefined ? {} : { vendor: query.vendor })
    const shown = channels.filter(({ state }) => query.closed === true || state !== 'closed')
    return Promise.all(shown.map(async (channel) => sessionOf(channel, await ledger.signed(channel.lane))))
  }

  async inspect(id: string): Promise<InspectedSession> {
    const { env, channel, wallet } = await this.#find(id)
    const chain = await wallet.inspectChannel(channel, env.ledger)
    const after = await this.#find(id)
    const session = sessionOf(after.channel, await env.ledger.signed(channel.lane))
    return { ...session, ...(chain === undefined ? {} : { chain }) }
  }

  async recall(url: string | URL): Promise<boolean> {
    const { face, settings } = this.#parts
    // The payer is asked for by a charge of nothing: whoever proves to be it is told what is remembered.
    const init = { method: 'HEAD', headers: { 'accept-payment': 'tempo/charge' } }
    const { exchange, options } = httpCall(face, url, init, settings.http)
    if (!face.payable(exchange.resource)) return false
    const reply = await face.run(exchange, options)
    const said = reply.headers.get('payment-session-snapshot')
    if (said === null) return false
    const { ledger } = await this.#parts.env()
    for (const wallet of settings.wallets)
      if (isChannelWallet(wallet) && (await wallet.restoreChannel?.(said, exchange.resource, ledger)))
        return true
    return false
  }

  async topUp(id: string, more: string): Promise<Session> {
    const { channel } = await this.#find(id)
    const { value } = parseAmount(more, channel.deposit.currency)
    if (value === 0n) throw new TypeError('A top-up must be above zero')
    return this.#act(id, { kind: 'topUp', amount: value })
  }

  async close(id: string): Promise<Session> {
    const found = await this.#find(id)
    // One that was agreed on before may be over by now.
    if (found.channel.state === 'closing') await found.wallet.inspectChannel(found.channel, found.env.ledger)
    const { channel, env } = await this.#find(id)
    // The vendor may have closed it by itself: what it took is settled then, and nothing else is left to do.
    const session =
      channel.state === 'closed'
        ? sessionOf(channel, await env.ledger.signed(channel.lane))
        : await this.#closeTogether(id)
    await this.#settle(id)
    return session
  }

  /** A vendor that does not know the session cannot close it: then the chain is asked. */
  async #closeTogether(id: string): Promise<Session> {
    const { channel, wallet } = await this.#find(id)
    if (wallet.isForgotten?.(channel) === true) return this.forceClose(id)
    try {
      return await this.#act(id, { kind: 'close' })
    } catch (error) {
      const after = await this.#find(id)
      if (after.wallet.isForgotten?.(after.channel) === true) return this.forceClose(id)
      throw error
    }
  }

  async forceClose(id: string): Promise<InspectedSession> {
    const { chain } = await this.inspect(id)
    if (chain?.closed === true) {
      await this.#settle(id)
      return this.inspect(id)
    }
    const at = chain?.withdrawableAt
    if (at === undefined) await this.#act(id, { kind: 'requestClose' })
    else if (at <= this.#parts.settings.clock.now()) {
      await this.#act(id, { kind: 'withdraw' })
      await this.#settle(id)
    }
    return this.inspect(id)
  }

  async #act(id: string, act: ChannelOperation): Promise<Session> {
    const { env, channel, wallet } = await this.#find(id)
    if (channel.state === 'closed') throw new TypeError('This session is closed')
    const { settings, face } = this.#parts
    const { exchange } = httpCall(face, channel.address, { method: 'POST' }, settings.http)
    const call: Call = { context: this.#parts.context() }
    await carryOut(
      {
        wallet,
        channel,
        act,
        at: exchange.resource,
        deliver: (credential) => exchange.sendAside(credential),
      },
      call,
      env,
    )
    await wallet.inspectChannel(channel, env.ledger)
    const after = await this.#find(id)
    return sessionOf(after.channel, await env.ledger.signed(channel.lane))
  }

  async #settle(id: string): Promise<void> {
    const { env, channel, wallet } = await this.#find(id)
    if (channel.state === 'closed') await settleAccounts(channel, wallet, env)
  }

  async #find(id: string): Promise<{ env: Env; channel: Channel; wallet: ChannelWallet }> {
    const env = await this.#parts.env()
    const channel = (await env.ledger.channels({})).find(({ lane }) => lane === id)
    if (channel === undefined) throw new TypeError('The ledger has no session with this id')
    const wallet = this.#parts.settings.wallets.find((one) => one.id === channel.wallet)
    if (wallet === undefined || !isChannelWallet(wallet))
      throw new PaymentError('wallet_unavailable', 'untouched', 'The wallet of this session is not here')
    return { env, channel, wallet }
  }
}

function sessionOf(channel: Channel, signed: bigint): Session {
  const { lane, vendor, wallet, state, deposit } = channel
  const { currency, value } = deposit
  const unspent = state === 'closed' || signed >= value ? 0n : value - signed
  return {
    id: lane,
    vendor,
    wallet,
    state,
    deposit,
    signed: amount(signed, currency),
    unspent: amount(unspent, currency),
  }
}
