// Generated from protocol.schema.json by `make schemas`; do not edit.

// This file was generated from JSON Schema using quicktype, do not modify it directly.
// To parse the JSON, add this file to your project and do:
//
//   let eventFrame = try EventFrame(json)
//   let requestFrame = try RequestFrame(json)
//   let responseFrame = try ResponseFrame(json)
//   let connectParams = try ConnectParams(json)
//   let challenge = try Challenge(json)
//   let helloOk = try HelloOk(json)
//   let agentParams = try AgentParams(json)
//   let runResult = try RunResult(json)
//   let identityParams = try IdentityParams(json)
//   let identity = try Identity(json)
//   let waitParams = try WaitParams(json)
//   let waited = try Waited(json)
//   let anyValue = try AnyValue(json)
//   let nothing = try Nothing(json)
//   let agentList = try AgentList(json)
//   let iDParams = try IDParams(json)
//   let found = try Found(json)
//   let historyParams = try HistoryParams(json)
//   let history = try History(json)
//   let resolveParams = try ResolveParams(json)
//   let resolved = try Resolved(json)
//   let sessionParams = try SessionParams(json)
//   let approveParams = try ApproveParams(json)
//   let approved = try Approved(json)
//   let dismissParams = try DismissParams(json)
//   let dismissed = try Dismissed(json)
//   let listParams = try ListParams(json)
//   let pairingList = try PairingList(json)
//   let statusParams = try StatusParams(json)
//   let channelsStatus = try ChannelsStatus(json)
//   let abortParams = try AbortParams(json)
//   let aborted = try Aborted(json)
//   let injectParams = try InjectParams(json)
//   let messageParams = try MessageParams(json)
//   let metadataParams = try MetadataParams(json)
//   let sendParams = try SendParams(json)
//   let sendACK = try SendACK(json)
//   let commandList = try CommandList(json)
//   let changeParams = try ChangeParams(json)
//   let lookupParams = try LookupParams(json)
//   let wish = try Wish(json)
//   let jobParams = try JobParams(json)
//   let list = try List(json)
//   let removed = try Removed(json)
//   let runParams = try RunParams(json)
//   let ran = try Ran(json)
//   let runsParams = try RunsParams(json)
//   let runs = try Runs(json)
//   let cronStatus = try CronStatus(json)
//   let updateParams = try UpdateParams(json)
//   let requestParams = try RequestParams(json)
//   let deviceList = try DeviceList(json)
//   let rejected = try Rejected(json)
//   let deviceParams = try DeviceParams(json)
//   let renameParams = try RenameParams(json)
//   let renamed = try Renamed(json)
//   let codeParams = try CodeParams(json)
//   let code = try Code(json)
//   let setupStatus = try SetupStatus(json)
//   let upgradeParams = try UpgradeParams(json)
//   let waiting = try Waiting(json)
//   let upgraded = try Upgraded(json)
//   let revokeParams = try RevokeParams(json)
//   let revoked = try Revoked(json)
//   let rotateParams = try RotateParams(json)
//   let rotated = try Rotated(json)
//   let query = try Query(json)
//   let snapshot = try Snapshot(json)
//   let grants = try Grants(json)
//   let arrayOfAnyValue = try ArrayOfAnyValue(json)
//   let askParams = try AskParams(json)
//   let done = try Done(json)
//   let decided = try Decided(json)
//   let healthParams = try HealthParams(json)
//   let health = try Health(json)
//   let nullableBeat = try NullableBeat(json)
//   let tailParams = try TailParams(json)
//   let tail = try Tail(json)
//   let actionParams = try ActionParams(json)
//   let named = try Named(json)
//   let settled = try Settled(json)
//   let deadList = try DeadList(json)
//   let modelList = try ModelList(json)
//   let nodeParams = try NodeParams(json)
//   let described = try Described(json)
//   let eventParams = try EventParams(json)
//   let handled = try Handled(json)
//   let invokeParams = try InvokeParams(json)
//   let invoked = try Invoked(json)
//   let progressParams = try ProgressParams(json)
//   let heard = try Heard(json)
//   let resultParams = try ResultParams(json)
//   let taken = try Taken(json)
//   let nodeList = try NodeList(json)
//   let pairList = try PairList(json)
//   let aCKParams = try ACKParams(json)
//   let acked = try Acked(json)
//   let drainParams = try DrainParams(json)
//   let drained = try Drained(json)
//   let enqueueParams = try EnqueueParams(json)
//   let enqueued = try Enqueued(json)
//   let pulled = try Pulled(json)
//   let surfaceParams = try SurfaceParams(json)
//   let surfaceAddress = try SurfaceAddress(json)
//   let toolsParams = try ToolsParams(json)
//   let toolsNoted = try ToolsNoted(json)
//   let runnersParams = try RunnersParams(json)
//   let noted = try Noted(json)
//   let skillsParams = try SkillsParams(json)
//   let skillsNoted = try SkillsNoted(json)
//   let browseParams = try BrowseParams(json)
//   let shelf = try Shelf(json)
//   let anything = try Anything(json)
//   let entryParams = try EntryParams(json)
//   let pluginParams = try PluginParams(json)
//   let pluginList = try PluginList(json)
//   let reloadParams = try ReloadParams(json)
//   let pollParams = try PollParams(json)
//   let sent = try Sent(json)
//   let questions = try Questions(json)
//   let reloaded = try Reloaded(json)
//   let branchParams = try BranchParams(json)
//   let createParams = try CreateParams(json)
//   let changed = try Changed(json)
//   let resetParams = try ResetParams(json)
//   let deleted = try Deleted(json)
//   let keyParams = try KeyParams(json)
//   let followParams = try FollowParams(json)
//   let followed = try Followed(json)
//   let visibilityParams = try VisibilityParams(json)
//   let patchParams = try PatchParams(json)
//   let previewParams = try PreviewParams(json)
//   let sessionSendParams = try SessionSendParams(json)
//   let subscribeParams = try SubscribeParams(json)
//   let subscribed = try Subscribed(json)
//   let usageParams = try UsageParams(json)
//   let shown = try Shown(json)
//   let switchParams = try SwitchParams(json)
//   let switched = try Switched(json)
//   let bins = try Bins(json)
//   let status = try Status(json)
//   let systemEventParams = try SystemEventParams(json)
//   let arrayOfPresenceRow = try ArrayOfPresenceRow(json)
//   let suggestions = try Suggestions(json)
//   let taskList = try TaskList(json)
//   let wakeWords = try WakeWords(json)
//   let wakeParams = try WakeParams(json)

import Foundation

/// An event as it stands on the wire; documents the shape, see [`event_text`] for how it is
/// written.
// MARK: - EventFrame
struct EventFrame {
    /// Its name.
    let event: String
    /// Its payload.
    let payload: Any?
    /// Per connection, from 1, for every broadcast that passes the connection's filters.
    let seq: Int?
    /// Snapshot versions, on `presence` and `health` only.
    let stateVersion: EventFram?
    /// Always `event`.
    let type: String
}

