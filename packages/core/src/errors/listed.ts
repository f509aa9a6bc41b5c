/**
 * The first of them, and how many more there are.
 *
 * @example listed(['1.sql', '2.sql', '3.sql', '4.sql'], 3) // '1.sql, 2.sql, 3.sql and 1 more'
 */
export function listed(names: readonly string[], most = 3): string {
  const more = names.length > most ? ` and ${names.length - most} more` : ''
  return names.slice(0, most).join(', ') + more
}
