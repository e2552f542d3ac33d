import type { Mutant } from './list.js'

const FOLDER = 'src/serve/mcp-server'
const APPROVALS = ['test/serve/approvals.test.ts']
const ATTACKS = ['test/serve/attacks.test.ts']
const BODIES = ['test/serve/bodies.test.ts']
const HTTP = ['test/serve/http.test.ts']
const TOOLS = ['test/serve/tools.test.ts']
const UPSTREAMS = ['test/serve/upstreams.test.ts']

/** Faults in the checks of the HTTP server. */
const OVER_HTTP: readonly Mutant[] = [
  {
    name: 'serve-any-host',
    breaks: 'a web page can reach the server by DNS rebinding',
    file: `${FOLDER}/http.ts`,
    find: 'if (!names.includes(host))',
    replace: "if (host === '')",
    tests: HTTP,
    named: 'foreign name in Host',
  },
  {
    name: 'serve-any-origin',
    breaks: 'a web page of another origin can use the server',
    file: `${FOLDER}/http.ts`,
    find: 'if (origin !== undefined && !names.some(',
    replace: "if (origin === 'null' && !names.some(",
    tests: HTTP,
    named: 'Origin',
  },
  {
    name: 'serve-any-site',
    breaks: 'the server ignores that a browser reports a page of another site',
    file: `${FOLDER}/http.ts`,
    find: "if (site !== undefined && site !== 'same-origin' && site !== 'none')",
    replace: "if (site === '')",
    tests: HTTP,
    named: 'a page of another site',
  },
  {
    name: 'serve-any-token',
    breaks: 'the server accepts every token',
    file: `${FOLDER}/http.ts`,
    find: 'if (!timingSafeEqual(digestOf(authorization), secret))',
    replace: "if (authorization === '')",
    tests: HTTP,
    named: 'is not served with a wrong token',
  },
  {
    name: 'serve-any-size',
    breaks: 'the server reads a request of any size into memory',
    file: `${FOLDER}/http.ts`,
    find: '{ maxRequestBodySize: MOST_REQUEST_BYTES }',
    replace: '{ maxRequestBodySize: 100 * MOST_REQUEST_BYTES }',
    tests: HTTP,
    named: 'is not served if it is larger',
  },
]

/** Faults in the sessions over HTTP. */
const IN_SESSIONS: readonly Mutant[] = [
  {
    name: 'serve-pays-after-hang-up',
    breaks: 'a call over HTTP is paid although its host has hung up',
    file: `${FOLDER}/http-sessions.ts`,
    find: 'if (isJSONRPCRequest(message)) cancelIfGone(',
    replace: 'if (message === 0) cancelIfGone(',
    tests: ['test/serve/http-hosts.test.ts'],
    named: 'hangs up during a call',
  },
  {
    name: 'serve-sessions-without-end',
    breaks: 'hosts can fill the memory with sessions',
    file: `${FOLDER}/http-sessions.ts`,
    find: 'this.#open.size <= MOST_SESSIONS',
    replace: 'this.#open.size > 0',
    tests: ['test/serve/http-hosts.test.ts'],
    named: 'that was not used for the longest time',
  },
]

