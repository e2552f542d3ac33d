import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  type Environment,
  type InspectedSettings,
  inspectSettings,
  loadPolicyFile,
  openViewFromEnvironment,
  type Places,
  type PolicySummary,
  placesIn,
  summarizePolicy,
} from '../config/index.js'
import { clean, isPaymentError } from '../errors/index.js'
import { chainFindings } from './doctor-chain.js'
import { type Finding, PROBES, type Probes } from './doctor-finding.js'
import { shownPath } from './open-purser.js'

/** Looks at everything that a payment needs. It pays nothing, signs nothing and changes nothing. */
export async function examine(env: Environment, probes: Probes = PROBES): Promise<readonly Finding[]> {
  let places: Places
  try {
    places = await placesIn(env)
  } catch (error) {
    return [settingsFailure(error)]
  }
  if (places.config === undefined && places.policy === undefined)
    return [{ check: 'settings', level: 'fail', message: 'there are none yet', fix: 'purser init' }]
  const settings = await inspectSettings(env)
  const policy = await policyFindings(places, env)
  return [
    ...(settings.problem === undefined ? [] : [settingsFailure(settings.problem)]),
    ...policy.findings,
    ...keyFindings(settings, env),
    ...(await ledgerFindings(env, places, probes)),
    ...(await chainFindings(settings, policy.summary, probes)),
  ]
}

function settingsFailure(error: unknown): Finding {
  const message = isPaymentError(error) ? clean(error.message, 400) : 'they cannot be read'
  return { check: 'settings', level: 'fail', message, fix: 'purser where' }
}

async function policyFindings(
  { policy: file }: Places,
  env: Environment,
): Promise<{ readonly findings: readonly Finding[]; readonly summary?: PolicySummary | undefined }> {
  if (file === undefined)
    return {
      findings: [
        { check: 'policy', level: 'fail', message: 'no setting names a policy file', fix: 'purser init' },
      ],
    }
  let summary: PolicySummary
  try {
    await loadPolicyFile(file)
    summary = await summarizePolicy(file)
  } catch (error) {
    const message = isPaymentError(error) ? clean(error.message, 600) : 'it cannot be read'
    const fix = existsSync(file) ? `edit ${shownPath(file, env)}` : 'purser init'
    return { findings: [{ check: 'policy', level: 'fail', message, fix }] }
  }
  const { vendors } = summary
  const found: Finding[] = [
    {
      check: 'policy',
      level: 'ok',
      message: `${shownPath(file, env)}, ${vendors.length} vendor${vendors.length === 1 ? '' : 's'}`,
    },
  ]
  if (vendors.length === 0)
    found.push({
      check: 'vendors',
      level: 'warn',
      message: 'none is listed: nobody can be paid yet',
      fix: 'purser vendor add https://api.example',
    })
  if (summary.asksAnybody)
    found.push({
      check: 'approvals',
      level: 'warn',
      message: 'the policy asks a person, and anybody who can run commands here can answer',
      fix: 'purser approver create NAME',
    })
  const loose = vendors.filter(({ listsPayees }) => !listsPayees)
  for (const { origin } of loose.slice(0, 20))
    found.push({
      check: 'vendor',
      level: 'warn',
      message: `${clean(origin, 100)}: payees not listed, the first one is pinned`,
      fix: 'list `payees` in the policy',
    })
  return { findings: found, summary }
}

function keyFindings({ keys }: InspectedSettings, env: Environment): readonly Finding[] {
  return keys.map(({ wallet, setting, path, problem, openMode, address }): Finding => {
    const check = `${wallet} key`
    const at = path === undefined ? setting : shownPath(path, env)
    if (problem !== undefined)
      return { check, level: 'fail', message: `${at}: ${clean(problem, 300)}`, fix: 'purser init' }
    if (openMode !== undefined)
      return {
        check,
        level: 'fail',
        message: `${at} has mode ${openMode}: other users can read it`,
        fix: `chmod 600 ${at}`,
      }
    return { check, level: 'ok', message: address === undefined ? at : `${at}, for ${address}` }
  })
}

/** Types of file systems of other machines. Their locks do not protect a SQLite file. */
const REMOTE: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  16914839: '9p',
  1397113167: 'AFS',
  12805120: 'Ceph',
  1196443219: 'GPFS',
  198183888: 'Lustre',
}

async function ledgerFindings(
  env: Environment,
  { ledger: path }: Places,
  { writable, fileSystem }: Probes,
): Promise<readonly Finding[]> {
  const check = 'ledger'
  const at = shownPath(path, env)
  const exists = existsSync(path)
  const folder = nearest(dirname(path))
  const remote = REMOTE[((await fileSystem(folder)) ?? 0) >>> 0]
  if (remote !== undefined)
    return [
      {
        check,
        level: 'fail',
        message: `${at} is on a network disk (${remote}), whose locks do not protect it`,
        fix: 'name a file on a local disk: ledger in the settings, or PURSER_LEDGER',
      },
    ]
  if (!(await writable(folder)) || (exists && !(await writable(path))))
    return [
      {
        check,
        level: 'fail',
        message: `${at} cannot be written`,
        fix: `chown "$USER" ${shownPath(folder, env)}`,
      },
    ]
  try {
    const { view } = await openViewFromEnvironment(env)
    try {
      return await openLedgerFindings(view, at)
    } finally {
      await view.close()
    }
  } catch (error) {
    if (!isPaymentError(error)) throw error
    const begins = error.code === 'ledger_missing' && !exists && !existsSync(`${path}.made`)
    if (begins) return [{ check, level: 'ok', message: `${at}: the first payment makes it` }]
    const fix = FIXES[error.code] ?? 'purser ledger verify'
    return [{ check, level: 'fail', message: clean(error.message, 400), fix }]
  }
}

const FIXES: Readonly<Record<string, string>> = {
  ledger_busy: `fuser -v LEDGER`,
  ledger_missing: 'purser ledger restore FILE',
  ledger_corrupt: 'purser ledger restore FILE',
  ledger_older: 'purser recover',
  ledger_newer: 'npm install purser@latest',
}

async function openLedgerFindings(
  view: Awaited<ReturnType<typeof openViewFromEnvironment>>['view'],
  at: string,
): Promise<readonly Finding[]> {
  const check = 'ledger'
  const frozen = await view.frozen()
  const gaps = await view.gaps()
  if (gaps.length > 0)
    return [
      { check, level: 'fail', message: `${at} may have lost payments`, fix: 'read docs/ledger.md#restore' },
    ]
  let open = 0
  for await (const { live } of view.payments({ states: ['committed'], limit: 1000 })) if (!live) open++
  return [
    { check, level: 'ok', message: `${at}, local disk` },
    ...(frozen === undefined
      ? []
      : [
          {
            check: 'payments',
            level: 'warn',
            message: `frozen: ${clean(frozen, 100)}`,
            fix: 'purser unfreeze',
          } as const,
        ]),
    ...(open === 0
      ? []
      : [
          {
            check: 'payments',
            level: 'warn',
            message: `${open} in doubt`,
            fix: 'purser recover',
          } as const,
        ]),
  ]
}

function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder))
}
