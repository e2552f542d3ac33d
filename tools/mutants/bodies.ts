import type { Mutant } from './list.js'

const HANDLERS = ['test/undici/handlers.test.ts']
const HEADERS = ['test/undici/headers.test.ts']
const READER = ['test/protocol/body.test.ts']
const STOCK = ['test/undici/stock-interceptors.test.ts']

/** What comes from outside through a body, and what a transport makes of a handler that throws. */
export const BODIES: readonly Mutant[] = [
  {
    name: 'thrown-at-the-end-lost',
    breaks: 'what an undici handler throws at the end of an answer is lost, and the request hangs',
    file: 'src/undici/front.ts',
    find: 'this.#tell(() => this.#handler.onResponseEnd?.(this, trailers))',
    replace: 'this.#handler.onResponseEnd?.(this, trailers)',
    tests: HANDLERS,
  },
  {
    name: 'thrown-at-data-goes-on',
    breaks: 'an undici handler that threw is given the rest of the body',
    file: 'src/undici/front.ts',
    find: "    this.#state = 'over'\n    this.#stop.abort(error)",
    replace: '    this.#stop.abort(error)',
    tests: HANDLERS,
  },
  {
    name: 'throwing-is-aborting',
    breaks: 'a handler that threw counts as aborted, and no retry around tries again',
    file: 'src/undici/front.ts',
    find: 'return this.#aborted\n',
    replace: 'return this.signal.aborted\n',
    tests: HANDLERS,
  },
  {
    name: 'broken-answer-delivered',
    breaks: 'a paid answer that broke off counts as delivered, and a retry around pays again',
    file: 'src/undici/reply.ts',
    find: 'if (this.#isWanted()) this.#broke()',
    replace: '',
    tests: STOCK,
  },
  {
    name: 'host-of-another',
    breaks: 'a credential is sent with a Host that policy never judged',
    file: 'src/fetch/wire/carrier.ts',
    find: 'if (!namesOnly(carrier)) {',
    replace: 'if (carrier.address.length === 0) {',
    tests: HEADERS,
  },
  {
    name: 'credential-for-the-next-hop',
    breaks: 'a proxy takes the credential away, and the money is in doubt',
    file: 'src/fetch/wire/carrier.ts',
    find: 'return names.some((name) => name.trim() === header)',
    replace: 'return false && names.includes(header)',
    tests: ['test/fetch/compliance/headers.test.ts'],
  },
  {
    name: 'forged-beside-ours',
    breaks: "a credential of the caller's own travels beside ours",
    file: 'src/fetch/wire/carrier.ts',
    find: " || AMONG_OTHERS.test(own('authorization') ?? '')",
    replace: '',
    tests: HEADERS,
  },
  {
    name: 'certificate-of-another',
    breaks: 'a credential is sent to whoever has the certificate of another name',
    file: 'src/undici/undici-exchange.ts',
    find: 'servername !== undefined && servername !== null && servername !== new URL(address).hostname',
    replace: 'servername === address',
    tests: HEADERS,
  },
  {
    name: 'two-keys',
    breaks: 'a paid request names its purchase twice',
    file: 'src/undici/undici-exchange.ts',
    find: "if (isRepeated(headers, 'idempotency-key'))",
    replace: "if (isRepeated(headers, ''))",
    tests: HEADERS,
  },
  {
    name: 'client-dials-another',
    breaks: 'a request is judged by the origin it names, and paid at the one that a Client dials',
    file: 'src/undici/request.ts',
    find: 'if (only !== undefined && originOf(origin) !== only) return undefined',
    replace: '',
    tests: HEADERS,
  },
  {
    name: 'body-without-end',
    breaks: 'a body without an end is read until memory is full',
    file: 'src/protocol/body.ts',
    find: "if (size > bytes) return 'long'",
    replace: "if (size > 64 * bytes) return 'long'",
    tests: READER,
  },
  {
    name: 'long-body-goes-on',
    breaks: 'a body that is too long goes on coming',
    file: 'src/protocol/body.ts',
    find: "if (end !== 'whole') source.cancel()",
    replace: '',
    tests: READER,
  },
  {
    name: 'node-goes-on',
    breaks: 'a node makes a payer read as much as it likes',
    file: 'src/wallet/chain/rpc.ts',
    find: 'bytes: mostOf(method) * MIB',
    replace: 'bytes: 1024 * MIB',
    tests: ['test/wallet/chain/rpc.test.ts'],
  },
  {
    name: 'deaf-fetch-waited-for',
    breaks: 'a caller who gives up waits for a fetch that does not listen',
    file: 'src/wallet/chain/rpc.ts',
    find: 'await untilAborted(asking, signal)',
    replace: 'await asking',
    tests: ['test/wallet/chain/rpc.test.ts'],
  },
]