/// Version counters of the snapshots, on `presence` and `health` events and in `hello-ok`.
// MARK: - EventFram
struct EventFram {
    /// Grows by one per change of the health snapshot.
    let health: Int
    /// Grows by one per change of the presence list.
    let presence: Int
}

/// A request of a client. Unknown keys are accepted: newer clients add fields.
// MARK: - RequestFrame
struct RequestFrame {
    /// Chosen by the client, opaque; pairs the response.
    let id: String
    /// Which method.
    let method: String
    /// Its parameters.
    let params: Any?
    /// W3C trace context of the caller.
    let traceparent: String?
    /// Always `req`.
    let type: RequestFrameType
}

/// Always `req`.
///
/// The one word a request's `type` may be.
///
/// `req`
enum RequestFrameType: String {
    case req
}

/// A response of the gateway.
// MARK: - ResponseFrame
struct ResponseFrame {
    /// Why it failed.
    let error: ResFram?
    /// Of the request; `invalid` when it had no usable id.
    let id: String
    /// Whether it succeeded.
    let ok: Bool
    /// The result; a failed run carries one beside its error.
    let payload: Any?
    /// Always `res`.
    let type: String
}

/// The `error` of a response.
// MARK: - ResFram
struct ResFram {
    /// What kind.
    let code: CodeEnum
    /// Machine-readable reason and facts.
    let details: Any?
    /// For people; a few texts are matched by clients and must not change.
    let message: String
    /// Whether the same request may succeed later.
    let retryable: Bool?
    /// How long to wait before that, milliseconds.
    let retryAfterMS: Int?
}

/// What kind.
///
/// Top-level error codes. Finer reasons live in `details`.
///
/// A channel account is not logged in.
///
/// The device is not approved, or did not identify itself.
///
/// A run did not end in time.
///
/// The request cannot be carried out as it stands.
///
/// Not now; often worth another attempt.
///
/// The caller lacks a right.
enum CodeEnum: String {
    case agentTimeout
    case forbidden
    case invalidRequest
    case notLinked
    case notPaired
    case unavailable
}

/// What a client says of itself and of what it wants.
// MARK: - ConnectParams
struct ConnectParams {
    /// Credentials.
    let auth: AuthClass?
    /// Abilities of the client, or capability families of a node.
    let caps: [String]?
    /// Who is calling.
    let client: Client
    /// Commands a node declares.
    let commands: [String]?
    /// Proof of the device's identity.
    let device: DeviceClass?
    /// Preferred language.
    let locale: String?
    /// Highest protocol version the client can speak.
    let maxProtocol: Int
    /// Lowest protocol version the client can speak.
    let minProtocol: Int
    /// Search path of a node's commands.
    let pathEnv: String?
    /// Permissions a node holds on its own system.
    let permissions: [String: Bool]?
    /// `operator` (when absent) or `node`.
    let role: String?
    /// Scopes asked for, in the order the signature covers; unknown ones are tolerated.
    let scopes: [String]?
    /// Free text.
    let userAgent: String?
}

/// What a client offers as proof that it may come in.
// MARK: - AuthClass
struct AuthClass {
    /// A single-use setup code's token.
    let bootstrapToken: String?
    /// A token issued to this device.
    let deviceToken: String?
    /// The shared password; some clients put the token here.
    let password: String?
    /// The shared token, or a device token.
    let token: String?
}

/// Who is calling.
// MARK: - Client
struct Client {
    /// Build of a web client.
    let buildID: String?
    /// Family of the device, such as `iPhone`.
    let deviceFamily: String?
    /// Name for people.
    let displayName: String?
    /// Which program.
    let id: ID
    /// This running copy of the client.
    let instanceID: String?
    /// How it is being used.
    let mode: ClientMode
    /// Model of the device.
    let modelIdentifier: String?
    /// Operating system, as the client names it.
    let platform: String
    /// IANA time zone.
    let timeZone: String?
    /// Its version.
    let version: String
}

/// Which program.
///
/// Programs the protocol knows.
enum ID: String {
    case cli
    case fingerprint
    case gatewayClient
    case nodeHost
    case openclawAndroid
    case openclawBrowserCopilot
    case openclawControlUI
    case openclawIos
    case openclawLinux
    case openclawMacos
    case openclawProbe
    case openclawTui
    case openclawWatchos
    case openclawWorker
    case test
    case webchat
    case webchatUI
}

/// How it is being used.
///
/// How a client is being used.
enum ClientMode: String {
    case backend
    case cli
    case node
    case probe
    case test
    case ui
    case webchat
    case worker
}

/// Proof that the caller holds a device's key.
// MARK: - DeviceClass
struct DeviceClass {
    /// Lower-case hex SHA-256 of the raw public key.
    let id: String
    /// The challenge's nonce.
    let nonce: String
    /// Ed25519 key: base64url (or base64) of its 32 bytes.
    let publicKey: String
    /// Ed25519 signature, base64url.
    let signature: String
    /// Milliseconds since the Unix epoch; clients take the challenge's `ts`.
    let signedAt: Int
}

/// Sent at once after the upgrade; clients wait for it and sign its `nonce`.
// MARK: - Challenge
struct Challenge {
    /// Unguessable, for this connection only.
    let nonce: String
    /// The gateway's clock, which clients take as `signedAt`.
    let ts: Int
}

/// The payload of a successful `connect`.
// MARK: - HelloOk
struct HelloOk {
    /// What was decided about the caller; authoritative.
    let auth: Auth
    /// What it can do.
    let features: Features
    /// Addresses of surfaces this connection may open, such as `canvas`.
    let pluginSurfaceUrls: [String: String]?
    /// Limits.
    let policy: Policy
    /// Always the gateway's version of the protocol.
    let helloOkProtocol: Int
    /// Who answers.
    let server: Server
    /// State at this moment.
    let snapshot: SnapshotClass
    /// Always `hello-ok`.
    let type: String
}

/// What was decided about the caller; authoritative.
///
/// What was decided about the caller.
// MARK: - Auth
struct Auth {
    /// A token for this device and role; on every connect that proved a device.
    let deviceToken: String?
    /// Further tokens handed over by a setup code.
    let deviceTokens: [HelloO]?
    /// When that token was issued.
    let issuedAtMS: Int?
    /// By what it came in.
    let method: String?
    /// Its role.
    let role: Role
    /// Its scopes, whatever it asked for.
    let scopes: [String]
}

/// A device token in the clear, sent once to the device it belongs to.
// MARK: - HelloO
struct HelloO {
    /// The token.
    let deviceToken: String
    /// When it was issued.
    let issuedAtMS: Int
    /// The role it is for.
    let role: Role
    /// The scopes it grants.
    let scopes: [String]
}

/// The role it is for.
///
/// What a connection is for.
///
/// Its role.
///
/// People and programs that use the gateway.
///
/// A device that offers commands to it.
enum Role: String {
    case node
    case roleOperator
}

