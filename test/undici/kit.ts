import { Agent, type Dispatcher } from 'undici'
import { type InterceptorOptions, payingInterceptor } from '../../src/undici/index.js'
import { type TestFace, testFace } from '../fetch/kit.js'

/** An agent whose requests may pay, and what it signed. */
export function testAgent(
  overrides: Parameters<typeof testFace>[0] = {},
  options: InterceptorOptions = {},
  around: Dispatcher.DispatcherComposeInterceptor[] = [],
): { readonly dispatcher: Dispatcher; readonly face: TestFace; readonly agent: Agent } & AsyncDisposable {
  const face = testFace(overrides)
  const agent = new Agent()
  return {
    face,
    agent,
    dispatcher: agent.compose([payingInterceptor(face, options), ...around]),
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}
