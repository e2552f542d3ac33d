import ts from 'typescript'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/index.js'
import { ENTRIES, entryFiles, ROOT } from '../../tools/check/entries.js'

// What users name in their code. A change here is a change for them: a removal or a renaming breaks it.

test('the codes of errors', () => {
  expect(ERROR_CODES).toEqual([
    'refused',
    'approval_lapsed',
    'frozen',
    'already_paid',
    'paid_not_delivered',
    'payment_in_doubt',
    'idempotency_conflict',
    'busy',
    'action_required',
    'not_replayable',
    'digest_mismatch',
    'authorization_taken',
    'credential_too_large',
    'insufficient_funds',
    'wrong_chain',
    'unknown_currency',
    'wallet_unavailable',
    'wallet_failed',
    'ledger_busy',
    'ledger_missing',
    'ledger_corrupt',
    'ledger_read_only',
    'ledger_older',
    'ledger_newer',
    'ledger_incomplete',
    'ledger_failed',
    'clock_jumped',
    'clock_wrong',
    'invalid_policy',
    'invalid_config',
    'notification_failed',
    'closed',
  ])
})

/** Values and types, as each entry exports them. */
const NAMES: Readonly<Record<string, string>> = {
  purser: `
    Amount AnomalyKind AnswerResult Approval ApprovalAnswer ApprovalProof ApprovalQuery ApprovalRequest
    ApprovalState Approver Budget BudgetAfter CURRENCIES CallOptions
    Currency DiscoverOptions Discovered DiscoveredOffer DiscoveredOperation ERROR_CODES ErrorCode
    FetchInput FetchLike FetchPayment Funds Ledger Listener NextAction NotPaid OfferKind Outcome
    PayingFetch PayingInit Payment PaymentError PaymentQuery PaymentRefusedError PaymentState
    PolicyDocument Preference Purser PurserApprovals PurserEvent PurserEvents PurserOptions Quoted QuotedOffer
    Reason Receipt Recovery Refusal Rejection Remember Resolution Restore Session Sessions SignedDecision SpanLike
    StoredAnswer TracerLike Wallet amount approvalMessage approvalTermsHash createPurser fiat findPaymentError formatAmount isPaymentError token
  `,
  'purser/auto': 'purser restore',
  'purser/ledger': `
    AnswerResult Approval ApprovalId ApprovalProof ApprovalQuery ApprovalState Approvals AskInput AskResult
    Attempt BudgetAfter BudgetsQuery Channel ChannelQuery Channels Clock ClockConfirmation ConfirmedGap
    CounterClaim CounterDifference CounterSum Decision Dimension Dimensions DueQuery Evidence Facts FactsQuery Gap GapCause GapStatement Gaps GivenAnswer Grant
    Hold HoldResult Instant LaneGrant LaneRequest Ledger LedgerView Move MoveResult Payment PaymentId
    PaymentQuery PaymentState PinQuery PinnedPayee PreviousPurchase PurchaseQuery Remember RestoreStatement
    Room Scope StoredAnswer StoredReceipt Terms Units UnseenDoubts Verdict WithdrawReason
  `,
  'purser/ledger/memory': 'MemoryLedgerOptions memoryLedger',
  'purser/ledger/sqlite':
    'LedgerViewOptions Restored SqliteLedgerOptions backupLedger openLedgerView restoreLedger sqliteLedger',
  'purser/ledger/store':
    'LedgerStore StoreChange StoreEntry StoreLedgerOptions StoreRange StoreRead StoreTransaction storeLedger',
  'purser/ledger/testing': 'MakeLedgerStore ledgerStoreContract',
  'purser/mcp': `
    JsonRpcOptions McpClient McpOptions McpTransport MessageListener PayingRpcSender RequestId
    RpcCallOptions RpcError RpcRequest RpcResponse RpcSender jsonRpc payingClient payingTransport
  `,
  'purser/notify':
    'CommandTarget NOTIFIED_EVENTS Notification NotifiedEvent Notifier NotifierContext NotifyTarget NtfyTarget SlackTarget TelegramTarget UrlTarget notifier',
  'purser/passkeys': 'PasskeyVerifier passkeyVerifier',
  'purser/policy': `
    ApprovalDocument ApprovalSettings ApproverDocument ApproverKey AskDocument BudgetDocument BudgetLine Calendar Context
    Decision DelegateOptions DelegatedRule Delegation Duration Money Policy PolicyDocument Rates
    RepeatDocument RulesDocument Terms VendorDocument Weekday createPolicy explain loadPolicy
    parsePolicyText policyJsonSchema
  `,
  'purser/protocol': `
    Challenge Credential CredentialHeader Echo HttpResource JSON_LIMITS Json JsonLimits JsonObject
    MppChallenge MppEcho OfferKind PROBLEMS PROTOCOL_ERROR_CODES ParsedChallenges
    ParsedPaymentRequired PaymentRange Preference Problem ProtocolError ProtocolErrorCode Receipt
    ReplyInfo Resource SignInChallenge SignInEcho ToolResource X402Challenge X402Echo acceptQuality
    decodeBase64url digestMatches encodeBase64url encodeCredential formatAcceptPayment
    parseAcceptPayment parseChallenges parseDateTime parseJsonObject parsePaymentRequired
    parsePaymentRequiredBody parsePaymentResponse parseProblem parseReceipt receiptOf
    settlementProblem x402Network x402Problem
  `,
  'purser/session': `
    InspectedSession PaidSocket SessionOptions SessionProtocol SessionWallet SocketClass SocketData
    SocketEnd SocketEvent SocketLike SocketLimits SocketOptions SocketPayload openSocket
    tempoSession
  `,
  'purser/testing': `
    Fault FaultName PaidAnswer PaidApi PaidApiOptions PaidKind PaidOffer PaidRoute PaidTool PaidTools
    RefusedCredential RouteChange TakenPayment TestClock TestPurser TestPurserOptions TestTime TestWallet
    TestWalletOptions ToolArguments ToolChange paidApi paidTools testClock testPurser testWallet
  `,
  'purser/undici': `
    BodyLimits HttpLimitsOptions InterceptorOptions KeepLimits MadeBody purserInterceptor replayableBody replyBehind
  `,
  'purser/wallet': `
    Abandonment AcceptedCredential AccessKeyLimit AccessKeyManager AccessKeyName AccessKeyProposal
    AccessKeyRequest Allowances Amount AmountJson Authorization AuthorizeKeyOptions AuthorizedKey
    Bounds CURRENCIES Challenge Channel ChannelOperation ChannelQuery ChannelView ChannelWallet
    Channels Completed Credential Currency CurrencyTable Deliver Evidence Fee HttpResource
    InspectOptions Instant Json JsonObject LaneGrant LaneRequest NodeFault OfferKind OpenAllowance
    Payee PaymentError PaymentErrorDetails PaymentId PaymentRange PendingAction PrepareOptions
    Prepared Problem Quote QuoteContext Rate Receipt RejectedCredential ReplyInfo Resource
    ServerTime Spendable Terms ToolResource Units Unpayable Verdict Wallet add amount compare fiat
    formatAmount formatUnits parseAmount spendAuthorization subtract token zero
  `,
  'purser/wallet/evm': `
    ApprovePermit2Options ChainOptions EvmAccount EvmGasOptions EvmHashAccount EvmOptions
    EvmTypedData EvmTypedDataAccount EvmWay Hex TokenDomain approvePermit2 evm parsePrivateKey
  `,
  'purser/wallet/lightning': `
    InvoicePayment LightningAbsence LightningFailure LightningNetwork LightningOptions
    LightningOutcome RoutingFee bitcoin lightning
  `,
  'purser/wallet/stripe': `
    ActionRequest StripeClient StripeClientOptions StripeKeyOptions StripeOptions StripeTokenOptions
    TokenRequest stripe
  `,
  'purser/wallet/tempo': `
    ChainOptions ChargeMode GasOptions Hex Random RemainingLimit TempoAccount TempoKey TempoKeys
    TempoKeysOptions TempoOptions parsePrivateKey tempo tempoKeys
  `,
}

/** What stands for an entry in browsers and Workers has the names of that entry. */
const STANDS_FOR: Readonly<Record<string, string>> = {
  'purser/without-files': 'purser',
  'purser/ledger/without-files': 'purser/ledger/sqlite',
}

test('the names of every entry', { timeout: 60_000 }, () => {
  const program = ts.createProgram(entryFiles(), {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  })
  const checker = program.getTypeChecker()
  const found = Object.entries(ENTRIES).map(([entry, file]) => {
    const source = program.getSourceFile(`${ROOT}/${file}`)
    const module = source && checker.getSymbolAtLocation(source)
    const names = module === undefined ? [] : checker.getExportsOfModule(module).map(({ name }) => name)
    return [entry, names.sort()]
  })
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(
      Object.keys(ENTRIES).map((entry) => [
        entry,
        NAMES[STANDS_FOR[entry] ?? entry]?.split(/\s+/).filter((name) => name !== ''),
      ]),
    ),
  )
})