/// What it can do.
///
/// What the gateway can do.
// MARK: - Features
struct Features {
    /// Abilities clients gate on.
    let capabilities: [String]
    /// Event names.
    let events: [String]
    /// Method names.
    let methods: [String]
}

/// Limits.
///
/// Limits the client should keep.
// MARK: - Policy
struct Policy {
    /// Limits of attachments.
    let attachments: Attachments
    /// Bytes that may wait for this client before it is cut off.
    let maxBufferedBytes: Int
    /// Largest frame, bytes.
    let maxPayload: Int
    /// Period of `tick`, milliseconds.
    let tickIntervalMS: Int
}

/// Limits of attachments.
// MARK: - Attachments
struct Attachments {
    /// Largest attachment, bytes.
    let maxBytes: Int
    /// Largest image, bytes.
    let maxImageBytes: Int
}

/// Who answers.
// MARK: - Server
struct Server {
    /// This life of the gateway.
    let bootID: String
    /// This connection.
    let connID: String
    /// Version of the gateway.
    let version: String
}

/// State at this moment.
///
/// State at the moment of `hello-ok`.
// MARK: - SnapshotClass
struct SnapshotClass {
    /// Mode of authentication; admin callers only.
    let authMode: String?
    /// Path of the configuration; admin callers only.
    let configPath: String?
    /// As the method `health`.
    let health: Any?
    /// Presence rows, the gateway's own first.
    let presence: [Any?]
    /// Which conversation to open first.
    let sessionDefaults: SessionDefaults
    /// Path of the state directory; admin callers only.
    let stateDir: String?
    /// Versions of the two.
    let stateVersion: StateVersion
    /// Since the gateway started.
    let uptimeMS: Int
}

/// Which conversation to open first.
///
/// Which conversation a client opens when it was told none.
// MARK: - SessionDefaults
struct SessionDefaults {
    /// The agent that answers by default.
    let defaultAgentID: String
    /// Alias of the main conversation.
    let mainKey: String
    /// Its canonical key.
    let mainSessionKey: String
    /// Whether it has a model.
    let modelConfigured: Bool
    /// Always `sole`: one owner.
    let ownership: String
    /// How senders share conversations.
    let scope: String
    /// Always false: a default exists.
    let selectionRequired: Bool
}

/// Versions of the two.
///
/// Version counters of the snapshots, on `presence` and `health` events and in `hello-ok`.
// MARK: - StateVersion
struct StateVersion {
    /// Grows by one per change of the health snapshot.
    let health: Int
    /// Grows by one per change of the presence list.
    let presence: Int
}

/// Names an agent.
// MARK: - AgentParams
struct AgentParams {
    let agentID: String?
}

/// The last answer of a run.
// MARK: - RunResult
struct RunResult {
    let result: Any?
    let runID: String
    let status: String
    let summary: String
}

/// Parameters of `agent.identity.get`.
// MARK: - IdentityParams
struct IdentityParams {
    let agentID: String?
}

/// Who the gateway is, to devices that keep several apart.
// MARK: - Identity
struct Identity {
    let deviceID: String
    let publicKey: String
}

/// Parameters of `device.scopes.waitUpgrade`.
// MARK: - WaitParams
struct WaitParams {
    let requestID: String
}

/// How a run ended, or that it has not.
// MARK: - Waited
struct Waited {
    let endedAt: Int?
    let error: String?
    let runID: String
    let startedAt: Int?
    let status: String
    let stopReason: String?
}

/// What `agents.list` answers.
// MARK: - AgentList
struct AgentList {
    let agents: [AgentElement]
    let defaultID: String
    let mainKey: String
    let ownership: String
    let scope: String
    let selectionRequired: Bool
}

/// One agent.
// MARK: - AgentElement
struct AgentElement {
    let id: String
    let model: Model
    let name: String
    let thinkingDefault: String
    let thinkingLevels: [ThinkingLevelElement]
    let thinkingOptions: [String]
}

/// The model an agent runs; consoles take an agent without one for not set up.
// MARK: - Model
struct Model {
    let primary: String
}

/// One word for how much to think.
// MARK: - ThinkingLevelElement
struct ThinkingLevelElement {
    let id: String
    let label: String
}

/// Names a request.
// MARK: - IDParams
struct IDParams {
    let id: String
}

/// What `approval.get` answers.
// MARK: - Found
struct Found {
    let approval: Any?
}

/// Parameters of `chat.history`.
// MARK: - HistoryParams
struct HistoryParams {
    let limit: Int?
    /// End with the message of this id, whatever was said since.
    let messageID: String?
    /// How many of the newest to leave out.
    let offset: Int?
    let sessionKey: String
}

/// A page of a conversation, oldest first.
// MARK: - History
struct History {
    let defaults: Any?
    let hasMore: Bool
    let inFlightRun: ChatHistoryResul?
    let messages: [Any?]
    let nextOffset: Int?
    let pendingInputs: PendingInputs
    let sessionID: String?
    let sessionInfo: Any?
    let sessionKey: String
    let totalMessages: Int
}

/// The run that is answering now.
// MARK: - ChatHistoryResul
struct ChatHistoryResul {
    let runID: String
    let text: String
}

/// Messages taken and not yet answered by a run.
// MARK: - PendingInputs
struct PendingInputs {
    let items: [Any?]
    let total: Int
}

/// Names a conversation in one of several ways.
// MARK: - ResolveParams
struct ResolveParams {
    let allowMissing: Bool?
    let key: String?
    let label: String?
    let sessionID: String?
}

/// What `approval.resolve` answers.
// MARK: - Resolved
struct Resolved {
    /// This call decided.
    let applied: Bool
    let approval: Any?
}

/// Names a conversation.
// MARK: - SessionParams
struct SessionParams {
    let sessionKey: String
}

/// Parameters of `channels.pairing.approve`. The request is named by its id or by its code.
// MARK: - ApproveParams
struct ApproveParams {
    let accountID: String?
    let bootstrapCommandOwner: Bool?
    let channel: String
    /// What the stranger was told, in the place of the id.
    let code: String?
    let notify: Bool?
    let requestID: String?
}

/// What an approval answers.
// MARK: - Approved
struct Approved {
    let node: Any?
    let requestID: String
}

/// Parameters of `channels.pairing.dismiss`.
// MARK: - DismissParams
struct DismissParams {
    let accountID: String?
    let channel: String
    /// What the stranger was told, in the place of the id.
    let code: String?
    let requestID: String?
}

/// What `channels.pairing.dismiss` answers.
// MARK: - Dismissed
struct Dismissed {
    let requestID: String
    let senderID: String
}

/// Parameters of `sessions.list`.
// MARK: - ListParams
struct ListParams {
    /// Only conversations something happened in since so many minutes.
    let activeMinutes: Int?
    let agentID: String?
    let limit: Int?
    let offset: Int?
    let search: String?
}

