// `purser/testing`: for tests of programs that pay. It needs msw only for `paidApi`.
export * from '../testing/index.js'
