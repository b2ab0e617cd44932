-- What ended sessions came to, by quantiles; and the names of CTA-2066 for what one session saw.

drop view whole_sessions;
alter table sessions rename column startup_ms to initial_startup_time_ms;
alter table sessions rename column stalls to playback_stall_count;
alter table sessions rename column stalled_ms to playback_stall_duration_ms;
alter table sessions add column bits_played bigint not null default 0;

-- A session that went on after a silence, or at another node, has a line for each time it was closed, which tells what
-- that node knew of it until then: the one that saw most is nearest to the whole.
create view whole_sessions as
select distinct on (session_id) * from sessions order by session_id, events desc, ended_at desc;

alter table windows
    -- Of each ended session the share of time stalled, in millionths.
    add column rebuffer_buckets integer[] not null default '{}',
    add column rebuffer_counts  bigint[]  not null default '{}',
    add column rebuffer_sum_ppm bigint    not null default 0,
    add column rebuffer_min_ppm bigint    not null default 0,
    add column rebuffer_max_ppm bigint    not null default 0,
    -- Its mean bit rate.
    add column bitrate_buckets  integer[] not null default '{}',
    add column bitrate_counts   bigint[]  not null default '{}',
    add column bitrate_sum_kbps bigint    not null default 0,
    add column bitrate_min_kbps bigint    not null default 0,
    add column bitrate_max_kbps bigint    not null default 0,
    -- Its opinion score, in thousandths.
    add column mos_buckets      integer[] not null default '{}',
    add column mos_counts       bigint[]  not null default '{}',
    add column mos_sum_milli    bigint    not null default 0,
    add column mos_min_milli    bigint    not null default 0,
    add column mos_max_milli    bigint    not null default 0;

-- The numbers that so many thousandths of all are not above, each to within 1/64; none without any.
create function sketch_quantiles(
    buckets integer[], counts bigint[], lowest bigint, highest bigint, per_milles integer[]
) returns bigint[] language sql immutable parallel safe as $$
    with running as (
        select place, sum(n) over (order by place) as seen, sum(n) over () as total
        from unnest(buckets, counts) as bucket (place, n)
    )
    select case when cardinality(counts) > 0 then array_agg(
        (select least(greatest(sketch_middle(place), lowest), highest) from running
         where seen >= greatest(ceil(total * per_mille / 1000), 1) order by place limit 1)
        order by at) end
    from unnest(per_milles) with ordinality as asked (per_mille, at)
$$;

drop materialized view qoe_hourly;
drop function qoe_of_hours(interval, timestamptz, timestamptz, text, text);
drop function qoe_of_windows(interval, timestamptz, timestamptz, text, text);
drop function sketch_quantile(integer[], bigint[], bigint, bigint, integer);

-- As in V6, with three more sketches.
do $body$
declare
    template text := $sql$
