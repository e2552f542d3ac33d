/** One measured thing. */
export interface Contender {
  readonly name: string
  /** One operation. */
  run(): Promise<unknown> | unknown
}

export interface Median {
  readonly name: string
  /** Microseconds per operation: the median of all rounds. */
  readonly median: number
  /** The same of processor time, which a busy machine disturbs less. */
  readonly cpu: number
}

interface Sample {
  readonly wall: number
  readonly cpu: number
}

export interface Plan {
  readonly rounds: number
  /** Operations in one round. */
  readonly batch: number
  readonly warmUp: number
}

/**
 * Measures contenders side by side: in every round each of them runs one batch, in turning order, so that whatever
 * else the machine does meets all of them alike.
 */
export async function sideBySide(contenders: readonly Contender[], plan: Plan): Promise<readonly Median[]> {
  for (const contender of contenders) await batch(contender, plan.warmUp)
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < plan.rounds; round++)
    for (const contender of rotated(contenders, round))
      samples.get(contender.name)?.push(await batch(contender, plan.batch))
  return contenders.map(({ name }) => {
    const all = samples.get(name) ?? []
    return { name, median: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) }
  })
}

async function batch(contender: Contender, size: number): Promise<Sample> {
  const busy = process.cpuUsage()
  const start = performance.now()
  for (let count = 0; count < size; count++) await contender.run()
  const wall = ((performance.now() - start) * 1000) / size
  const { user, system } = process.cpuUsage(busy)
  return { wall, cpu: (user + system) / size }
}

function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const start = by % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - 1], sorted[middle]]
  if (high === undefined) return Number.NaN
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2
}

/** One line of the report: what was measured, what it is held against, and the target it has. */
export interface Row {
  readonly what: string
  readonly measured: string
  readonly target: string
}

export function ratio(a: Median | undefined, b: Median | undefined): string {
  return a === undefined || b === undefined ? '-' : `${(a.median / b.median).toFixed(2)} ×`
}

/** {@link ratio}, of processor time. */
export function cpuRatio(a: Median | undefined, b: Median | undefined): string {
  return a === undefined || b === undefined ? '-' : `${(a.cpu / b.cpu).toFixed(2)} ×`
}

export function micros({ median: value }: Median): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} ms` : `${value.toFixed(1)} µs`
}
