import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Hex } from 'viem'
import { PERMIT2 } from '../../src/wallet/evm/typed.js'
import { startAnvil } from '../chain/anvil.js'

const require = createRequire(import.meta.url)
const FOLDER = fileURLToPath(new URL('contracts', import.meta.url))
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/purser-evm', import.meta.url))

/** Code to deploy, and code as it lies on the chain. */
export interface Code {
  readonly bytecode: Hex
  readonly deployed: Hex
}

export type Contracts = Readonly<
  Record<'Dollar' | 'QuietDollar' | 'ExactProxy' | 'UptoProxy' | 'Permit2', Code>
>

/** The compiler is a plain CommonJS module without types. */
interface Compiler {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<Record<string, Readonly<Record<string, { evm: Artifact }>>>>
}

interface Artifact {
  readonly bytecode: { readonly object: string }
  readonly deployedBytecode: { readonly object: string }
}

/** Compiles the folder once for these sources, and keeps what comes of it outside the tree. */
export async function contracts(): Promise<Contracts> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sol'))
  const sources = files.map((file) => [file, readFileSync(join(FOLDER, file), 'utf8')] as const)
  const key = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16)
  const cached = join(CACHE, `${key}.json`)
  if (!existsSync(cached)) {
    const made = { ...compile(Object.fromEntries(sources)), Permit2: await permit2() }
    mkdirSync(CACHE, { recursive: true })
    // Several processes may do this at once: each moves a whole file into place.
    const own = `${cached}.${process.pid}`
    writeFileSync(own, JSON.stringify(made))
    renameSync(own, cached)
  }
  return JSON.parse(readFileSync(cached, 'utf8'))
}

function compile(sources: Readonly<Record<string, string>>): Readonly<Record<string, Code>> {
  const compiler: Compiler = require('solc')
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([file, content]) => [file, { content }])),
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  }
  const read = (path: string) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
  const output: Output = JSON.parse(compiler.compile(JSON.stringify(input), { import: read }))
  const faults = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (faults.length > 0) throw new Error(faults.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return Object.fromEntries(
    Object.values(output.contracts)
      .flatMap((of) => Object.entries(of))
      .map(([name, { evm }]) => [
        name,
        { bytecode: `0x${evm.bytecode.object}`, deployed: `0x${evm.deployedBytecode.object}` },
      ]),
  )
}

/** The real one: a local Tempo chain has it from the start. */
async function permit2(): Promise<Code> {
  const anvil = await startAnvil()
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getCode', params: [PERMIT2, 'latest'] })
    const response = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const { result } = await response.json()
    return { bytecode: '0x', deployed: result }
  } finally {
    await anvil.stop()
  }
}