create function %1$I(
    step interval, since timestamptz, until timestamptz, of_dimension text default null, of_value text default null
) returns table (
    start_at timestamptz, dimension text, value text, viewers bigint, sessions bigint, started bigint, ended bigint,
    failed bigint, played_ms bigint, stalled_ms bigint, stalls bigint, errors bigint, switches bigint,
    dropped_frames bigint, rate_sum bigint, rated_ms bigint, buffer_sum_ms bigint, buffers bigint,
    completion_ppm_sum bigint, completions bigint, completed bigint, session_v1_milli_sum bigint, session_v1s bigint,
    mos_milli_sum bigint, moses bigint, startup_sum_ms bigint, window_v1_sum double precision,
    window_v1_ms double precision,
    startup_buckets integer[], startup_counts bigint[], startup_min_ms bigint, startup_max_ms bigint,
    rebuffer_buckets integer[], rebuffer_counts bigint[], rebuffer_min_ppm bigint, rebuffer_max_ppm bigint,
    bitrate_buckets integer[], bitrate_counts bigint[], bitrate_min_kbps bigint, bitrate_max_kbps bigint,
    mos_buckets integer[], mos_counts bigint[], mos_min_milli bigint, mos_max_milli bigint
) language sql stable parallel safe as $function$
    with lines as (
        select date_bin(step, line.start_at, timestamptz '2000-01-01 00:00:00+00') as bin, line.*
        from %2$s line
        where line.start_at >= since and line.start_at < until %3$s
            and (of_dimension is null or line.dimension = of_dimension)
            and (of_value is null or line.value = of_value)
    ), sums as (
        select bin, dimension, value, capped(sum(sessions)) as sessions, capped(sum(started)) as started,
            capped(sum(ended)) as ended, capped(sum(failed)) as failed, capped(sum(played_ms)) as played_ms,
            capped(sum(stalled_ms)) as stalled_ms, capped(sum(stalls)) as stalls, capped(sum(errors)) as errors,
            capped(sum(switches)) as switches, capped(sum(dropped_frames)) as dropped_frames,
            capped(sum(rate_sum)) as rate_sum, capped(sum(rated_ms)) as rated_ms,
            capped(sum(buffer_sum_ms)) as buffer_sum_ms, capped(sum(buffers)) as buffers,
            capped(sum(completion_ppm_sum)) as completion_ppm_sum, capped(sum(completions)) as completions,
            capped(sum(completed)) as completed, capped(sum(session_v1_milli_sum)) as session_v1_milli_sum,
            capped(sum(session_v1s)) as session_v1s, capped(sum(mos_milli_sum)) as mos_milli_sum,
            capped(sum(moses)) as moses, capped(sum(startup_sum_ms)) as startup_sum_ms,
            coalesce(sum(%4$s), 0) as window_v1_sum, coalesce(sum(%5$s), 0) as window_v1_ms
        from lines group by 1, 2, 3
    ), peaks as (
        select bin, dimension, value, max(viewers) as viewers
        from (select bin, start_at, dimension, value, capped(sum(%6$s)) as viewers
              from lines group by 1, 2, 3, 4) moments
        group by 1, 2, 3
    ), buckets as (
        select bin, dimension, value, of, place, capped(sum(n)) as n, min(lowest) as lowest, max(highest) as highest
        from lines
        cross join lateral (values
            ('startup', startup_buckets, startup_counts, startup_min_ms, startup_max_ms),
            ('rebuffer', rebuffer_buckets, rebuffer_counts, rebuffer_min_ppm, rebuffer_max_ppm),
            ('bitrate', bitrate_buckets, bitrate_counts, bitrate_min_kbps, bitrate_max_kbps),
            ('mos', mos_buckets, mos_counts, mos_min_milli, mos_max_milli)
        ) sketch (of, places, counts, lowest, highest)
        cross join lateral unnest(places, counts) as bucket (place, n)
        group by 1, 2, 3, 4, 5
    ), sketches as (
        select bin, dimension, value, of, array_agg(place order by place) as places, array_agg(n order by place) as counts,
            min(lowest) as lowest, max(highest) as highest
        from buckets group by 1, 2, 3, 4
    )
    select bin, dimension, value, viewers, sessions, started, ended, failed, played_ms, stalled_ms, stalls, errors,
        switches, dropped_frames, rate_sum, rated_ms, buffer_sum_ms, buffers, completion_ppm_sum, completions,
        completed, session_v1_milli_sum, session_v1s, mos_milli_sum, moses, startup_sum_ms, window_v1_sum, window_v1_ms,
        coalesce(startup.places, '{}'), coalesce(startup.counts, '{}'),
        coalesce(startup.lowest, 0), coalesce(startup.highest, 0),
        coalesce(rebuffer.places, '{}'), coalesce(rebuffer.counts, '{}'),
        coalesce(rebuffer.lowest, 0), coalesce(rebuffer.highest, 0),
        coalesce(bitrate.places, '{}'), coalesce(bitrate.counts, '{}'),
        coalesce(bitrate.lowest, 0), coalesce(bitrate.highest, 0),
        coalesce(mos.places, '{}'), coalesce(mos.counts, '{}'), coalesce(mos.lowest, 0), coalesce(mos.highest, 0)
    from sums join peaks using (bin, dimension, value)
    left join (select * from sketches where of = 'startup') startup using (bin, dimension, value)
    left join (select * from sketches where of = 'rebuffer') rebuffer using (bin, dimension, value)
    left join (select * from sketches where of = 'bitrate') bitrate using (bin, dimension, value)
    left join (select * from sketches where of = 'mos') mos using (bin, dimension, value)
$function$;
$sql$;
begin
    -- A line is kept under its own day, or under that of its arrival: never an earlier one.
    execute format(template, 'qoe_of_windows', 'windows',
        'and line.day >= (since at time zone ''UTC'')::date',
        'window_v1 * played_ms', 'case when window_v1 is not null then played_ms end', 'sessions');
    execute $hourly$
        create materialized view qoe_hourly as
        select * from qoe_of_windows(
            interval '1 hour', date_trunc('hour', now(), 'UTC') - interval '35 days', 'infinity')
    $hourly$;
    execute format(template, 'qoe_of_hours', 'qoe_hourly', '', 'window_v1_sum', 'window_v1_ms', 'viewers');
end $body$;

-- What a concurrent refresh needs, and what a question looks by.
create unique index qoe_hourly_dimension_value_start_at on qoe_hourly (dimension, value, start_at);
create index qoe_hourly_dimension_start_at on qoe_hourly (dimension, start_at);
