/**
 * Where databases live. Opened by `openServer`; disposing gives up this run's hold on it (the last run out stops an
 * embedded server; an external one is left as it was).
 */
export interface Server extends AsyncDisposable {
  kind: 'embedded' | 'external' | 'container'
  /** For the line at the end of a run: `embedded PostgreSQL 18.4`. */
  description: string
  /** `server_version`, for instance `18.4`; part of the fingerprint. */
  version: string
  /** What this process had to do to get it. */
  origin: 'initialised' | 'started' | 'attached'
  /** Of an embedded one: everything of its cluster, which a CI can cache while the server is stopped. */
  folder?: string
  /** URL of the role that may create databases and extensions; database `postgres` or the one configured. */
  adminUrl: string
  /** URL of the application's ordinary role; the same database. On an external server both URLs are the configured one. */
  applicationUrl: string
  /** Where people find the password of `applicationUrl`, which is never printed; null where none is asked for. */
  passwordIn: string | null
  /** FILE_COPY only on servers that Seedbed started: it forces a checkpoint of the whole server. */
  copy: 'file_copy' | 'wal_log'
  /** Whether the URLs lead to a pooler in session mode. */
  pooler?: boolean
}
