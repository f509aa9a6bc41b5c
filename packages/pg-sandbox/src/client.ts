import { closeAll, closePortals, closeUnnamedPortal } from './close-names.js'
import { runCommand } from './commands.js'
import { SandboxError } from './errors.js'
import { runBatch } from './extended.js'
import type { Frame } from './frames.js'
import { lastStatement, type Member } from './member.js'
import { emptyQueryResponse, readyForQuery, report, sync, textAt } from './messages.js'
import { notUnderstood } from './explain.js'
import { noParameters, parseMessage } from './prepared.js'
import { reportParameters } from './settings.js'
import { remember } from './counting.js'
import { beginUnit, relay, undoUnit, type Shared } from './shared.js'
import { isPlain, understand, type Statement } from './statements.js'
import { end, endImplicit, settleImplicit, failTransaction, startTransaction } from './transactions.js'
import { dropTemporary } from './temporary-tables.js'
import { finishUnit, runPlain, simpleRun, type Command } from './units.js'

/**
 * Serves a client from its log-in to its end, one message after the other. Whatever goes wrong with this client goes to
 * this client; the shared session goes on.
 */
export async function serve(shared: Shared, member: Member): Promise<void> {
  let batch: Frame[] = []
  try {
    for (;;) {
      if (member.started) shared.turns.idle(member, true, member.implicit ? () => cutShort(shared, member) : undefined)
      const frame = await member.next()
      shared.turns.idle(member, false)
      if (member.settling) await member.settling
      member.settling = undefined
      if (!frame || frame.type === 'X') return
      if (member.owesSync && !'dcf'.includes(frame.type)) {
        member.owesSync = false
        if (frame.type === 'S') continue
      }
      const isFree = member.status === 'I' && batch.length === 0 && !member.skipping
      if (isFree && (member.direct || shared.place())) {
        shared.directly ??= await import('./direct.js')
        if (await shared.directly.goesDirectly(shared, member, frame)) continue
      }
      switch (frame.type) {
        case 'Q':
          await inScope(shared, member, () => simpleQuery(shared, member, frame.bytes))
          if (member.implicit) await settle(shared, member)
          member.skipping = false
          ready(shared, member)
          break
        case 'P':
        case 'B':
        case 'D':
        case 'E':
        case 'C':
          if (!member.skipping) batch.push(frame)
          break
        case 'H':
        case 'S': {
          const frames = batch
          batch = []
          if (frames.length > 0 && !member.skipping) {
            const isWhole = frame.type === 'S'
            await inScope(shared, member, () => runBatch(shared, member, frames, isWhole))
          }
          if (frame.type === 'S') {
            if (member.implicit) await settle(shared, member)
            member.skipping = false
            if (member.status === 'I') await closePortals(shared, member)
            ready(shared, member)
          }
          break
        }
        case 'F':
          refuse(member, '0A000', 'a sandbox does not take function calls by message')
          member.send(readyForQuery(member.status))
          break
        case 'd':
        case 'c':
        case 'f':
          // After a COPY that has failed the client may still send its data (manual, section 54.2.6).
          break
        default:
          fatal(member, '08P01', `invalid frontend message type ${frame.bytes[0]}`)
          return
      }
    }
  } finally {
    await leave(shared, member)
  }
}

/** Ends the transaction of a text or batch of which the client knows nothing, where it has not ended by itself. */
function settle(shared: Shared, member: Member): Promise<void> {
  const { skipping } = member
  return inScope(shared, member, async () => void (await endImplicit(shared, member, { failed: skipping })))
}

function ready(shared: Shared, member: Member): void {
  const session = shared.session()
  if (session.changes() !== member.reportedChange) {
    member.reportedChange = session.changes()
    reportParameters(member, session)
  }
  member.send(readyForQuery(member.status))
}

/**
 * A client that reads in portions, with a Flush behind each, is in one transaction up to its Sync. Others would have to
 * wait for that: so if they want the session, what it has done so far is a transaction of its own.
 */
function cutShort(shared: Shared, member: Member): void {
  const broken = member.skipping
  member.settling = settleImplicit(shared, member, { failed: broken })
    .then(failed => {
      member.skipping ||= failed
    })
    .catch(() => shared.turns.give(member))
}

/** Runs what a client asks for; what fails here, and not on the server, becomes the client's error. */
async function inScope(shared: Shared, member: Member, run: () => Promise<void> | undefined): Promise<void> {
  const { orphaned } = member
  if (orphaned) {
    member.orphaned = undefined
    member.skipping = true
    refuse(
      member,
      '25P02',
      `the transaction of this client was rolled back when "${orphaned.scope}" ended; its last statement was: ${orphaned.statement}`,
      'End every transaction before its test ends: await what runs in it.',
    )
    return
  }
  if (shared.ground.scopes() === 0) {
    member.skipping = true
    refuse(
      member,
      '55000',
      'no scope of the sandbox is entered: nothing would roll this statement back',
      'Use the database in tests and their hooks. What connects while modules are loaded may do so, and has to wait with its first statement.',
    )
    return
  }
  try {
    await run()
  } catch (error) {
    member.skipping = true
    const { code, hint, detail, message } = error as Error & { code?: string; hint?: string; detail?: string }
    const state = /^[0-9A-Z]{5}$/.test(code ?? '') ? code! : 'XX000'
    // The hint has a field of its own.
    const text = error instanceof SandboxError ? `${error.problem} (${code})` : message
    refuse(member, state, text, hint, detail)
    if (shared.session().lost()) {
      member.status = 'I'
      member.started = false
      shared.turns.give(member)
      return
    }
    if (member.status !== 'I') await failTransaction(shared, member)
    else if (shared.turns.holder() === member) {
      await undoUnit(shared, member).catch(() => {})
      shared.turns.give(member)
    }
  }
}

