/** A text that holds rows as JSON, and the way to tell a person where in it something stands. */
export interface SeedSource {
  text: string
  /** `seeds/users.json:3:14` for an offset of the text. */
  place(offset: number): string
}

/** The rows that one seed has for one table, as they stand in it; nothing has been asked of a database yet. */
export interface SeedTable {
  /** As written: `users`, `sales.orders`. */
  name: string
  source: SeedSource
  /** Of the name in the text. */
  offset: number
  rows: SeedRow[]
}

/** One row: a stretch of JSON text, so that what reaches the server is what was written, to the last digit. */
export interface SeedRow {
  source: SeedSource
  /** Of `{`, and after `}`. */
  start: number
  end: number
  /** In the order in which they stand; rows with the same columns share the array. */
  columns: readonly string[]
  label?: string
}
