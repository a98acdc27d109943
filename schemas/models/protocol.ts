// Generated from protocol.schema.json by `make schemas`; do not edit.

type AnyValue = unknown;

/**
 * An event as it stands on the wire; documents the shape, see [`event_text`] for how it is
 * written.
 */
export interface EventFrame {
    /**
     * Its name.
     */
    event: string;
    /**
     * Its payload.
     */
    payload?: unknown;
    /**
     * Per connection, from 1, for every broadcast that passes the connection's filters.
     */
    seq?: number | null;
    /**
     * Snapshot versions, on `presence` and `health` only.
     */
    stateVersion?: null | EventFram;
    /**
     * Always `event`.
     */
    type: string;
    [property: string]: unknown;
}

/**
 * Version counters of the snapshots, on `presence` and `health` events and in `hello-ok`.
 */
export interface EventFram {
    /**
     * Grows by one per change of the health snapshot.
     */
    health: number;
    /**
     * Grows by one per change of the presence list.
     */
    presence: number;
    [property: string]: unknown;
}

/**
 * A request of a client. Unknown keys are accepted: newer clients add fields.
 */
export interface RequestFrame {
    /**
     * Chosen by the client, opaque; pairs the response.
     */
    id: string;
    /**
     * Which method.
     */
    method: string;
    /**
     * Its parameters.
     */
    params?: unknown;
    /**
     * W3C trace context of the caller.
     */
    traceparent?: null | string;
    /**
     * Always `req`.
     */
    type: RequestFrameType;
    [property: string]: unknown;
}

/**
 * Always `req`.
 *
 * The one word a request's `type` may be.
 *
 * `req`
 */
export type RequestFrameType = "req";

/**
 * A response of the gateway.
 */
export interface ResponseFrame {
    /**
     * Why it failed.
     */
    error?: null | ResFram;
    /**
     * Of the request; `invalid` when it had no usable id.
     */
    id: string;
    /**
     * Whether it succeeded.
     */
    ok: boolean;
    /**
     * The result; a failed run carries one beside its error.
     */
    payload?: unknown;
    /**
     * Always `res`.
     */
    type: string;
    [property: string]: unknown;
}

/**
 * The `error` of a response.
 */
export interface ResFram {
    /**
     * What kind.
     */
    code: CodeEnum;
    /**
     * Machine-readable reason and facts.
     */
    details?: unknown;
    /**
     * For people; a few texts are matched by clients and must not change.
     */
    message: string;
    /**
     * Whether the same request may succeed later.
     */
    retryable?: boolean | null;
    /**
     * How long to wait before that, milliseconds.
     */
    retryAfterMs?: number | null;
    [property: string]: unknown;
}

/**
 * What kind.
 *
 * Top-level error codes. Finer reasons live in `details`.
 *
 * A channel account is not logged in.
 *
 * The device is not approved, or did not identify itself.
 *
 * A run did not end in time.
 *
 * The request cannot be carried out as it stands.
 *
 * Not now; often worth another attempt.
 *
 * The caller lacks a right.
 */
export type CodeEnum = "NOT_LINKED" | "NOT_PAIRED" | "AGENT_TIMEOUT" | "INVALID_REQUEST" | "UNAVAILABLE" | "FORBIDDEN";

/**
 * What a client says of itself and of what it wants.
 */
export interface ConnectParams {
    /**
     * Credentials.
     */
    auth?: null | AuthObject;
    /**
     * Abilities of the client, or capability families of a node.
     */
    caps?: string[];
    /**
     * Who is calling.
     */
    client: Client;
    /**
     * Commands a node declares.
     */
    commands?: string[];
    /**
     * Proof of the device's identity.
     */
    device?: null | DeviceObject;
    /**
     * Preferred language.
     */
    locale?: null | string;
    /**
     * Highest protocol version the client can speak.
     */
    maxProtocol: number;
    /**
     * Lowest protocol version the client can speak.
     */
    minProtocol: number;
    /**
     * Search path of a node's commands.
     */
    pathEnv?: null | string;
    /**
     * Permissions a node holds on its own system.
     */
    permissions?: { [key: string]: boolean } | null;
    /**
     * `operator` (when absent) or `node`.
     */
    role?: null | string;
    /**
     * Scopes asked for, in the order the signature covers; unknown ones are tolerated.
     */
    scopes?: string[];
    /**
     * Free text.
     */
    userAgent?: null | string;
    [property: string]: unknown;
}

/**
 * What a client offers as proof that it may come in.
 */
export interface AuthObject {
    /**
     * A single-use setup code's token.
     */
    bootstrapToken?: null | string;
    /**
     * A token issued to this device.
     */
    deviceToken?: null | string;
    /**
     * The shared password; some clients put the token here.
     */
    password?: null | string;
    /**
     * The shared token, or a device token.
     */
    token?: null | string;
    [property: string]: unknown;
}

/**
 * Who is calling.
 */
export interface Client {
    /**
     * Build of a web client.
     */
    buildId?: null | string;
    /**
     * Family of the device, such as `iPhone`.
     */
    deviceFamily?: null | string;
    /**
     * Name for people.
     */
    displayName?: null | string;
    /**
     * Which program.
     */
    id: ID;
    /**
     * This running copy of the client.
     */
    instanceId?: null | string;
    /**
     * How it is being used.
     */
    mode: ClientMode;
    /**
     * Model of the device.
     */
    modelIdentifier?: null | string;
    /**
     * Operating system, as the client names it.
     */
    platform: string;
    /**
     * IANA time zone.
     */
    timeZone?: null | string;
    /**
     * Its version.
     */
    version: string;
    [property: string]: unknown;
}

/**
 * Which program.
 *
 * Programs the protocol knows.
 */
export type ID = "webchat-ui" | "openclaw-control-ui" | "openclaw-browser-copilot" | "openclaw-tui" | "webchat" | "cli" | "gateway-client" | "openclaw-macos" | "openclaw-linux" | "openclaw-ios" | "openclaw-watchos" | "openclaw-android" | "node-host" | "openclaw-worker" | "test" | "fingerprint" | "openclaw-probe";

/**
 * How it is being used.
 *
 * How a client is being used.
 */
export type ClientMode = "webchat" | "cli" | "ui" | "backend" | "node" | "worker" | "probe" | "test";

/**
 * Proof that the caller holds a device's key.
 */
export interface DeviceObject {
    /**
     * Lower-case hex SHA-256 of the raw public key.
     */
    id: string;
    /**
     * The challenge's nonce.
     */
    nonce: string;
    /**
     * Ed25519 key: base64url (or base64) of its 32 bytes.
     */
    publicKey: string;
    /**
     * Ed25519 signature, base64url.
     */
    signature: string;
    /**
     * Milliseconds since the Unix epoch; clients take the challenge's `ts`.
     */
    signedAt: number;
    [property: string]: unknown;
}

/**
 * Sent at once after the upgrade; clients wait for it and sign its `nonce`.
 */
