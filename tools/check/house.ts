/** The plan of the house, as data. Folders of `src`; a folder may import those of earlier floors, and nothing else. */
export const FLOORS: readonly (readonly string[])[] = [
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
  ['undici', 'socket'],
  ['client'],
  ['config'],
  ['front'],
  ['index'],
  ['entry'],
]

/**
 * Folders without an index, whose files others import by themselves. A bundler loads all files of an index, so the core would
 * hold every helper.
 */
export const WITHOUT_INDEX: readonly string[] = ['util', 'entry']

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
  'session',
  'ledger',
  'wallet',
]

/** What may use more, and which packages. A path ends in `/` or names a file. */
export const BEYOND_CORE: readonly { readonly path: string; readonly may: readonly string[] }[] = [
  { path: 'policy/file', may: ['node:'] },
  { path: 'ledger/sqlite', may: ['node:', '@photostructure/sqlite'] },
  { path: 'wallet/chain/', may: ['viem'] },
  { path: 'wallet/tempo/', may: ['viem'] },
  { path: 'wallet/evm/', may: ['viem'] },
  { path: 'wallet/stripe/', may: ['stripe'] },
  { path: 'wallet/lightning/', may: ['light-bolt11-decoder'] },
  { path: 'session/', may: ['viem'] },
]

/** Packages the core never touches (beside `node:`). */
export const FOREIGN = [
  'viem',
  'ox',
  'stripe',
  'light-bolt11-decoder',
  'undici',
  '@photostructure/sqlite',
  'mppx',
]

/** Files other than an `index.ts` that some other folders may reach into. */
export const SIDE_DOORS: readonly {
  readonly file: string
  readonly from: readonly string[]
  readonly why: string
}[] = [
  {
    file: 'client/create.ts',
    from: ['index', 'config'],
    why: 'leads to SQLite, which the front entry of browsers and Workers must not',
  },
  {
    file: 'front.ts',
    from: ['entry'],
    why: 'what both front entries export',
  },
  {
    file: 'client/create-without-files.ts',
    from: ['entry'],
    why: 'the front entry of browsers and Workers, which must lead to no SQLite',
  },
  {
    file: 'policy/delegation.ts',
    from: ['client'],
    why: "an owner's script delegates, and an agent does without it",
  },
  {
    file: 'wallet/authorization.ts',
    from: ['pay'],
    why: 'only the story of a payment mints an authorization, so minting is in no index',
  },
  {
    file: 'money/rates.ts',
    from: ['client', 'session'],
    why: 'what a rate makes of a currency is asked when an offer is read: a free call does without it',
  },
  {
    file: 'policy/tell.ts',
    from: ['pay', 'entry'],
    why: 'words for counters that are full and for whole decisions: needed with the first refusal',
  },
  {
    file: 'ledger/gaps.ts',
    from: ['client'],
    why: 'asked when the ledger is opened: a free call does without it',
  },
  {
    file: 'ledger/checked-clock.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'pay/authorize/alerts.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'pay/recovery/payment-locks.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'pay/recovery/recovery-schedule.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'pay/transition.ts',
    from: ['client'],
    why: 'one way to move a payment, so that listeners hear of each state: needed when a person closes a doubt',
  },
  {
    file: 'policy/agreed.ts',
    from: ['ledger', 'pay'],
    why: 'asked of what settled, so that it is loaded with the ledger and not before',
  },
  ...(['advertised', 'openapi', 'x402'] as const).map((name) => ({
    file: `protocol/discovery/${name}.ts`,
    from: ['client'],
    why: 'documents that only a discovery reads: a purser that never looks loads none of it',
  })),
  {
    file: 'protocol/accept-payment.ts',
    from: ['pay', 'client'],
    why: 'the one codec that a free call needs: the others are loaded with the first 402',
  },
  {
    file: 'protocol/body.ts',
    from: ['wallet', 'http', 'fetch', 'undici', 'socket', 'client'],
    why: 'the one reader of bodies: a free call needs it, and none of the codecs beside it',
  },
  {
    file: 'protocol/base64url.ts',
    from: ['session'],
    why: 'a snapshot comes in whichever alphabet its server writes; how that is read is no promise to users',
  },
  {
    file: 'pay/authorize/approval-queue.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'pay/submit/live-credentials.ts',
    from: ['client'],
    why: 'made when the ledger is opened: a free call does without it',
  },
  {
    file: 'ledger/memory.ts',
    from: ['client', 'entry'],
    why: 'a store with its own entry point: who keeps another one does not load it',
  },
  ...(['evidence', 'shared'] as const).map((name) => ({
    file: `wallet/${name}.ts`,
    from: ['session'],
    why: 'what all wallets are made of, and the session is one of them: no business of anybody else',
  })),
  {
    file: 'wallet/tempo/index.ts',
    from: ['session'],
    why: 'the types of a Tempo account, for the other wallet on that chain',
  },
  {
    file: 'wallet/tempo/shared.ts',
    from: ['session'],
    why: "two wallets on one chain share its transactions, nodes and options; they are nobody else's business",
  },
]

/** Where the compiler is overruled: one place for each brand. */
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

/** Where a body is read beside `src/protocol/body.ts`: what is read there, and what bounds it. */
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

/** Files that a program wrote: no limit of length. */
export const GENERATED: readonly string[] = []

/** Limits in lines: above `most` is an error, above `aim` a warning. */
export const LIMITS = {
  file: { aim: 250, most: 450 },
  function: { aim: 40, most: 60 },
  readme: 60,
} as const
