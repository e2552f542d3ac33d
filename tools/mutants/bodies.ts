import type { Mutant } from './list.js'

const HANDLERS = ['test/undici/handlers.test.ts']
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
]
