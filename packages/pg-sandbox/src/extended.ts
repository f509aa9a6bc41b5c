import { isControl, isObserved, meaningOf, withParameters } from './bound-meaning.js'
import { abortedTransaction, endsTransaction, runCommand } from './commands.js'
import { declareFails } from './cursors.js'
import type { Frame } from './frames.js'
import { notUnderstood } from './explain.js'
import type { Member } from './member.js'
import { withOwnNames } from './own-names.js'
import { beforeSet } from './parameters.js'
import { bindComplete, closeComplete, message, noData, parseComplete, report, sync } from './messages.js'
import { plainBatchText, runPlainBatch } from './plain-batch.js'
import { isPrepared } from './preface.js'
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
  type PreparedStatement,
} from './prepared.js'
import { newSegment, runSegment } from './segment.js'
import { relay, remember, type Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { failTransaction } from './transactions.js'
import type { Command } from './units.js'

/**
 * The messages of the extended protocol up to a Sync or Flush: they are sent to the server together, with the client's
 * names replaced, and followed by a Sync of ours in any case. A Sync changes nothing in the shared transaction, and its
 * ReadyForQuery is how the end of the replies is known; after an error, the client's messages are skipped here up to its
 * own Sync.
 *
 * Up to its Sync a batch is one transaction if the client is in none: behind its first Execute, as on a server, also for
 * what is only allowed in a transaction. The caller ends it.
 *
 * A statement that has a meaning for the sandbox never reaches the server by these messages: its replies are made here,
 * and its Execute runs the command.
 */
export async function runBatch(shared: Shared, member: Member, frames: Frame[], isWhole: boolean): Promise<void> {
  const plainText = isWhole ? plainBatchText(member, frames) : undefined
  if (plainText !== undefined) return runPlainBatch(shared, member, frames, plainText)
  let segment = newSegment()
  let executed = false
  const readsInPortions = frames.some(({ type, bytes }) => type === 'E' && bytes.readInt32BE(bytes.length - 4) > 0)

  /** Sends what has been gathered; false once something has failed. */
  async function flush(): Promise<boolean> {
    const { messages, hidden, begun, undone, executes, unnamed } = segment
    segment = newSegment()
    executed ||= executes
    if (messages.length === 0) return true
    const run: Command['run'] = async before => {
      // A simple query in front makes the server forget the unnamed statement.
      const again = unnamed && (shared.unnamedOwner !== member || !isPrepared(shared, before)) ? [unnamed] : []
      const outcome = await relay(shared, member, [...again, ...messages, sync], {
        before,
        extended: true,
        hidden: [...again.map(() => true), ...hidden],
      })
      // A name is taken only once its Parse or Bind has been answered.
      for (const { at, undo } of undone) if (at + again.length >= outcome.answered) undo()
      return outcome
    }
    return !(await runSegment(shared, member, run, begun))
  }

  for (const frame of frames) {
    if (member.skipping) break
    const control = await place(frame)
    if (control === undefined) continue
    joinUp()
    member.skipping = !(await flush()) || (await control())
    if (frame.type === 'E') executed = true
  }
  joinUp()
  if (!member.skipping) member.skipping = !(await flush())

  /** From here on the statements of the batch are one transaction. */
  function joinUp(): void {
    const isFollowed = frames.filter(({ type }) => type === 'E').length > 1
    if (member.status !== 'I' || !(executed || segment.executes) || (isWhole && !isFollowed)) return
    member.status = 'T'
    member.implicit = true
  }

  /** Puts a message into the segment, or says what is to be done here once all before it is done. */
  async function place({ type, bytes }: Frame): Promise<(() => Promise<boolean>) | undefined> {
    const { statements, controlPortals, openPortals, observedPortals } = member.prepared
    /** Cursors of SQL and portals of messages have one space of names. */
    const portalName = (name: string) =>
      member.cursors.has(name) ? name : (member.holdCursors.get(name) ?? member.prepared.portal(name))
    switch (type) {
      case 'P': {
        const parse = readParse(bytes)
        if (!parse) return protocolViolation
        const { name, text, types } = parse
        const meaning = await meaningOf(text)
        if (meaning === 'unknown') return refuse('0A000', notUnderstood)
        if (meaning === 'several') return refuse('42601', 'cannot insert multiple commands into a prepared statement')
        const serverName = statements.get(name)?.serverName ?? member.prepared.newStatement(name)
        if (name !== '' && statements.has(name)) {
          // The server looks at the text first, and then finds the name taken.
          if (serverName !== '' && !isControl(meaning)) {
            add(parseMessage(serverName, text, types), 'shown')
            return undefined
          }
          return unlessAborted(meaning, refuse('42P05', `prepared statement "${name}" already exists`))
        }
        if (isControl(meaning)) {
          return unlessAborted(meaning, async () => {
            statements.set(name, { text, meaning, parse: Buffer.alloc(0), serverName: '' })
            member.send(parseComplete)
            return false
          })
        }
        if (meaning?.kind === 'holdCursor' && !member.holdCursors.has(meaning.name)) {
          member.holdCursors.set(meaning.name, member.prepared.cursor(meaning.name))
        }
        const renamed = parseMessage(serverName, meaning ? withOwnNames(member, text, meaning) : text, types)
        statements.set(name, { text, meaning, parse: renamed, serverName })
        if (name === '') segment.parsesUnnamed = true
        segment.undone.push({ at: segment.hidden.length, undo: () => statements.delete(name) })
        add(renamed, 'shown')
        return undefined
      }
      case 'B': {
        const bind = readBind(bytes)
        if (!bind) return protocolViolation
        const statement = statements.get(bind.statement)
        if (statement && isControl(statement.meaning)) {
          const given = parametersIn(bind.rest)
          if (given > 0) {
            return refuse(
              '08P01',
              `bind message supplies ${given} parameters, but prepared statement "${bind.statement}" requires 0`,
            )
          }
          if (bind.portal !== '' && (controlPortals.has(bind.portal) || openPortals.has(portalName(bind.portal)))) {
            return unlessAborted(statement.meaning, refuse('42P03', `cursor "${bind.portal}" already exists`))
          }
          return unlessAborted(statement.meaning, async () => {
            controlPortals.set(bind.portal, { ...statement, done: false })
            member.send(bindComplete)
            return false
          })
        }
        controlPortals.delete(bind.portal)
        observedPortals.delete(bind.portal)
        if (statement?.meaning && isObserved(statement.meaning)) observedPortals.set(bind.portal, statement.meaning)
        remember(shared, member, statement?.text ?? '')
        const place = () => {
          if (bind.statement === '' && statement) useUnnamed(statement.parse)
          if (bind.portal === '' && readsInPortions) member.prepared.nameUnnamedPortal()
          const name = portalName(bind.portal)
          if (bind.portal === '' && openPortals.has(name)) add(closeMessage('P', name), 'hidden')
          if (name !== '' && !openPortals.has(name)) {
            openPortals.add(name)
            segment.undone.push({ at: segment.hidden.length, undo: () => openPortals.delete(name) })
          }
          add(bindMessage(name, statement ? statement.serverName : bind.statement, bind.rest), 'shown')
        }
        if (statement?.meaning?.kind !== 'set') {
          place()
          return undefined
        }
        const meaning = withParameters(statement.meaning, textParameters(bind.rest))
        return async () => {
          // It looks at the values from before, which ends what is unnamed on the server: so it comes before the Bind.
          segment.begun = await beforeSet(shared, member, meaning)
          place()
          return false
        }
      }
      case 'D': {
        const target = readTarget(bytes)
        if (!target) return protocolViolation
        const found = target.kind === 'S' ? statements.get(target.name) : controlPortals.get(target.name)
        if (found && isControl(found.meaning)) {
          if (target.kind === 'P') return say(noData)
          return say(Buffer.concat([message('t', Buffer.from([0, 0])), noData]))
        }
        if (target.kind === 'P') add(describeMessage('P', portalName(target.name)))
        else {
          if (target.name === '' && found) useUnnamed(found.parse)
          add(describeMessage('S', found ? found.serverName : target.name))
        }
        return undefined
      }
      case 'E': {
        const execute = readExecute(bytes)
        if (!execute) return protocolViolation
        const control = controlPortals.get(execute.portal)
        if (control?.done) {
          return unlessAborted(control.meaning, refuse('55000', `portal "${execute.portal}" cannot be run`))
        }
        if (control) {
          control.done = true
          // A portal ends with its transaction.
          if (control.meaning && endsTransaction(control.meaning)) controlPortals.delete(execute.portal)
          return () => runControl(control)
        }
        joinUp()
        const refusal = whyNot(observedPortals.get(execute.portal))
        if (refusal) return refusal
        segment.executes = true
        add(executeMessage(portalName(execute.portal), execute.rows))
        // A message behind it would be taken for data, and the server would hang up.
        return observedPortals.get(execute.portal)?.kind === 'copyIn' ? async () => false : undefined
      }
      default: {
        const target = readTarget(bytes)
        if (!target) return protocolViolation
        if (target.kind === 'P') {
          if (controlPortals.delete(target.name)) return say(closeComplete)
          openPortals.delete(portalName(target.name))
          add(closeMessage('P', portalName(target.name)), 'shown')
          return undefined
        }
        const found = statements.get(target.name)
        statements.delete(target.name)
        if (!found || isControl(found.meaning)) return say(closeComplete)
        add(closeMessage('S', found.serverName), 'shown')
        return undefined
      }
    }
  }

  /** What is only allowed in a transaction, and what makes a cursor or a temporary table: the server runs it. */
  function whyNot(meaning: Meaning | undefined): (() => Promise<boolean>) | undefined {
    if (meaning?.kind === 'temporary' && !member.temporary.has(meaning.name)) {
      member.temporary.set(meaning.name, meaning.onCommit)
    }
    if (meaning?.kind === 'holdCursor' && member.status !== 'I') member.heldInTransaction.add(meaning.name)
    if (meaning?.kind !== 'inTransaction') return undefined
    if (member.status === 'I') return refuse('25P01', `${meaning.command} can only be used in transaction blocks`)
    const { cursor } = meaning
    if (cursor !== undefined && member.holdCursors.has(cursor)) return () => declareFails(shared, member, cursor)
    if (cursor !== undefined) member.cursors.add(cursor)
    return undefined
  }

  /** `reply` is given for messages that are answered by a single one of `1`, `2` or `3`. */
  function add(bytes: Buffer, reply?: 'shown' | 'hidden'): void {
    segment.messages.push(bytes)
    if (reply) segment.hidden.push(reply === 'hidden')
  }

  function useUnnamed(parse: Buffer): void {
    if (!segment.parsesUnnamed) segment.unnamed ??= parse
  }

  function say(bytes: Buffer): () => Promise<boolean> {
    return async () => {
      member.send(bytes)
      return false
    }
  }

  /** In a transaction that has failed, only what ends it can be parsed and bound. */
  function unlessAborted(meaning: Meaning | undefined, then: () => Promise<boolean>): () => Promise<boolean> {
    return async () => {
      if (member.status !== 'E' || (meaning && endsTransaction(meaning))) return then()
      member.send(report(abortedTransaction))
      return true
    }
  }

  function refuse(code: string, text: string): () => Promise<boolean> {
    return async () => {
      member.send(report({ severity: 'ERROR', code, message: text }))
      if (member.status === 'T') await failTransaction(shared, member)
      return true
    }
  }

  async function protocolViolation(): Promise<boolean> {
    member.send(report({ severity: 'ERROR', code: '08P01', message: 'invalid message format' }))
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }

  async function runControl({ text, meaning }: PreparedStatement): Promise<boolean> {
    remember(shared, member, text)
    if (!meaning) return false
    const run: Command['run'] = async (before, changed, shift = 0) => {
      // What has no parameters and returns no rows may as well be sent anew, with other names in it.
      const messages = [parseMessage('', changed, noParameters), ...runPrepared(''), sync]
      shared.unnamedOwner = undefined
      return relay(shared, member, messages, { before, extended: true, hidden: [true, true], offset: shift })
    }
    return runCommand(shared, member, { text, meaning, offset: 0, run })
  }
}
