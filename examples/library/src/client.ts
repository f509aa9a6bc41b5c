import type { Pool } from 'pg'

/** What the application's functions need of a database: a pool or a client of `pg`. */
export type Client = Pick<Pool, 'query'>