function simpleQuery(shared: Shared, member: Member, bytes: Buffer): Promise<void> | undefined {
  const text = textAt(bytes, 5)?.text
  if (text === undefined) {
    refuse(member, '08P01', 'invalid string in message')
    return member.status === 'T' ? failTransaction(shared, member) : undefined
  }
  remember(shared, member, text)
  member.prepared.statements.delete('')
  // What most texts are.
  if (member.prepared.unnamedPortal === '' && isPlain(text)) return sendPlain(shared, member, text, bytes)
  return runText(shared, member, text, bytes)
}

async function runText(shared: Shared, member: Member, text: string, bytes: Buffer): Promise<void> {
  if (member.prepared.unnamedPortal !== '') await closeUnnamedPortal(shared, member)
  const statements = await understand(text)
  if (statements === 'unknown') return refuseUnknown(shared, member, text)
  if (!statements) return sendPlain(shared, member, text, bytes)
  if (statements.length === 1) {
    const [{ start, end: stop, meaning }] = statements as [Statement]
    const own = text.slice(start, stop)
    await runCommand(shared, member, { text: own, meaning, offset: start, run: simpleRun(shared, member, start) })
    return
  }
  await runSeveral(shared, member, text, statements)
}

/**
 * The server says what is wrong with a text that the parser refuses, but must not run it: a newer server might take it,
 * and it may end the shared transaction.
 */
async function refuseUnknown(shared: Shared, member: Member, text: string): Promise<void> {
  const parse = [parseMessage('', text, noParameters), sync]
  const run: Command['run'] = before => relay(shared, member, parse, { before, extended: true, hidden: [true] })
  const command = { text, meaning: { kind: 'plain' } as const, offset: 0, run }
  if (await runPlain(shared, member, command)) return
  refuse(member, '0A000', notUnderstood)
  if (member.status === 'T') await failTransaction(shared, member)
}

/** A text in which nothing matters to the sandbox goes to the server as it is. */
async function sendPlain(shared: Shared, member: Member, text: string, bytes: Buffer): Promise<void> {
  if (text.trim() === '') return member.send(emptyQueryResponse)
  if (member.status !== 'I') {
    const before = await startTransaction(shared, member)
    const { status } = await relay(shared, member, [bytes], { before })
    member.status = status
    return
  }
  const begun = beginUnit(shared, member)
  const before = Array.isArray(begun) ? begun : await begun
  const finished = finishUnit(shared, member, await relay(shared, member, [bytes], { before, holdTag: true }))
  if (typeof finished !== 'boolean') await finished
}

/**
 * Several statements of one text are one transaction, unless they begin and end transactions themselves (manual, section
 * 54.2.2.1). The first that fails ends it all.
 */
async function runSeveral(shared: Shared, member: Member, text: string, statements: Statement[]): Promise<void> {
  let tag: Buffer | undefined
  for (const { start, end: stop, meaning } of statements) {
    if (tag) member.send(tag)
    tag = undefined
    if (member.status === 'I' && !['begin', 'commit', 'rollback'].includes(meaning.kind)) {
      member.status = 'T'
      member.implicit = true
    }
    const send = simpleRun(shared, member, start)
    const run: Command['run'] = async (before, own, shift) => {
      const outcome = await send(before, own, shift, true)
      tag = outcome.tag
      return outcome
    }
    const failed = await runCommand(shared, member, { text: text.slice(start, stop), meaning, offset: start, run })
    if (!failed) continue
    if (member.implicit) await endImplicit(shared, member, { failed: true })
    return
  }
  if (member.implicit && (await endImplicit(shared, member, { failed: false }))) return
  if (tag) member.send(tag)
}

/** A client that is gone takes its transaction, its names and its tables with it. */
async function leave(shared: Shared, member: Member): Promise<void> {
  shared.members.delete(member)
  if (member.direct) {
    const { direct } = member
    if (direct.status() !== 'I') {
      shared.tallies.at(-1)?.hungUp.push({ client: member.label, statement: lastStatement(member) })
    }
    member.direct = undefined
    await direct.close()
  }
  if (member.status !== 'I' && !member.implicit) {
    shared.tallies.at(-1)?.hungUp.push({ client: member.label, statement: lastStatement(member) })
  }
  shared.turns.forget(member, new Error('the client is gone'))
  member.end()
  try {
    if (shared.session().lost()) return
    if (member.started) await undoUnit(shared, member)
    await end(shared, member)
    await closeAll(shared, member)
    await dropTemporary(shared, member)
  } finally {
    shared.turns.give(member)
  }
}

function refuse(member: Member, code: string, message: string, hint?: string, detail?: string): void {
  member.send(report({ severity: 'ERROR', code, message, hint, detail }))
}

export function fatal(member: Member, code: string, message: string, hint?: string): void {
  member.send(report({ severity: 'FATAL', code, message, hint }))
  member.end()
}