/// What `channels.pairing.list` answers.
// MARK: - PairingList
struct PairingList {
    let accounts: [Any?]
    let commandOwnerConfigured: Bool
    let limits: Limits
    let requests: [Any?]
}

// MARK: - Limits
struct Limits {
    let pendingPerAccount: Int
    let ttlMS: Int
}

/// Parameters of `device.pair.setupStatus`.
// MARK: - StatusParams
struct StatusParams {
    let setupID: String
}

/// What `channels.status` answers.
// MARK: - ChannelsStatus
struct ChannelsStatus {
    let channelAccounts: [String: Any?]
    let channelDefaultAccountID: [String: Any?]
    let channelDetailLabels: [String: Any?]
    let channelLabels: [String: Any?]
    let channelMeta: [Any?]
    let channelOrder: [String]
    let channels: [String: Any?]
    let statusIssues: [Any?]
    let ts: Int
}

/// Parameters of `sessions.abort`.
// MARK: - AbortParams
struct AbortParams {
    let key: String
    let runID: String?
}

/// Which runs were called off.
// MARK: - Aborted
struct Aborted {
    let aborted: Bool
    let ok: Bool
    let runIDS: [String]
}

/// Parameters of `chat.inject`.
// MARK: - InjectParams
struct InjectParams {
    let label: String?
    let message: String
    let sessionKey: String
}

/// Parameters of `chat.message.get`.
// MARK: - MessageParams
struct MessageParams {
    let messageID: String
    let sessionKey: String
}

/// Parameters of `send`.
// MARK: - SendParams
struct SendParams {
    let accountID: String?
    /// Its bytes, as base64 text.
    let buffer: String?
    let channel: String?
    let contentType: String?
    let filename: String?
    let idempotencyKey: String
    let mediaURL: String?
    let mediaUrls: [String]?
    let message: String?
    let replyToID: String?
    let silent: Bool?
    let threadID: String?
    let to: String
}

/// That a message was taken.
// MARK: - SendACK
struct SendACK {
    let messageSeq: Int?
    let runID: String
    let status: String
}

/// What `commands.list` answers.
// MARK: - CommandList
struct CommandList {
    let commands: [CommandsListResul]
}

/// One slash command.
// MARK: - CommandsListResul
struct CommandsListResul {
    let acceptsArgs: Bool
    let description: String
    let name: String
    let scope: String
    let source: String
    let textAliases: [String]
}

/// Parameters of the three: the text, and the state it was made against.
// MARK: - ChangeParams
struct ChangeParams {
    let baseHash: String?
    /// Kept with the change in the log.
    let note: String?
    /// JSON or TOML; for a patch, an object that is laid over the settings.
    let raw: String
    /// Milliseconds until the gateway starts anew to apply the change.
    let restartDelayMS: Int?
}

/// Parameters of `config.schema.lookup`.
// MARK: - LookupParams
struct LookupParams {
    let path: String
}

/// What a client wants a job to be. For a new job name, schedule, target and payload are
/// needed;
/// for a change only what changes.
// MARK: - Wish
struct Wish {
    let agentID: String?
    let declarationKey: String?
    let deleteAfterRun: Bool?
    let delivery: DeliveryClass?
    let description: String?
    let displayName: String?
    let enabled: Bool?
    let name: String?
    let payload: PayloadClass?
    let schedule: ScheduleClass?
    let sessionKey: String?
    let sessionTarget: String?
    let wakeMode: WakeModeEnum?
}

/// Where the answer of a job goes.
// MARK: - DeliveryClass
struct DeliveryClass {
    /// Account there.
    let accountID: String?
    /// An answer that cannot be delivered is no failure of the job.
    let bestEffort: Bool?
    /// The channel, or `last` for the one that was used last.
    let channel: String?
    /// Whether it goes anywhere.
    let mode: DeliveryMode
    /// Conversation or person there.
    let to: String?
}

/// Whether it goes anywhere.
///
/// What becomes of the answer.
///
/// It stays in its conversation.
///
/// It is sent to a channel.
enum DeliveryMode: String {
    case announce
    case none
}

/// Tells the main conversation something.
///
/// Asks the agent something in a conversation of the job's own.
// MARK: - PayloadClass
struct PayloadClass {
    let kind: PayloadKind
    /// What.
    let text: String?
    /// What.
    let message: String?
    /// Another model than the conversation's.
    let model: String?
    /// How much to think.
    let thinking: String?
    /// Longest time, seconds; the agent's own when absent or 0.
    let timeoutSeconds: Double?
}

enum PayloadKind: String {
    case agentTurn
    case systemEvent
}

/// Once.
///
/// Again and again.
///
/// By a cron expression.
// MARK: - ScheduleClass
struct ScheduleClass {
    /// ISO 8601; UTC when it names no offset.
    let at: String?
    let kind: ScheduleKind
    /// An instant the ticks are counted from; the job's creation when absent.
    let anchorMS: Int?
    /// Period, milliseconds.
    let everyMS: Int?
    /// Five fields, or six with seconds first.
    let expr: String?
    /// Up to so many milliseconds later, the same for each tick of this job.
    let staggerMS: Int?
    /// IANA time zone; the gateway's own when absent.
    let tz: String?
}

enum ScheduleKind: String {
    case at
    case cron
    case every
}

/// With the next heartbeat; at once while heartbeats are off.
///
/// At once.
///
/// When something is told.
enum WakeModeEnum: String {
    case nextHeartbeat
    case now
}

/// Names a job.
// MARK: - JobParams
struct JobParams {
    let id: String?
    let jobID: String?
}

/// A page of conversations, the one with the latest change first.
// MARK: - List
struct List {
    let count: Int
    let defaults: Any?
    let hasMore: Bool
    let limitApplied: Int
    let nextOffset: Int?
    let path: String
    let sessions: [Any?]
    let totalCount: Int
    let ts: Int
}

/// What a removal answers.
// MARK: - Removed
struct Removed {
    let nodeID: String
}

/// Parameters of `cron.run`.
// MARK: - RunParams
struct RunParams {
    /// The life of the gateway that the caller looked at before.
    let expectedProcessInstanceID: String?
    let id: String?
    let jobID: String?
    let mode: RunParamsMode?
}

/// When a job may be run by hand.
///
/// Only if its time has come.
///
/// In any case.
///
/// Unless it is disabled.
enum RunParamsMode: String {
    case due
    case force
    case ifEnabled
}

/// What `cron.run` answers.
// MARK: - Ran
struct Ran {
    let enqueued: Bool?
    let ok: Bool
    let processInstanceID: String
    let ran: Bool?
    let reason: String?
    let runID: String?
}

