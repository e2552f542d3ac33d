/** The layers of `src`, from the lowest to the highest. A layer imports only earlier layers of this list. */
export const LAYERS: readonly (readonly string[])[] = [
  ['util'],
  ['errors'],
  ['money'],
  ['protocol'],
  ['policy'],
  ['ledger'],
  ['wallet'],
  ['session'],
  ['pay'],
  ['http'],
  ['fetch'],
  ['undici', 'socket', 'mcp'],
  ['client'],
  ['notify'],
  ['testing'],
  ['config'],
  ['entry'],
  ['index'],
  ['serve'],
  ['cli'],
]

/**
 * Folders that serve a purser to others, and what they may import: they reach money only through a `Purser` and its public
 * methods.
 */
export const SHELLS: Readonly<Record<string, readonly string[]>> = {
  serve: ['util', 'errors', 'money', 'mcp', 'index'],
  cli: ['util', 'errors', 'money', 'index', 'config', 'serve'],
}

/** Folders without an index. Other folders import their files directly. */
export const WITHOUT_INDEX: readonly string[] = ['util', 'entry', 'cli']

/** Paths below `src` that run in a browser too: no `node:` builtin, no chain library, no HTTP library. */
export const CORE = [
  'util',
  'errors',
  'money',
  'protocol',
  'policy',
  'pay',
  'http',
  'fetch',
  'socket',
  'mcp',
  'session',
  'ledger',
  'wallet',
  'testing',
]

/** The paths that may use more, and which packages. A path ends in `/` or names a file. */
export const BEYOND_CORE: readonly { readonly path: string; readonly may: readonly string[] }[] = [
  { path: 'policy/file', may: ['node:'] },
  { path: 'ledger/sqlite', may: ['node:', '@photostructure/sqlite'] },
  { path: 'wallet/chain/', may: ['viem'] },
  { path: 'wallet/tempo/', may: ['viem'] },
  { path: 'wallet/evm/', may: ['viem'] },
  { path: 'wallet/stripe/', may: ['stripe'] },
  { path: 'pay/passkeys/', may: ['@simplewebauthn/server'] },
  { path: 'wallet/lightning/', may: ['light-bolt11-decoder'] },
  { path: 'session/', may: ['viem'] },
  { path: 'notify/command.ts', may: ['node:'] },
  { path: 'testing/', may: ['msw'] },
]

/** Packages that the core never imports (in addition to `node:`). */
export const FOREIGN = [
  'viem',
  'ox',
  'stripe',
  'light-bolt11-decoder',
  '@simplewebauthn',
  'undici',
  'msw',
  '@photostructure/sqlite',
  'mppx',
  '@modelcontextprotocol',
]

/** Files other than an `index.ts` that the named layers may import. Each has a reason. */
export const IMPORT_EXCEPTIONS: readonly {
  readonly file: string
  readonly from: readonly string[]
  readonly why: string
}[] = [
  {
    file: 'wallet/authorization.ts',
    from: ['pay'],
    why: 'only the payment flow makes authorizations, so no index exports the function',
  },
  ...(['evidence', 'shared'] as const).map((name) => ({
    file: `wallet/${name}.ts`,
    from: ['session'],
    why: 'helpers for wallets, and the session is a wallet. No other layer needs them',
  })),
  {
    file: 'wallet/tempo/shared.ts',
    from: ['session'],
    why: 'the two wallets of Tempo share its transactions, nodes and options. No other layer needs them',
  },
]

/** The casts that are allowed: one file for each brand. */
export const CASTS: readonly { readonly file: string; readonly to: string; readonly why: string }[] = [
  { file: 'money/amount.ts', to: 'Amount', why: 'the brand of an amount is put on here alone' },
  {
    file: 'wallet/authorization.ts',
    to: 'Authorization',
    why: 'the brand of an authorization is put on here alone',
  },
  {
    file: 'client/runtime.ts',
    to: 'Builtins[Name]',
    why: "a builtin under its own name: its shape is the runtime's promise",
  },
]

/** The files that read a body, in addition to `src/protocol/body.ts`: the methods, and their limits. */
export const BODY_READERS: readonly {
  readonly file: string
  readonly reads: readonly string[]
  readonly why: string
}[] = [
  { file: 'protocol/body.ts', reads: ['getReader'], why: 'the one reader: bounded in bytes and time' },
  {
    file: 'http/recording.ts',
    reads: ['getReader'],
    why: "the caller's own request body on its way to the server: kept up to a cap, read as the transport pulls",
  },
  {
    file: 'http/body.ts',
    reads: ['arrayBuffer'],
    why: "the caller's own Request, in a browser that shows no stream of it",
  },
  {
    file: 'serve/mcp-server/read-reply.ts',
    reads: ['getReader'],
    why: 'bounded in bytes and time, like the one reader; it keeps the part of a paid body that came',
  },
  {
    file: 'http/wire/read.ts',
    reads: ['text'],
    why: "a transport's own bounded reading: `peekText` of fetch, `UndiciReply.text` of undici",
  },
  {
    file: 'http/wire/sse/meter.ts',
    reads: ['getReader'],
    why: 'handed on as the caller pulls; what is held back of a frame has a cap (frames.ts)',
  },
]

/** The ledger's methods that move a payment, and the one file outside `src/ledger` that may call them. */
export const PAYMENT_MOVES: { readonly methods: readonly string[]; readonly file: string } = {
  methods: ['hold', 'advance', 'deny'],
  file: 'pay/transition.ts',
}

/** Layers whose imports show every call: see `checkCalls`. */
export const DIRECT_CALLS: readonly string[] = ['pay']

/** Generated files have no limit of length. */
export const GENERATED: readonly string[] = []

/** Limits in lines. Above `most` is an error, above `aim` a warning. */
export const LIMITS = {
  file: { aim: 250, most: 450 },
  function: { aim: 40, most: 60 },
  readme: 60,
} as const
