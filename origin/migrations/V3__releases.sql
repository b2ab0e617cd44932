-- What was published, what each channel points to, and who did what.

create table releases (
    generation      bigint primary key check (generation > 0),
    parent          bigint references releases,
    created_at      timestamptz not null default now(),
    manifest_sha256 text not null check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    manifest        jsonb not null
);

create table channels (
    channel    text primary key check (channel ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    generation bigint not null references releases,
    changed_at timestamptz not null default now()
);

create table audit (
    entry   bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    -- The account of the operating system, or the node.
    actor   text not null,
    action  text not null,
    subject text not null,
    detail  jsonb not null default '{}'
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append only' using errcode = 'insufficient_privilege';
end $$;

create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();
