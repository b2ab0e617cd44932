-- Batches of frames: how far each lane is stored, windows, decisions, and what players report since.

-- How far (node, lane, epoch) is stored. Locked by whoever stores a batch of it, so that a frame is stored once
-- whatever the network does. Numbers may have gaps, never go back.
create table watermarks (
    node      text not null,
    lane      text not null check (lane in ('records', 'events')),
    epoch     bigint not null,
    sequence  bigint not null,
    stored_at timestamptz not null default now(),
    primary key (node, lane, epoch)
) with (fillfactor = 50);

-- The ledger: from now on a line a batch of frames, `sequence` being its last one's.
alter table batches
    add column lane     text not null default 'mixed',
    add column first    bigint,
    add column frames   integer not null default 1,
    add column windows  integer not null default 0,
    add column decisions integer not null default 0,
    add column refused  integer not null default 0,
    drop constraint batches_node_epoch_sequence,
    add constraint batches_node_lane_epoch_sequence primary key (node, lane, epoch, sequence);

-- Frames that could not be read, for whoever looks into it; the oldest go.
create table refused_frames (
    entry      bigint generated always as identity primary key,
    refused_at timestamptz not null default now(),
    node       text not null,
    lane       text not null,
    epoch      bigint not null,
    sequence   bigint not null,
    code       text not null,
    message    text not null,
    bytes      bigint not null,
    -- The beginning of it.
    payload    bytea not null
);

alter table events
    -- As the player counts its reports; `sequence` is the frame's.
    add column report           bigint,
    add column cdn              text,
    add column top_kbps         integer,
    add column throughput_kbps  integer,
    add column latency_ms       bigint,
    add column startup_ms       bigint,
    add column stalled_ms       bigint,
    add column stalled_more_ms  bigint,
    add column width            integer,
    add column height           integer,
    add column frame_rate_milli integer,
    add column codec            text;

alter table sessions
    add column cdn                  text,
    add column paused_ms            bigint not null default 0,
    add column sought_ms            bigint not null default 0,
    add column background_ms        bigint not null default 0,
    add column ads_ms               bigint not null default 0,
    add column stall_longest_ms     bigint not null default 0,
    -- Each stall fading as the title goes on.
    add column stall_recent_ms      bigint not null default 0,
    add column stall_ago_ms         bigint,
    add column change_kbps          bigint not null default 0,
    add column change_log           double precision not null default 0,
    add column mean_log             double precision,
    add column top_kbps             bigint,
    add column mean_throughput_kbps double precision,
    add column mean_latency_ms      double precision,
    add column mean_height          double precision,
    add column mean_frame_rate      double precision,
    add column mean_bits_per_pixel  double precision,
    -- How good pictures were, 0 to 1; the falls are added up.
    add column pictures_mean        double precision,
    add column pictures_recent      double precision,
    add column pictures_worst       double precision,
    add column pictures_falls       double precision,
    add column upscaling_mean       double precision,
    add column upscaling_max        double precision,
    add column began_ms             bigint,
    add column lost                 bigint not null default 0,
    add column repeated             bigint not null default 0,
    add column failed               boolean not null default false,
    add column screen               text,
    add column qoe_lin_v1           double precision,
    add column qoe_log_v1           double precision,
    add column mux_style_v1         double precision not null default 0,
    add column spi_style_v1         text,
    add column mos_v1               double precision;

-- What sessions saw within some minutes, a line a (node, window, dimension, value). Lines add up.
create table windows (
    day                  date not null,
    start_at             timestamptz not null,
    length_ms            integer not null,
    node                 text not null,
    dimension            text not null,
    value                text not null,
    sessions             bigint not null,
    started              bigint not null,
    ended                bigint not null,
    failed               bigint not null,
    played_ms            bigint not null,
    stalled_ms           bigint not null,
    stalls               bigint not null,
    errors               bigint not null,
    switches             bigint not null,
    dropped_frames       bigint not null,
    -- Over rated_ms.
    rate_sum             bigint not null,
    rated_ms             bigint not null,
    -- Over buffers.
    buffer_sum_ms        bigint not null,
    buffers              bigint not null,
    -- Over completions.
    completion_ppm_sum   bigint not null,
    completions          bigint not null,
    completed            bigint not null,
    -- Over session_v1s.
    session_v1_milli_sum bigint not null,
    session_v1s          bigint not null,
    -- Over moses.
    mos_milli_sum        bigint not null,
    moses                bigint not null,
    -- Numbers of buckets, rising, and what each holds; see sketch_quantile.
    startup_buckets      integer[] not null,
    startup_counts       bigint[] not null,
    startup_sum_ms       bigint not null,
    startup_min_ms       bigint not null,
    startup_max_ms       bigint not null,
    window_v1            double precision
) partition by range (day);

create index windows_dimension_value_start_at on windows (dimension, value, start_at);
create index windows_start_at on windows using brin (start_at);

-- A line a title that was shown.
create table exposures (
    day        date not null,
    at         timestamptz not null,
    node       text not null,
    generation bigint not null,
    request_id text not null,
    region     text not null,
    viewer     bigint,
    -- What places were drawn by.
    seed       bigint,
    title      bigint not null,
    "row"      smallint not null,
    place      integer not null,
    reason     text not null,
    -- The probability with which it was drawn for its place; none for a place that is not drawn.
    propensity real
) partition by range (day);

create index exposures_viewer_at on exposures (viewer, at);
create index exposures_request_id on exposures (request_id);

-- Sampled decisions about bit rates.
create table bitrate_decisions (
    day        date not null,
    at         timestamptz not null,
    node       text not null,
    generation bigint not null,
    request_id text not null,
    region     text not null,
    viewer     bigint,
    policy     text not null,
    kbps       integer not null,
    why        text not null
) partition by range (day);