/// Parameters of `cron.runs`.
// MARK: - RunsParams
struct RunsParams {
    let agentID: String?
    let deliveryStatus: DeliveryStatusEnum?
    let deliveryStatuses: [DeliveryStatusEnum]?
    let id: String?
    let jobID: String?
    let limit: Int?
    let offset: Int?
    let query: String?
    let runID: String?
    let scope: ScopeEnum?
    let sortDir: SortDirEnum?
    let status: RunsParamsStatus?
    let statuses: [StatusElement]?
}

/// The channel took it.
///
/// It did not go out.
///
/// Nobody knows.
///
/// It was to stay.
///
/// What became of the answer of a run.
///
/// What became of the answer.
enum DeliveryStatusEnum: String {
    case delivered
    case notDelivered
    case notRequested
    case unknown
}

/// Runs of what.
enum ScopeEnum: String {
    case all
    case job
}

/// In which direction.
enum SortDirEnum: String {
    case asc
    case desc
}

/// Runs that ended how.
enum RunsParamsStatus: String {
    case all
    case error
    case ok
    case skipped
}

/// How a run of a job ended.
///
/// Well.
///
/// With a failure.
///
/// It was not run.
///
/// How it ended.
enum StatusElement: String {
    case error
    case ok
    case skipped
}

/// A page of the run log.
// MARK: - Runs
struct Runs {
    let entries: [CronRunsResul]
    let hasMore: Bool
    let limit: Int
    let nextOffset: Int?
    let offset: Int
    let total: Int
}

/// One run of a job, as the wire shows it.
// MARK: - CronRunsResul
struct CronRunsResul {
    /// Always `finished`.
    let action: String
    /// Why it was not delivered.
    let deliveryError: String?
    /// What became of the answer.
    let deliveryStatus: DeliveryStatusEnum
    /// How long it took, milliseconds.
    let durationMS: Int
    /// Why it failed.
    let error: String?
    /// The job.
    let jobID: String
    /// Name of the job.
    let jobName: String?
    /// When the job runs next, as known then.
    let nextRunAtMS: Int?
    /// When it began, wall clock, milliseconds.
    let runAtMS: Int
    /// Names the run; the agent's run has the same id.
    let runID: String
    /// The transcript it ran in.
    let sessionID: String?
    /// The conversation it ran in.
    let sessionKey: String?
    /// How it ended.
    let status: StatusElement
    /// The beginning of the answer.
    let summary: String?
    /// When it ended, wall clock, milliseconds.
    let ts: Int
}

/// What `cron.status` answers.
// MARK: - CronStatus
struct CronStatus {
    let enabled: Bool
    let jobs: Int
    let nextWakeAtMS: Int?
    let storage: String
    let storePath: String
    let triggersEnabled: Bool
}

/// Parameters of `cron.update`.
// MARK: - UpdateParams
struct UpdateParams {
    let id: String?
    let jobID: String?
    let patch: Patch
}

/// What a client wants a job to be. For a new job name, schedule, target and payload are
/// needed;
/// for a change only what changes.
// MARK: - Patch
struct Patch {
    let agentID: String?
    let declarationKey: String?
    let deleteAfterRun: Bool?
    let delivery: PatchDelivery?
    let description: String?
    let displayName: String?
    let enabled: Bool?
    let name: String?
    let payload: PatchPayload?
    let schedule: PatchSchedule?
    let sessionKey: String?
    let sessionTarget: String?
    let wakeMode: WakeModeEnum?
}

/// Where the answer of a job goes.
// MARK: - PatchDelivery
struct PatchDelivery {
    /// Account there.
    let accountID: String?
    /// An answer that cannot be delivered is no failure of the job.
    let bestEffort: Bool?
    /// The channel, or `last` for the one that was used last.
    let channel: String?
    /// Whether it goes anywhere.
    let mode: DeliveryMode
    /// Conversation or person there.
    let to: String?
}

/// Tells the main conversation something.
///
/// Asks the agent something in a conversation of the job's own.
// MARK: - PatchPayload
struct PatchPayload {
    let kind: PayloadKind
    /// What.
    let text: String?
    /// What.
    let message: String?
    /// Another model than the conversation's.
    let model: String?
    /// How much to think.
    let thinking: String?
    /// Longest time, seconds; the agent's own when absent or 0.
    let timeoutSeconds: Double?
}

/// Once.
///
/// Again and again.
///
/// By a cron expression.
// MARK: - PatchSchedule
struct PatchSchedule {
    /// ISO 8601; UTC when it names no offset.
    let at: String?
    let kind: ScheduleKind
    /// An instant the ticks are counted from; the job's creation when absent.
    let anchorMS: Int?
    /// Period, milliseconds.
    let everyMS: Int?
    /// Five fields, or six with seconds first.
    let expr: String?
    /// Up to so many milliseconds later, the same for each tick of this job.
    let staggerMS: Int?
    /// IANA time zone; the gateway's own when absent.
    let tz: String?
}

/// Parameters that name a request.
// MARK: - RequestParams
struct RequestParams {
    let requestID: String
}

/// What `device.pair.list` answers.
// MARK: - DeviceList
struct DeviceList {
    /// Devices that may come in.
    let paired: [Any?]
    /// Requests that wait.
    let pending: [Any?]
}

/// What a rejection answers.
// MARK: - Rejected
struct Rejected {
    let nodeID: String
    let requestID: String
}

/// Parameters that name a device.
// MARK: - DeviceParams
struct DeviceParams {
    let deviceID: String
}

/// Parameters of `node.rename`.
// MARK: - RenameParams
struct RenameParams {
    let displayName: String
    let nodeID: String
}

/// What a renaming answers.
// MARK: - Renamed
struct Renamed {
    let displayName: String
    let nodeID: String
}

/// Parameters of `device.pair.setupCode`.
// MARK: - CodeParams
struct CodeParams {
    let bootstrapProfile: DevicePairSetupCodeParam?
    let joinURL: Bool?
    /// How the device reaches the gateway.
    let publicURL: String?
}

/// A node, and an operator that can read and write.
///
/// A node only.
///
/// A node only, with a voice.
enum DevicePairSetupCodeParam: String {
    case limited
    case node
    case voiceNode
}

/// A fresh code.
// MARK: - Code
struct Code {
    let access: Access
    let auth: String
    let expiresAtMS: Int
    let gatewayURL: String
    let joinURL: String?
    let setupCode: String
    let setupID: String
    let urlSource: String
}

/// What a code grants.
///
/// A node, and an operator with every usual scope.
///
/// A node, and an operator that can read and write.
///
/// A node only.
///
/// What it got.
enum Access: String {
    case full
    case limited
    case node
}

/// How a set-up stands; empty while nobody used the code.
// MARK: - SetupStatus
struct SetupStatus {
    let completion: DevicePairSetupStatusResul?
}

/// A code that was redeemed.
// MARK: - DevicePairSetupStatusResul
struct DevicePairSetupStatusResul {
    /// What it got.
    let access: Access
    /// Who redeemed it.
    let deviceID: String
    /// Its name for people.
    let deviceName: String?
    /// The set-up.
    let setupID: String
    /// When.
    let ts: Int
}

