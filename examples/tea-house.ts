// The other side of discover.ts: a shop that advertises its prices, and asks for more than that on one of its routes.
import { Hono } from 'hono'
import { discovery, Mppx, tempo } from 'mppx/hono'
import { listen, type Served } from './support.js'

const PATH_USD = '0x20c0000000000000000000000000000000000000'

/** `/tea` costs 0.01 USD as advertised, `/cake/:size` more than its 0.02, and `/cellar` 5. Nothing is ever settled here. */
export async function startTeaHouse(): Promise<Served> {
  const app = new Hono()
  const mppx = Mppx.create({
    methods: [tempo.charge({ currency: PATH_USD, recipient: `0x${'7'.repeat(40)}`, chainId: 4217 })],
    secretKey: 'a secret of this example server, 32 bytes or more',
  })
  const tea = mppx.charge({ amount: '0.01', description: 'a cup of tea' })
  const cellar = mppx.charge({ amount: '5' })
  app.get('/tea', tea, (c) => c.text('a cup of tea'))
  app.get('/cake/:size', mppx.charge({ amount: '0.03' }), (c) => c.text('a piece of cake'))
  app.get('/cellar', cellar, (c) => c.text('a bottle'))
  discovery(app, mppx, {
    info: { title: 'The tea house', version: '1.0.0' },
    serviceInfo: { categories: ['food'], docs: { homepage: 'https://tea.example' } },
    routes: [
      { handler: tea, method: 'get', path: '/tea', summary: 'Tea' },
      { handler: mppx.charge({ amount: '0.02' }), method: 'get', path: '/cake/{size}', summary: 'Cake' },
      { handler: cellar, method: 'get', path: '/cellar' },
    ],
  })
  return listen(app)
}
