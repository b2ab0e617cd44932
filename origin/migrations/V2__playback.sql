-- What players saw, as the nodes report it.

create table nodes (
    node         text primary key,
    -- The token itself is shown once, when it is made, and kept nowhere.
    token_sha256 bytea not null check (octet_length(token_sha256) = 32),
    created_at   timestamptz not null default now(),
    revoked_at   timestamptz
);

-- One line a stored batch, written in the same transaction as its events: the proof of exactly once.
create table batches (
    node        text not null,
    epoch       bigint not null,
    sequence    bigint not null,
    received_at timestamptz not null default now(),
    events      integer not null,
    sessions    integer not null,
    constraint batches_node_epoch_sequence primary key (node, epoch, sequence)
);

-- `day` is the day of `at`, or of the batch's arrival where the player's clock is out of all reason:
-- a clock cannot make the database create partitions for years that never were.
create table events (
    day              date not null,
    at               timestamptz not null,
    node             text not null,
    epoch            bigint not null,
    sequence         bigint not null,
    event_id         text not null,
    session_id       text not null,
    kind             text not null,
    viewer           bigint,
    title            bigint,
    region           text,
    device           text,
    position_ms      bigint,
    duration_ms      bigint,
    kbps             integer,
    buffer_ms        bigint,
    buffering_events bigint,
    dropped_frames   bigint,
    error_code       text
) partition by range (day);

create index events_session_id_at on events (session_id, at);
create index events_region_device_at on events (region, device, at);

create table sessions (
    day             date not null,
    node            text not null,
    session_id      text not null,
    viewer          bigint,
    title           bigint,
    region          text,
    device          text,
    generation      bigint not null,
    started_at      timestamptz not null,
    ended_at        timestamptz not null,
    startup_ms      bigint,
    played_ms       bigint not null,
    stalled_ms      bigint not null,
    stalls          bigint not null,
    dropped_frames  bigint not null,
    errors          bigint not null,
    switches        bigint not null,
    mean_kbps       double precision,
    mean_buffer_ms  double precision,
    position_ms     bigint not null,
    position_max_ms bigint not null,
    duration_ms     bigint,
    events          bigint not null,
    ended           boolean not null,
    session_v1      double precision not null,
    window_v1       double precision not null,
    rebuffer_ratio  double precision not null,
    completion      double precision
) partition by range (day);

create index sessions_session_id on sessions (session_id);
-- Covers "how much was watched, by region and device, since".
create index sessions_region_device_ended_at on sessions (region, device, ended_at) include (played_ms);
