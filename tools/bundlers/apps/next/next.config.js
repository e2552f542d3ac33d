export default {
  // On Node 20 the ledger needs this package, and its binaries cannot be bundled.
  serverExternalPackages: ['@photostructure/sqlite'],
  // The packages of this project are links.
  turbopack: { root: '/' },
}