/** Faults in the checks of the calls of a model. */
const CALLS: readonly Mutant[] = [
  {
    name: 'serve-unknown-arguments',
    breaks: 'a tool accepts an argument that it does not know',
    file: `${FOLDER}/schemas.ts`,
    find: 'export const PAID_FETCH_INPUT = z.strictObject({',
    replace: 'export const PAID_FETCH_INPUT = z.object({',
    tests: ATTACKS,
    named: 'cannot say more to paid_fetch',
  },
  {
    name: 'serve-max-ignored',
    breaks: 'a call ignores the highest price that the model named',
    file: `${FOLDER}/pay-and-read.ts`,
    find: '...(max === undefined ? {} : { maxAmount: max }),',
    replace: '',
    tests: TOOLS,
    named: 'asks for a price without paying',
  },
  {
    name: 'serve-key-header',
    breaks: 'a model can choose the identity of a purchase',
    file: `${FOLDER}/headers.ts`,
    find: "  'idempotency-key',\n",
    replace: '',
    tests: ATTACKS,
    named: 'cannot set the header Idempotency-Key',
  },
  {
    name: 'serve-payment-header',
    breaks: 'a model can replay a payment in the header Authorization',
    file: `${FOLDER}/headers.ts`,
    find: '(?:payment|l402|lsat)',
    replace: '(?:l402|lsat)',
    tests: ATTACKS,
    named: 'cannot set the header [Aa]uthorization',
  },
  {
    name: 'serve-header-injection',
    breaks: 'a line break in a header adds another header',
    file: `${FOLDER}/headers.ts`,
    find: '/[^\\t\\x20-\\x7e\\x80-\\xff]/.test(value)',
    replace: 'value.length < 0',
    tests: ATTACKS,
    named: 'cannot set the header x-ok',
  },
  {
    name: 'serve-private-address',
    breaks: "a model can read the machine's own services",
    file: `${FOLDER}/address.ts`,
    find: 'if (isPrivate(host) || ',
    replace: 'if (',
    tests: ATTACKS,
    named: 'cannot reach https://169.254',
  },
  {
    name: 'serve-private-name',
    breaks: 'a public name that leads to a private address can be called',
    file: `${FOLDER}/address.ts`,
    find: 'return addresses.some(isPrivate) ? INSIDE : undefined',
    replace: 'return addresses.length === 0 ? INSIDE : undefined',
    tests: ATTACKS,
    named: 'is refused if its name leads to a private address',
  },
  {
    name: 'serve-plain-http',
    breaks: 'a model can call an http address of an origin that the policy does not list',
    file: `${FOLDER}/address.ts`,
    find: "if (url.protocol !== 'https:')",
    replace: "if (url.protocol === 'file:')",
    tests: ATTACKS,
    named: 'cannot reach http://shop',
  },
  {
    name: 'serve-redirect-followed',
    breaks: 'a redirect leads a call to an address that was not checked',
    file: `${FOLDER}/pay-and-read.ts`,
    find: "redirect: 'manual',",
    replace: "redirect: 'follow',",
    tests: ATTACKS,
    named: 'is not sent anywhere by a redirect',
  },
  {
    name: 'serve-other-agents',
    breaks: 'a model can read the payment of another agent',
    file: `${FOLDER}/books.ts`,
    find: 'purser.payments({ id, agent })',
    replace: 'purser.payments({ id })',
    tests: ATTACKS,
    named: 'sees the payments of its own agent only',
  },
]

/** Faults in the answers to a model. */
const ANSWERS: readonly Mutant[] = [
  {
    name: 'serve-text-not-marked',
    breaks: "a vendor's text reaches the model without marks",
    file: `${FOLDER}/answer.ts`,
    find: "quoteVendor('body of the reply', body)",
    replace: 'body',
    tests: ATTACKS,
    named: 'gets a vendor’s text as data',
  },
  {
    name: 'serve-text-not-cleaned',
    breaks: "a vendor's text reaches the model with hidden characters",
    file: `${FOLDER}/bodies.ts`,
    find: 'Buffer.from(cleanText(text))',
    replace: 'Buffer.from(text)',
    tests: ATTACKS,
    named: 'gets a vendor’s text as data',
  },
  {
    name: 'serve-marks-known',
    breaks: "a vendor's text can contain the mark that ends it",
    file: `${FOLDER}/vendor-text.ts`,
    find: "randomBytes(6).toString('hex')",
    replace: "'0'.repeat(randomBytes(1).byteLength + 11)",
    tests: ATTACKS,
    named: 'keeps its lines and its letters',
  },
  {
    name: 'serve-body-not-cut',
    breaks: 'an answer to a model has a body of any length',
    file: `${FOLDER}/bodies.ts`,
    find: 'if (cleaned.byteLength <= PART_BYTES)',
    replace: 'if (cleaned.byteLength <= 100 * PART_BYTES)',
    tests: ATTACKS,
    named: 'gets 32 KB of a long body',
  },
  {
    name: 'serve-file-without-leave',
    breaks: 'Purser writes a file although the user allowed no folder',
    file: `${FOLDER}/bodies.ts`,
    find: 'if (this.#folder === undefined) return undefined\n    const path = join(\n      this.#folder,',
    replace: "const path = join(\n      this.#folder ?? '/tmp',",
    tests: ATTACKS,
    named: 'gets no bytes',
  },
  {
    name: 'serve-vendor-names-file',
    breaks: 'the vendor chooses a part of the path of a file',
    file: `${FOLDER}/bodies.ts`,
    find: "return Object.hasOwn(EXTENSIONS, type) ? (EXTENSIONS[type] ?? '.bin') : '.bin'",
    replace: "return EXTENSIONS[type] ?? '.'.concat(type.split('/').slice(1).join('/'))",
    tests: BODIES,
    named: 'has an ending of a fixed table',
  },
  {
    name: 'serve-file-readable',
    breaks: 'other users of the machine can read a file that was bought',
    file: `${FOLDER}/bodies.ts`,
    find: 'mode: 0o600',
    replace: 'mode: 0o644',
    tests: BODIES,
    named: 'can be read by its user only',
  },
  {
    name: 'serve-endless-body',
    breaks: 'Purser reads a body that never ends, and pays for all of its parts',
    file: `${FOLDER}/read-reply.ts`,
    find: '  }, untilMs)\n',
    replace: '  }, 1_000 * untilMs)\n',
    tests: BODIES,
    named: 'stops at its time limit',
  },
  {
    name: 'serve-failure-hidden',
    breaks: 'a payment without a delivery looks like a success',
    file: `${FOLDER}/answer.ts`,
    find: "failed: outcome === 'failed',",
    replace: "failed: outcome === 'refused' && output.funds === 'settled',",
    tests: ATTACKS,
    named: 'does not turn a payment that was not delivered',
  },
  {
    name: 'serve-fingerprint-shown',
    breaks: 'a model sees the fingerprint of a payment',
    file: `${FOLDER}/facts.ts`,
    find: '    at: timeOf(createdAt),',
    replace: '    at: timeOf(createdAt),\n    fingerprint: payment.fingerprint,',
    tests: TOOLS,
    named: 'never sees fingerprints',
  },
]

