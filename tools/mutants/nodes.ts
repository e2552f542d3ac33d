import type { Mutant } from './list.js'

const LIVE = ['test/live/wrong-node.test.ts']
const EVM = ['test/wallet/evm/wrong-node.test.ts']

/** Which nodes a wallet believes. */
export const NODES: readonly Mutant[] = [
  {
    name: 'node-chain-not-compared',
    breaks: 'a node of any chain is believed',
    file: 'src/wallet/chain/chain-check.ts',
    find: 'if (found === chainId) {',
    replace: 'if (found !== undefined) {',
    tests: EVM,
  },
  {
    name: 'node-asked-each-time',
    breaks: 'a node is asked for its chain at every call',
    file: 'src/wallet/chain/chain-check.ts',
    find: 'proven = true\n',
    replace: 'proven = false\n',
    tests: ['test/wallet/chain/of-chain.test.ts'],
  },
  {
    name: 'node-fault-not-told',
    breaks: 'listeners do not hear of a node of another chain',
    file: 'src/pay/authorize/candidates.ts',
    find: '  reportNodeFaults(env)\n',
    replace: '',
    tests: LIVE,
  },
  {
    name: 'node-balance-unchecked',
    breaks: 'the balance that a node of another chain shows is believed',
    file: 'src/wallet/tempo/tempo.ts',
    find: 'balanceCache(config.sender, config.checkedNodes)',
    replace: 'balanceCache(config.sender, config.nodes)',
    tests: LIVE,
  },
  {
    name: 'push-to-another-chain',
    breaks: 'a payment is broadcast to a node of another chain',
    file: 'src/wallet/tempo/prepare.ts',
    find: 'broadcast(config.checkedNodes(',
    replace: 'broadcast(config.nodes(',
    tests: LIVE,
  },
]