export interface Challenge {
    /**
     * Unguessable, for this connection only.
     */
    nonce: string;
    /**
     * The gateway's clock, which clients take as `signedAt`.
     */
    ts: number;
    [property: string]: unknown;
}

/**
 * The payload of a successful `connect`.
 */
export interface HelloOk {
    /**
     * What was decided about the caller; authoritative.
     */
    auth: Auth;
    /**
     * What it can do.
     */
    features: Features;
    /**
     * Addresses of surfaces this connection may open, such as `canvas`.
     */
    pluginSurfaceUrls?: { [key: string]: string };
    /**
     * Limits.
     */
    policy: Policy;
    /**
     * Always the gateway's version of the protocol.
     */
    protocol: number;
    /**
     * Who answers.
     */
    server: Server;
    /**
     * State at this moment.
     */
    snapshot: SnapshotObject;
    /**
     * Always `hello-ok`.
     */
    type: string;
    [property: string]: unknown;
}

/**
 * What was decided about the caller; authoritative.
 *
 * What was decided about the caller.
 */
export interface Auth {
    /**
     * A token for this device and role; on every connect that proved a device.
     */
    deviceToken?: null | string;
    /**
     * Further tokens handed over by a setup code.
     */
    deviceTokens?: HelloO[];
    /**
     * When that token was issued.
     */
    issuedAtMs?: number | null;
    /**
     * By what it came in.
     */
    method?: null | string;
    /**
     * Its role.
     */
    role: Role;
    /**
     * Its scopes, whatever it asked for.
     */
    scopes: string[];
    [property: string]: unknown;
}

/**
 * A device token in the clear, sent once to the device it belongs to.
 */
export interface HelloO {
    /**
     * The token.
     */
    deviceToken: string;
    /**
     * When it was issued.
     */
    issuedAtMs: number;
    /**
     * The role it is for.
     */
    role: Role;
    /**
     * The scopes it grants.
     */
    scopes: string[];
    [property: string]: unknown;
}

/**
 * The role it is for.
 *
 * What a connection is for.
 *
 * Its role.
 *
 * People and programs that use the gateway.
 *
 * A device that offers commands to it.
 */
export type Role = "operator" | "node";

/**
 * What it can do.
 *
 * What the gateway can do.
 */
export interface Features {
    /**
     * Abilities clients gate on.
     */
    capabilities: string[];
    /**
     * Event names.
     */
    events: string[];
    /**
     * Method names.
     */
    methods: string[];
    [property: string]: unknown;
}

/**
 * Limits.
 *
 * Limits the client should keep.
 */
export interface Policy {
    /**
     * Limits of attachments.
     */
    attachments: Attachments;
    /**
     * Bytes that may wait for this client before it is cut off.
     */
    maxBufferedBytes: number;
    /**
     * Largest frame, bytes.
     */
    maxPayload: number;
    /**
     * Period of `tick`, milliseconds.
     */
    tickIntervalMs: number;
    [property: string]: unknown;
}

/**
 * Limits of attachments.
 */
export interface Attachments {
    /**
     * Largest attachment, bytes.
     */
    maxBytes: number;
    /**
     * Largest image, bytes.
     */
    maxImageBytes: number;
    [property: string]: unknown;
}

/**
 * Who answers.
 */
export interface Server {
    /**
     * This life of the gateway.
     */
    bootId: string;
    /**
     * This connection.
     */
    connId: string;
    /**
     * Version of the gateway.
     */
    version: string;
    [property: string]: unknown;
}

/**
 * State at this moment.
 *
 * State at the moment of `hello-ok`.
 */
export interface SnapshotObject {
    /**
     * Mode of authentication; admin callers only.
     */
    authMode?: null | string;
    /**
     * Path of the configuration; admin callers only.
     */
    configPath?: null | string;
    /**
     * As the method `health`.
     */
    health: unknown;
    /**
     * Presence rows, the gateway's own first.
     */
    presence: unknown[];
    /**
     * Which conversation to open first.
     */
    sessionDefaults: SessionDefaults;
    /**
     * Path of the state directory; admin callers only.
     */
    stateDir?: null | string;
    /**
     * Versions of the two.
     */
    stateVersion: StateVersion;
    /**
     * Since the gateway started.
     */
    uptimeMs: number;
    [property: string]: unknown;
}

/**
 * Which conversation to open first.
 *
 * Which conversation a client opens when it was told none.
 */
export interface SessionDefaults {
    /**
     * The agent that answers by default.
     */
    defaultAgentId: string;
    /**
     * Alias of the main conversation.
     */
    mainKey: string;
    /**
     * Its canonical key.
     */
    mainSessionKey: string;
    /**
     * Whether it has a model.
     */
    modelConfigured: boolean;
    /**
     * Always `sole`: one owner.
     */
    ownership: string;
    /**
     * How senders share conversations.
     */
    scope: string;
    /**
     * Always false: a default exists.
     */
    selectionRequired: boolean;
    [property: string]: unknown;
}

/**
 * Versions of the two.
 *
 * Version counters of the snapshots, on `presence` and `health` events and in `hello-ok`.
 */
export interface StateVersion {
    /**
     * Grows by one per change of the health snapshot.
     */
    health: number;
    /**
     * Grows by one per change of the presence list.
     */
    presence: number;
    [property: string]: unknown;
}

/**
 * Names an agent.
 */
export interface AgentParams {
    agentId?: null | string;
    [property: string]: unknown;
}

/**
 * The last answer of a run.
 */
export interface RunResult {
    result?: unknown;
    runId:   string;
    status:  string;
    summary: string;
    [property: string]: unknown;
}

/**
 * Parameters of `agent.identity.get`.
 */
export interface IdentityParams {
    agentId?: null | string;
    [property: string]: unknown;
}

/**
 * Who the gateway is, to devices that keep several apart.
 */
export interface Identity {
    deviceId:  string;
    publicKey: string;
    [property: string]: unknown;
}

/**
 * Parameters of `device.scopes.waitUpgrade`.
 */
export interface WaitParams {
    requestId: string;
    [property: string]: unknown;
}

/**
 * How a run ended, or that it has not.
 */
export interface Waited {
    endedAt?:    number | null;
    error?:      null | string;
    runId:       string;
    startedAt?:  number | null;
    status:      string;
    stopReason?: null | string;
    [property: string]: unknown;
}

/**
 * What `agents.list` answers.
 */
export interface AgentList {
    agents:            AgentElement[];
    defaultId:         string;
    mainKey:           string;
    ownership:         string;
    scope:             string;
    selectionRequired: boolean;
    [property: string]: unknown;
}

/**
 * One agent.
 */
export interface AgentElement {
    id:              string;
    model:           Model;
    name:            string;
    thinkingDefault: string;
    thinkingLevels:  ThinkingLevelElement[];
    thinkingOptions: string[];
    [property: string]: unknown;
}

/**
 * The model an agent runs; consoles take an agent without one for not set up.
 */
export interface Model {
    primary: string;
    [property: string]: unknown;
}

/**
 * One word for how much to think.
 */
export interface ThinkingLevelElement {
    id:    string;
    label: string;
    [property: string]: unknown;
}

