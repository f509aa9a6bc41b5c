/**
 * The labelled rows as the database holds them when all seeds are in: `labels.users.ada`. Values are the server's text
 * with the column's type, so that a worker reads them with the same parsers as any query result.
 */
export interface SeedLabels {
  tables: Record<
    string,
    {
      columns: { name: string; type: number }[]
      /** label → values in the order of `columns` */
      rows: Record<string, (string | null)[]>
    }
  >
}