/// Parameters of `plugins.upgrade`.
// MARK: - UpgradeParams
struct UpgradeParams {
    /// A package on the gateway's machine: its folder, its manifest or its library.
    let path: String
}

/// The request that now waits.
// MARK: - Waiting
struct Waiting {
    let requestID: String
}

/// How it ended.
// MARK: - Upgraded
struct Upgraded {
    /// For the device's next connection.
    let deviceToken: String?
    let requestID: String
    let scopes: [String]?
    let status: String
}

/// Parameters of `device.token.revoke`.
// MARK: - RevokeParams
struct RevokeParams {
    let deviceID: String
    let role: String
}

/// An ended token.
// MARK: - Revoked
struct Revoked {
    let deviceID: String
    let revokedAtMS: Int
    let role: Role
}

/// Parameters of `device.token.rotate`.
// MARK: - RotateParams
struct RotateParams {
    let deviceID: String
    let role: String
    /// Fewer scopes than the old token had; absent keeps them.
    let scopes: [String]?
}

/// A replaced token. The token itself is told to its own device alone.
// MARK: - Rotated
struct Rotated {
    let deviceID: String
    let role: Role
    let rotatedAtMS: Int
    let scopes: [String]
    let token: String?
    let tokenDelivery: String
}

/// Parameters of `diagnostics.stability`.
// MARK: - Query
struct Query {
    let limit: Int?
    /// Only what came after this record.
    let sinceSeq: Int?
    let type: String?
}

/// What `diagnostics.stability` answers.
// MARK: - Snapshot
struct Snapshot {
    let capacity: Int
    let count: Int
    let dropped: Int
    let events: [EventElement]
    let firstSeq: Int?
    let generatedAt: String
    let lastSeq: Int?
    let summary: Summary
}

/// One thing that happened.
// MARK: - EventElement
struct EventElement {
    let seq: Int
    /// Wall clock, milliseconds.
    let ts: Int
    let type: String
}

/// The records that were asked for, counted.
// MARK: - Summary
struct Summary {
    let byType: [String: Int]
    let memory: MemoryClass?
}

/// Memory among them.
// MARK: - MemoryClass
struct MemoryClass {
    let latest: Any?
    let maxRSSBytes: Int
    let pressureCount: Int
}

/// What `exec.approval.grants.list` answers.
// MARK: - Grants
struct Grants {
    let grants: [Any?]
}

/// Parameters of `exec.approval.request`: what is asked, and how to wait. What is asked is
/// passed on
/// to whoever decides, as it came.
// MARK: - AskParams
struct AskParams {
    let command: String?
    let commandArgv: [String]?
    let id: String?
    /// False keeps the request waiting although nobody is there to decide.
    let requireDeliveryRoute: Bool?
    let timeoutMS: Int?
    /// Answer at once, and let the decision be waited for.
    let twoPhase: Bool?
    let unavailableDecisions: [String]?
}

/// A result that says only that it was done.
// MARK: - Done
struct Done {
    /// Always true.
    let ok: Bool
}

/// What `exec.approval.waitDecision` answers.
// MARK: - Decided
struct Decided {
    let createdAtMS: Int
    let decision: String?
    let expiresAtMS: Int
    let id: String
    let terminalReason: String
}

/// Parameters of `health`.
// MARK: - HealthParams
struct HealthParams {
    /// Make a new snapshot before answering.
    let probe: Bool?
}

/// The health snapshot.
// MARK: - Health
struct Health {
    let agents: [Any?]
    let channelLabels: [String: Any?]
    let channelOrder: [String]
    let channels: [String: Any?]
    let defaultAgentID: String
    let degraded: [String]
    let durationMS: Int
    let heartbeatSeconds: Int
    let messages: Any?
    /// The gateway answers and every enabled channel could be started.
    let ok: Bool
    let plugins: Plugins
    let sessions: Sessions
    let ts: Int
}

// MARK: - Plugins
struct Plugins {
    let errors: [ErrorElement]
    let loaded: [String]
    let unavailable: [String]
}

// MARK: - ErrorElement
struct ErrorElement {
    let error: String
    let pluginID: String
}

// MARK: - Sessions
struct Sessions {
    let count: Int
    let path: String
    let recent: [RecentElement]
}

// MARK: - RecentElement
struct RecentElement {
    let age: Int
    let key: String
    let updatedAt: Int
}

/// A heartbeat, as the wire shows it.
// MARK: - NullableBeatClass
struct NullableBeatClass {
    let channel: String?
    let durationMS: Int
    let indicatorType: String?
    let message: String?
    let preview: String?
    let reason: String?
    let status: NullableBeatStatus
    let to: String?
    let ts: Int
}

/// How a heartbeat went.
///
/// Its answer went out.
///
/// It had no answer.
///
/// It said that nothing needs attention.
///
/// Its answer went nowhere.
///
/// It failed.
enum NullableBeatStatus: String {
    case failed
    case okEmpty
    case okToken
    case sent
    case skipped
}

/// Parameters of `logs.tail`.
// MARK: - TailParams
struct TailParams {
    /// Where the last answer ended.
    let cursor: Int?
    /// At most this many lines.
    let limit: Int?
    /// At most this many bytes.
    let maxBytes: Int?
}

/// What `logs.tail` answers.
// MARK: - Tail
struct Tail {
    let cursor: Int
    let file: String
    let lines: [String]
    /// The cursor pointed past the end: the file was replaced.
    let reset: Bool
    let size: Int
    /// Lines before these were left out.
    let truncated: Bool
}

/// Parameters of `message.action`.
// MARK: - ActionParams
struct ActionParams {
    let accountID: String?
    let action: String
    let channel: String
    let idempotencyKey: String
    let params: [String: Any?]
}

/// Names one message by its number in the list.
// MARK: - Named
struct Named {
    let seq: Int
}

/// What became of the message.
// MARK: - Settled
struct Settled {
    let ok: Bool
    let seq: Int
}

/// What `messages.dead.list` answers: the oldest first.
// MARK: - DeadList
struct DeadList {
    let messages: [Any?]
    /// How many there are in all.
    let total: Int
}

/// What `models.list` answers.
// MARK: - ModelList
struct ModelList {
    let models: [ModelElement]
}

/// One model with what can be chosen beside it.
// MARK: - ModelElement
struct ModelElement {
    /// Can be used now.
    let available: Bool
    /// Tokens it can read at once, where that is known.
    let contextWindow: Int?
    /// Unique within its provider.
    let id: String
    /// For people.
    let name: String
    /// Who runs it.
    let provider: String
    /// Thinks before it answers.
    let reasoning: Bool
    let tags: [String]
    let thinkingDefault: String
    let thinkingLevels: [ThinkingLevelClass]
}

/// One word for how much to think.
// MARK: - ThinkingLevelClass
struct ThinkingLevelClass {
    let id: String
    let label: String
}

