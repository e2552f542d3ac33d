// Loaded before a program of the documentation: leads the hosts that it names to servers on this machine. STEPS_HOSTS maps
// a host to a port, and STEPS_UNDICI is where undici is.
import { connect as dial } from 'node:net'
import { env } from 'node:process'

const { Agent, buildConnector, setGlobalDispatcher } = await import(env.STEPS_UNDICI ?? 'undici')
const ports = JSON.parse(env.STEPS_HOSTS ?? '{}')
const plain = buildConnector({})

setGlobalDispatcher(
  new Agent({
    connect(options, done) {
      const port = ports[options.hostname]
      if (port === undefined) {
        if (options.hostname === 'localhost' || options.hostname === '127.0.0.1') plain(options, done)
        else done(new Error(`no such host on this machine: ${options.hostname}`), null)
        return
      }
      const socket = dial({ port, host: '127.0.0.1' })
      socket.once('connect', () => done(null, socket))
      socket.once('error', (error) => done(error, null))
    },
  }),
)
