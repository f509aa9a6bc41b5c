/**
 * A number of bytes for people, as PostgreSQL counts: 1024 at a time.
 *
 * @example sizeInWords(12_897_485) // '12.3 MB'
 */
export function sizeInWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1)
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}
