import { creator, createRegistered } from './create.js'
import type { Context, LeasedTemplate } from './context.js'
import { copySettings, settingsOf } from './copy-settings.js'
import { lockClass } from './locks.js'
import { newDatabase } from './names.js'
import { release, type HeldClone } from './release.js'

/**
 * Makes new clones, several at once, and leases them. If one fails, all of them are dropped.
 *
 * @param from what they begin as, with its settings and grants: the template, or a clone of it
 * @throws TemplateError CREATE_FAILED, TEMPLATE_GONE, SETTING_REFUSED
 */
export async function makeClones(
  context: Context,
  template: LeasedTemplate,
  { count, from = template }: { count: number; from?: Pick<LeasedTemplate, 'oid' | 'database' | 'key'> },
): Promise<HeldClone[]> {
  const settings = await settingsOf(context.lease, from.oid)
  const rows = await register(context, template, count)
  const results = await Promise.allSettled(
    rows.map(row =>
      context.work(async work => {
        await work.query('select pg_advisory_lock($1, $2)', [lockClass.busy, row.id])
        const registered = { ...row, owner: template.owner }
        const oid = await createRegistered(context, work, registered, { from, state: 'used' })
        await copySettings(work, registered, settings)
        return { id: row.id, oid, database: row.name, sessions: 0, template }
      }),
    ),
  )
  const failed = results.find(result => result.status === 'rejected')
  if (failed) {
    await Promise.all(
      rows.map(({ id, name }) =>
        release(context, { id, oid: 0, database: name, sessions: 0, template }, { sessions: 0, clean: false }).catch(
          () => {},
        ),
      ),
    )
    throw failed.reason
  }
  return results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
}

/** Commits a row for each clone to come, and leases it. */
async function register(
  context: Context,
  template: LeasedTemplate,
  count: number,
): Promise<{ id: number; name: string; comment: string }[]> {
  const names = Array.from({ length: count }, () => newDatabase('clone', template.key))
  for (const { name } of names) await context.authorize('create', name)
  // The lock is taken before the row is committed, so that nobody sees the row without it.
  return context.lease.query(
    `with made as (
       insert into template_db.databases (name, kind, template_id, key, owner, state, comment, creator)
       select n.name, 'clone', $1, $2, $3, 'creating', n.comment, $4
         from jsonb_to_recordset($5) as n (name text, comment text)
       returning id, name, comment
     ) select id, name, comment, pg_advisory_lock(${lockClass.lease}, id) from made`,
    [template.id, template.key, template.owner, creator, JSON.stringify(names)],
  )
}