/**
 * Names a request.
 */
export interface IDParams {
    id: string;
    [property: string]: unknown;
}

/**
 * What `approval.get` answers.
 */
export interface Found {
    approval: unknown;
    [property: string]: unknown;
}

/**
 * Parameters of `chat.history`.
 */
export interface HistoryParams {
    limit?: number | null;
    /**
     * End with the message of this id, whatever was said since.
     */
    messageId?: null | string;
    /**
     * How many of the newest to leave out.
     */
    offset?:    number | null;
    sessionKey: string;
    [property: string]: unknown;
}

/**
 * A page of a conversation, oldest first.
 */
export interface History {
    defaults:      unknown;
    hasMore:       boolean;
    inFlightRun?:  null | ChatHistoryResul;
    messages:      unknown[];
    nextOffset?:   number | null;
    pendingInputs: PendingInputs;
    sessionId?:    null | string;
    sessionInfo:   unknown;
    sessionKey:    string;
    totalMessages: number;
    [property: string]: unknown;
}

/**
 * The run that is answering now.
 */
export interface ChatHistoryResul {
    runId: string;
    text:  string;
    [property: string]: unknown;
}

/**
 * Messages taken and not yet answered by a run.
 */
export interface PendingInputs {
    items: unknown[];
    total: number;
    [property: string]: unknown;
}

/**
 * Names a conversation in one of several ways.
 */
export interface ResolveParams {
    allowMissing?: boolean | null;
    key?:          null | string;
    label?:        null | string;
    sessionId?:    null | string;
    [property: string]: unknown;
}

/**
 * What `approval.resolve` answers.
 */
export interface Resolved {
    /**
     * This call decided.
     */
    applied:  boolean;
    approval: unknown;
    [property: string]: unknown;
}

/**
 * Names a conversation.
 */
export interface SessionParams {
    sessionKey: string;
    [property: string]: unknown;
}

/**
 * Parameters of `channels.pairing.approve`. The request is named by its id or by its code.
 */
export interface ApproveParams {
    accountId?:             null | string;
    bootstrapCommandOwner?: boolean;
    channel:                string;
    /**
     * What the stranger was told, in the place of the id.
     */
    code?:      null | string;
    notify?:    boolean;
    requestId?: null | string;
    [property: string]: unknown;
}

/**
 * What an approval answers.
 */
export interface Approved {
    node:      unknown;
    requestId: string;
    [property: string]: unknown;
}

/**
 * Parameters of `channels.pairing.dismiss`.
 */
export interface DismissParams {
    accountId?: null | string;
    channel:    string;
    /**
     * What the stranger was told, in the place of the id.
     */
    code?:      null | string;
    requestId?: null | string;
    [property: string]: unknown;
}

/**
 * What `channels.pairing.dismiss` answers.
 */