/** Faults in the calls that wait for a person. */
const PERSONS: readonly Mutant[] = [
  {
    name: 'serve-waits-too-long',
    breaks: 'a call waits for a person longer than a host waits for a call',
    file: `${FOLDER}/calls.ts`,
    find: 'const PERSON_MS = 25_000',
    replace: 'const PERSON_MS = 250_000',
    tests: APPROVALS,
    named: 'waits at most 30 seconds',
  },
  {
    name: 'serve-progress-rare',
    breaks: 'a host hears nothing of a long call, and ends it',
    file: `${FOLDER}/progress.ts`,
    find: 'const EVERY_MS = 8_000',
    replace: 'const EVERY_MS = 20_000',
    tests: APPROVALS,
    named: 'reports progress at least every 10 seconds',
  },
  {
    name: 'serve-asks-again',
    breaks: 'the same call after the yes is another payment, and the person is asked again',
    file: `${FOLDER}/calls.ts`,
    find: 'left.find(({ requesting }) => !requesting)',
    replace: 'left.find(() => false)',
    tests: APPROVALS,
    named: 'is pending, and goes on with the same call',
  },
  {
    name: 'serve-pays-for-nobody',
    breaks: 'a call is paid although its caller has gone',
    file: `${FOLDER}/calls.ts`,
    find: 'if (!this.#goesOn) this.#abort.abort(reason)',
    replace: 'if (!this.#goesOn) void reason',
    tests: APPROVALS,
    named: 'ends with its caller',
  },
  {
    name: 'serve-decline-is-no',
    breaks: "a decline by the host counts as a person's no",
    file: `${FOLDER}/elicitation.ts`,
    find: "if (action !== 'accept' || typeof approve !== 'boolean') return false\n  question.answer({ approved: approve,",
    replace: 'question.answer({ approved: approve === true,',
    tests: APPROVALS,
    named: 'stays open if the host declines',
  },
  {
    name: 'serve-host-answers-anyway',
    breaks: 'the answer of a host counts although the operator did not allow it',
    file: `${FOLDER}/paid-call.ts`,
    find: 'const elicits = host.elicits && approvals.elicitation',
    replace: 'const elicits = host.elicits',
    tests: APPROVALS,
    named: 'is not answered by the host beside an approver',
  },
  {
    name: 'serve-older-yes-counts',
    breaks: 'a yes to an older question counts for a new one',
    file: `${FOLDER}/elicitation.ts`,
    find: 'if (mcpReq.requestState() !== question.id) return false',
    replace: 'if (mcpReq.requestState() === undefined) return false',
    tests: APPROVALS,
    named: 'is not answered by a yes to another question',
  },
]

/** Faults in the servers that are offered and paid for. */
const PROXY: readonly Mutant[] = [
  {
    name: 'serve-upstream-stays-dead',
    breaks: 'a server that has ended is never started again',
    file: `${FOLDER}/upstream.ts`,
    find: 'client.onclose = () => {\n      this.#client = undefined\n',
    replace: 'client.onclose = () => {\n',
    tests: UPSTREAMS,
    named: 'can die without taking the others down',
  },
  {
    name: 'serve-upstream-takes-name',
    breaks: "an upstream can replace one of Purser's tools",
    file: `${FOLDER}/proxy.ts`,
    find: 'while (own.includes(shown) || routes.has(shown))',
    replace: 'while (routes.has(shown))',
    tests: UPSTREAMS,
    named: 'appears as it is',
  },
  {
    name: 'serve-upstream-gets-settings',
    breaks: 'an upstream gets the variables of Purser, which name keys',
    file: `${FOLDER}/upstream.ts`,
    find: "stderr: 'inherit' }",
    replace: "stderr: 'inherit', env: Object(process.env) }",
    tests: UPSTREAMS,
    named: 'does not get the settings of Purser',
  },
  {
    name: 'serve-upstream-unnamed',
    breaks: 'the payments of an upstream are charged to another vendor',
    file: `${FOLDER}/upstream.ts`,
    find: 'payingClient(client, purser, { server: name })',
    replace: "payingClient(client, purser, { server: 'any' })",
    tests: UPSTREAMS,
    named: 'appears as it is',
  },
]

