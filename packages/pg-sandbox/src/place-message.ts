import { isControl, isObserved, meaningOf, withParameters } from './bound-meaning.js'
import { abortedTransaction, endsTransaction, runCommand } from './commands.js'
import { hold, refuseCursor } from './cursors.js'
import { notUnderstood } from './explain.js'
import type { Frame } from './frames.js'
import type { Member } from './member.js'
import { bindComplete, closeComplete, message, noData, parseComplete, report, sync } from './messages.js'
import { withOwnNames } from './own-names.js'
import { beforeSet } from './parameters.js'
import {
  bindMessage,
  closeMessage,
  describeMessage,
  executeMessage,
  noParameters,
  parametersIn,
  parseMessage,
  readBind,
  readExecute,
  readParse,
  readTarget,
  runPrepared,
  textParameters,
} from './prepared.js'
import { useStatement, type Batch, type Segment } from './segment.js'
import { remember } from './counting.js'
import { relay } from './shared.js'
import type { Meaning } from './statements.js'
import { failTransaction } from './transactions.js'
import { nameIfInVain, warnInVain, type Command } from './units.js'

/** What is to be done here once all before it is done. Answers whether it has failed. */
type Then = () => Promise<boolean>

/**
 * Puts a message into the batch's segment, or says what is to be done here.
 *
 * A statement that has a meaning for the sandbox never reaches the server by these messages: its replies are made here,
 * and its Execute runs the command.
 */
export async function placeMessage(batch: Batch, { type, bytes }: Frame): Promise<Then | undefined> {
  const place = { P: parse, B: bind, D: describe, E: execute, C: close }[type]!
  try {
    return await place(batch, bytes)
  } catch (error) {
    // A message that is none. Those before it have their answers first.
    return () => Promise.reject(error)
  }
}

async function parse(batch: Batch, bytes: Buffer): Promise<Then | undefined> {
  const { member, segment } = batch
  const { statements } = member.prepared
  const { name, text, types } = readParse(bytes)
  const meaning = await meaningOf(text)
  const known = name === '' ? undefined : statements.get(name)
  const serverName = known?.serverName ?? member.prepared.newStatement(name)
  if (known) {
    // The server looks at the text first, and then finds the name taken.
    if (serverName !== '' && !isControl(meaning)) {
      useStatement(segment, name, known)
      return add(segment, parseMessage(serverName, text, types), 'shown')
    }
    return unlessAborted(batch, meaning, refuse(batch, '42P05', `prepared statement "${name}" already exists`))
  }
  if (isControl(meaning)) {
    return unlessAborted(batch, meaning, async () => {
      statements.set(name, { text, meaning, parse: Buffer.alloc(0), serverName: '' })
      member.send(parseComplete)
      return false
    })
  }
  const renamed = parseMessage(serverName, meaning ? withOwnNames(member, text, meaning) : text, types)
  const prepared = { text, meaning, parse: renamed, serverName }
  statements.set(name, prepared)
  if (name === '') segment.parsesUnnamed = true
  else segment.prepares.add(prepared)
  takeBackIfItFails(segment, () => statements.delete(name))
  return add(segment, renamed, 'shown')
}

