/**
 * The JSON seeds whose labels and columns TypeScript shall know: a project names its files here, once. Without it
 * every label is allowed, and every value is `unknown`.
 *
 * @example
 * // seedbed.d.ts
 * import type users from './seeds/users.json'
 * declare module '@seedbed/vitest' { interface SeedFiles { users: typeof users } }
 */
export interface SeedFiles {}

/** `seeds.users.ada`: the labelled rows by table and label, as the database holds them; frozen. */
export type Seeds = keyof SeedFiles extends never ? LabelledRows : RowsOf<SeedFiles[keyof SeedFiles]>

/** Labelled rows of which TypeScript knows nothing. */
export interface LabelledRows {
  readonly [table: string]: { readonly [label: string]: { readonly [column: string]: unknown } }
}

/** Of all files together; a table that stands in several has the labels of each. */
type RowsOf<File> = Intersection<File extends unknown ? LabelledTables<File> : never>

/** A table whose rows stand in an array has no labels. */
type LabelledTables<File> = {
  readonly [Table in keyof File as File[Table] extends readonly unknown[] ? never : Table]: {
    readonly [Label in keyof File[Table]]: Readonly<File[Table][Label]> & { readonly [column: string]: unknown }
  }
}

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  member: infer Members,
) => void
  ? Members
  : never