/** Faults in the answers of upstreams. */
const PASSED: readonly Mutant[] = [
  {
    name: 'serve-error-flattened',
    breaks: "an upstream's JSON-RPC error reaches the host as the result of a tool",
    file: `${FOLDER}/upstream-error.ts`,
    find: 'throw passedError(error)',
    replace: 'return failed(passedError(error).message)',
    tests: UPSTREAMS,
    named: 'passes an error on',
  },
  {
    name: 'serve-error-not-cleaned',
    breaks: "the data of an upstream's error reaches the host with hidden characters, at any length",
    file: `${FOLDER}/upstream-error.ts`,
    find: 'boundedData(error.data))',
    replace: 'error.data)',
    tests: UPSTREAMS,
    named: 'passes an error on',
  },
  {
    name: 'serve-arguments-checked',
    breaks: 'Purser judges the arguments of a call that the upstream should judge',
    file: `${FOLDER}/tool-routes.ts`,
    find: 'route === undefined ? handler(request, ctx)',
    replace: 'route !== undefined ? handler(request, ctx)',
    tests: UPSTREAMS,
    named: 'passes an error on',
  },
  {
    name: 'serve-unlisted-tool-fatal',
    breaks: 'a tool that cannot be listed takes all other tools down',
    file: `${FOLDER}/proxy.ts`,
    find: '  } catch {\n    return []\n',
    replace: '  } catch (error) {\n    throw error\n',
    tests: UPSTREAMS,
    named: 'appears as it is',
  },
]

/** Faults in the requests of upstreams to hosts. */
const ASKED: readonly Mutant[] = [
  {
    name: 'serve-question-to-any-host',
    breaks: 'a host gets a question that belongs to the call of another host',
    file: `${FOLDER}/upstream.ts`,
    find: 'if (this.#running.some(({ connection }) => connection !== newest.connection))',
    replace: 'if (this.#running.some(({ connection }) => connection === undefined))',
    tests: UPSTREAMS,
    named: 'is not asked while a call of another host',
  },
  {
    name: 'serve-answer-lost',
    breaks: 'the answer of a host of the revision 2026-07-28 does not reach the upstream',
    file: `${FOLDER}/paid-call.ts`,
    find: 'if (inputResponses !== undefined) call.takeAnswers(inputResponses)',
    replace: 'if (inputResponses === undefined) call.takeAnswers({})',
    tests: UPSTREAMS,
    named: 'asks its model',
  },
  {
    name: 'serve-read-waits',
    breaks: 'a resource that a person must approve waits as long as the question is open',
    file: `${FOLDER}/proxy.ts`,
    find: "throw new ProtocolError(NOT_PAID, says, { code: 'approval_pending', funds: 'held' })",
    replace: 'return new Promise(() => undefined)',
    tests: UPSTREAMS,
    named: 'has a resource that waits for a person',
  },
]

/** Faults in the command that starts the server. */
const COMMAND: readonly Mutant[] = [
  {
    name: 'serve-lists-anything',
    breaks: 'the command takes every address for one that the policy lists',
    file: 'src/cli/serve-mcp.ts',
    find: 'lists: ({ origin }) => vendors.has(origin),',
    replace: "lists: ({ origin }) => vendors.has(origin) || origin !== '',",
    tests: ['test/serve/command.test.ts'],
    named: 'pays, and shows the policy',
  },
  {
    name: 'serve-token-shared',
    breaks: 'the command accepts a token that other users of the machine can read',
    file: 'src/cli/serve-mcp.ts',
    find: 'othersMayUse(found)',
    replace: 'found.mode === 0',
    tests: ['test/serve/command.test.ts'],
    named: 'refuses a token that others can read',
  },
]

/** Faults in the MCP server. */
export const SERVE: readonly Mutant[] = [
  ...OVER_HTTP,
  ...IN_SESSIONS,
  ...CALLS,
  ...ANSWERS,
  ...PERSONS,
  ...PROXY,
  ...PASSED,
  ...ASKED,
  ...COMMAND,
]