function bind(batch: Batch, bytes: Buffer): Then | undefined {
  const { shared, member } = batch
  const { statements, controlPortals, openPortals, observedPortals } = member.prepared
  const read = readBind(bytes)
  const statement = statements.get(read.statement)
  if (statement && isControl(statement.meaning)) {
    const given = parametersIn(read.rest)
    const wrong = `bind message supplies ${given} parameters, but prepared statement "${read.statement}" requires 0`
    if (given > 0) return refuse(batch, '08P01', wrong)
    const taken = [controlPortals, member.cursors, member.holdCursors].some(names => names.has(read.portal))
    if (read.portal !== '' && taken) {
      return unlessAborted(batch, statement.meaning, refuse(batch, '42P03', `cursor "${read.portal}" already exists`))
    }
    return unlessAborted(batch, statement.meaning, async () => {
      controlPortals.set(read.portal, { ...statement, done: false })
      member.send(bindComplete)
      return false
    })
  }
  controlPortals.delete(read.portal)
  observedPortals.delete(read.portal)
  if (statement?.meaning && isObserved(statement.meaning)) observedPortals.set(read.portal, statement.meaning)
  remember(shared, member, statement?.text ?? '')
  const place = () => {
    const { segment } = batch
    if (statement) useStatement(segment, read.statement, statement)
    if (read.portal === '') {
      closeUnnamedPortal(batch)
      if (batch.readsInPortions) member.prepared.nameUnnamedPortal()
    }
    const name = portalName(member, read.portal)
    if (name !== '' && !openPortals.has(name)) {
      openPortals.add(name)
      takeBackIfItFails(segment, () => openPortals.delete(name))
    }
    add(segment, bindMessage(name, statement ? statement.serverName : read.statement, read.rest), 'shown')
  }
  if (statement?.meaning?.kind !== 'set') {
    place()
    return undefined
  }
  const meaning = withParameters(statement.meaning, textParameters(read.rest))
  return async () => {
    // It looks at the values from before, which ends what is unnamed on the server: so it comes before the Bind.
    batch.segment.begun = await beforeSet(shared, member, meaning)
    place()
    return false
  }
}

function describe({ member, segment }: Batch, bytes: Buffer): Then | undefined {
  const { statements, controlPortals } = member.prepared
  const target = readTarget(bytes)
  const found = target.kind === 'S' ? statements.get(target.name) : controlPortals.get(target.name)
  if (found && isControl(found.meaning)) {
    return say(member, target.kind === 'P' ? noData : Buffer.concat([message('t', noParameters), noData]))
  }
  if (target.kind === 'P') return add(segment, describeMessage('P', portalName(member, target.name)))
  if (found) useStatement(segment, target.name, found)
  return add(segment, describeMessage('S', found ? found.serverName : target.name))
}

function execute(batch: Batch, bytes: Buffer): Then | undefined {
  const { member } = batch
  const { controlPortals, observedPortals } = member.prepared
  const read = readExecute(bytes)
  const control = controlPortals.get(read.portal)
  if (control?.done) {
    return unlessAborted(batch, control.meaning, refuse(batch, '55000', `portal "${read.portal}" cannot be run`))
  }
  if (control?.meaning) {
    const { text, meaning } = control
    control.done = true
    // A portal ends with its transaction.
    if (endsTransaction(meaning)) controlPortals.delete(read.portal)
    const isOutside = isOutsideBlock(batch)
    // What a rollback undoes shares the fate of what stands behind it in the batch, also where it is the first.
    if (['notify', 'set', 'modes', 'constraints'].includes(meaning.kind)) batch.joinUp(true)
    const inVain = isOutside && member.status === 'T' ? nameIfInVain(meaning) : undefined
    return async () => {
      if (inVain !== undefined) warnInVain(member, inVain)
      if (meaning.kind === 'discardAll' && member.implicit && !batch.isBlock) {
        return refuse(batch, '25001', 'DISCARD ALL cannot be executed within a pipeline')()
      }
      const failed = await runControl(batch, text, meaning)
      batch.executed = member.status !== 'I' || !endsTransaction(meaning)
      return failed
    }
  }
  batch.joinUp()
  const meaning = observedPortals.get(read.portal)
  const refusal = meaning && whyNot(batch, meaning)
  if (refusal) return refusal
  batch.segment.executes = true
  add(batch.segment, executeMessage(portalName(member, read.portal), read.rows))
  // A message behind it would be taken for data, and the server would hang up.
  return meaning?.kind === 'copyIn' ? async () => false : undefined
}

const isOutsideBlock = ({ member, isBlock }: Batch) => member.status === 'I' || (member.implicit && !isBlock)

