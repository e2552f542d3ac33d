import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { ROOT } from '../check/entries.js'
import { type Project, requireTool, TOOLS, wrongAnswer } from './project.js'

/**
 * What React Native has of the web. It has no streams. `crypto` comes from a package that its users install, with these two
 * functions.
 */
const GLOBALS = [
  ...['fetch', 'Headers', 'Request', 'Response', 'URL', 'URLSearchParams', 'Blob', 'FormData', 'WebSocket'],
  ...['AbortController', 'AbortSignal', 'TextEncoder', 'TextDecoder', 'performance', 'queueMicrotask'],
  ...[
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
    'console',
  ],
]

interface Metro {
  runBuild(config: object, options: object): Promise<unknown>
}

interface MetroConfig {
  getDefaultConfig(root: string): object
  mergeConfig(config: object, more: object): object
}

/** Bundles with Metro as React Native configures it: its resolver, with the `react-native` condition, and its Babel preset. */
export async function bundleWithMetro({ home }: Project): Promise<string | undefined> {
  const { runBuild }: Metro = requireTool('metro')
  const { getDefaultConfig, mergeConfig }: MetroConfig = requireTool('@react-native/metro-config')
  const modules = [join(ROOT, 'node_modules'), join(TOOLS, 'node_modules')]
  const config = mergeConfig(getDefaultConfig(home), {
    cacheStores: [],
    fileMapCacheDirectory: home,
    maxWorkers: 1,
    reporter: { update: () => undefined },
    // The packages of this project are links.
    watchFolders: [home, ...modules],
    resolver: { useWatchman: false, nodeModulesPaths: modules },
    // React Native itself is not installed.
    serializer: { getModulesRunBeforeMainModule: () => [] },
  })
  await runBuild(config, {
    entry: 'apps/react-native/index.js',
    out: join(home, 'react-native.js'),
    platform: 'android',
    dev: false,
    minify: false,
  })
  const found = /PRAGMA|node:sqlite|require\(['"]/.exec(bundle(home))
  return found === null ? undefined : `${found[0]} is in the bundle`
}

/** Runs the bundle in a context that has nothing of Node and no streams. This is Node's engine, and not Hermes. */
export async function runWithoutNode({ home, env }: Project): Promise<string | undefined> {
  const globals: Record<string, unknown> = Object.fromEntries(
    GLOBALS.map((name) => [name, Reflect.get(globalThis, name)]),
  )
  const context = createContext({
    ...globals,
    navigator: { product: 'ReactNative' },
    crypto: {
      getRandomValues: (into: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(into),
    },
  })
  runInContext(bundle(home), context)
  const answer: unknown = Reflect.get(context, 'answer')
  if (typeof answer !== 'function') return 'the bundle did not run'
  const got: unknown = await Reflect.apply(answer, undefined, [env])
  return wrongAnswer(JSON.parse(String(got)))
}

function bundle(home: string): string {
  return readFileSync(join(home, 'react-native.js'), 'utf8')
}