export interface Dismissed {
    requestId: string;
    senderId:  string;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.list`.
 */
export interface ListParams {
    /**
     * Only conversations something happened in since so many minutes.
     */
    activeMinutes?: number | null;
    agentId?:       null | string;
    limit?:         number | null;
    offset?:        number | null;
    search?:        null | string;
    [property: string]: unknown;
}

/**
 * What `channels.pairing.list` answers.
 */
export interface PairingList {
    accounts:               unknown[];
    commandOwnerConfigured: boolean;
    limits:                 Limits;
    requests:               unknown[];
    [property: string]: unknown;
}

export interface Limits {
    pendingPerAccount: number;
    ttlMs:             number;
    [property: string]: unknown;
}

/**
 * Parameters of `device.pair.setupStatus`.
 */
export interface StatusParams {
    setupId: string;
    [property: string]: unknown;
}

/**
 * What `channels.status` answers.
 */
export interface ChannelsStatus {
    channelAccounts:         { [key: string]: unknown };
    channelDefaultAccountId: { [key: string]: unknown };
    channelDetailLabels:     { [key: string]: unknown };
    channelLabels:           { [key: string]: unknown };
    channelMeta:             unknown[];
    channelOrder:            string[];
    channels:                { [key: string]: unknown };
    statusIssues:            unknown[];
    ts:                      number;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.abort`.
 */
export interface AbortParams {
    key:    string;
    runId?: null | string;
    [property: string]: unknown;
}

/**
 * Which runs were called off.
 */
export interface Aborted {
    aborted: boolean;
    ok:      boolean;
    runIds:  string[];
    [property: string]: unknown;
}

/**
 * Parameters of `chat.inject`.
 */
export interface InjectParams {
    label?:     null | string;
    message:    string;
    sessionKey: string;
    [property: string]: unknown;
}

/**
 * Parameters of `chat.message.get`.
 */
export interface MessageParams {
    messageId:  string;
    sessionKey: string;
    [property: string]: unknown;
}

/**
 * Parameters of `send`.
 */
export interface SendParams {
    accountId?: null | string;
    /**
     * Its bytes, as base64 text.
     */
    buffer?:        null | string;
    channel?:       null | string;
    contentType?:   null | string;
    filename?:      null | string;
    idempotencyKey: string;
    mediaUrl?:      null | string;
    mediaUrls?:     string[];
    message?:       null | string;
    replyToId?:     null | string;
    silent?:        boolean | null;
    threadId?:      null | string;
    to:             string;
    [property: string]: unknown;
}

/**
 * That a message was taken.
 */
export interface SendACK {
    messageSeq?: number | null;
    runId:       string;
    status:      string;
    [property: string]: unknown;
}

/**
 * What `commands.list` answers.
 */
export interface CommandList {
    commands: CommandsListResul[];
    [property: string]: unknown;
}

/**
 * One slash command.
 */
export interface CommandsListResul {
    acceptsArgs: boolean;
    description: string;
    name:        string;
    scope:       string;
    source:      string;
    textAliases: string[];
    [property: string]: unknown;
}

/**
 * Parameters of the three: the text, and the state it was made against.
 */
export interface ChangeParams {
    baseHash?: null | string;
    /**
     * Kept with the change in the log.
     */
    note?: null | string;
    /**
     * JSON or TOML; for a patch, an object that is laid over the settings.
     */
    raw: string;
    /**
     * Milliseconds until the gateway starts anew to apply the change.
     */
    restartDelayMs?: number | null;
    [property: string]: unknown;
}

/**
 * Parameters of `config.schema.lookup`.
 */
export interface LookupParams {
    path: string;
    [property: string]: unknown;
}

/**
 * What a client wants a job to be. For a new job name, schedule, target and payload are
 * needed;
 * for a change only what changes.
 */
export interface Wish {
    agentId?:        null | string;
    declarationKey?: null | string;
    deleteAfterRun?: boolean | null;
    delivery?:       null | DeliveryObject;
    description?:    null | string;
    displayName?:    null | string;
    enabled?:        boolean | null;
    name?:           null | string;
    payload?:        null | PayloadObject;
    schedule?:       null | ScheduleObject;
    sessionKey?:     null | string;
    sessionTarget?:  null | string;
    wakeMode?:       WakeModeEnum | null;
    [property: string]: unknown;
}

/**
 * Where the answer of a job goes.
 */
export interface DeliveryObject {
    /**
     * Account there.
     */
    accountId?: null | string;
    /**
     * An answer that cannot be delivered is no failure of the job.
     */
    bestEffort?: boolean | null;
    /**
     * The channel, or `last` for the one that was used last.
     */
    channel?: null | string;
    /**
     * Whether it goes anywhere.
     */
    mode: DeliveryMode;
    /**
     * Conversation or person there.
     */
    to?: null | string;
    [property: string]: unknown;
}

/**
 * Whether it goes anywhere.
 *
 * What becomes of the answer.
 *
 * It stays in its conversation.
 *
 * It is sent to a channel.
 */
export type DeliveryMode = "none" | "announce";

/**
 * Tells the main conversation something.
 *
 * Asks the agent something in a conversation of the job's own.
 */
export interface PayloadObject {
    kind: PayloadKind;
    /**
     * What.
     */
    text?: string;
    /**
     * What.
     */
    message?: string;
    /**
     * Another model than the conversation's.
     */
    model?: null | string;
    /**
     * How much to think.
     */
    thinking?: null | string;
    /**
     * Longest time, seconds; the agent's own when absent or 0.
     */
    timeoutSeconds?: number | null;
    [property: string]: unknown;
}

export type PayloadKind = "systemEvent" | "agentTurn";

/**
 * Once.
 *
 * Again and again.
 *
 * By a cron expression.
 */
export interface ScheduleObject {
    /**
     * ISO 8601; UTC when it names no offset.
     */
    at?:  string;
    kind: ScheduleKind;
    /**
     * An instant the ticks are counted from; the job's creation when absent.
     */
    anchorMs?: number | null;
    /**
     * Period, milliseconds.
     */
    everyMs?: number;
    /**
     * Five fields, or six with seconds first.
     */
    expr?: string;
    /**
     * Up to so many milliseconds later, the same for each tick of this job.
     */
    staggerMs?: number | null;
    /**
     * IANA time zone; the gateway's own when absent.
     */
    tz?: null | string;
    [property: string]: unknown;
}

export type ScheduleKind = "at" | "every" | "cron";

/**
 * With the next heartbeat; at once while heartbeats are off.
 *
 * At once.
 *
 * When something is told.
 */
export type WakeModeEnum = "next-heartbeat" | "now";

/**
 * Names a job.
 */
export interface JobParams {
    id?:    null | string;
    jobId?: null | string;
    [property: string]: unknown;
}

/**
 * A page of conversations, the one with the latest change first.
 */
export interface List {
    count:        number;
    defaults:     unknown;
    hasMore:      boolean;
    limitApplied: number;
    nextOffset:   number | null;
    path:         string;
    sessions:     unknown[];
    totalCount:   number;
    ts:           number;
    [property: string]: unknown;
}

/**
 * What a removal answers.
 */
export interface Removed {
    nodeId: string;
    [property: string]: unknown;
}

/**
 * Parameters of `cron.run`.
 */
export interface RunParams {
    /**
     * The life of the gateway that the caller looked at before.
     */
    expectedProcessInstanceId?: null | string;
    id?:                        null | string;
    jobId?:                     null | string;
    mode?:                      RunParamsMode;
    [property: string]: unknown;
}

/**
 * When a job may be run by hand.
 *
 * Only if its time has come.
 *
 * In any case.
 *
 * Unless it is disabled.
 */
export type RunParamsMode = "due" | "force" | "if-enabled";

/**
 * What `cron.run` answers.
 */
export interface Ran {
    enqueued?:         boolean | null;
    ok:                boolean;
    processInstanceId: string;
    ran?:              boolean | null;
    reason?:           null | string;
    runId?:            null | string;
    [property: string]: unknown;
}

/**
 * Parameters of `cron.runs`.
 */
export interface RunsParams {
    agentId?:          null | string;
    deliveryStatus?:   DeliveryStatusEnum | null;
    deliveryStatuses?: DeliveryStatusEnum[];
    id?:               null | string;
    jobId?:            null | string;
    limit?:            number | null;
    offset?:           number;
    query?:            null | string;
    runId?:            null | string;
    scope?:            ScopeEnum | null;
    sortDir?:          SortDirEnum | null;
    status?:           RunsParamsStatus;
    statuses?:         StatusElement[];
    [property: string]: unknown;
}

/**
 * The channel took it.
 *
 * It did not go out.
 *
 * Nobody knows.
 *
 * It was to stay.
 *
 * What became of the answer of a run.
 *
 * What became of the answer.
 */
export type DeliveryStatusEnum = "delivered" | "not-delivered" | "unknown" | "not-requested";

/**
 * Runs of what.
 */
export type ScopeEnum = "job" | "all";

/**
 * In which direction.
 */
export type SortDirEnum = "asc" | "desc";

/**
 * Runs that ended how.
 */
export type RunsParamsStatus = "all" | "ok" | "error" | "skipped";

/**
 * How a run of a job ended.
 *
 * Well.
 *
 * With a failure.
 *
 * It was not run.
 *
 * How it ended.
 */
export type StatusElement = "ok" | "error" | "skipped";

/**
 * A page of the run log.
 */
export interface Runs {
    entries:    CronRunsResul[];
    hasMore:    boolean;
    limit:      number;
    nextOffset: number | null;
    offset:     number;
    total:      number;
    [property: string]: unknown;
}

/**
 * One run of a job, as the wire shows it.
 */
export interface CronRunsResul {
    /**
     * Always `finished`.
     */
    action: string;
    /**
     * Why it was not delivered.
     */
    deliveryError?: null | string;
    /**
     * What became of the answer.
     */
    deliveryStatus: DeliveryStatusEnum;
    /**
     * How long it took, milliseconds.
     */
    durationMs: number;
    /**
     * Why it failed.
     */
    error?: null | string;
    /**
     * The job.
     */
    jobId: string;
    /**
     * Name of the job.
     */
    jobName?: null | string;
    /**
     * When the job runs next, as known then.
     */
    nextRunAtMs?: number | null;
    /**
     * When it began, wall clock, milliseconds.
     */
    runAtMs: number;
    /**
     * Names the run; the agent's run has the same id.
     */
    runId: string;
    /**
     * The transcript it ran in.
     */
    sessionId?: null | string;
    /**
     * The conversation it ran in.
     */
    sessionKey?: null | string;
    /**
     * How it ended.
     */
    status: StatusElement;
    /**
     * The beginning of the answer.
     */
    summary?: null | string;
    /**
     * When it ended, wall clock, milliseconds.
     */
    ts: number;
    [property: string]: unknown;
}

/**
 * What `cron.status` answers.
 */
export interface CronStatus {
    enabled:         boolean;
    jobs:            number;
    nextWakeAtMs:    number | null;
    storage:         string;
    storePath:       string;
    triggersEnabled: boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `cron.update`.
 */
export interface UpdateParams {
    id?:    null | string;
    jobId?: null | string;
    patch:  Patch;
    [property: string]: unknown;
}

/**
 * What a client wants a job to be. For a new job name, schedule, target and payload are
 * needed;
 * for a change only what changes.
 */
export interface Patch {
    agentId?:        null | string;
    declarationKey?: null | string;
    deleteAfterRun?: boolean | null;
    delivery?:       null | PatchDelivery;
    description?:    null | string;
    displayName?:    null | string;
    enabled?:        boolean | null;
    name?:           null | string;
    payload?:        null | PatchPayload;
    schedule?:       null | PatchSchedule;
    sessionKey?:     null | string;
    sessionTarget?:  null | string;
    wakeMode?:       WakeModeEnum | null;
    [property: string]: unknown;
}

/**
 * Where the answer of a job goes.
 */
export interface PatchDelivery {
    /**
     * Account there.
     */
    accountId?: null | string;
    /**
     * An answer that cannot be delivered is no failure of the job.
     */
    bestEffort?: boolean | null;
    /**
     * The channel, or `last` for the one that was used last.
     */
    channel?: null | string;
    /**
     * Whether it goes anywhere.
     */
    mode: DeliveryMode;
    /**
     * Conversation or person there.
     */
    to?: null | string;
    [property: string]: unknown;
}

/**
 * Tells the main conversation something.
 *
 * Asks the agent something in a conversation of the job's own.
 */
export interface PatchPayload {
    kind: PayloadKind;
    /**
     * What.
     */
    text?: string;
    /**
     * What.
     */
    message?: string;
    /**
     * Another model than the conversation's.
     */
    model?: null | string;
    /**
     * How much to think.
     */
    thinking?: null | string;
    /**
     * Longest time, seconds; the agent's own when absent or 0.
     */
    timeoutSeconds?: number | null;
    [property: string]: unknown;
}

/**
 * Once.
 *
 * Again and again.
 *
 * By a cron expression.
 */
export interface PatchSchedule {
    /**
     * ISO 8601; UTC when it names no offset.
     */
    at?:  string;
    kind: ScheduleKind;
    /**
     * An instant the ticks are counted from; the job's creation when absent.
     */
    anchorMs?: number | null;
    /**
     * Period, milliseconds.
     */
    everyMs?: number;
    /**
     * Five fields, or six with seconds first.
     */
    expr?: string;
    /**
     * Up to so many milliseconds later, the same for each tick of this job.
     */
    staggerMs?: number | null;
    /**
     * IANA time zone; the gateway's own when absent.
     */
    tz?: null | string;
    [property: string]: unknown;
}

/**
 * Parameters that name a request.
 */
export interface RequestParams {
    requestId: string;
    [property: string]: unknown;
}

/**
 * What `device.pair.list` answers.
 */
export interface DeviceList {
    /**
     * Devices that may come in.
     */
    paired: unknown[];
    /**
     * Requests that wait.
     */
    pending: unknown[];
    [property: string]: unknown;
}

/**
 * What a rejection answers.
 */
export interface Rejected {
    nodeId:    string;
    requestId: string;
    [property: string]: unknown;
}

/**
 * Parameters that name a device.
 */
export interface DeviceParams {
    deviceId: string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.rename`.
 */
export interface RenameParams {
    displayName: string;
    nodeId:      string;
    [property: string]: unknown;
}

/**
 * What a renaming answers.
 */
export interface Renamed {
    displayName: string;
    nodeId:      string;
    [property: string]: unknown;
}

/**
 * Parameters of `device.pair.setupCode`.
 */
export interface CodeParams {
    bootstrapProfile?: DevicePairSetupCodeParam | null;
    joinUrl?:          boolean | null;
    /**
     * How the device reaches the gateway.
     */
    publicUrl?: null | string;
    [property: string]: unknown;
}

/**
 * A node, and an operator that can read and write.
 *
 * A node only.
 *
 * A node only, with a voice.
 */
export type DevicePairSetupCodeParam = "limited" | "node" | "voice-node";

/**
 * A fresh code.
 */
export interface Code {
    access:      Access;
    auth:        string;
    expiresAtMs: number;
    gatewayUrl:  string;
    joinUrl?:    null | string;
    setupCode:   string;
    setupId:     string;
    urlSource:   string;
    [property: string]: unknown;
}

/**
 * What a code grants.
 *
 * A node, and an operator with every usual scope.
 *
 * A node, and an operator that can read and write.
 *
 * A node only.
 *
 * What it got.
 */
export type Access = "full" | "limited" | "node";

/**
 * How a set-up stands; empty while nobody used the code.
 */
export interface SetupStatus {
    completion?: null | DevicePairSetupStatusResul;
    [property: string]: unknown;
}

/**
 * A code that was redeemed.
 */
export interface DevicePairSetupStatusResul {
    /**
     * What it got.
     */
    access: Access;
    /**
     * Who redeemed it.
     */
    deviceId: string;
    /**
     * Its name for people.
     */
    deviceName?: null | string;
    /**
     * The set-up.
     */
    setupId: string;
    /**
     * When.
     */
    ts: number;
    [property: string]: unknown;
}

/**
 * Parameters of `plugins.upgrade`.
 */
export interface UpgradeParams {
    /**
     * A package on the gateway's machine: its folder, its manifest or its library.
     */
    path: string;
    [property: string]: unknown;
}

/**
 * The request that now waits.
 */
export interface Waiting {
    requestId: string;
    [property: string]: unknown;
}

/**
 * How it ended.
 */
export interface Upgraded {
    /**
     * For the device's next connection.
     */
    deviceToken?: null | string;
    requestId:    string;
    scopes?:      string[] | null;
    status:       string;
    [property: string]: unknown;
}

/**
 * Parameters of `device.token.revoke`.
 */
export interface RevokeParams {
    deviceId: string;
    role:     string;
    [property: string]: unknown;
}

/**
 * An ended token.
 */
export interface Revoked {
    deviceId:    string;
    revokedAtMs: number;
    role:        Role;
    [property: string]: unknown;
}

/**
 * Parameters of `device.token.rotate`.
 */
export interface RotateParams {
    deviceId: string;
    role:     string;
    /**
     * Fewer scopes than the old token had; absent keeps them.
     */
    scopes?: string[] | null;
    [property: string]: unknown;
}

/**
 * A replaced token. The token itself is told to its own device alone.
 */
export interface Rotated {
    deviceId:      string;
    role:          Role;
    rotatedAtMs:   number;
    scopes:        string[];
    token?:        null | string;
    tokenDelivery: string;
    [property: string]: unknown;
}

/**
 * Parameters of `diagnostics.stability`.
 */
export interface Query {
    limit?: number | null;
    /**
     * Only what came after this record.
     */
    sinceSeq?: number | null;
    type?:     null | string;
    [property: string]: unknown;
}

/**
 * What `diagnostics.stability` answers.
 */
export interface Snapshot {
    capacity:    number;
    count:       number;
    dropped:     number;
    events:      EventElement[];
    firstSeq:    number | null;
    generatedAt: string;
    lastSeq:     number | null;
    summary:     Summary;
    [property: string]: unknown;
}

/**
 * One thing that happened.
 */
export interface EventElement {
    seq: number;
    /**
     * Wall clock, milliseconds.
     */
    ts:   number;
    type: string;
    [property: string]: unknown;
}

/**
 * The records that were asked for, counted.
 */
export interface Summary {
    byType:  { [key: string]: number };
    memory?: null | MemoryObject;
    [property: string]: unknown;
}

/**
 * Memory among them.
 */
export interface MemoryObject {
    latest:        unknown;
    maxRssBytes:   number;
    pressureCount: number;
    [property: string]: unknown;
}

/**
 * What `exec.approval.grants.list` answers.
 */
export interface Grants {
    grants: unknown[];
    [property: string]: unknown;
}

/**
 * Parameters of `exec.approval.request`: what is asked, and how to wait. What is asked is
 * passed on
 * to whoever decides, as it came.
 */
export interface AskParams {
    command?:     null | string;
    commandArgv?: string[] | null;
    id?:          null | string;
    /**
     * False keeps the request waiting although nobody is there to decide.
     */
    requireDeliveryRoute?: boolean | null;
    timeoutMs?:            number | null;
    /**
     * Answer at once, and let the decision be waited for.
     */
    twoPhase?:             boolean;
    unavailableDecisions?: string[];
    [property: string]: unknown;
}

/**
 * A result that says only that it was done.
 */
export interface Done {
    /**
     * Always true.
     */
    ok: boolean;
    [property: string]: unknown;
}

/**
 * What `exec.approval.waitDecision` answers.
 */
export interface Decided {
    createdAtMs:    number;
    decision:       null | string;
    expiresAtMs:    number;
    id:             string;
    terminalReason: string;
    [property: string]: unknown;
}

/**
 * Parameters of `health`.
 */
export interface HealthParams {
    /**
     * Make a new snapshot before answering.
     */
    probe?: boolean | null;
    [property: string]: unknown;
}

/**
 * The health snapshot.
 */
export interface Health {
    agents:           unknown[];
    channelLabels:    { [key: string]: unknown };
    channelOrder:     string[];
    channels:         { [key: string]: unknown };
    defaultAgentId:   string;
    degraded:         string[];
    durationMs:       number;
    heartbeatSeconds: number;
    messages:         unknown;
    /**
     * The gateway answers and every enabled channel could be started.
     */
    ok:       boolean;
    plugins:  Plugins;
    sessions: Sessions;
    ts:       number;
    [property: string]: unknown;
}

export interface Plugins {
    errors:      ErrorElement[];
    loaded:      string[];
    unavailable: string[];
    [property: string]: unknown;
}

export interface ErrorElement {
    error:    string;
    pluginId: string;
    [property: string]: unknown;
}

export interface Sessions {
    count:  number;
    path:   string;
    recent: RecentElement[];
    [property: string]: unknown;
}

export interface RecentElement {
    age:       number;
    key:       string;
    updatedAt: number;
    [property: string]: unknown;
}

/**
 * A heartbeat, as the wire shows it.
 */
export interface NullableBeat {
    channel?:       null | string;
    durationMs:     number;
    indicatorType?: null | string;
    message?:       null | string;
    preview?:       null | string;
    reason?:        null | string;
    status:         NullableBeatStatus;
    to?:            null | string;
    ts:             number;
    [property: string]: unknown;
}

/**
 * How a heartbeat went.
 *
 * Its answer went out.
 *
 * It had no answer.
 *
 * It said that nothing needs attention.
 *
 * Its answer went nowhere.
 *
 * It failed.
 */
export type NullableBeatStatus = "sent" | "ok-empty" | "ok-token" | "skipped" | "failed";

/**
 * Parameters of `logs.tail`.
 */
export interface TailParams {
    /**
     * Where the last answer ended.
     */
    cursor?: number | null;
    /**
     * At most this many lines.
     */
    limit?: number | null;
    /**
     * At most this many bytes.
     */
    maxBytes?: number | null;
    [property: string]: unknown;
}

/**
 * What `logs.tail` answers.
 */
export interface Tail {
    cursor: number;
    file:   string;
    lines:  string[];
    /**
     * The cursor pointed past the end: the file was replaced.
     */
    reset: boolean;
    size:  number;
    /**
     * Lines before these were left out.
     */
    truncated: boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `message.action`.
 */
export interface ActionParams {
    accountId?:     null | string;
    action:         string;
    channel:        string;
    idempotencyKey: string;
    params:         { [key: string]: unknown };
    [property: string]: unknown;
}

/**
 * Names one message by its number in the list.
 */
export interface Named {
    seq: number;
    [property: string]: unknown;
}

/**
 * What became of the message.
 */
export interface Settled {
    ok:  boolean;
    seq: number;
    [property: string]: unknown;
}

/**
 * What `messages.dead.list` answers: the oldest first.
 */
export interface DeadList {
    messages: unknown[];
    /**
     * How many there are in all.
     */
    total: number;
    [property: string]: unknown;
}

/**
 * What `models.list` answers.
 */
export interface ModelList {
    models: ModelElement[];
    [property: string]: unknown;
}

/**
 * One model with what can be chosen beside it.
 */
export interface ModelElement {
    /**
     * Can be used now.
     */
    available: boolean;
    /**
     * Tokens it can read at once, where that is known.
     */
    contextWindow?: number | null;
    /**
     * Unique within its provider.
     */
    id: string;
    /**
     * For people.
     */
    name: string;
    /**
     * Who runs it.
     */
    provider: string;
    /**
     * Thinks before it answers.
     */
    reasoning:       boolean;
    tags:            string[];
    thinkingDefault: string;
    thinkingLevels:  ThinkingLevelObject[];
    [property: string]: unknown;
}

/**
 * One word for how much to think.
 */
export interface ThinkingLevelObject {
    id:    string;
    label: string;
    [property: string]: unknown;
}

/**
 * Parameters that name a node.
 */
export interface NodeParams {
    nodeId: string;
    [property: string]: unknown;
}

/**
 * What `sessions.describe` answers.
 */
export interface Described {
    session: unknown;
    [property: string]: unknown;
}

/**
 * Parameters of `node.event`.
 */
export interface EventParams {
    event:        string;
    payload?:     unknown;
    payloadJSON?: null | string;
    [property: string]: unknown;
}

/**
 * What was done with it.
 */
export interface Handled {
    event?:   null | string;
    handled?: boolean | null;
    ok:       boolean;
    reason?:  null | string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.invoke`.
 */
export interface InvokeParams {
    command:        string;
    idempotencyKey: string;
    nodeId:         string;
    params?:        unknown;
    sessionKey?:    null | string;
    timeoutMs?:     number | null;
    [property: string]: unknown;
}

/**
 * What a node answered.
 */
export interface Invoked {
    command: string;
    nodeId:  string;
    ok:      boolean;
    /**
     * The result, as JSON where it is JSON.
     */
    payload: unknown;
    /**
     * The result as the node wrote it; left out when no frame has room for both.
     */
    payloadJSON: null | string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.invoke.progress`.
 */
export interface ProgressParams {
    chunk:    string;
    invokeId: string;
    nodeId:   string;
    seq:      number;
    [property: string]: unknown;
}

/**
 * What happened to a piece of progress.
 */
export interface Heard {
    /**
     * Nobody has use for it.
     */
    ignored: boolean;
    ok:      boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `node.invoke.result`.
 */
export interface ResultParams {
    error?:       null | NodeInvokeResultParam;
    id:           string;
    nodeId:       string;
    ok:           boolean;
    payload?:     unknown;
    payloadJSON?: null | string;
    [property: string]: unknown;
}

/**
 * A node's refusal.
 */
export interface NodeInvokeResultParam {
    code?:    null | string;
    message?: null | string;
    [property: string]: unknown;
}

/**
 * What happened to an answer.
 */
export interface Taken {
    /**
     * Nobody waits for it any more.
     */
    ignored?: boolean;
    ok:       boolean;
    [property: string]: unknown;
}

/**
 * What `node.list` answers.
 */
export interface NodeList {
    nodes: NodeListResul[];
    ts:    number;
    [property: string]: unknown;
}

/**
 * A row of `node.list`.
 */
export interface NodeListResul {
    approvalState:            string;
    approvedAtMs:             number;
    caps:                     string[];
    clientId:                 string;
    clientMode:               string;
    commands:                 string[];
    connected:                boolean;
    connectedAtMs?:           number | null;
    deviceFamily?:            null | string;
    displayName:              null | string;
    hostStats?:               unknown;
    lastConnectedAtMs?:       number | null;
    lastDisconnectedAtMs?:    number | null;
    lastSeenAtMs?:            number | null;
    lastSeenReason?:          null | string;
    nodeId:                   string;
    nodePluginTools?:         unknown[] | null;
    paired:                   boolean;
    pathEnv?:                 null | string;
    pendingDeclaredCaps?:     string[] | null;
    pendingDeclaredCommands?: string[] | null;
    pendingRequestId?:        null | string;
    permissions?:             { [key: string]: boolean } | null;
    platform:                 string;
    remoteIp?:                null | string;
    /**
     * Runs the agent's turns; no node does that for this gateway.
     */
    sessionHost: boolean;
    version:     string;
    [property: string]: unknown;
}

/**
 * What `node.pair.list` answers.
 */
export interface PairList {
    paired:  unknown[];
    pending: unknown[];
    [property: string]: unknown;
}

/**
 * Parameters of `node.pending.ack`.
 */
export interface ACKParams {
    ids: string[];
    [property: string]: unknown;
}

/**
 * What is still held back.
 */
export interface Acked {
    ackedIds:       string[];
    nodeId:         string;
    remainingCount: number;
    [property: string]: unknown;
}

/**
 * Parameters of `node.pending.drain`.
 */
export interface DrainParams {
    maxItems?: number | null;
    [property: string]: unknown;
}

/**
 * What waited for the node.
 */
export interface Drained {
    hasMore:  boolean;
    items:    NodePendingDrainResul[];
    nodeId:   string;
    revision: number;
    [property: string]: unknown;
}

/**
 * A note.
 */
export interface NodePendingDrainResul {
    createdAtMs: number;
    expiresAtMs: number | null;
    id:          string;
    priority:    Priority;
    type:        ItemType;
    [property: string]: unknown;
}

/**
 * How urgent a note is, least first.
 *
 * The gateway's own request.
 *
 * Ordinary.
 *
 * Before the others.
 */
export type Priority = "default" | "normal" | "high";

/**
 * What a note asks for.
 *
 * Report how you are.
 *
 * Report where you are.
 */
export type ItemType = "status.request" | "location.request";

/**
 * Parameters of `node.pending.enqueue`.
 */
export interface EnqueueParams {
    expiresInMs?: number | null;
    nodeId:       string;
    priority?:    Priority | null;
    type:         ItemType;
    [property: string]: unknown;
}

/**
 * What was left for the node.
 */
export interface Enqueued {
    nodeId:   string;
    queued:   Queued;
    revision: number;
    /**
     * Always false: this gateway has no push service to wake a device with.
     */
    wakeTriggered: boolean;
    [property: string]: unknown;
}

/**
 * A note.
 */
export interface Queued {
    createdAtMs: number;
    expiresAtMs: number | null;
    id:          string;
    priority:    Priority;
    type:        ItemType;
    [property: string]: unknown;
}

/**
 * Commands that wait for the node to come to the foreground; this gateway holds none back.
 */
export interface Pulled {
    actions: unknown[];
    nodeId:  string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.pluginSurface.refresh`.
 */
export interface SurfaceParams {
    surface?: null | string;
    [property: string]: unknown;
}

/**
 * A surface's new address.
 */
export interface SurfaceAddress {
    /**
     * When it ends unless it is used, milliseconds.
     */
    expiresAtMs:       number;
    pluginSurfaceUrls: { [key: string]: string };
    surface:           string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.pluginTools.update`.
 */
export interface ToolsParams {
    tools: unknown[];
    [property: string]: unknown;
}

/**
 * Which tools are shown with the node.
 */
export interface ToolsNoted {
    nodeId: string;
    tools:  unknown[];
    [property: string]: unknown;
}

/**
 * Whose report was taken.
 */
export interface Noted {
    nodeId: string;
    [property: string]: unknown;
}

/**
 * Parameters of `node.skills.update`.
 */
export interface SkillsParams {
    skills: NodeSkillsUpdateParam[];
    [property: string]: unknown;
}

/**
 * A skill that lies on the node.
 */
export interface NodeSkillsUpdateParam {
    content:     string;
    description: string;
    name:        string;
    [property: string]: unknown;
}

/**
 * Which of a node's skills are used.
 */
export interface SkillsNoted {
    nodeId: string;
    skills: NodeSkillsUpdateResul[];
    [property: string]: unknown;
}

/**
 * A skill that lies on the node.
 */
export interface NodeSkillsUpdateResul {
    description: string;
    name:        string;
    [property: string]: unknown;
}

/**
 * Parameters of `plugins.catalog.browse`.
 */
export interface BrowseParams {
    category?: null | string;
    cursor?:   null | string;
    /**
     * Which shelf: `all`, `bundled`, or one that only a catalogue has.
     */
    intent?: null | string;
    query?:  null | string;
    [property: string]: unknown;
}

/**
 * What `plugins.catalog.browse` answers.
 */
export interface Shelf {
    items:       unknown[];
    remoteError: string;
    [property: string]: unknown;
}

/**
 * Names an entry.
 */
export interface EntryParams {
    id: string;
    [property: string]: unknown;
}

/**
 * Names a plugin.
 */
export interface PluginParams {
    /**
     * Its id.
     */
    pluginId: string;
    [property: string]: unknown;
}

/**
 * What `plugins.list` answers.
 */
export interface PluginList {
    /**
     * One row a package, enabled or not, refused or not.
     */
    plugins: unknown[];
    [property: string]: unknown;
}

/**
 * Parameters of `plugins.reload`.
 */
export interface ReloadParams {
    /**
     * Its id.
     */
    pluginId: string;
    /**
     * Stop it first and start it from scratch, instead of handing over.
     */
    restart?: boolean | null;
    [property: string]: unknown;
}

/**
 * Parameters of `poll`.
 */
export interface PollParams {
    accountId?:       null | string;
    channel?:         null | string;
    durationHours?:   number | null;
    durationSeconds?: number | null;
    idempotencyKey:   string;
    maxSelections?:   number | null;
    options:          [string, string, ...string[]];
    question:         string;
    threadId?:        null | string;
    to:               string;
    [property: string]: unknown;
}

/**
 * What was sent.
 */
export interface Sent {
    channel:   string;
    chatId?:   null | string;
    messageId: string;
    pollId?:   null | string;
    runId:     string;
    [property: string]: unknown;
}

/**
 * What `question.list` answers.
 */
export interface Questions {
    questions: unknown[];
    [property: string]: unknown;
}

/**
 * What `secrets.reload` answers.
 */
export interface Reloaded {
    ok:           boolean;
    warningCount: number;
    [property: string]: unknown;
}

/**
 * Names a conversation.
 */
export interface BranchParams {
    sessionKey: string;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.create`.
 */
export interface CreateParams {
    agentId?:       null | string;
    key?:           null | string;
    label?:         null | string;
    model?:         null | string;
    thinkingLevel?: null | string;
    [property: string]: unknown;
}

/**
 * A conversation after a change.
 */
export interface Changed {
    entry:     unknown;
    key:       string;
    ok:        boolean;
    path:      string;
    resolved:  unknown;
    sessionId: string;
    [property: string]: unknown;
}

/**
 * Names a conversation, and why it is reset.
 */
export interface ResetParams {
    key: string;
    /**
     * `new` or `reset`.
     */
    reason?: null | string;
    [property: string]: unknown;
}

/**
 * What was deleted.
 */
export interface Deleted {
    archived: string[];
    deleted:  boolean;
    key:      string;
    ok:       boolean;
    [property: string]: unknown;
}

/**
 * Names a conversation.
 */
export interface KeyParams {
    key: string;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.messages.subscribe` and its undoing.
 */
export interface FollowParams {
    key: string;
    [property: string]: unknown;
}

/**
 * What is followed now.
 */
export interface Followed {
    key:        string;
    subscribed: boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.observer.visibility`.
 */
export interface VisibilityParams {
    visible: boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.patch`: the key and any of the settings; null removes one.
 */
export interface PatchParams {
    key: string;
    [property: string]: unknown;
}

/**
 * Names several conversations.
 */
export interface PreviewParams {
    keys:      [string, ...string[]];
    limit?:    number | null;
    maxChars?: number | null;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.send`: the same as `chat.send`, with the conversation called
 * `key`.
 */
export interface SessionSendParams {
    attachments?:    unknown[];
    idempotencyKey?: null | string;
    key:             string;
    message:         string;
    thinking?:       null | string;
    timeoutMs?:      number | null;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.subscribe`.
 */
export interface SubscribeParams {
    /**
     * Answer the list too, this many rows.
     */
    limit?: number | null;
    [property: string]: unknown;
}

/**
 * What `sessions.subscribe` answers.
 */
export interface Subscribed {
    list?:      unknown;
    subscribed: boolean;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.usage`.
 */
export interface UsageParams {
    agentId?: null | string;
    /**
     * The last day.
     */
    endDate?: null | string;
    /**
     * Only this conversation.
     */
    key?:   null | string;
    limit?: number | null;
    /**
     * Instead of days: `7d`, `30d`, `90d`, `1y`, `all`.
     */
    range?: null | string;
    /**
     * The first day, as `2026-11-24`, by UTC.
     */
    startDate?: null | string;
    [property: string]: unknown;
}

/**
 * Parameters of `sessions.viewers.set`, and what is shown now.
 */
export interface Shown {
    sessionKeys: string[];
    [property: string]: unknown;
}

/**
 * Parameters of `set-heartbeats`.
 */
export interface SwitchParams {
    enabled: boolean;
    [property: string]: unknown;
}

/**
 * What `set-heartbeats` answers.
 */
export interface Switched {
    enabled: boolean;
    ok:      boolean;
    [property: string]: unknown;
}

/**
 * Programs that skills need on a node.
 */
export interface Bins {
    bins: string[];
    [property: string]: unknown;
}

/**
 * What `status` answers.
 */
export interface Status {
    activeRuns:         number;
    backlog:            unknown;
    channelSummary:     string[];
    connections:        number;
    degraded:           string[];
    degradedPlugins:    string[];
    heartbeat:          unknown;
    messages:           unknown;
    pid:                number;
    plugins:            unknown[];
    queuedSystemEvents: string[];
    runtimeVersion:     string;
    sessions:           unknown;
    taskAudit:          unknown;
    tasks:              unknown;
    /**
     * SHA-256 of the certificate on the port; absent when the port is plain.
     */
    tlsFingerprint?: null | string;
    uptimeMs:        number;
    [property: string]: unknown;
}

/**
 * Parameters of `system-event`.
 */
export interface SystemEventParams {
    deviceFamily?:     null | string;
    deviceId?:         null | string;
    host?:             null | string;
    instanceId?:       null | string;
    ip?:               null | string;
    lastInputSeconds?: number | null;
    mode?:             null | string;
    modelIdentifier?:  null | string;
    platform?:         null | string;
    reason?:           null | string;
    tags?:             string[];
    text:              string;
    version?:          null | string;
    [property: string]: unknown;
}

/**
 * One row. Only `ts` is needed by clients; the rest is for people.
 */
export interface ArrayOfPresenceRow {
    clientId?:         null | string;
    deviceFamily?:     null | string;
    deviceId?:         null | string;
    host:              string;
    instanceId?:       null | string;
    ip?:               null | string;
    lastInputSeconds?: number | null;
    mode:              string;
    modelIdentifier?:  null | string;
    onlineSince?:      number | null;
    platform:          string;
    reason:            string;
    roles?:            string[];
    scopes?:           string[];
    tags?:             string[];
    text:              string;
    timeZone?:         null | string;
    ts:                number;
    version:           string;
    watchedSessions?:  string[];
    [property: string]: unknown;
}

/**
 * What `taskSuggestions.list` answers.
 */
export interface Suggestions {
    suggestions: unknown[];
    [property: string]: unknown;
}

/**
 * What `tasks.list` answers.
 */
export interface TaskList {
    tasks: unknown[];
    [property: string]: unknown;
}

/**
 * The wake words.
 */
export interface WakeWords {
    triggers: [string, string, string, ...string[]];
    [property: string]: unknown;
}

/**
 * Parameters of `wake`.
 */
export interface WakeParams {
    agentId?: null | string;
    mode:     WakeModeEnum;
    /**
     * Only the main conversation can be woken.
     */
    sessionKey?: null | string;
    text:        string;
    [property: string]: unknown;
}