/** What is only allowed in a transaction, and what makes a cursor or a temporary table: the server runs it. */
function whyNot(batch: Batch, meaning: Meaning): Then | undefined {
  const { shared, member, segment } = batch
  switch (meaning.kind) {
    case 'unknown':
      return refuse(batch, '0A000', notUnderstood)
    case 'temporary':
      segment.temporary.push(meaning)
      return undefined
    case 'holdCursor':
      if (member.cursors.has(meaning.name)) return () => refuseCursor(shared, member, meaning.name)
      hold(member, meaning.name)
      return undefined
    case 'inTransaction': {
      const { cursor } = meaning
      if (isOutsideBlock(batch)) {
        return refuse(batch, '25P01', `${meaning.command} can only be used in transaction blocks`)
      }
      if (cursor === undefined) return undefined
      if (member.holdCursors.has(cursor)) return () => refuseCursor(shared, member, cursor)
      member.cursors.add(cursor)
      return undefined
    }
    default:
      return undefined
  }
}

async function runControl({ shared, member }: Batch, text: string, meaning: Meaning): Promise<boolean> {
  remember(shared, member, text)
  const run: Command['run'] = async (before, changed, shift = 0) => {
    // What has no parameters and returns no rows may as well be sent anew, with other names in it.
    const messages = [parseMessage('', changed, noParameters), ...runPrepared(''), sync]
    shared.unnamedOwner = undefined
    return relay(shared, member, messages, { before, extended: true, hidden: [true, true], offset: shift })
  }
  return runCommand(shared, member, { text, meaning, offset: 0, run })
}

function close(batch: Batch, bytes: Buffer): Then | undefined {
  const { member, segment } = batch
  const { statements, closing, controlPortals, openPortals } = member.prepared
  const target = readTarget(bytes)
  if (target.kind === 'P') {
    if (controlPortals.delete(target.name)) return say(member, closeComplete)
    const name = portalName(member, target.name)
    openPortals.delete(name)
    member.cursors.delete(name)
    return add(segment, closeMessage('P', name), 'shown')
  }
  const found = statements.get(target.name)
  if (!found || isControl(found.meaning)) {
    return async () => {
      statements.delete(target.name)
      member.send(closeComplete)
      return false
    }
  }
  statements.delete(target.name)
  closing.set(found.serverName, target.name)
  takeBackIfItFails(segment, () => statements.set(target.name, found))
  return add(segment, closeMessage('S', found.serverName), 'shown')
}

/** `reply` is given for messages that are answered by a single one of `1`, `2` or `3`. */
function add(segment: Segment, bytes: Buffer, reply?: 'shown' | 'hidden'): undefined {
  segment.messages.push(bytes)
  if (reply) segment.hidden.push(reply === 'hidden')
}

/** For the message that is added next. */
function takeBackIfItFails({ undone, hidden }: Segment, undo: () => void): void {
  undone.push({ at: hidden.length, undo })
}

/** Cursors of SQL and portals of messages have one space of names. */
function portalName({ status, implicit, cursors, holdCursors, prepared }: Member, name: string): string {
  // No other client has the session before the block ends, and with it its portals.
  const isOurs = cursors.has(name) || (name !== '' && status !== 'I' && !implicit)
  return holdCursors.get(name) ?? (isOurs ? name : prepared.portal(name))
}

/** The server drops it at each Bind, unless it has a name there. */
function closeUnnamedPortal({ member: { prepared }, segment }: Batch): void {
  const { unnamedPortal: name } = prepared
  if (name === '') return
  prepared.unnamedPortal = ''
  takeBackIfItFails(segment, () => (prepared.unnamedPortal = name))
  add(segment, closeMessage('P', name), 'hidden')
}

function say(member: Member, bytes: Buffer): Then {
  return async () => {
    member.send(bytes)
    return false
  }
}

/** In a transaction that has failed, only what ends it can be parsed and bound. */
function unlessAborted({ member }: Batch, meaning: Meaning | undefined, then: Then): Then {
  return async () => {
    if (member.status !== 'E' || (meaning && endsTransaction(meaning))) return then()
    member.send(report(abortedTransaction))
    return true
  }
}

function refuse({ shared, member }: Batch, code: string, text: string): Then {
  return async () => {
    member.send(report({ severity: 'ERROR', code, message: text }))
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }
}
