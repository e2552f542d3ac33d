import type { Mutant } from './list.js'

const LIVE = ['test/live/wrong-node.test.ts']
const EVM = ['test/wallet/evm/wrong-node.test.ts']

/** Faults in the check of the nodes that a wallet uses. */
export const NODES: readonly Mutant[] = [
  {
    name: 'node-chain-not-compared',
    breaks: 'the wallet believes a node of any chain',
    file: 'src/wallet/chain/chain-check.ts',
    find: 'if (found === chainId) {',
    replace: 'if (found !== undefined) {',
    tests: EVM,
  },
  {
    name: 'node-asked-each-time',
    breaks: 'the wallet asks a node for its chain with every call',
    file: 'src/wallet/chain/chain-check.ts',
    find: 'proven = true\n',
    replace: 'proven = false\n',
    tests: ['test/wallet/chain/of-chain.test.ts'],
  },
  {
    name: 'node-fault-not-told',
    breaks: 'no event reports a node of another chain',
    file: 'src/pay/authorize/candidates.ts',
    find: '  reportNodeFaults(env)\n',
    replace: '',
    tests: LIVE,
  },
  {
    name: 'node-balance-unchecked',
    breaks: 'the wallet believes the balance from a node of another chain',
    file: 'src/wallet/tempo/tempo.ts',
    find: 'balanceCache(config.sender, config.checkedNodes)',
    replace: 'balanceCache(config.sender, config.nodes)',
    tests: LIVE,
  },
  {
    name: 'push-to-another-chain',
    breaks: 'the wallet broadcasts a payment to a node of another chain',
    file: 'src/wallet/tempo/prepare.ts',
    find: 'broadcast(config.checkedNodes(',
    replace: 'broadcast(config.nodes(',
    tests: LIVE,
  },
]
