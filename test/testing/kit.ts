import type { HttpHandler } from 'msw'
import { type SetupServer, setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { PaymentError, type PolicyDocument } from '../../src/index.js'
import { type TestPurser, type TestPurserOptions, testPurser } from '../../src/testing/index.js'

export const ORIGIN = 'https://api.example'
export const SEARCH = `GET ${ORIGIN}/search`

export const POLICY: PolicyDocument = {
  perPayment: '0.10 USD',
  budgets: [{ limit: '1 USD', per: 'day' }],
  vendors: [{ origin: ORIGIN }],
}

/** A server of msw for one test file. A request without a handler fails. */
export function server(): SetupServer {
  const msw = setupServer()
  beforeAll(() => msw.listen({ onUnhandledRequest: 'error' }))
  afterEach(() => msw.resetHandlers())
  afterAll(() => msw.close())
  return msw
}

/** A purser whose test ends with it. */
export function purserOf(options: Partial<TestPurserOptions> = {}): TestPurser {
  const test = testPurser({ policy: POLICY, ...options })
  open.push(test)
  return test
}

const open: TestPurser[] = []

/** Closes the pursers of a test. */
export async function closeAll(): Promise<void> {
  for (const test of open.splice(0)) await test.close()
}

export type Handlers = readonly HttpHandler[]

/** The end of a call: its status, or the code of its error. */
export async function endOf(calling: Promise<Response>): Promise<number | string> {
  try {
    const { status } = await calling
    return status
  } catch (error) {
    if (error instanceof PaymentError) return error.code
    throw error
  }
}
