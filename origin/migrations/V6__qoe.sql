-- What operators ask: windows of all nodes as one, by five minutes, hour and day.

-- A sum that one nonsensical line has carried away must not make every question fail.
create function capped(total numeric) returns bigint language sql immutable parallel safe as $$
    select least(coalesce(total, 0), 9223372036854775807)::bigint
$$;

-- The middle of a bucket: numbers below 64 have one each, above every power of two is cut into 32.
create function sketch_middle(place integer) returns bigint language sql immutable parallel safe as $$
    select ((place - (shift << 5))::bigint << shift) + (((1::bigint << shift) - 1) >> 1)
    from (select greatest((place >> 5) - 1, 0) as shift) shifted
$$;

-- The number that so many thousandths of all are not above, to within 1/64; none without any.
create function sketch_quantile(
    buckets integer[], counts bigint[], lowest bigint, highest bigint, per_mille integer
) returns bigint language sql immutable parallel safe as $$
    select case when cardinality(counts) > 0 then least(greatest((
        select sketch_middle(place)
        from (select place, sum(n) over (order by place) as seen, sum(n) over () as total
              from unnest(buckets, counts) as bucket (place, n)) running
        where seen >= greatest(ceil(total * per_mille / 1000), 1)
        order by place limit 1), lowest), highest) end
$$;

-- Lines of windows added up by steps of time; `viewers` is the most sessions that one window saw.
--
-- Made twice of one text: from windows, and from hours, which are the same added up already.
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
    mos_milli_sum bigint, moses bigint, startup_buckets integer[], startup_counts bigint[], startup_sum_ms bigint,
    startup_min_ms bigint, startup_max_ms bigint, window_v1_sum double precision, window_v1_ms double precision
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
            coalesce(min(startup_min_ms) filter (where cardinality(startup_counts) > 0), 0) as startup_min_ms,
            coalesce(max(startup_max_ms) filter (where cardinality(startup_counts) > 0), 0) as startup_max_ms,
            coalesce(sum(%4$s), 0) as window_v1_sum, coalesce(sum(%5$s), 0) as window_v1_ms
        from lines group by 1, 2, 3
    ), peaks as (
        select bin, dimension, value, max(viewers) as viewers
        from (select bin, start_at, dimension, value, capped(sum(%6$s)) as viewers
              from lines group by 1, 2, 3, 4) moments
        group by 1, 2, 3
    ), buckets as (
        select bin, dimension, value, place, capped(sum(n)) as n
        from lines, unnest(startup_buckets, startup_counts) as bucket (place, n)
        group by 1, 2, 3, 4
    ), sketches as (
        select bin, dimension, value, array_agg(place order by place) as places, array_agg(n order by place) as counts
        from buckets group by 1, 2, 3
    )
    select bin, dimension, value, viewers, sessions, started, ended, failed, played_ms, stalled_ms, stalls, errors,
        switches, dropped_frames, rate_sum, rated_ms, buffer_sum_ms, buffers, completion_ppm_sum, completions,
        completed, session_v1_milli_sum, session_v1s, mos_milli_sum, moses, coalesce(places, '{}'),
        coalesce(counts, '{}'), startup_sum_ms, startup_min_ms, startup_max_ms, window_v1_sum, window_v1_ms
    from sums join peaks using (bin, dimension, value) left join sketches using (bin, dimension, value)
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

-- When the hours were added up last, and how long that took.
create table qoe_refreshes (
    only_line    boolean primary key default true check (only_line),
    refreshed_at timestamptz not null,
    took_ms      bigint not null
);

-- Drops the partitions of `parent` that end on or before `first_kept`; how many.
create function drop_partitions(parent text, first_kept date) returns integer language plpgsql as $$
declare
    child regclass;
    dropped integer := 0;
begin
    -- A reader or writer that is in the way has its turn; the next look drops what is left.
    perform set_config('lock_timeout', '5s', true);
    perform pg_advisory_xact_lock(hashtext('frontrow.partitions'));
    for child in
        select inhrelid::regclass from pg_inherits join pg_class child on child.oid = inhrelid
        cross join lateral regexp_match(
            pg_get_expr(child.relpartbound, child.oid), $re$TO \('([^']+)'\)$re$) as upper
        where inhparent = to_regclass(parent) and (upper[1]::timestamptz at time zone 'UTC')::date <= first_kept
    loop
        execute format('drop table %s', child);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;