/// Parameters that name a node.
// MARK: - NodeParams
struct NodeParams {
    let nodeID: String
}

/// What `sessions.describe` answers.
// MARK: - Described
struct Described {
    let session: Any?
}

/// Parameters of `node.event`.
// MARK: - EventParams
struct EventParams {
    let event: String
    let payload: Any?
    let payloadJSON: String?
}

/// What was done with it.
// MARK: - Handled
struct Handled {
    let event: String?
    let handled: Bool?
    let ok: Bool
    let reason: String?
}

/// Parameters of `node.invoke`.
// MARK: - InvokeParams
struct InvokeParams {
    let command: String
    let idempotencyKey: String
    let nodeID: String
    let params: Any?
    let sessionKey: String?
    let timeoutMS: Int?
}

/// What a node answered.
// MARK: - Invoked
struct Invoked {
    let command: String
    let nodeID: String
    let ok: Bool
    /// The result, as JSON where it is JSON.
    let payload: Any?
    /// The result as the node wrote it; left out when no frame has room for both.
    let payloadJSON: String?
}

/// Parameters of `node.invoke.progress`.
// MARK: - ProgressParams
struct ProgressParams {
    let chunk: String
    let invokeID: String
    let nodeID: String
    let seq: Int
}

/// What happened to a piece of progress.
// MARK: - Heard
struct Heard {
    /// Nobody has use for it.
    let ignored: Bool
    let ok: Bool
}

/// Parameters of `node.invoke.result`.
// MARK: - ResultParams
struct ResultParams {
    let error: NodeInvokeResultParam?
    let id: String
    let nodeID: String
    let ok: Bool
    let payload: Any?
    let payloadJSON: String?
}

/// A node's refusal.
// MARK: - NodeInvokeResultParam
struct NodeInvokeResultParam {
    let code: String?
    let message: String?
}

/// What happened to an answer.
// MARK: - Taken
struct Taken {
    /// Nobody waits for it any more.
    let ignored: Bool?
    let ok: Bool
}

/// What `node.list` answers.
// MARK: - NodeList
struct NodeList {
    let nodes: [NodeListResul]
    let ts: Int
}

/// A row of `node.list`.
// MARK: - NodeListResul
struct NodeListResul {
    let approvalState: String
    let approvedAtMS: Int
    let caps: [String]
    let clientID: String
    let clientMode: String
    let commands: [String]
    let connected: Bool
    let connectedAtMS: Int?
    let deviceFamily: String?
    let displayName: String?
    let hostStats: Any?
    let lastConnectedAtMS: Int?
    let lastDisconnectedAtMS: Int?
    let lastSeenAtMS: Int?
    let lastSeenReason: String?
    let nodeID: String
    let nodePluginTools: [Any?]?
    let paired: Bool
    let pathEnv: String?
    let pendingDeclaredCaps: [String]?
    let pendingDeclaredCommands: [String]?
    let pendingRequestID: String?
    let permissions: [String: Bool]?
    let platform: String
    let remoteIP: String?
    /// Runs the agent's turns; no node does that for this gateway.
    let sessionHost: Bool
    let version: String
}

/// What `node.pair.list` answers.
// MARK: - PairList
struct PairList {
    let paired: [Any?]
    let pending: [Any?]
}

/// Parameters of `node.pending.ack`.
// MARK: - ACKParams
struct ACKParams {
    let ids: [String]
}

/// What is still held back.
// MARK: - Acked
struct Acked {
    let ackedIDS: [String]
    let nodeID: String
    let remainingCount: Int
}

/// Parameters of `node.pending.drain`.
// MARK: - DrainParams
struct DrainParams {
    let maxItems: Int?
}

/// What waited for the node.
// MARK: - Drained
struct Drained {
    let hasMore: Bool
    let items: [NodePendingDrainResul]
    let nodeID: String
    let revision: Int
}

/// A note.
// MARK: - NodePendingDrainResul
struct NodePendingDrainResul {
    let createdAtMS: Int
    let expiresAtMS: Int?
    let id: String
    let priority: Priority
    let type: ItemType
}

/// How urgent a note is, least first.
///
/// The gateway's own request.
///
/// Ordinary.
///
/// Before the others.
enum Priority: String {
    case high
    case normal
    case priorityDefault
}

/// What a note asks for.
///
/// Report how you are.
///
/// Report where you are.
enum ItemType: String {
    case locationRequest
    case statusRequest
}

/// Parameters of `node.pending.enqueue`.
// MARK: - EnqueueParams
struct EnqueueParams {
    let expiresInMS: Int?
    let nodeID: String
    let priority: Priority?
    let type: ItemType
}

/// What was left for the node.
// MARK: - Enqueued
struct Enqueued {
    let nodeID: String
    let queued: Queued
    let revision: Int
    /// Always false: this gateway has no push service to wake a device with.
    let wakeTriggered: Bool
}

/// A note.
// MARK: - Queued
struct Queued {
    let createdAtMS: Int
    let expiresAtMS: Int?
    let id: String
    let priority: Priority
    let type: ItemType
}

/// Commands that wait for the node to come to the foreground; this gateway holds none back.
// MARK: - Pulled
struct Pulled {
    let actions: [Any?]
    let nodeID: String
}

/// Parameters of `node.pluginSurface.refresh`.
// MARK: - SurfaceParams
struct SurfaceParams {
    let surface: String?
}

/// A surface's new address.
// MARK: - SurfaceAddress
struct SurfaceAddress {
    /// When it ends unless it is used, milliseconds.
    let expiresAtMS: Int
    let pluginSurfaceUrls: [String: String]
    let surface: String
}

/// Parameters of `node.pluginTools.update`.
// MARK: - ToolsParams
struct ToolsParams {
    let tools: [Any?]
}

/// Which tools are shown with the node.
// MARK: - ToolsNoted
struct ToolsNoted {
    let nodeID: String
    let tools: [Any?]
}

/// Whose report was taken.
// MARK: - Noted
struct Noted {
    let nodeID: String
}

/// Parameters of `node.skills.update`.
// MARK: - SkillsParams
struct SkillsParams {
    let skills: [NodeSkillsUpdateParam]
}

/// A skill that lies on the node.
// MARK: - NodeSkillsUpdateParam
struct NodeSkillsUpdateParam {
    let content: String
    let description: String
    let name: String
}

/// Which of a node's skills are used.
// MARK: - SkillsNoted
struct SkillsNoted {
    let nodeID: String
    let skills: [NodeSkillsUpdateResul]
}

/// A skill that lies on the node.
// MARK: - NodeSkillsUpdateResul
struct NodeSkillsUpdateResul {
    let description: String
    let name: String
}

/// Parameters of `plugins.catalog.browse`.
// MARK: - BrowseParams
struct BrowseParams {
    let category: String?
    let cursor: String?
    /// Which shelf: `all`, `bundled`, or one that only a catalogue has.
    let intent: String?
    let query: String?
}

