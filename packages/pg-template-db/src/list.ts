import type { Context } from './context.js'
import { lockClass } from './locks.js'

/** What the registry knows of a template. */
export interface TemplateInfo {
  key: string
  database: string
  /** What `build` returned; null before it is ready. */
  details: unknown
  state: 'creating' | 'building' | 'ready' | 'dropping'
  createdAt: Date
  lastUsedAt: Date
  /** Whether somebody builds or uses it at this moment. */
  leased: boolean
}

/** All templates of the registry, the newest first: see `Templates.list`. */
export async function listTemplates({ lease }: Context): Promise<TemplateInfo[]> {
  const rows = await lease.query<
    Omit<TemplateInfo, 'createdAt' | 'lastUsedAt'> & { createdAt: number; lastUsedAt: number }
  >(listQuery)
  return rows.map(row => ({ ...row, createdAt: new Date(row.createdAt), lastUsedAt: new Date(row.lastUsedAt) }))
}

const listQuery = `
  select key, name as database, details, state,
    (extract(epoch from created_at) * 1000)::int8 as "createdAt",
    (extract(epoch from last_used_at) * 1000)::int8 as "lastUsedAt",
    exists (
      select from pg_locks l where l.locktype = 'advisory' and l.objid = d.id::oid
         and l.classid in (${lockClass.lease}, ${lockClass.busy})
         and l.database = (select oid from pg_database where datname = current_database())) as leased
  from template_db.databases d where kind = 'template' order by id desc`
