import { ownOptions, PaymentError } from '../errors/index.js'
import { httpCall } from '../fetch/index.js'
import type { HttpPaymentHandler } from '../http/index.js'
import type { Channel } from '../ledger/index.js'
import { amount, parseAmount } from '../money/index.js'
import {
  type Call,
  type ChannelOperationRequest,
  type Env,
  runOperation,
  settleClosedChannel,
} from '../pay/index.js'
import type { Context } from '../policy/index.js'
import type { ChannelOperation, ChannelWallet } from '../wallet/index.js'
import type { CallServices } from './paid-call.js'
import { type InspectedSession, isChannelWallet, type Session, type Sessions } from './session.js'

/** The sessions of the ledger, on behalf of one purser. */
export class LedgerSessions implements Sessions {
  readonly #purser: Pick<CallServices, 'settings' | 'open'>
  readonly #handler: HttpPaymentHandler
  readonly #context: () => Context

  constructor(
    purser: Pick<CallServices, 'settings' | 'open'>,
    handler: HttpPaymentHandler,
    context: () => Context,
  ) {
    this.#purser = purser
    this.#handler = handler
    this.#context = context
  }

  async list(
    given: { readonly vendor?: string; readonly closed?: boolean } = {},
  ): Promise<readonly Session[]> {
    const query = ownOptions(given, { vendor: true, closed: true }, 'sessions.list()')
    const { ledger } = (await this.#purser.open()).env
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
    const { settings } = this.#purser
    // The vendor asks for a charge of zero, as a proof of the payer. It then says what it remembers of that payer.
    const init = { method: 'HEAD', headers: { 'accept-payment': 'tempo/charge' } }
    const { exchange, options } = httpCall(this.#handler, url, init, settings.http)
    if (!this.#handler.payable(exchange.resource)) return false
    const reply = await this.#handler.run(exchange, options)
    const said = reply.headers.get('payment-session-snapshot')
    if (said === null) return false
    const { ledger } = (await this.#purser.open()).env
    for (const wallet of settings.wallets)
      if (isChannelWallet(wallet) && (await wallet.restoreChannel?.(said, exchange.resource, ledger)))
        return true
    return false
  }

  async topUp(id: string, more: string): Promise<Session> {
    const { channel } = await this.#find(id)
    const { value } = parseAmount(more, channel.deposit.currency)
    if (value === 0n) throw new TypeError('A top-up must be above zero')
    return this.#operate(id, { kind: 'topUp', amount: value })
  }

  async close(id: string): Promise<Session> {
    const found = await this.#find(id)
    // A close that the vendor agreed to earlier may be over by now.
    if (found.channel.state === 'closing') await found.wallet.inspectChannel(found.channel, found.env.ledger)
    const { channel, env } = await this.#find(id)
    // If the vendor has closed the session by itself, only its accounts are left to settle.
    const session =
      channel.state === 'closed'
        ? sessionOf(channel, await env.ledger.signed(channel.lane))
        : await this.#closeTogether(id)
    await this.#settle(id)
    return session
  }

  /** Closes the session with the vendor; without it if the vendor has forgotten the session. */
  async #closeTogether(id: string): Promise<Session> {
    const { channel, wallet } = await this.#find(id)
    if (wallet.isForgotten?.(channel) === true) return this.forceClose(id)
    try {
      return await this.#operate(id, { kind: 'close' })
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
    if (at === undefined) await this.#operate(id, { kind: 'requestClose' })
    else if (at <= this.#purser.settings.clock.now()) {
      await this.#operate(id, { kind: 'withdraw' })
      await this.#settle(id)
    }
    return this.inspect(id)
  }

  async #operate(id: string, operation: ChannelOperation): Promise<Session> {
    const { env, channel, wallet } = await this.#find(id)
    if (channel.state === 'closed') throw new TypeError('This session is closed')
    const call: Call = { context: this.#context() }
    await runOperation({ wallet, channel, operation, ...this.#wayTo(channel, operation) }, { call, env })
    await wallet.inspectChannel(channel, env.ledger)
    const after = await this.#find(id)
    return sessionOf(after.channel, await env.ledger.signed(channel.lane))
  }

  /**
   * How a credential reaches the vendor of a session.
   *
   * @throws PaymentError for an operation that needs a vendor without an address: only calls reach an MCP server.
   */
  #wayTo(
    { vendor, address }: Channel,
    { kind }: ChannelOperation,
  ): Pick<ChannelOperationRequest, 'at' | 'deliver'> {
    if (/^https?:/.test(address)) {
      const { settings } = this.#purser
      const { exchange } = httpCall(this.#handler, address, { method: 'POST' }, settings.http)
      return { at: exchange.resource, deliver: (credential) => exchange.sendAside(credential) }
    }
    const needsVendor = kind === 'close' || kind === 'topUp'
    const unreachable = new PaymentError(
      'not_replayable',
      'untouched',
      `The vendor of this session, ${vendor}, has no address: only calls reach it, and they top the session up by themselves. ` +
        'To get the deposit back, use forceClose().',
    )
    if (needsVendor) throw unreachable
    const at = { transport: 'mcp', vendor, operation: 'session', address, tool: 'session' } as const
    return { at, deliver: () => Promise.reject(unreachable) }
  }

  async #settle(id: string): Promise<void> {
    const { env, channel, wallet } = await this.#find(id)
    if (channel.state === 'closed') await settleClosedChannel(channel, wallet, env)
  }

  async #find(id: string): Promise<{ env: Env; channel: Channel; wallet: ChannelWallet }> {
    const { env } = await this.#purser.open()
    const channel = (await env.ledger.channels({})).find(({ lane }) => lane === id)
    if (channel === undefined) throw new TypeError('The ledger has no session with this id')
    const wallet = this.#purser.settings.wallets.find((one) => one.id === channel.wallet)
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