/// What `plugins.catalog.browse` answers.
// MARK: - Shelf
struct Shelf {
    let items: [Any?]
    let remoteError: String
}

/// Names an entry.
// MARK: - EntryParams
struct EntryParams {
    let id: String
}

/// Names a plugin.
// MARK: - PluginParams
struct PluginParams {
    /// Its id.
    let pluginID: String
}

/// What `plugins.list` answers.
// MARK: - PluginList
struct PluginList {
    /// One row a package, enabled or not, refused or not.
    let plugins: [Any?]
}

/// Parameters of `plugins.reload`.
// MARK: - ReloadParams
struct ReloadParams {
    /// Its id.
    let pluginID: String
    /// Stop it first and start it from scratch, instead of handing over.
    let restart: Bool?
}

/// Parameters of `poll`.
// MARK: - PollParams
struct PollParams {
    let accountID: String?
    let channel: String?
    let durationHours: Int?
    let durationSeconds: Int?
    let idempotencyKey: String
    let maxSelections: Int?
    let options: [String]
    let question: String
    let threadID: String?
    let to: String
}

/// What was sent.
// MARK: - Sent
struct Sent {
    let channel: String
    let chatID: String?
    let messageID: String
    let pollID: String?
    let runID: String
}

/// What `question.list` answers.
// MARK: - Questions
struct Questions {
    let questions: [Any?]
}

/// What `secrets.reload` answers.
// MARK: - Reloaded
struct Reloaded {
    let ok: Bool
    let warningCount: Int
}

/// Names a conversation.
// MARK: - BranchParams
struct BranchParams {
    let sessionKey: String
}

/// Parameters of `sessions.create`.
// MARK: - CreateParams
struct CreateParams {
    let agentID: String?
    let key: String?
    let label: String?
    let model: String?
    let thinkingLevel: String?
}

/// A conversation after a change.
// MARK: - Changed
struct Changed {
    let entry: Any?
    let key: String
    let ok: Bool
    let path: String
    let resolved: Any?
    let sessionID: String
}

/// Names a conversation, and why it is reset.
// MARK: - ResetParams
struct ResetParams {
    let key: String
    /// `new` or `reset`.
    let reason: String?
}

/// What was deleted.
// MARK: - Deleted
struct Deleted {
    let archived: [String]
    let deleted: Bool
    let key: String
    let ok: Bool
}

/// Names a conversation.
// MARK: - KeyParams
struct KeyParams {
    let key: String
}

/// Parameters of `sessions.messages.subscribe` and its undoing.
// MARK: - FollowParams
struct FollowParams {
    let key: String
}

/// What is followed now.
// MARK: - Followed
struct Followed {
    let key: String
    let subscribed: Bool
}

/// Parameters of `sessions.observer.visibility`.
// MARK: - VisibilityParams
struct VisibilityParams {
    let visible: Bool
}

/// Parameters of `sessions.patch`: the key and any of the settings; null removes one.
// MARK: - PatchParams
struct PatchParams {
    let key: String
}

/// Names several conversations.
// MARK: - PreviewParams
struct PreviewParams {
    let keys: [String]
    let limit: Int?
    let maxChars: Int?
}

/// Parameters of `sessions.send`: the same as `chat.send`, with the conversation called
/// `key`.
// MARK: - SessionSendParams
struct SessionSendParams {
    let attachments: [Any?]?
    let idempotencyKey: String?
    let key: String
    let message: String
    let thinking: String?
    let timeoutMS: Int?
}

/// Parameters of `sessions.subscribe`.
// MARK: - SubscribeParams
struct SubscribeParams {
    /// Answer the list too, this many rows.
    let limit: Int?
}

/// What `sessions.subscribe` answers.
// MARK: - Subscribed
struct Subscribed {
    let list: Any?
    let subscribed: Bool
}

/// Parameters of `sessions.usage`.
// MARK: - UsageParams
struct UsageParams {
    let agentID: String?
    /// The last day.
    let endDate: String?
    /// Only this conversation.
    let key: String?
    let limit: Int?
    /// Instead of days: `7d`, `30d`, `90d`, `1y`, `all`.
    let range: String?
    /// The first day, as `2026-11-24`, by UTC.
    let startDate: String?
}

/// Parameters of `sessions.viewers.set`, and what is shown now.
// MARK: - Shown
struct Shown {
    let sessionKeys: [String]
}

/// Parameters of `set-heartbeats`.
// MARK: - SwitchParams
struct SwitchParams {
    let enabled: Bool
}

/// What `set-heartbeats` answers.
// MARK: - Switched
struct Switched {
    let enabled: Bool
    let ok: Bool
}

/// Programs that skills need on a node.
// MARK: - Bins
struct Bins {
    let bins: [String]
}

/// What `status` answers.
// MARK: - Status
struct Status {
    let activeRuns: Int
    let backlog: Any?
    let channelSummary: [String]
    let connections: Int
    let degraded: [String]
    let degradedPlugins: [String]
    let heartbeat: Any?
    let messages: Any?
    let pid: Int
    let plugins: [Any?]
    let queuedSystemEvents: [String]
    let runtimeVersion: String
    let sessions: Any?
    let taskAudit: Any?
    let tasks: Any?
    /// SHA-256 of the certificate on the port; absent when the port is plain.
    let tlsFingerprint: String?
    let uptimeMS: Int
}

/// Parameters of `system-event`.
// MARK: - SystemEventParams
struct SystemEventParams {
    let deviceFamily: String?
    let deviceID: String?
    let host: String?
    let instanceID: String?
    let ip: String?
    let lastInputSeconds: Int?
    let mode: String?
    let modelIdentifier: String?
    let platform: String?
    let reason: String?
    let tags: [String]?
    let text: String
    let version: String?
}

/// One row. Only `ts` is needed by clients; the rest is for people.
// MARK: - ArrayOfPresenceRowElement
struct ArrayOfPresenceRowElement {
    let clientID: String?
    let deviceFamily: String?
    let deviceID: String?
    let host: String
    let instanceID: String?
    let ip: String?
    let lastInputSeconds: Int?
    let mode: String
    let modelIdentifier: String?
    let onlineSince: Int?
    let platform: String
    let reason: String
    let roles: [String]?
    let scopes: [String]?
    let tags: [String]?
    let text: String
    let timeZone: String?
    let ts: Int
    let version: String
    let watchedSessions: [String]?
}

/// What `taskSuggestions.list` answers.
// MARK: - Suggestions
struct Suggestions {
    let suggestions: [Any?]
}

/// What `tasks.list` answers.
// MARK: - TaskList
struct TaskList {
    let tasks: [Any?]
}

/// The wake words.
// MARK: - WakeWords
struct WakeWords {
    let triggers: [String]
}

/// Parameters of `wake`.
// MARK: - WakeParams
struct WakeParams {
    let agentID: String?
    let mode: WakeModeEnum
    /// Only the main conversation can be woken.
    let sessionKey: String?
    let text: String
}
