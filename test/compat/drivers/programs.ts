import type { Kinds } from '../../../packages/pg-sandbox/test/drivers/driver.js'

/** A row of `kinds` as a program of another language writes it in JSON: large numbers as text, bytes in hex. */
export type KindsInJson = Omit<Kinds, 'a_bigint' | 'a_time' | 'some_bytes'> & {
  a_bigint: string | null
  a_time: string | null
  some_bytes: string | null
}

export function toJson({ a_bigint, a_time, some_bytes, ...row }: Kinds): KindsInJson {
  return {
    ...row,
    a_bigint: a_bigint === null ? null : a_bigint.toString(),
    a_time: a_time === null ? null : a_time.toISOString(),
    some_bytes: some_bytes === null ? null : some_bytes.toString('hex'),
  }
}

export function fromJson({ a_bigint, a_time, some_bytes, ...row }: KindsInJson): Kinds {
  return {
    ...row,
    a_bigint: a_bigint === null ? null : BigInt(a_bigint),
    a_time: a_time === null ? null : new Date(a_time),
    some_bytes: some_bytes === null ? null : Buffer.from(some_bytes, 'hex'),
  }
}

export interface ProgramPool<Program> {
  take(): Promise<Program>
  release(program: Program): void
  use<Result>(work: (program: Program) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** At most so many programs, each started when it is needed and kept for the next. */
export function poolOf<Program extends { close(): Promise<void> }>(
  most: number,
  start: () => Program,
): ProgramPool<Program> {
  const all: Program[] = []
  const idle: Program[] = []
  const waiting: ((program: Program) => void)[] = []

  const pool: ProgramPool<Program> = {
    take() {
      const program = idle.pop()
      if (program) return Promise.resolve(program)
      if (all.length === most) return new Promise(resolve => waiting.push(resolve))
      all.push(start())
      return Promise.resolve(all.at(-1)!)
    },
    release(program) {
      const next = waiting.shift()
      if (next) next(program)
      else idle.push(program)
    },
    async use(work) {
      const program = await pool.take()
      try {
        return await work(program)
      } finally {
        pool.release(program)
      }
    },
    async close() {
      await Promise.all(all.map(program => program.close()))
    },
  }
  return pool
}
