-- Makes the partition of `parent` for [lower, upper) unless it is there; true when it made one.
--
-- Attached instead of created in place: that leaves writers of other partitions undisturbed.
create function make_partition(parent text, lower date, upper date) returns boolean
language plpgsql as $$
declare
    name text := parent || '_' || to_char(lower, 'YYYYMMDD')
                 || case when upper - lower = 1 then '' else '_' || to_char(upper, 'YYYYMMDD') end;
begin
    if to_regclass(name) is not null then
        return false;
    end if;
    -- One maker at a time; it holds the lock until its transaction ends.
    perform pg_advisory_xact_lock(hashtext('frontrow.partitions'));
    -- Asked of the table, since the cached answer may be older than the lock.
    if exists (select from pg_inherits join pg_class on pg_class.oid = inhrelid
               where inhparent = to_regclass(parent) and relname = name) then
        return false;
    end if;
    execute format('create table %I (like %I including defaults including constraints)', name, parent);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)',
                   parent, name, lower::text || ' 00:00:00+00', upper::text || ' 00:00:00+00');
    return true;
end $$;

-- Days that already have a place, be it a partition of a day or of a month.
create function partitioned_ranges(parent text) returns table (lower date, upper date)
language sql stable as $$
    select (bounds[1]::timestamptz at time zone 'UTC')::date, (bounds[2]::timestamptz at time zone 'UTC')::date
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    cross join lateral regexp_match(
        pg_get_expr(child.relpartbound, child.oid), $re$FROM \('([^']+)'\) TO \('([^']+)'\)$re$) as bounds
    where inhparent = to_regclass(parent)
$$;
