/**
 * What the contract asks of a driver, in the words of an application: each driver does it in its own way, with its own
 * transactions and, where it has them, its own models.
 */
export interface Driver {
  name: string
  /** What it cannot do, on a real database either. */
  lacks?: Ability[]
  /** A pool of at most so many connections. */
  open(url: string, connections: number): Promise<Pool>
  /** It asks the server for something as soon as it is opened; with a sandbox that needs a scope. */
  queriesWhenOpened?: boolean
  /** It prepares statements with PREPARE, and not as the protocol does it. */
  preparesInSql?: boolean
  /** The SQLSTATE that an error of this driver carries; undefined for another error. */
  sqlState(error: unknown): string | undefined
}

export type Ability = 'serializable' | 'readOnly' | 'stream' | 'countPrepared' | 'copy' | 'refusedCopy' | 'timeZone'

/** What can be done with a pool and within a transaction. */
export interface Session {
  /** Inserts into `people`. */
  add(name: string): Promise<unknown>
  /** All of `people`, in the order in which they were added. */
  names(): Promise<string[]>
}

export interface Transaction extends Session {
  /** A savepoint: released when `body` resolves, rolled back to when it rejects. */
  nested(body: (inner: Session) => Promise<void>): Promise<void>
}

/** Commits when `body` resolves; rolls back when it rejects, and rejects with the same error. */
export type Transact = (body: (transaction: Transaction) => Promise<void>) => Promise<void>

export interface Pool extends Session {
  transaction: Transact
  /** At isolation level SERIALIZABLE. */
  serializable?: Transact
  readOnly?: Transact
  /** Inserts many in one call. */
  addAll(names: string[]): Promise<unknown>
  /** Answers with what it is given: `select $1::int`. */
  echo(number: number): Promise<number>
  /** Inserts a row into `kinds` with parameters, and answers with what the database holds then. */
  store(row: Kinds): Promise<Kinds>
  /** The rows of `select 1000 / n from generate_series(first, last) as n`, read in portions; `n` can be 0. */
  stream?(first: number, last: number): AsyncIterable<number>
  /** How many of `people` have that name, by a statement that is prepared once and used again. */
  countPrepared?(name: string): Promise<number>
  /** Inserts into `people` by COPY, and answers with the names that another COPY gives. */
  copy?(names: string[]): Promise<string[]>
  /** The time zone of a connection; the driver sets `zone` when it makes one. */
  timeZone?(): Promise<string>
  close(): Promise<unknown>
}

export const zone = 'Asia/Kathmandu'

/** A row of the table of that name; each column may be null. */
export interface Kinds {
  a_text: string | null
  an_int: number | null
  a_bigint: bigint | null
  a_numeric: string | null
  a_boolean: boolean | null
  a_jsonb: unknown
  a_time: Date | null
  some_texts: string[] | null
  some_bytes: Buffer | null
}

/** As `pg` and those built upon it tell. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code
}
